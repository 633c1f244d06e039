"""Checks a run before it is started, with the sentences of the command line, and writes down how to start it."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.lab.bodies import RunBody, SweepBody, read_body
from cellmill.lab.pipelines import find_pipeline
from cellmill.lab.refusal import Refused
from cellmill.lab.root import Root
from cellmill.lab.sweeps import sweep_words
from cellmill.locks import wait_for_lock
from cellmill.run.folder import accepted_parameters, read_pipeline
from cellmill.run.parameters import as_assigned, check_values, parse_assignments
from cellmill.run.repair import Repair, last_repair
from cellmill.run.selection import Choice
from cellmill.run.settings import ParameterSettings


def prepare_run(root: Root, body: bytes, _: Mapping[str, str]) -> dict[str, Any]:
    """Check ``POST runs``; the answer is what :class:`cellmill.lab.runs.Runs` starts the run from."""
    said = read_body(RunBody, body)
    prepared = _prepare(root, said)
    _check_free(Path(prepared.pop("output")), said.kind)
    return prepared


def prepare_look(root: Root, body: bytes, _: Mapping[str, str]) -> dict[str, Any]:
    """Check ``POST runs/expected``; the answer is what :func:`cellmill.lab.expected.expected_run` asks with."""
    said = read_body(RunBody, body)
    if said.kind != "run":
        raise Refused(400, "kind: only of a run it can be said what it would do.")
    return _prepare(root, said)


def _prepare(root: Root, said: RunBody) -> dict[str, Any]:
    folder = find_pipeline(root, said.pipeline)
    if (said.kind == "sweep") != (said.sweep is not None):
        raise Refused(400, "sweep: a run of the kind sweep has it, and no other.")
    if said.sweep is not None:
        return _prepare_sweep(root, said, said.sweep, folder)
    try:
        parameters = _parameters(said.parameters or {}, accepted_parameters(folder), folder)
        undone = _undone(said, folder)
        if undone is not None:
            pipeline = read_pipeline(folder, parameters=undone.parameters, profile=undone.profile)
        else:
            pipeline = read_pipeline(folder, parameters=parameters, profile=said.profile)
    except CellmillError as error:
        raise Refused(400, str(error)) from None
    names = [str(task.get("name")) for task in pipeline.spec.get("tasks") or () if isinstance(task, dict)]
    _check_steps(said, names)
    words: list[str] = []
    if said.kind == "run":
        accepted = accepted_parameters(folder)
        for name, value in parameters.items():
            words += ["-p", f"{name}={as_assigned(value, accepted[name])}"]
        words += ["--env", said.profile] if said.profile else []
        words += ["--force"] if said.force else []
        words += ["--only", said.only] if said.only else []
        words += ["--from", said.from_] if said.from_ else []
        words += [part for name in said.skip for part in ("--skip", name)]
        words += ["--repair"] if undone is not None else []
    return {
        "kind": said.kind,
        "folder": str(folder),
        "root": str(root.project(folder)),
        "output": str(pipeline.output),
        "words": words,
        "parameters": dict(pipeline.parameters),
        "profile": pipeline.profile,
        "tasks": names,
    }


def _prepare_sweep(root: Root, said: RunBody, sweep: SweepBody, folder: Path) -> dict[str, Any]:
    if any((said.parameters, said.force, said.only, said.from_, said.skip, said.repair)):
        raise Refused(400, "kind: a sweep takes its values and a profile, nothing else; leave the rest out.")
    try:
        words, values = sweep_words(sweep, accepted_parameters(folder))
        pipeline = read_pipeline(folder, profile=said.profile)
    except CellmillError as error:
        raise Refused(400, str(error)) from None
    return {
        "kind": said.kind,
        "folder": str(folder),
        "root": str(root.project(folder)),
        "output": str(pipeline.output),
        "words": [*words, *(["--env", said.profile] if said.profile else [])],
        "parameters": {**pipeline.parameters, **values},
        "profile": pipeline.profile,
        # It says itself what combinations share, and what they have for themselves.
        "tasks": [],
    }


def _undone(said: RunBody, folder: Path) -> Repair | None:
    """What the last run left undone, if that is asked for."""
    if not said.repair or said.kind == "verify":
        return None
    choice = Choice.of(force=said.force, only=said.only, from_=said.from_, skip=said.skip)
    return choice.to_repair(last_repair(folder), said.parameters, said.profile)[0].repair


def _parameters(given: Mapping[str, Any], accepted: Mapping[str, ParameterSettings], folder: Path) -> dict[str, Any]:
    """Check values; a text for what is no text is read as the command line reads it."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        declared = accepted.get(name)
        is_text = declared is None or declared.type in ("str", "any", "none")
        if isinstance(value, str) and not is_text and "=" not in name:
            values |= parse_assignments([f"{name}={value}"], accepted, where=folder)
        else:
            values |= check_values({name: value}, accepted, where=folder)
    return values


def _check_steps(said: RunBody, names: list[str]) -> None:
    chosen = (said.only, said.from_, said.profile, said.parameters, said.force, said.skip, said.repair)
    if said.kind == "verify" and any(chosen):
        raise Refused(400, "kind: verifying takes no parameters, profile or steps; leave them out.")
    if said.only is not None and said.from_ is not None:
        raise Refused(400, "only and from exclude each other; use one of them.")
    if said.only is not None and said.skip:
        raise Refused(400, "only and skip exclude each other; use one of them.")
    for first in (said.only, said.from_, *said.skip):
        if first is not None and first not in names:
            close = get_close_matches(first, names, n=1)
            remedy = f"did you mean {close[0]}?" if close else f"the steps are {', '.join(names)}."
            raise Refused(400, f"There is no step {first}; {remedy}")


def _check_free(output: Path, kind: str) -> None:
    """Refuse a second run at once; the run itself would, a moment later."""
    lock = output / ".lock"
    if kind == "verify" or not lock.exists():
        return
    try:
        with lock.open("r+b") as file:
            free = wait_for_lock(file.fileno())
    except (ImportError, OSError):  # the run finds out for itself
        return
    if not free:
        told = f"Another run of {output.parent.name} goes on; wait until it has ended or stop it."
        raise Refused(409, told, reason="running")
