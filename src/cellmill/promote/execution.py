"""Runs what verification compares: the notebook whole in one kernel, the pipeline into a temporary folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cellmill.notebook import project_root
from cellmill.observe.execute import NUMBER, run_cells, untracked
from cellmill.observe.kernel_code import call
from cellmill.promote.crossings import Crossing, Probes

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from cellmill.notebook.cells import Notebook
    from cellmill.observe.looks import Looks
    from cellmill.run.events import Listener

_SEED = "PYTHONHASHSEED"


@dataclass(frozen=True)
class NotebookRun:
    """What a run of the notebook showed: each cell's outputs by its number, what crossed, or what failed.

    ``opened`` is a file with a line for each file of the project that it opened.
    """

    outputs: Mapping[int, list[dict[str, Any]]]
    probes: Probes
    failure: str | None = None
    opened: Path = Path()


def run_notebook(
    notebook: Notebook,
    scratch: Path,
    crossing: Sequence[Crossing],
    *,
    name: str,
    parameters: Mapping[str, Any],
    looks: Looks | None = None,
) -> NotebookRun:
    """Execute a copy of the notebook in memory, as a run executes tasks, every cell of it.

    Parameters
    ----------
    notebook
        The notebook; it runs in its own folder.
    scratch
        A folder for what is left behind.
    crossing
        The variables to describe where they cross.
    name
        Names this run's part of ``scratch``.
    parameters
        Values that replace those of the parameters cell, as Papermill does it.
    looks
        Where to look at all variables, for the observed evidence.
    """
    from papermill.iorw import load_notebook_node

    from cellmill.run.quiet import quiet_dependencies

    probes = _probes(crossing, scratch, name, notebook.path)
    opened = probes.folder / "opened"
    root = project_root(notebook.path.resolve().parent)
    watching = [call("opened_files", "watch", str(opened), str(root), namespace=False)]

    def beside(moment: Literal["before", "after"], number: int | None) -> str | None:
        code = [probes.in_notebook(moment, number), looks.beside(moment, number) if looks is not None else None]
        if watching:
            code.insert(0, watching.pop())
        return "\n".join(filter(None, code)) or None

    with quiet_dependencies():
        node = load_notebook_node(str(notebook.path))
    for number, cell in enumerate(node.cells, start=1):
        cell.metadata[NUMBER] = number
    _inject(node, notebook, parameters)
    node, failure = run_cells(notebook, node, kernel_environment(scratch), beside)
    outputs = {
        cell.metadata[NUMBER]: [dict(output) for output in cell.get("outputs", ())]
        for cell in node.cells
        if NUMBER in cell.metadata
    }
    if failure is None:
        return NotebookRun(outputs, probes, opened=opened)
    failed = node.cells[failure.index].metadata.get(NUMBER) if failure.index is not None else None
    where = f"cell {failed}: " if failed is not None else ""
    return NotebookRun(outputs, probes, f"{where}{failure.name}: {failure.value}")


def run_tasks(
    folder: Path,
    scratch: Path,
    crossing: Sequence[Crossing],
    *,
    notebook: Path,
    parameters: Mapping[str, Any],
    listeners: Sequence[Listener],
) -> tuple[Probes, str | None]:
    """Run a pipeline, forced, with its products in ``scratch/output``; return its probes, and what failed."""
    from cellmill.run import run_pipeline

    probes = _probes(crossing, scratch, "pipeline", notebook)
    result = run_pipeline(
        folder,
        parameters=parameters,
        force=True,
        listeners=listeners,
        task_environment=lambda _task: kernel_environment(scratch),
        beside=probes.in_task,
        output=scratch / "output",
    )
    if result.state == "succeeded":
        return probes, None
    return probes, result.failure.sentence if result.failure is not None else f"the run was {result.state}"


def values_of(folder: Path, assignments: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """What both sides run with.

    Parameters
    ----------
    folder
        The pipeline's folder.
    assignments
        ``NAME=VALUE`` as the user typed them.

    Returns
    -------
    tuple
        The values that the user gave; what the pipeline is to be told (also where env.yaml has other values than the
        notebook); and the values of all parameters.

    Raises
    ------
    CellmillError
        If a parameter is unknown or its value is not accepted.
    """
    from cellmill.run.folder import accepted_parameters, read_pipeline
    from cellmill.run.parameters import parse_assignments

    accepted = accepted_parameters(folder)
    given = parse_assignments(assignments, accepted, where=folder)
    current = read_pipeline(folder).parameters
    defaults = {name: declared.default for name, declared in accepted.items()}
    differing = {name: value for name, value in defaults.items() if current.get(name, value) != value}
    return given, differing | given, defaults | given


def hash_seed() -> str:
    """The seed with which both sides hash texts: the user's, if there is a fixed one."""
    given = os.environ.get(_SEED, "")
    return given if given.isdecimal() else "0"


def kernel_environment(folder: Path) -> dict[str, str]:
    """The environment of both sides' kernels: untracked, and hashing alike."""
    return untracked(folder) | {_SEED: hash_seed()}


def executed_cells(output: Path, tasks: Sequence[str]) -> dict[str, NotebookNode]:
    """Map the source cell's id to the executed cell, for all tasks whose notebook is there.

    Parameters
    ----------
    output
        The folder of products.
    tasks
        Names of tasks.
    """
    import nbformat

    cells: dict[str, NotebookNode] = {}
    for task in tasks:
        path = output / f"{task}.ipynb"
        if path.exists():
            for cell in nbformat.read(path, as_version=4).cells:  # type: ignore[no-untyped-call]
                # A cell without a count was not reached, unless it is empty.
                reached = cell.get("execution_count") is not None or not cell.source.strip()
                if "cell" in cell.metadata and reached:
                    cells[str(cell.metadata["cell"])] = cell
    return cells


def _probes(crossing: Sequence[Crossing], scratch: Path, name: str, notebook: Path) -> Probes:
    here = scratch / "crossings"
    probes = Probes(tuple(crossing), here / name, here / "content", notebook.resolve().parent)
    for folder in (probes.folder, probes.kept):
        folder.mkdir(parents=True, exist_ok=True)
    return probes


def _inject(node: NotebookNode, notebook: Notebook, parameters: Mapping[str, Any]) -> None:
    """Put a cell with other values after the parameters cell, whether a tag or a magic makes it one."""
    if not parameters:
        return
    from nbformat import v4
    from papermill.translators import translate_parameters

    from cellmill.notebook import read_steps

    last = max((one.cell.number for one in read_steps(notebook)[0].parameters), default=0)
    make: Callable[..., Any] = v4.new_code_cell  # published without types
    source = translate_parameters(notebook.kernel, "python", dict(parameters), "Parameters")
    cell = make(source, metadata={"tags": ["injected-parameters"]})
    if (node.nbformat, node.nbformat_minor) < (4, 5):
        del cell["id"]
    node.cells.insert(last, cell)
