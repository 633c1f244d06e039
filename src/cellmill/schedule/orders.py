"""Makes of a schedule and one of its ticks what is to be run: values filled in and typed, the code that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.run.folder import accepted_parameters, read_pipeline
from cellmill.run.history import LoggedRun
from cellmill.run.log import runs_folder
from cellmill.run.parameters import as_assigned, check_values, parse_assignments
from cellmill.run.settings import FILE_NAME, ParameterSettings
from cellmill.schedule.declare import Known
from cellmill.schedule.launch import Order
from cellmill.schedule.settings import ScheduleSettings
from cellmill.schedule.snapshot import code_of
from cellmill.schedule.templates import Moment, filled, is_template


def order_of(known: Known, moment: Moment, earlier: Sequence[str] = ()) -> tuple[Order, str]:
    """What is to be run, and which code that is in words.

    Parameters
    ----------
    earlier
        The ids of the tick's earlier runs: what they have done is not done again.

    Raises
    ------
    CellmillError
        If the pipeline can't be run so: the folder, a parameter, the profile, or the code that it wants.
    """
    settings = known.settings
    code = code_of(known.folder, settings)
    parameters = values_of(settings, code.folder, moment)
    # As the run itself will do it, so that what is wrong with it is told before a process is started.
    pipeline = read_pipeline(code.home, parameters=parameters, profile=settings.env, code=code.folder)
    accepted = accepted_parameters(code.folder)
    words = [
        part for name, value in parameters.items() for part in ("-p", f"{name}={as_assigned(value, accepted[name])}")
    ]
    words += ["--env", settings.env] if settings.env else []
    words += _forced(known, earlier) if settings.force else []
    # Somebody may run the pipeline by hand at that time: the run waits until that has ended.
    words += [*code.words, "--wait"]
    environment = {
        "CELLMILL_SCHEDULE": known.label,
        "CELLMILL_SCHEDULE_DUE": moment.due.isoformat(),
        "CELLMILL_SNAPSHOT": code.told,
    }
    return Order(known.root, code.home, words, dict(pipeline.parameters), settings.env, environment), code.told


def values_of(
    settings: ScheduleSettings, folder: Path, moment: Moment, accepted: Mapping[str, ParameterSettings] | None = None
) -> dict[str, Any]:
    """A schedule's parameters with what stands in ``{{ }}`` filled in, typed and checked.

    Raises
    ------
    CellmillError
        As :func:`cellmill.run.parameters.check_values`.
    """
    accepted = accepted_parameters(folder) if accepted is None else accepted
    values: dict[str, Any] = {}
    for name, given in settings.parameters.items():
        try:
            value = filled(given, moment)
        except ValueError as error:
            raise CellmillError(f"parameter {name}: {error}", notebook=folder / FILE_NAME) from None
        values |= _typed(name, value, accepted, folder, written=isinstance(given, str) and is_template(given))
    for name, value in values.items():
        if isinstance(value, str) and accepted[name].nullable and value.strip().lower() in ("none", "null"):
            # A run reads its parameters as `-p` does, where this is None.
            raise CellmillError(
                f"parameter {name}: the text {value!r} can't be told from None, which it may be, too",
                notebook=folder / FILE_NAME,
                remedy="write null for None, or another text",
            )
    return values


def _forced(known: Known, earlier: Sequence[str]) -> list[str]:
    """Let all steps run that no earlier attempt has run to its end."""
    states: dict[str, str] = {}
    for run_id in earlier:
        for task in LoggedRun(runs_folder(known.root) / run_id).as_dict()["tasks"]:
            if states.get(task["name"]) != "done":
                states[task["name"]] = task["state"]
    left = [name for name, state in states.items() if state != "done"]
    if not left or len(left) == len(states):
        return ["--force"]
    return [part for name in left for part in ("--only", name)]


def _typed(
    name: str, value: Any, accepted: Mapping[str, ParameterSettings], folder: Path, *, written: bool
) -> dict[str, Any]:
    # A template gives a text; of a number it is read as -p reads it.
    if written and accepted.get(name, ParameterSettings()).type != "str":
        return parse_assignments([f"{name}={value}"], accepted, where=folder)
    return check_values({name: value}, accepted, where=folder)
