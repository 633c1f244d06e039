"""Proves that a pipeline gives what its notebook gives: runs both and compares what each promoted cell shows."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Literal

from cellmill.errors import CellmillError
from cellmill.notebook import read_notebook
from cellmill.notebook.installs import installs_in
from cellmill.promote.comparison import compare_outputs

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from cellmill.notebook.cells import Notebook
    from cellmill.run.events import Listener

CellState = Literal["equal", "different", "ignored", "missing"]


@dataclass(frozen=True)
class CellVerdict:
    """What verification found for one promoted cell.

    Attributes
    ----------
    number, cell_id
        The cell in the notebook, numbered from 1 over all cells.
    task
        The task that runs it; ``None`` for a shared cell, which runs as part of a module.
    state
        ``ignored``: nbval's tags or comments say so, or the cell runs as a module; ``missing``: its task never ran it.
    difference
        For ``different``: a unified diff, notebook first.
    """

    number: int
    cell_id: str
    task: str | None
    state: CellState
    difference: str = ""


@dataclass(frozen=True)
class Verification:
    """Whether pipeline and notebook give the same, and where not.

    Attributes
    ----------
    notebook, folder
        The notebook that was run, and the pipeline's folder (which may have been a temporary one: see ``notes``).
    cells
        One verdict for each promoted cell, in notebook order.
    notebook_failure, run_failure
        A sentence each, if the notebook or the pipeline failed.
    notes
        What a reader has to know about what was compared.
    seconds
        The time that all of it took.
    """

    notebook: Path
    folder: Path
    cells: tuple[CellVerdict, ...]
    notebook_failure: str | None = None
    run_failure: str | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """True if nothing failed and no promoted cell shows something else."""
        failed = self.notebook_failure or self.run_failure
        return not failed and not any(cell.state in ("different", "missing") for cell in self.cells)

    @property
    def summary(self) -> str:
        """What to tell the user: differences listed by cell, then the count."""
        parts = [*self.notes]
        parts += [f"The notebook itself fails: {self.notebook_failure}"] if self.notebook_failure else []
        parts += [f"The pipeline fails: {self.run_failure}"] if self.run_failure else []
        parts += [_told(cell) for cell in self.cells if cell.state == "different"]
        parts += self._not_reached()
        return "\n".join([*parts, self._count()])

    def as_dict(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        fields = asdict(self) | {"notebook": str(self.notebook), "folder": str(self.folder)}
        return {"equal": self.equal, **fields}

    def _not_reached(self) -> list[str]:
        cells = [str(cell.number) for cell in self.cells if cell.state == "missing"]
        return [f"Not reached in the pipeline: cell {', '.join(cells)}"] if cells else []

    def _count(self) -> str:
        if self.notebook_failure:
            return f"{self.notebook.name}: nothing was compared."
        count = Counter(cell.state for cell in self.cells)
        compared = count["equal"] + count["different"]
        aside = f"; {_cells(count['ignored'])} not compared" if count["ignored"] else ""
        if self.run_failure:
            return (
                f"{self.notebook.name}: only {_cells(compared)} could be compared; {count['different']} of them differ."
            )
        if count["different"]:
            return f"{self.notebook.name}: {count['different']} of {_cells(compared)} differ in the pipeline{aside}."
        return f"{self.notebook.name}: {_cells(compared)} show the same in the pipeline{aside}."


def verify(path: Path, *, listeners: Sequence[Listener] = ()) -> Verification:
    """Run a notebook whole, run its pipeline, and compare what each promoted cell shows.

    The notebook runs in one fresh kernel in its own folder, every cell of it; the pipeline runs forced, into a
    temporary folder, with the parameters that stand in the notebook. Neither is recorded in MLflow, and nothing in the
    pipeline's folder changes.

    Parameters
    ----------
    path
        A notebook or a pipeline's folder. A notebook whose pipeline is missing or not current is promoted to a
        temporary folder.
    listeners
        Told of the pipeline's run as it happens.

    Raises
    ------
    CellmillError
        If ``path`` is neither, or the notebook can't be promoted.
    """
    began = time.monotonic()
    scratch = Path(mkdtemp(prefix="cellmill-verify-"))
    kept = False
    try:
        found = _verify(Path(path), scratch, listeners)
        # The failure's sentence names the executed notebook to open.
        kept = found.run_failure is not None
        return replace(found, seconds=time.monotonic() - began)
    finally:
        if not kept:
            shutil.rmtree(scratch, ignore_errors=True)


def _verify(path: Path, scratch: Path, listeners: Sequence[Listener]) -> Verification:
    folder, notes = _pipeline_of(path, scratch)
    provenance = read_provenance(folder)
    source = Path(os.path.normpath(folder / provenance["notebook"]))
    notebook = read_notebook(source)
    if notebook.sha256 != provenance["notebook_sha256"]:
        notes.append(
            f"{source.name} has changed since it was promoted; `cellmill promote` brings the pipeline up to date."
        )
    outputs, failure = _run_notebook(notebook, scratch)
    if failure is not None:
        return Verification(source, folder, (), notebook_failure=failure, notes=tuple(notes))
    run_failure = _run_pipeline(folder, scratch, listeners)
    executed = executed_cells(scratch / "output", provenance["steps"])
    cells = _verdicts(notebook, outputs, executed, provenance, sanitizing(folder))
    return Verification(source, folder, cells, run_failure=run_failure, notes=tuple(notes))


def read_provenance(folder: Path) -> dict[str, Any]:
    """Read what promotion wrote down about a pipeline folder.

    Raises
    ------
    CellmillError
        If the folder is not a promoted pipeline.
    """
    try:
        provenance: dict[str, Any] = json.loads((folder / ".promotion.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CellmillError(
            "not a promoted pipeline: its .promotion.json is missing or can't be read",
            notebook=folder,
            remedy="name a notebook or a folder that `cellmill promote` wrote",
        ) from error
    return provenance


def sanitizing(folder: Path) -> str | None:
    """Return the pipeline's own nbval patterns, if it has a file of them."""
    path = folder / "tests" / "nbval.cfg"
    return path.read_text(encoding="utf-8") if path.exists() else None


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


