"""Finds a task of an earlier run and what it was given, so that its cells can be run again as they ran."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError, shown
from cellmill.run.history import LoggedRun, list_runs, read_events, record_folders
from cellmill.run.inputs import RanCell, RanTask, kept_inputs, without_own
from cellmill.run.log import RUN_ID
from cellmill.run.origin import Origin

LAST = "last"

# Seconds by which a file's time may be later than the event that tells of it.
_SLACK = 0.1
_HANDOVER = "hand-over"
_STATES = {"running": "still runs", "stopped": "was stopped", "lost": "is lost", "refused": "was refused"}


@dataclass(frozen=True)
class Reproduction:
    """A task of a run with all that is needed to run its cells again.

    Attributes
    ----------
    task
        What the run's record says of it.
    ran
        Its cells and inputs.
    workdir
        The folder that it ran in, if it is known.
    product
        A folder of its own for what the cells record anew; it is made when it is needed.
    overlay
        Values of parameters that are put over those of ``ran``, which then is a later run's.
    notes
        Sentences on what is not as it was.
    """

    run: LoggedRun
    step: str
    task: Mapping[str, Any]
    ran: RanTask
    workdir: Path | None
    product: Path
    overlay: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def failure(self) -> Mapping[str, Any]:
        """Why it failed; empty if it did not."""
        return self.task.get("failure") or {}

    @property
    def handover(self) -> str:
        """The name of the hand-over module."""
        return self.ran.handover.stem

    @property
    def shared(self) -> str:
        """The name of the module of shared cells."""
        return self.ran.shared.stem

    @property
    def parameters(self) -> str:
        """The cell that sets the parameters."""
        parts = [without_own(self.ran.source("parameters"), 3), without_own(self.ran.source("injected-parameters"))]
        parts += [f"{name} = {_literal(value)}" for name, value in self.overlay.items()]
        return "\n".join(part.strip("\n") for part in parts if part.strip())

    @property
    def setup(self) -> str:
        """Code that gives a kernel what the task began with; needs nothing of cellmill."""
        inputs = self.ran.source("inputs").split("\n")
        # In one cell with what stands above it, it must stand first.
        future = [line for line in inputs if line.startswith("from __future__")]
        upstream = {name: {"variables": str(manifest)} for name, manifest in self.ran.upstream.items()}
        lines = [*future, *(["import os", "", f"os.chdir({str(self.workdir)!r})"] if self.workdir is not None else [])]
        lines += ["", self.parameters, ""] if self.parameters else []
        lines += [
            f"upstream = {upstream!r}",
            f"product = { ({'variables': str(self.product / self.step / 'variables.json')})!r}",
            f"resources_ = { ({'handover': str(self.ran.handover), 'shared': str(self.ran.shared)})!r}",
            *(line for line in inputs if line not in future),
        ]
        return "\n".join(lines)

    @property
    def failed_cell(self) -> RanCell | None:
        """The cell that failed, if it is one of the step's own."""
        cell_id = self.failure.get("cell_id")
        if self.failure.get("kind") == _HANDOVER:
            return None
        return next((one for one in self.ran.own if one.cell_id == cell_id), None)

    @property
    def error(self) -> str:
        """What the task failed with, as Python says it."""
        name, value = self.failure.get("error") or "", self.failure.get("value") or ""
        return f"{name}: {value}" if name and value else name or value


def find_run(root: Path, word: str, *, notebook: Path | None = None) -> LoggedRun:
    """Find a run by what a user calls it.

    Parameters
    ----------
    root
        The project's root.
    word
        An id or its beginning; ``last``: the newest run that failed; the folder of a run's record; or a pipeline's
        folder or its name below the project's ``pipelines``: its newest run that failed.
    notebook
        If given, ``last`` is the newest of this notebook's pipelines.

    Raises
    ------
    CellmillError
        If there is none, or more than one.
    """
    path = Path(word).expanduser()
    if word == LAST:
        return _last_failed(root, None, notebook)
    if RUN_ID.fullmatch(path.name) and path.is_dir():
        run = LoggedRun(path.resolve())
        if run.valid:
            return run
    pipelines = root / "pipelines"
    # An id begins with a digit, a pipeline's name does not.
    for folder in (path, pipelines / word):
        if word and (folder / "pipeline.yaml").is_file():
            return _last_failed(root, folder.resolve(), None)
    found = [record for record in record_folders(root) if record.name.startswith(word)]
    if len(found) > 1 and word:
        raise CellmillError(f"{len(found)} runs begin with {word}", remedy=f"type more of it, as in {found[0].name}")
    if found and word:
        run = LoggedRun(found[0])
        if run.valid:
            return run
    close = get_close_matches(word, [one.parent.name for one in pipelines.glob("*/pipeline.yaml")], n=1)
    if close:
        raise CellmillError(f"there is no run and no pipeline {word}", remedy=f"did you mean {close[0]}?")
    raise CellmillError(f"there is no run {word}", remedy="type `cellmill runs` to see those that there are")


