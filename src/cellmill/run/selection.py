"""Which tasks a run may execute: what the user asks for, held against the pipeline and what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from cellmill.errors import CellmillError, shown
from cellmill.run.folder import PipelineFolder
from cellmill.run.repair import Repair

if TYPE_CHECKING:
    from ploomber import DAG


@dataclass(frozen=True)
class Choice:
    """What the user asks for; empty is all that is outdated.

    Attributes
    ----------
    force
        Also what is up to date.
    only
        These tasks alone, up to date or not.
    from_
        This task and all that follow, up to date or not.
    skip
        Not these.
    repair
        What an earlier run left undone, and nothing else.
    """

    force: bool = False
    only: tuple[str, ...] = ()
    from_: str | None = None
    skip: tuple[str, ...] = ()
    repair: Repair | None = None

    @classmethod
    def of(
        cls,
        *,
        force: bool = False,
        only: str | Sequence[str] | None = None,
        from_: str | None = None,
        skip: str | Sequence[str] = (),
    ) -> Choice:
        """What these options mean together.

        Raises
        ------
        CellmillError
            If two of them exclude each other.
        """
        choice = cls(force, _names(only or ()), from_, _names(skip))
        if choice.only and from_ is not None:
            raise CellmillError("--only and --from exclude each other", remedy="use one of them")
        if choice.only and choice.skip:
            raise CellmillError("--only and --skip exclude each other", remedy="leave the steps out of --only")
        return choice

    def to_repair(
        self, repair: Repair, parameters: Mapping[str, Any] | None, profile: str | None
    ) -> tuple[Choice, Mapping[str, Any], str | None]:
        """The choice of what an earlier run left undone, and that run's parameters and profile.

        Raises
        ------
        CellmillError
            If something else was asked for as well.
        """
        if self != Choice() or parameters or profile is not None:
            raise CellmillError(
                "--repair goes with no other choice of steps, parameters or profile: it takes those of the run that it "
                f"repairs, {repair.run_id}",
                remedy="leave the others out, or leave --repair out",
            )
        return Choice(repair=repair), repair.parameters, repair.profile

    @property
    def option(self) -> str:
        """What the user typed to choose tasks."""
        if self.repair is not None:
            return "--repair"
        parts = [("--only", ", ".join(self.only)), ("--from", self.from_ or ""), ("--skip", ", ".join(self.skip))]
        words = [f"{option} {value}" for option, value in parts if value]
        return " ".join(["--force", *words] if self.force else words)


@dataclass(frozen=True)
class Selection:
    """Which tasks a run may execute: all that are outdated, or of those in ``names`` the outdated ones.

    Attributes
    ----------
    names
        None for all.
    forced
        Those that run even if they are up to date.
    option
        What the user typed, for the reason that the other tasks give.
    notices
        What the user should know of the products that the chosen tasks start from.
    """

    names: frozenset[str] | None = None
    forced: frozenset[str] = frozenset()
    option: str = ""
    notices: tuple[str, ...] = ()

    @property
    def why_not(self) -> str:
        """Why the other tasks do not run."""
        return f"not asked for ({self.option})"

    def asks_for(self, name: str) -> bool:
        """Whether the run may execute this task."""
        return self.names is None or name in self.names


def select(pipeline: PipelineFolder, dag: DAG, order: Sequence[str], choice: Choice) -> Selection:
    """Hold what the user asks for against a rendered DAG.

    Raises
    ------
    CellmillError
        If there is no such step, or a chosen step needs products that are not there.
    """
    for name in (*choice.only, *([choice.from_] if choice.from_ else []), *choice.skip):
        _check_known(pipeline, order, name)
    if choice.repair is not None:
        forced = _with_followers(dag, order, choice.repair.broken)
        names = forced | (frozenset(choice.repair.unreached) & frozenset(order))
    else:
        first = frozenset(choice.only) or _with_followers(dag, order, [choice.from_] if choice.from_ else [])
        names = (first or frozenset(order)) - frozenset(choice.skip)
        forced = names if first or choice.force else frozenset()
    if len(names) == len(order) and len(forced) in (0, len(order)):
        return Selection(None, forced, choice.option)
    notices = [*_check_upstream(pipeline, dag, [name for name in order if name in names])]
    if choice.repair is not None:
        notices += _left_outdated(pipeline, dag, order, names)
    return Selection(names, forced, choice.option, tuple(notices))


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([given] if isinstance(given, str) else given))


def _check_known(pipeline: PipelineFolder, order: Sequence[str], name: str) -> None:
    if name not in order:
        close = get_close_matches(name, order, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"the steps are {', '.join(order)}"
        raise CellmillError(f"there is no step {name}", notebook=pipeline.folder, remedy=remedy)


def _with_followers(dag: DAG, order: Sequence[str], first: Iterable[str]) -> frozenset[str]:
    names = set(first) & set(order)
    for name in order:
        if names & set(dag[name].upstream):
            names.add(name)
    return frozenset(names)


def _check_upstream(pipeline: PipelineFolder, dag: DAG, chosen: list[str]) -> Iterable[str]:
    """Refuse to start from products that are not there; say which are there but outdated."""
    from ploomber.constants import TaskStatus

    outdated: dict[str, str] = {}
    for name in chosen:
        for upstream, task in dag[name].upstream.items():
            if upstream in chosen:
                continue
            if task.product.exists() and task.product.metadata.timestamp is not None:
                if task.exec_status != TaskStatus.Skipped:
                    text = f"Step {upstream} is outdated: {name} uses what it made with other code or parameters."
                    outdated.setdefault(upstream, text)
                continue
            raise CellmillError(
                f"step {name} needs what step {upstream} makes, and that is not there",
                notebook=pipeline.folder,
                remedy=f"type `cellmill run {shown(pipeline.folder)} --from {upstream}`",
            )
    return outdated.values()


def _left_outdated(pipeline: PipelineFolder, dag: DAG, order: Sequence[str], names: frozenset[str]) -> list[str]:
    """Say what a repair leaves as it is though it is outdated by now."""
    from ploomber.constants import TaskStatus

    left = [name for name in order if name not in names and dag[name].exec_status != TaskStatus.Skipped]
    if not left:
        return []
    what = f"Step {left[0]} is" if len(left) == 1 else f"Steps {', '.join(left)} are"
    return [
        f"{what} outdated and no part of the repair; `cellmill run {shown(pipeline.folder)}` runs what is outdated."
    ]