def _pipeline_of(path: Path, scratch: Path) -> tuple[Path, list[str]]:
    if path.is_dir():
        return path.resolve(), []
    if path.name == "pipeline.yaml":
        return path.resolve().parent, []
    from cellmill.promote import diff_plan, make_plan, write_plan

    plan = make_plan(path)
    if plan.folder.exists() and not diff_plan(plan):
        return plan.folder, []
    state = "is not what this notebook promotes to" if plan.folder.exists() else "does not exist yet"
    temporary = make_plan(path, into=scratch / "pipelines")
    write_plan(temporary)
    return temporary.folder, [f"{plan.folder.name} {state}: the notebook was promoted to a temporary folder."]


def _run_notebook(notebook: Notebook, scratch: Path) -> tuple[list[list[dict[str, Any]]], str | None]:
    """Execute a copy of the notebook in memory, as a run executes tasks; return each cell's outputs, or what failed."""
    from papermill.engines import papermill_engines
    from papermill.iorw import load_notebook_node

    from cellmill.run.engine import ENGINE, Execution, register
    from cellmill.run.quiet import quiet_dependencies
    from cellmill.run.stop import StopSwitch

    environment = untracked(scratch) | {"JPY_SESSION_NAME": str(notebook.path.resolve())}
    execution = Execution(
        step=notebook.name,
        folder=str(notebook.path.resolve().parent),
        timeout=None,
        attempts=1,
        stop=StopSwitch(),
        started=lambda _attempt: environment,
        cell=lambda _number, _cells, _cell_id: None,
        retried=lambda _attempt, _failure: None,
    )
    with quiet_dependencies():
        register()
        # Not papermill.execute_notebook: it takes each error for a failure, those of cells tagged raises-exception too.
        node = papermill_engines.execute_notebook_with_engine(
            ENGINE,
            load_notebook_node(str(notebook.path)),
            kernel_name=_kernel_name(notebook.kernel),
            progress_bar=False,
            log_output=False,
            execution=execution,
        )
    failure = execution.failure
    if failure is None:
        return [[dict(output) for output in cell.get("outputs", ())] for cell in node.cells], None
    where = f"cell {failure.index + 1}: " if failure.index is not None else ""
    return [], f"{where}{failure.name}: {failure.value}"


def _kernel_name(wanted: str) -> str:
    """Return the notebook's kernel, or this environment's where that one is not installed."""
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager, NoSuchKernel

    try:
        KernelSpecManager().get_kernel_spec(wanted)
    except NoSuchKernel:
        return NATIVE_KERNEL_NAME
    return wanted


def untracked(folder: Path) -> dict[str, str]:
    """Make a kernel's environment in which what the author's cells log to MLflow goes to ``folder``."""
    return {
        "CELLMILL_VERIFYING": "1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{(folder / 'mlflow.db').as_posix()}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _run_pipeline(folder: Path, scratch: Path, listeners: Sequence[Listener]) -> str | None:
    from cellmill.run import run_pipeline

    result = run_pipeline(
        folder,
        parameters=_notebook_parameters(folder),
        force=True,
        listeners=listeners,
        task_environment=lambda _task: untracked(scratch),
        output=scratch / "output",
    )
    if result.state == "succeeded":
        return None
    return result.failure.sentence if result.failure is not None else f"the run was {result.state}"


def _notebook_parameters(folder: Path) -> dict[str, Any]:
    """Return the values that stand in the notebook, where env.yaml has others."""
    from cellmill.run.folder import accepted_parameters, read_pipeline

    current = read_pipeline(folder).parameters
    defaults = {name: declared.default for name, declared in accepted_parameters(folder).items()}
    return {name: value for name, value in defaults.items() if current.get(name, value) != value}


def _verdicts(
    notebook: Notebook,
    outputs: Sequence[Sequence[Mapping[str, Any]]],
    executed: Mapping[str, NotebookNode],
    provenance: Mapping[str, Any],
    patterns: str | None,
) -> tuple[CellVerdict, ...]:
    verdicts = []
    for cell in notebook.cells:
        if cell.kind != "code" or cell.id not in provenance["cells"]:
            continue
        task = provenance["cells"][cell.id]["task"]
        if task is None:
            verdicts.append(CellVerdict(cell.number, cell.id, None, "ignored"))
            continue
        if cell.id not in executed:
            verdicts.append(CellVerdict(cell.number, cell.id, task, "missing"))
            continue
        found = compare_outputs(
            outputs[cell.number - 1],
            executed[cell.id].outputs,
            # What an installation says is not the pipeline's, which does without it.
            tags=(*cell.tags, "nbval-ignore-output") if installs_in(cell) else cell.tags,
            source=cell.source,
            patterns=patterns,
            titles=(f"{notebook.path.name}, cell {cell.number}", f"task {task}"),
        )
        verdicts.append(CellVerdict(cell.number, cell.id, task, found.state, found.difference))
    return tuple(verdicts)


def _told(cell: CellVerdict) -> str:
    return f"Cell {cell.number} (task {cell.task}) differs:\n{cell.difference}\n"


def _cells(count: int) -> str:
    return f"{count} cell" if count == 1 else f"{count} cells"
