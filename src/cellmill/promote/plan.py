"""The plan: everything that a pipeline folder will hold, decided before a byte is written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellmill.dataflow import Dataflow
from cellmill.errors import CellmillError, shown
from cellmill.findings import Finding
from cellmill.notebook import project_root, read_notebook, read_steps
from cellmill.notebook.cells import Notebook
from cellmill.notebook.installs import installs_in
from cellmill.notebook.steps import Steps
from cellmill.observe import analyse_notebook
from cellmill.promote import base, provenance, spec
from cellmill.promote.local_modules import tracked_modules
from cellmill.promote.marks import findings_on_marks
from cellmill.promote.names import check_name, pipeline_name
from cellmill.promote.parameters import Parameter, read_parameters
from cellmill.promote.readme import readme
from cellmill.promote.reference import ReferenceCell, ReferenceTask, reference_files
from cellmill.promote.requirements import requirements_lock
from cellmill.promote.rules import check_plan
from cellmill.promote.shared import SharedModule, shared_module
from cellmill.promote.tasks import TaskFile, task_cells, task_file
from cellmill.readiness import check_steps
from cellmill.readiness.ignores import apply_ignores
from cellmill.readiness.settings import own_sections, read_ignores
from cellmill.rules.folder import UndecidedConflict

# In a review the base says nothing that the files themselves don't.
GITATTRIBUTES = f"{base.FILE} -diff linguist-generated\n"
GITIGNORE = "/output/\n/tests/.build/\n__pycache__/\n.ipynb_checkpoints/\n"
# Made once, then the engineer's: promotion does not touch them again.
SEEDED = ("env.test.yaml", "tests/nbval.cfg")


class PromotionRefused(CellmillError):
    """The notebook can't be promoted.

    ``findings`` say why; or ``conflicts`` (one sentence each) and ``preview`` (a diff with git's marks) show where
    edits made by hand and the notebook's changes can't both be right.
    """

    def __init__(
        self,
        message: str,
        findings: tuple[Finding, ...] = (),
        *,
        conflicts: tuple[str, ...] = (),
        preview: str = "",
        **keywords: Any,
    ) -> None:
        super().__init__(message, **keywords)
        self.findings = findings
        self.conflicts = conflicts
        self.preview = preview


@dataclass(frozen=True)
class Plan:
    """What promotion would write.

    Attributes
    ----------
    name, folder
        The pipeline and the folder that it would be written to (absolute).
    files
        Path below the folder (POSIX) to content.
    findings
        Warnings; a notebook with errors has no plan.
    ignored
        Findings that comments or the pipeline's settings ignore, with the reason.
    """

    name: str
    folder: Path
    files: dict[str, bytes]
    findings: tuple[Finding, ...]
    steps: Steps
    dataflow: Dataflow
    parameters: tuple[Parameter, ...]
    ignored: tuple[Finding, ...] = ()


def readiness(notebook_path: Path) -> tuple[Finding, ...]:
    """All findings about a notebook, errors and warnings, in cell order."""
    return read(notebook_path)[2]


def read(notebook_path: Path) -> tuple[Steps, Dataflow, tuple[Finding, ...]]:
    """A notebook's steps, dataflow and all findings, for who wants to show them."""
    return read_cells(read_notebook(notebook_path))


def read_cells(notebook: Notebook) -> tuple[Steps, Dataflow, tuple[Finding, ...]]:
    """The same for a notebook that has been read, or that an editor holds unsaved."""
    found = examine(notebook)
    return found.steps, found.dataflow, found.findings


@dataclass(frozen=True)
class Examined:
    """A notebook, read: what stands between it and its promotion, and what is ignored of that."""

    steps: Steps
    dataflow: Dataflow
    findings: tuple[Finding, ...]
    ignored: tuple[Finding, ...] = ()


def examine(notebook: Notebook, folder: Path | None = None) -> Examined:
    """Read a notebook's steps, dataflow and all findings.

    Parameters
    ----------
    notebook
        A notebook that has been read, or that an editor holds unsaved.
    folder
        The pipeline's folder, whose settings may ignore findings; by default the one that promotion writes to.
    """
    steps, reading = read_steps(notebook)
    dataflow = analyse_notebook(steps)
    folder = folder or pipeline_folder(notebook.path)
    found = [
        *reading,
        *dataflow.findings,
        *check_plan(steps),
        *check_steps(steps),
        *findings_on_marks(folder, notebook.path),
    ]
    settings, problems = read_ignores(folder)
    standing, ignored = apply_ignores(found, steps, settings, problems)
    return Examined(steps, dataflow, _in_cell_order(standing), _in_cell_order(ignored))


def _in_cell_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda one: (one.cell or 0, one.line or 0, one.code)))