def find_reproduction(run: LoggedRun, step: str | None = None, *, anyway: bool = False) -> Reproduction:
    """Find what a task of a run was given.

    Parameters
    ----------
    step
        By default the first that failed.
    anyway
        Take the products that are there now if those of the run are gone.

    Raises
    ------
    CellmillError
        If the step did not run, or what it was given is gone.
    """
    task = _task(run, step)
    name = str(task["name"])
    began: dict[str, Any] = {}
    events = read_events(run.record)
    for event in events:
        if event.get("kind") == "run-started":
            began = event.get("data") or {}
    workdir = began.get("workdir")
    kept = kept_inputs(run.record, name)
    found = Reproduction(
        run,
        name,
        task,
        kept or RanTask(()),
        Path(workdir) if isinstance(workdir, str) else None,
        run.record / "again",
        {},
    )
    if kept is not None:
        return found
    return _from_products(found, events, anyway=anyway)


def source_notebook(found: Reproduction) -> Path | None:
    """The notebook that the task comes from, if it is still there."""
    named = [found.failure.get("notebook")]
    if found.run.pipeline is not None:
        named.append(Origin.read(found.run.pipeline).notebook)
    paths = [Path(one) for one in named if one]
    return next((path for path in paths if path.suffix == ".ipynb" and path.is_file()), None)


def _last_failed(root: Path, pipeline: Path | None, notebook: Path | None) -> LoggedRun:
    for run in list_runs(root, pipeline=pipeline):
        if _failed(run.as_dict()["tasks"]) is None:
            continue
        source = Origin.read(run.pipeline).notebook if run.pipeline is not None and notebook is not None else None
        if notebook is None or source == notebook.resolve():
            return run
    what = f" of {notebook.name}" if notebook is not None else f" of {shown(pipeline)}" if pipeline is not None else ""
    raise CellmillError(f"no run{what} has failed", remedy="type `cellmill runs` to see those that there are")


def _failed(tasks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((task for task in tasks if task["state"] == "failed"), None)


def _task(run: LoggedRun, step: str | None) -> Mapping[str, Any]:
    told = run.as_dict()
    tasks: list[dict[str, Any]] = told["tasks"]
    names = [str(task["name"]) for task in tasks]
    if step is None:
        failed = _failed(tasks)
        if failed is None:
            raise CellmillError(
                f"no step of run {run.run_id} failed (it {_STATES.get(told['state'], told['state'])})",
                remedy=f"name one of its steps: {', '.join(names)}" if names else "choose another run",
            )
        return failed
    if step not in names:
        close = get_close_matches(step, names, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"its steps are {', '.join(names)}"
        raise CellmillError(f"run {run.run_id} has no step {step}", remedy=remedy)
    task = tasks[names.index(step)]
    if task["began"] is None:
        reason = f" ({task['reason']})" if task["reason"] else ""
        ran = [str(one["name"]) for one in tasks if one["began"] is not None]
        raise CellmillError(
            f"step {step} did not run in run {run.run_id}{reason}",
            remedy=f"of its steps ran {', '.join(ran)}" if ran else "choose another run",
        )
    return task


def _from_products(found: Reproduction, events: Sequence[Mapping[str, Any]], *, anyway: bool) -> Reproduction:
    """Take what lies in the products' folder, if it is still what the task was given."""
    run, step, task = found.run, found.step, found.task
    pipeline = run.pipeline
    executed = Path(task["notebook"]) if task["notebook"] else None
    if executed is None and pipeline is not None:
        executed = pipeline / "output" / f"{step}.ipynb"
    if pipeline is None or not (pipeline / "pipeline.yaml").is_file():
        raise CellmillError(
            f"the pipeline of run {run.run_id} is not there any more: {shown(pipeline or Path())}",
            remedy="bring the folder back, or promote the notebook again and run it",
        )
    again = f"run it again with `cellmill run {shown(pipeline)}`"
    try:
        ran = RanTask.read(executed or Path())
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CellmillError(
            f"the executed notebook of step {step} in run {run.run_id} can't be read ({reason})", remedy=again
        ) from None
    missing = next((name for name, manifest in ran.upstream.items() if not manifest.is_file()), None)
    if missing is not None or not ran.handover.is_file():
        what = f"what step {missing} made" if missing is not None else f"the module {shown(ran.handover)}"
        raise CellmillError(f"{what} for step {step} in run {run.run_id} is not there any more", remedy=again)
    began = float(task["began"])
    replaced = [name for name, manifest in ran.upstream.items() if manifest.stat().st_mtime > began + _SLACK]
    ended = began + float(task["seconds"] or math.inf)
    rewritten = executed is not None and executed.stat().st_mtime > ended + _SLACK
    found = replace(found, ran=ran)
    if not replaced and not rewritten:
        return found
    what = f"what {' and '.join(replaced)} made" if replaced else f"what step {step} ran"
    sentence = f"a later run has replaced {what} in run {run.run_id}"
    if not anyway:
        raise CellmillError(
            sentence, remedy="say --anyway to take what the later run made, or choose a run that is newer"
        )
    note = f"Not as it was: {sentence}; the inputs are those of the later run."
    return replace(found, overlay=_parameters(step, events), notes=(note,))


def _parameters(step: str, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values that the run gave to the task's parameters."""
    for event in reversed(events):
        if event.get("kind") == "task-started" and event.get("task") == step:
            values = (event.get("data") or {}).get("parameters")
            return values if isinstance(values, dict) else {}
    return {}


def _literal(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)
