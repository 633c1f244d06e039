"""``%sweep``: a pipeline run with many combinations of parameters, from a cell."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class

from cellmill.errors import CellmillError
from cellmill.magics.arguments import Given, Usage, parse_arguments
from cellmill.magics.pipeline_magics import find_folder, shown_path
from cellmill.magics.session import Session
from cellmill.magics.sweep_view import SweepView
from cellmill.magics.told import tells_in_one_line, without_traceback

if TYPE_CHECKING:
    from cellmill.run.sweep import Goal, SweepResult

_SWEEP = Usage(
    "%sweep [NAME] -p NAME=VALUE,VALUE [-p ...] [--random N [--seed S]] [--metric NAME --minimize | --maximize] "
    "[--env PROFILE] [--promote-best]",
    words=1,
    flags=("--minimize", "--maximize", "--promote-best"),
    values=("-p", "--random", "--seed", "--metric", "--env"),
)


@magics_class
class SweepMagics(Magics):
    """Try many values."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self._session = session

    @line_magic
    @tells_in_one_line
    def sweep(self, line: str) -> None:
        """Run a promoted pipeline with all combinations of some parameters' values.

            %sweep [NAME] -p NAME=VALUE,VALUE [-p ...] [--random N [--seed S]] [--metric NAME --minimize | --maximize]
                   [--env PROFILE] [--promote-best]

        NAME is a folder in pipelines/, by default that of this notebook. Steps that do not depend on what varies run
        once for all; what is up to date is skipped; the sweep is recorded in MLflow.

        -p NAME=VALUE,VALUE  values of a parameter to try; one value is set for all
        --random N           run N of the combinations, by chance
        --seed S             decides which ones --random draws; 0 by default
        --metric NAME        the metric by which combinations are compared
        --minimize           the lowest value of the metric is the best; or --maximize
        --env PROFILE        let env.PROFILE.yaml override env.yaml
        --promote-best       say which command writes the best values into env.yaml: that is confirmed in a terminal
        """
        given = parse_arguments(_SWEEP, line)
        draw, seed = _number(given, "--random", least=1), _number(given, "--seed")
        goal = _goal(given)
        _check(given)
        folder = find_folder(self._session, given.word)
        view = SweepView(folder)
        failed = _sweep_and_show(folder, given, draw, seed or 0, goal, view)
        if failed:
            raise without_traceback(RuntimeError(failed), failed)


def _number(given: Given, option: str, least: int | None = None) -> int | None:
    text = given.value(option)
    if text is None:
        return None
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or (least is not None and value < least):
        kind = "a whole number" if least is None else f"a whole number from {least} on"
        raise CellmillError(f"%sweep: {option} takes {kind}, not {text}", remedy=f"write {_SWEEP.text}")
    return value


def _goal(given: Given) -> Goal | None:
    from cellmill.run.sweep import Goal

    metric = given.value("--metric")
    directions = sorted(given.flags & {"--minimize", "--maximize"})
    if metric is None:
        if directions:
            raise CellmillError(f"%sweep: {directions[0]} goes with --metric NAME", remedy=f"write {_SWEEP.text}")
        return None
    if len(directions) != 1:
        raise CellmillError(
            f"%sweep: say whether the best {metric} is the lowest or the highest", remedy="add --minimize or --maximize"
        )
    return Goal(metric, "minimize" if directions == ["--minimize"] else "maximize")


def _check(given: Given) -> None:
    if not given.values.get("-p"):
        raise CellmillError("%sweep has no values to try", remedy="write them as in %sweep -p alpha=0.1,0.2")
    if given.value("--seed") is not None and given.value("--random") is None:
        raise CellmillError("%sweep: --seed goes with --random N", remedy="add it, or leave --seed out")
    if "--promote-best" in given.flags and given.value("--metric") is None:
        raise CellmillError("%sweep: --promote-best goes with --metric NAME", remedy="add it with its direction")


def _sweep_and_show(folder: Path, given: Given, draw: int | None, seed: int, goal: Goal | None, view: SweepView) -> str:
    """Sweep and follow it in a view; gives the sentence that tells why it failed, if it did."""
    from cellmill.run import RunLog
    from cellmill.run.folder import accepted_parameters
    from cellmill.run.sweep import check_goal, parse_values, run_sweep
    from cellmill.run.warm import keep_warm_processes
    from cellmill.track import Tracker

    values = parse_values(given.values["-p"], accepted_parameters(folder), where=folder)
    profile = given.value("--env")
    command = ["cellmill", "sweep", shown_path(folder), *_words(given)]
    keep_warm_processes()
    with RunLog(folder, kind="sweep", source="magic", command=command, profile=profile, on_notice=view.notice) as log:
        with Tracker(folder, on_notice=view.notice, start=False) as tracker:
            result = run_sweep(
                folder,
                values,
                profile=profile,
                draw=draw,
                seed=seed,
                goal=goal,
                # The record says that the sweep has ended once MLflow has it all.
                listeners=(view, tracker, log),
                **tracker.hooks,
                run_id=log.run_id,
            )
        log.ended(mlflow=tracker.reference, closing=tracker.closing_lines)
    notes = list(tracker.closing_lines)
    if "--promote-best" in given.flags and result.best is not None:
        notes.append(f"To write the best values into env.yaml, type in a terminal: {shlex.join(command)}")
    view.ended(result, notes)
    if result.goal is not None and any(one.whole for one in result.combinations):
        check_goal(result.goal, result.metrics)
    return _failure(result)


def _words(given: Given) -> list[str]:
    """What was typed behind the pipeline's name, as the command line takes it."""
    words = [word for option, texts in given.values.items() for text in texts for word in (option, text)]
    return words + [flag for flag in _SWEEP.flags if flag in given.flags]


def _failure(result: SweepResult) -> str:
    if result.state == "stopped":
        return "the sweep was stopped; the same line goes on where it stopped"
    failed = [one for one in result.combinations if one.failure is not None]
    if not failed:
        return "" if result.state == "succeeded" else "the sweep failed"
    first = failed[0]
    assert first.failure is not None
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return f"{first.label}{more}: {first.failure.sentence}"
