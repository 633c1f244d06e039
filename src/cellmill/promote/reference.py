"""Makes the files of a pipeline's ``tests/``: nbval reference notebooks with outputs, and pytest for the shared module."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ReferenceCell:
    """One cell of a task with what the notebook says that it shows.

    Attributes
    ----------
    cell_id
        The source cell's id, as in the task's ``cell`` metadata.
    source
        The cell's text as it stands in the task.
    tags
        The source cell's tags; nbval's own (``nbval-ignore-output``, ``nbval-skip``, ``raises-exception`` ...) count.
    outputs
        The outputs saved in the notebook, as in nbformat.
    execution_count
        The saved count; ``None`` together with no outputs means that nobody knows what the cell shows.
    """

    cell_id: str
    source: str
    tags: tuple[str, ...] = ()
    outputs: tuple[dict[str, Any], ...] = ()
    execution_count: int | None = None


@dataclass(frozen=True)
class ReferenceTask:
    """One task: its name, the tasks it takes from, and its cells (checks included) in the task's order."""

    name: str
    upstream: tuple[str, ...]
    cells: tuple[ReferenceCell, ...]


def reference_files(
    name: str,
    tasks: Sequence[ReferenceTask],
    shared_names: Sequence[str] | None,
    *,
    kernel: str = "python3",
) -> dict[str, bytes]:
    """Make every file below ``tests/`` of a pipeline folder.

    Parameters
    ----------
    name
        The pipeline's name; its modules are ``NAME_shared.py`` and ``NAME_handover.py``.
    tasks
        The pipeline's tasks in notebook order.
    shared_names
        Functions and classes that the shared module defines; ``None`` if the pipeline has no shared module.
    kernel
        The kernelspec that the reference notebooks name.

    Returns
    -------
    dict
        Relative POSIX path (``tests/load.ipynb``) to content. Equal arguments give equal bytes.
    """
    return {f"tests/{task.name}.ipynb": _notebook(task, kernel) for task in tasks}


def _notebook(task: ReferenceTask, kernel: str) -> bytes:
    cells: list[dict[str, Any]] = [_code_cell(cell.cell_id, cell.source, cell.outputs, cell.tags) for cell in task.cells]
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": {"display_name": kernel, "language": "python", "name": kernel}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _code_cell(cell_id: str, source: str, outputs: Sequence[dict[str, Any]], tags: Sequence[str]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell_id,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": list(outputs),
        "source": source,
    }
