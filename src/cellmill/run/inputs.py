"""Keeps what a failed task was given: later runs replace the products that it began with."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Runs of a pipeline whose failed tasks' inputs stay; the records themselves stay longer.
KEPT = 10

# Bytes of a file that is copied where it can't be linked.
_LARGEST_COPY = 2**30

_FOLDER = "inputs"
_TASK = "task.ipynb"
_UPSTREAM = "upstream"
# Ploomber's own notes, which it writes again in place.
_HIDDEN = shutil.ignore_patterns(".*")
_NAME = re.compile(r"\w[\w.-]*")
# What Ploomber gives a task beside its parameters.
_OWN = ("upstream", "product", "resources_")


@dataclass(frozen=True)
class RanCell:
    """A cell of an executed task; ``cell_id`` is the source cell's, None for what promotion wrote."""

    source: str
    cell_id: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class RanTask:
    """A task as it ran, read from its executed notebook.

    Attributes
    ----------
    cells
        Its code cells, those that were added at the front too.
    upstream
        By the upstream task's name the manifest of its variables.
    handover, shared
        The modules that it read its inputs with; ``shared`` may name a file that is not there.
    """

    cells: tuple[RanCell, ...]
    upstream: Mapping[str, Path] = field(default_factory=dict)
    handover: Path = Path()
    shared: Path = Path()

    @classmethod
    def read(cls, executed: Path) -> RanTask:
        """Read an executed notebook.

        Raises
        ------
        OSError, ValueError
            If it can't be read, or is not that of a promoted pipeline's task.
        """
        cells = tuple(_cell(one) for one in _content(executed)["cells"] if one.get("cell_type") == "code")
        given = next((own_values(one.source) for one in cells if "injected-parameters" in one.tags), {})
        modules = given.get("resources_")
        if not isinstance(modules, dict) or not isinstance(modules.get("handover"), str):
            raise ValueError("it names no hand-over module")
        products = given.get("upstream") or {}
        handover = Path(modules["handover"])
        return cls(
            cells,
            {name: Path(product["variables"]) for name, product in products.items()},
            handover,
            handover.with_name(f"{handover.stem.removesuffix('_handover')}_shared.py"),
        )

    def source(self, tag: str) -> str:
        """The source of the first cell with this tag."""
        return next((one.source for one in self.cells if tag in one.tags), "")

    @property
    def own(self) -> tuple[RanCell, ...]:
        """The cells that come from the notebook."""
        return tuple(one for one in self.cells if one.cell_id is not None)


def keep_inputs(record: Path, step: str, executed: Path) -> None:
    """Keep what a task was given, in its run's record: its cells, its modules, and its upstream tasks' variables.

    Variables are linked, not copied, where the file system can: promotion and runs replace these files and never
    change them. What can't be kept is not; reproducing then says so.
    """
    folder = kept_folder(record, step)
    if not _NAME.fullmatch(step):
        return
    partial = folder.with_name(f".{step}.partial")
    try:
        task = RanTask.read(executed)
        (partial / _UPSTREAM).mkdir(parents=True)
        for name, manifest in task.upstream.items():
            if manifest.parent.name != name:
                raise ValueError("not where promotion puts it")
            shutil.copytree(manifest.parent, partial / _UPSTREAM / name, ignore=_HIDDEN, copy_function=_link)
        for module in (task.handover, task.shared):
            if module.exists():
                shutil.copy2(module, partial / module.name)
        # What it printed is in its report, and may be large.
        content = _content(executed)
        content["cells"] = [{**one, "outputs": []} if "outputs" in one else one for one in content["cells"]]
        (partial / _TASK).write_text(json.dumps(content), encoding="utf-8")
        partial.rename(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        shutil.rmtree(partial, ignore_errors=True)


def kept_inputs(record: Path, step: str) -> RanTask | None:
    """What was kept of a task, with the paths at which it is now; None if nothing was."""
    folder = kept_folder(record, step)
    try:
        task = RanTask.read(folder / _TASK)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    upstream = {name: folder / _UPSTREAM / name / manifest.name for name, manifest in task.upstream.items()}
    return RanTask(task.cells, upstream, folder / task.handover.name, folder / task.shared.name)


def kept_folder(record: Path, step: str) -> Path:
    """Where a task's inputs are kept."""
    return record / _FOLDER / step


def with_inputs(records: list[Path]) -> list[Path]:
    """Those records that hold inputs of a failed task."""
    return [record for record in records if (record / _FOLDER).is_dir()]


def forget_inputs(record: Path) -> None:
    """Take away what was kept of a run's tasks."""
    shutil.rmtree(record / _FOLDER, ignore_errors=True)


def own_values(source: str) -> dict[str, Any]:
    """What Ploomber told a task: where its upstream's products, its own and its modules are."""
    found = {}
    for name, node in assignments(source):
        if name in _OWN:
            with suppress(ValueError):
                found[name] = ast.literal_eval(node)
    return found


def without_own(source: str, first: int | None = None) -> str:
    """A parameters cell without what Ploomber put in, each on a line of its own; looked for in the ``first`` lines."""
    lines = source.split("\n")
    own = tuple(f"{name} = " for name in _OWN)
    return "\n".join([*(line for line in lines[:first] if not line.startswith(own)), *lines[len(lines[:first]) :]])


def assignments(source: str) -> list[tuple[str, ast.expr]]:
    """The plain assignments at a cell's top level; none where it is not plain Python."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return []
    found = []
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found.append((node.target.id, node.value))
        elif isinstance(node, ast.Assign):
            found += [(one.id, node.value) for one in node.targets if isinstance(one, ast.Name)]
    return found


def _cell(content: Mapping[str, Any]) -> RanCell:
    metadata = content.get("metadata") or {}
    source = content["source"]
    return RanCell(
        source if isinstance(source, str) else "".join(source), metadata.get("cell"), tuple(metadata.get("tags") or ())
    )


def _content(notebook: Path) -> dict[str, Any]:
    content = json.loads(notebook.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise ValueError("it is not a notebook")
    return content


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        if os.path.getsize(source) > _LARGEST_COPY:
            raise
        return str(shutil.copy2(source, target))
    return target