def pipeline_folder(notebook_path: Path, *, name: str | None = None, into: Path | None = None) -> Path:
    """The folder that a notebook is promoted to."""
    notebook_path = Path(notebook_path).absolute()
    pipeline = check_name(name) if name else pipeline_name(notebook_path.stem)
    return ((into or project_root(notebook_path.parent) / "pipelines") / pipeline).absolute()


def make_plan(notebook_path: Path, *, name: str | None = None, into: Path | None = None) -> Plan:
    """Decide what a notebook's pipeline folder will hold.

    Parameters
    ----------
    notebook_path
        The notebook.
    name
        The pipeline's name; by default made from the notebook's file name.
    into
        The folder that holds pipelines; by default ``pipelines`` in the project's root.

    Raises
    ------
    PromotionRefused
        If readiness has errors.
    CellmillError
        If the notebook can't be read or the name can't be used.
    """
    return plan_notebook(read_notebook(Path(notebook_path).absolute()), name=name, into=into)


def plan_notebook(notebook: Notebook, *, name: str | None = None, into: Path | None = None) -> Plan:
    """The same for a notebook that has been read; its path is absolute."""
    notebook_path = notebook.path
    folder = pipeline_folder(notebook_path, name=name, into=into)
    examined = examine(notebook, folder)
    steps, dataflow, findings = examined.steps, examined.dataflow, examined.findings
    # Marks in the folder are no fault of the notebook: who writes there decides whether they may go.
    findings = tuple(one for one in findings if one.code != UndecidedConflict.code)
    errors = [one for one in findings if one.severity == "error"]
    if errors:
        command = f"cellmill check {shown(notebook_path)}"
        more = f" (and {len(errors) - 1} more: see `{command}`)" if len(errors) > 1 else ""
        first = errors[0]
        raise PromotionRefused(
            f"not ready for promotion: {first.message}{more}",
            findings,
            notebook=notebook_path,
            cell=first.cell,
            line=first.line,
            remedy=first.remedy,
        )
    pipeline = folder.name
    parameters = read_parameters(steps)
    files = _files(pipeline, folder, steps, dataflow, parameters)
    return Plan(pipeline, folder, files, findings, steps, dataflow, parameters, examined.ignored)


def _encoded(name: str, content: str, notebook: Path) -> bytes:
    try:
        return content.encode()
    except UnicodeEncodeError as error:
        line = content[: error.start].count("\n")
        raise CellmillError(
            f"{name} can't be written: there is half a character (a lone surrogate) in `{_line(content, line)}`",
            notebook=notebook,
            remedy="type that character anew",
        ) from None


def _line(content: str, number: int) -> str:
    return content.split("\n")[number].strip().encode("ascii", "backslashreplace").decode()[:60]


