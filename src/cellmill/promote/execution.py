"""Runs what verification compares: the notebook whole in one kernel, the pipeline into a temporary folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cellmill.notebook import project_root
from cellmill.observe.execute import kernel_name
from cellmill.promote import file_probe
from cellmill.promote.crossings import Crossing, Probes

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from cellmill.notebook.cells import Notebook
    from cellmill.run.events import Listener

_NUMBER = "cellmill_number"
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
    notebook: Notebook, scratch: Path, crossing: Sequence[Crossing], *, name: str, parameters: Mapping[str, Any]
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
    """
    from papermill.engines import papermill_engines
    from papermill.iorw import load_notebook_node

    from cellmill.run.engine import ENGINE, Execution, register
    from cellmill.run.quiet import quiet_dependencies
    from cellmill.run.stop import StopSwitch

    probes = _probes(crossing, scratch, name, notebook.path)
    environment = kernel_environment(scratch) | {"JPY_SESSION_NAME": str(notebook.path.resolve())}

    opened = probes.folder / "opened"
    watching = [_watch(opened, project_root(notebook.path.resolve().parent))]

    def beside(moment: Literal["before", "after"], cell: Any) -> str | None:
        code = probes.in_notebook(moment, cell.metadata.get(_NUMBER))
        return "\n".join([watching.pop(), *([code] if code else [])]) if watching else code

    execution = Execution(
        step=notebook.name,
        folder=str(notebook.path.resolve().parent),
        timeout=None,
        attempts=1,
        stop=StopSwitch(),
        started=lambda _attempt: environment,
        cell=lambda _number, _cells, _cell_id: None,
        retried=lambda _attempt, _failure: None,
        beside=beside,
    )
    with quiet_dependencies():
        register()
        node = load_notebook_node(str(notebook.path))
        for number, cell in enumerate(node.cells, start=1):
            cell.metadata[_NUMBER] = number
        _inject(node, notebook, parameters)
        # Not papermill.execute_notebook: it takes each error for a failure, those of cells tagged raises-exception too.
        node = papermill_engines.execute_notebook_with_engine(
            ENGINE,
            node,
            kernel_name=kernel_name(notebook.kernel),
            progress_bar=False,
            log_output=False,
            execution=execution,
        )
    outputs = {
        cell.metadata[_NUMBER]: [dict(output) for output in cell.get("outputs", ())]
        for cell in node.cells
        if _NUMBER in cell.metadata
    }
    failure = execution.failure
    if failure is None:
        return NotebookRun(outputs, probes, opened=opened)
    failed = node.cells[failure.index].metadata.get(_NUMBER) if failure.index is not None else None
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


def untracked(folder: Path) -> dict[str, str]:
    """Make a kernel's environment in which what the author's cells log to MLflow goes to ``folder``."""
    return {
        "CELLMILL_VERIFYING": "1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{(folder / 'mlflow.db').as_posix()}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


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


def _watch(target: Path, root: Path) -> str:
    """An expression that has the kernel note which files it opens."""
    return f"__import__('runpy').run_path({file_probe.__file__!r})['watch']({str(target)!r}, {str(root)!r})"


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
