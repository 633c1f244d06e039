"""What a run would do and why, without doing it: nothing is executed and nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cellmill.run.folder import PipelineFolder, read_pipeline
from cellmill.run.quick_loading import quick_loading
from cellmill.run.quiet import quiet_dependencies
from cellmill.run.reasons import Reason, made_at, reasons_of
from cellmill.run.repair import last_repair
from cellmill.run.selection import Choice, Selection, select
from cellmill.run.skipped import UP_TO_DATE
from cellmill.run.up_to_date import recall

if TYPE_CHECKING:
    from ploomber import DAG

ExpectedState = Literal["would-run", "up-to-date", "not-asked"]


@dataclass(frozen=True)
class ExpectedTask:
    """What a run would do with one task.

    Attributes
    ----------
    state
        ``would-run``, ``up-to-date``, or ``not-asked`` (an option leaves it out).
    reasons
        Why it would run.
    reason
        Why it would not, in a few words.
    made
        When its products were made, in seconds since the epoch; None where no finished run of it is recorded.
    """

    name: str
    state: ExpectedState
    reasons: tuple[Reason, ...] = ()
    reason: str | None = None
    made: float | None = None

    @property
    def words(self) -> str:
        """What would become of it."""
        if self.state == "would-run":
            return f"would run: {'; '.join(one.text for one in self.reasons)}"
        if self.state == "up-to-date" and self.made is not None:
            return f"up to date, made {datetime.fromtimestamp(self.made).astimezone():%Y-%m-%d %H:%M:%S}"
        return self.reason or ""

    def as_dict(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        reasons = [one.as_dict() for one in self.reasons]
        return {"name": self.name, "state": self.state, "reasons": reasons, "reason": self.reason, "made": self.made}


@dataclass(frozen=True)
class DryRun:
    """What a run would do.

    Attributes
    ----------
    tasks
        In the order in which they would run.
    notices
        What the user should know of the products that the tasks would start from.
    """

    pipeline: PipelineFolder
    tasks: tuple[ExpectedTask, ...]
    notices: tuple[str, ...]

    def __getitem__(self, name: str) -> ExpectedTask:
        """The task with this name."""
        return next(task for task in self.tasks if task.name == name)

    @property
    def lines(self) -> list[str]:
        """What would happen, a line for each task."""
        from cellmill.run.words import title

        names = [task.name for task in self.tasks]
        head = ": ".join(title(self.pipeline.name, names, self.pipeline.profile, self.pipeline.parameters))
        told = [f"[{place}/{len(names)}] {task.name}: {task.words}" for place, task in enumerate(self.tasks, start=1)]
        would = sum(task.state == "would-run" for task in self.tasks)
        steps = f"{would} step{'' if would == 1 else 's'} would run"
        return [head, *self.notices, *told, f"Nothing was run; {steps if would else 'nothing would run'}."]

    def as_dict(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return {
            "pipeline": self.pipeline.name,
            "folder": str(self.pipeline.folder),
            "parameters": dict(self.pipeline.parameters),
            "profile": self.pipeline.profile,
            "tasks": [task.as_dict() for task in self.tasks],
            "notices": list(self.notices),
        }


def dry_run(
    folder: Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    profile: str | None = None,
    force: bool = False,
    only: str | Sequence[str] | None = None,
    from_: str | None = None,
    skip: str | Sequence[str] = (),
    repair: bool = False,
    output: Path | None = None,
) -> DryRun:
    """Say what :func:`~cellmill.run.run_pipeline` would do with the same arguments, and why.

    Raises
    ------
    CellmillError
        If that run would be refused.
    """
    choice = Choice.of(force=force, only=only, from_=from_, skip=skip)
    if repair:
        choice, parameters, profile = choice.to_repair(last_repair(folder), parameters, profile)
    pipeline = read_pipeline(folder, parameters=parameters, profile=profile, output=output)
    settled = recall(pipeline) if choice == Choice() else None
    if settled is not None:
        return DryRun(pipeline, tuple(_up_to_date(task.name, task.made) for task in settled), ())
    with quiet_dependencies():
        dag, order = rendered(pipeline)
        selection = select(pipeline, dag, order, choice)
        reasons = expected_reasons(pipeline, dag, order, selection)
        tasks = tuple(_expected(dag, name, selection, reasons) for name in order)
    return DryRun(pipeline, tasks, selection.notices)


def rendered(pipeline: PipelineFolder) -> tuple[DAG, list[str]]:
    """Load the DAG and let Ploomber find what is outdated; with it the order in which its tasks run.

    Raises
    ------
    CellmillError
        If Ploomber refuses the folder's files.
    """
    from cellmill.run.engine import register
    from cellmill.run.executor import in_order

    register()
    with quick_loading():
        dag = pipeline.load()
    pipeline.render(dag)
    return dag, in_order(dag, [task.get("name") for task in pipeline.spec["tasks"]])


def expected_reasons(
    pipeline: PipelineFolder, dag: DAG, order: Sequence[str], selection: Selection
) -> dict[str, tuple[Reason, ...]]:
    """Why each task runs that is to run; those that are not are left out."""
    found: dict[str, tuple[Reason, ...]] = {}
    for name in order:
        if not selection.asks_for(name):
            continue
        reasons = reasons_of(dag[name], pipeline.code)
        if not reasons and name in selection.forced:
            reasons = (Reason("asked", f"up to date, but asked for ({selection.option})", selection.option),)
        if reasons:
            found[name] = reasons
    return found


def _expected(dag: DAG, name: str, selection: Selection, reasons: Mapping[str, tuple[Reason, ...]]) -> ExpectedTask:
    made = made_at(dag[name])
    if not selection.asks_for(name):
        return ExpectedTask(name, "not-asked", reason=selection.why_not, made=made)
    if name in reasons:
        return ExpectedTask(name, "would-run", reasons[name], made=made)
    return _up_to_date(name, made)


def _up_to_date(name: str, made: float | None) -> ExpectedTask:
    return ExpectedTask(name, "up-to-date", reason=UP_TO_DATE, made=made)