def _files(
    pipeline: str, folder: Path, steps: Steps, dataflow: Dataflow, parameters: tuple[Parameter, ...]
) -> dict[str, bytes]:
    source = Path(os.path.relpath(steps.notebook.path, folder)).as_posix()
    workdir = Path(os.path.relpath(steps.notebook.path.parent, folder)).as_posix()
    shared = shared_module(steps, dataflow, parameters)
    tasks = _tasks(pipeline, steps, dataflow)
    common = [shared.text] if shared is not None else []
    modules = {name: tracked_modules(steps, folder, [task.text, *common]) for name, task in tasks.items()}
    text = {
        ".gitattributes": GITATTRIBUTES,
        ".gitignore": GITIGNORE,
        "README.md": readme(pipeline, steps, dataflow, parameters, source),
        "cellmill.yaml": spec.cellmill_yaml(pipeline, steps, parameters, source) + own_sections(folder),
        "env.test.yaml": spec.env_yaml(pipeline, parameters, workdir, profile="test"),
        "env.yaml": spec.env_yaml(pipeline, parameters, workdir),
        "pipeline.yaml": spec.pipeline_yaml(pipeline, steps, dataflow, parameters, source, modules),
        "requirements.lock": requirements_lock(steps),
        f"{pipeline}_handover.py": Path(__file__).with_name("handover.py").read_text(encoding="utf-8"),
        **{f"tasks/{name}.py": task.text for name, task in tasks.items()},
    }
    if shared is not None:
        text[f"{pipeline}_shared.py"] = shared.text
    files = {name: _encoded(name, content, steps.notebook.path) for name, content in text.items()}
    files |= reference_files(pipeline, _reference_tasks(tasks, dataflow), shared.defined if shared else None)
    files = dict(sorted(files.items()))
    cells = _cells(pipeline, steps, tasks, shared)
    stamped = {name: content for name, content in files.items() if name not in SEEDED}
    files[provenance.FILE] = provenance.as_bytes(
        provenance.provenance(pipeline, steps, dataflow, cells, stamped, source)
    )
    files[base.FILE] = base.base_file(stamped)
    return files


def _tasks(pipeline: str, steps: Steps, dataflow: Dataflow) -> dict[str, TaskFile]:
    by_name = {step.name: step for step in steps.steps}
    handover = f"{pipeline}_handover"
    return {
        str(flow.name): task_file(
            by_name[flow.name], flow, steps, dataflow, pipeline=pipeline, cells=task_cells(by_name[flow.name], handover)
        )
        for flow in dataflow.steps
    }


def _reference_tasks(tasks: dict[str, TaskFile], dataflow: Dataflow) -> list[ReferenceTask]:
    found = []
    for flow in dataflow.steps:
        cells = [
            ReferenceCell(
                str(one.tagged.cell.id),
                one.source,
                # What an installation says is not the pipeline's, which does without it.
                (*one.tagged.cell.tags, *(("nbval-ignore-output",) if installs_in(one.tagged.cell) else ())),
                one.tagged.cell.outputs,
                one.tagged.cell.execution_count,
            )
            for one in tasks[str(flow.name)].cells
        ]
        found.append(ReferenceTask(str(flow.name), tuple(str(name) for name in flow.upstream), tuple(cells)))
    return found


def _cells(
    pipeline: str, steps: Steps, tasks: dict[str, TaskFile], shared: SharedModule | None
) -> dict[str, dict[str, Any]]:
    """For each promoted cell: where it is in the folder, and how its lines there are counted."""
    found: dict[str, dict[str, Any]] = {}
    for name, task in tasks.items():
        for one in task.cells:
            entry: dict[str, Any] = {
                "number": one.tagged.cell.number,
                "task": name,
                "file": f"tasks/{name}.py",
                "line": task.lines.get(str(one.tagged.cell.id), 1),
                "dropped": one.dropped,
            }
            if one.tagged.role.kind == "check":
                entry["check"] = True
            found[str(one.tagged.cell.id)] = entry
    for tagged in steps.shared if shared else ():
        found[str(tagged.cell.id)] = {
            "number": tagged.cell.number,
            "task": None,
            "file": f"{pipeline}_shared.py",
            "line": shared.lines.get(str(tagged.cell.id), 1) if shared else 1,
            "dropped": 0,
        }
    return dict(sorted(found.items(), key=lambda one: one[1]["number"]))
