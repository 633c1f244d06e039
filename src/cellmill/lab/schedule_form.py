"""The form of a schedule: what is typed is checked as it is typed, shown as a change of cellmill.yaml, and written."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.files import write_bytes
from cellmill.lab.bodies import ScheduleEntryBody, ScheduleSaveBody, read_body
from cellmill.lab.refusal import Refused
from cellmill.lab.root import Root
from cellmill.lab.schedules import apply, folder_of, moment_words, show_one
from cellmill.lab.yaml_entry import NotUnderstood, entries_of, put_entry, take_entry
from cellmill.run.folder import accepted_parameters
from cellmill.run.settings import FILE_NAME
from cellmill.schedule.check import check_declared, check_order
from cellmill.schedule.project import look_at
from cellmill.schedule.reading import parse_schedules
from cellmill.schedule.refusals import ScheduleRefused
from cellmill.schedule.settings import TRIGGERS, Declared, ScheduleSettings
from cellmill.schedule.snapshot import code_of
from cellmill.schedule.triggers import next_times

_KEY = "schedule"
_NEXT = 5
# Wrong keys of one entry that are told at once.
_MOST = 20
_ORDER = list(ScheduleSettings.model_fields)


@dataclass
class _Checked:
    """What is right and wrong with an entry: sentences by key, ``""`` for what concerns all of it."""

    settings: ScheduleSettings | None = None
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def refusal(self) -> str | None:
        """All that is wrong, in one text."""
        words = [f"{key}: {text}" if key else text for key, text in self.problems.items()]
        return " ".join(words) if words else None


def check_schedule(root: Root, body: bytes, _: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``POST schedules/check``."""
    said = read_body(ScheduleEntryBody, body)
    folder = folder_of(root, said.folder)
    entry = _entry(said.entry or {})
    checked = _check(root, folder, said.name, entry)
    timed = _timed(entry, folder / FILE_NAME)
    now = time.time()
    times = next_times(timed.trigger, datetime.fromtimestamp(now, timed.zone), _NEXT) if timed else []
    return {
        "words": timed.words() if timed else None,
        "times": [moment_words(one.timestamp(), timed.zone) for one in times] if timed else [],
        "problems": checked.problems,
        "parameters": _parameters(folder, entry),
    }


def plan_schedule(root: Root, body: bytes, _: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``POST schedules/plan``: what writing an entry, or taking one away, would change in the file."""
    said = read_body(ScheduleEntryBody, body)
    folder = folder_of(root, said.folder)
    before, after = _change(root, folder, said)
    file = str(root.told(folder / FILE_NAME))
    lines = unified_diff(before.splitlines(), after.splitlines(), f"a/{file}", f"b/{file}", lineterm="")
    return {
        "file": file,
        "digest": _digest(before),
        "new": not (folder / FILE_NAME).exists(),
        "diff": "\n".join(lines),
    }


def save_schedule(root: Root, body: bytes, _: Mapping[str, str]) -> dict[str, Any]:
    """Answer ``POST schedules``: write what was shown, if the file is still what it was shown against."""
    said = read_body(ScheduleSaveBody, body)
    folder = folder_of(root, said.folder)
    before, after = _change(root, folder, said)
    if _digest(before) != said.digest:
        raise Refused(
            409, f"{root.told(folder / FILE_NAME)} was changed meanwhile; look at the change again.", reason="edited"
        )
    if after != before:
        write_bytes(folder / FILE_NAME, after.encode())
    name = str(said.entry["name"]) if said.entry is not None else None
    return {
        "problem": apply(root, folder),
        "schedule": show_one(root, folder, name) if name is not None else None,
    }


def _change(root: Root, folder: Path, said: ScheduleEntryBody) -> tuple[str, str]:
    """The file's text, and what it would be.

    Raises
    ------
    Refused
        If the entry is wrong, or the file can't be changed so.
    """
    file = folder / FILE_NAME
    before = _text(file)
    try:
        if said.entry is None:
            if said.name is None:
                raise Refused(400, "name: say which schedule is to be taken away.")
            return before, take_entry(before, _KEY, said.name)
        entry = _entry(said.entry)
        wrong = _check(root, folder, said.name, entry).refusal
        if wrong is not None:
            raise Refused(400, wrong)
        return before, put_entry(before, _KEY, said.name, entry)
    except NotUnderstood as error:
        raise Refused(409, f"{root.told(file)}: {error}; change it in an editor.") from None


def _entry(given: Mapping[str, Any]) -> dict[str, Any]:
    """An entry in the order of the settings, without what is empty."""
    known = {name: at for at, name in enumerate(_ORDER)}
    kept = {name: value for name, value in given.items() if value is not None and value != {} and value != []}
    return dict(sorted(kept.items(), key=lambda one: known.get(one[0], len(known))))


def _check(root: Root, folder: Path, name: str | None, entry: Mapping[str, Any]) -> _Checked:
    """Check an entry by itself, with the folder's others, and against the pipeline; key by key."""
    checked = _Checked()
    left, file = dict(entry), folder / FILE_NAME
    notebook = left.get("notebook")
    if isinstance(notebook, str) and root.told((folder / notebook.replace("\0", "")).resolve()) is None:
        checked.problems["notebook"] = f"{notebook[:200]} is not below the server's root folder."
        return checked
    for _ in range(_MOST):
        try:
            checked.settings = parse_schedules([left], file)[0]
            break
        except ScheduleRefused as error:
            if not _dropped(left, _told(checked, error, entry)):
                return checked
    others = [one.get("name") for one in entries_of(_text(file), _KEY) if one.get("name") != name]
    if entry.get("name") in others:
        checked.problems.setdefault("name", f"There is another schedule {entry['name']} in this file.")
    if checked.settings is not None:
        _check_pipeline(root, folder, checked, entry)
    return checked


def _dropped(left: dict[str, Any], key: str) -> bool:
    """Take what is wrong out of an entry, so that the next wrong key is found; False if it is not in there."""
    whole, _, inner = key.partition(".")
    if inner:
        given = left.get(whole)
        if not isinstance(given, dict) or inner not in given:
            return False
        left[whole] = {name: value for name, value in given.items() if name != inner}
        return True
    if left.pop(key, None) is None and key != "when":
        return False
    if key in (*TRIGGERS, "when"):
        for name in TRIGGERS:
            left.pop(name, None)
        # What stands in for it is right; what is wrong was told.
        left["every"] = "1d"
    elif key == "name":
        left["name"] = "unnamed"
    return True


def _check_pipeline(root: Root, folder: Path, checked: _Checked, entry: Mapping[str, Any]) -> None:
    project, now = root.project(folder), time.time()
    assert checked.settings is not None
    # An ordinary notebook is made a pipeline for it: one for all names that are typed.
    settings = checked.settings.model_copy(update={"name": "unnamed"})
    for _ in range(_MOST):
        declared = (Declared(folder, settings),)
        try:
            check_declared(project, folder, declared, now)
            if settings.after is not None:
                others = [one for one in look_at(project, None, now).declared if one.file != folder / FILE_NAME]
                check_order(project, [*others, *declared])
            return
        except CellmillError as error:
            key = _told(checked, error, entry)
            if key == "env" and settings.env is not None:
                settings = settings.model_copy(update={"env": None})
            elif key == "snapshot" and settings.snapshot != "latest":
                settings = settings.model_copy(update={"snapshot": "latest"})
            elif key.startswith("parameters.") and key[11:] in settings.parameters:
                rest = {name: value for name, value in settings.parameters.items() if name != key[11:]}
                settings = settings.model_copy(update={"parameters": rest})
            else:
                return


def _told(checked: _Checked, error: CellmillError, entry: Mapping[str, Any]) -> str:
    """Take a refusal's sentence, and find the key that it is about."""
    words = re.sub(r"(?<=: )\.cellmill/notebooks/\S+: ", "", error.message)
    named = re.match(r"(there is no key )?schedule\.(?:" + re.escape(str(entry.get("name"))) + r"|unnamed|0)\b", words)
    if named is None:
        key, text = "", words
    elif named[1]:
        key = words[named.end() :].lstrip(".").split(".")[0]
        text = f"there is no key {key}"
    else:
        rest = words[named.end() :]
        found = re.match(r"\.(keep\.\w+|\w+)(?:\.[\w.]+)?(?: is missing$|:? )|: (\w+): ", rest)
        key = (found[1] or found[2]) if found else ""
        text = rest[found.end() :] if found else rest.removeprefix(": ")
        if found and found[2] not in (None, *TRIGGERS):
            text = rest.removeprefix(": ")
        if rest.endswith(" is missing"):
            text = "it is missing"
    if key.partition(".")[0] not in _ORDER and key not in entry:
        key, text = "", words if named is None else f"{key}: {text}" if key else text
    if key == "parameters" and (inner := re.match(r"(\w+): ", text)):
        key, text = f"parameters.{inner[1]}", text[inner.end() :]
    elif not key and (inner := re.search(r"\bparameter (\w+)", text)):
        key = f"parameters.{inner[1]}"
    elif not key and "there is no profile" in text:
        key = "env"
    elif not key and "was never verified" in text:
        key = "snapshot"
    if not key and "says nothing of when" in text:
        key = "when"
    # A pipeline's name is written as it is.
    first = text[:1] if key == "snapshot" else text[:1].upper()
    sentence = f"{first}{text[1:]}" + (f"; {error.remedy}" if error.remedy else "")
    checked.problems.setdefault(key, sentence if sentence.endswith((".", "?", "!")) else f"{sentence}.")
    return key


def _timed(entry: Mapping[str, Any], file: Path) -> ScheduleSettings | None:
    """When an entry is due, whatever else is wrong with it."""
    for names in ((*TRIGGERS, "timezone"), TRIGGERS):
        kept = {name: entry[name] for name in names if name in entry}
        try:
            return parse_schedules([{"name": "unnamed", **kept}], file)[0]
        except ScheduleRefused:
            continue
    return None


def _parameters(folder: Path, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the pipeline, or the notebook, accepts."""
    notebook = entry.get("notebook")
    minimal = {"name": "unnamed", "every": "1d", "snapshot": "latest"}
    try:
        kept = minimal | ({"notebook": notebook} if notebook is not None else {})
        settings = parse_schedules([kept], folder / FILE_NAME)[0]
        accepted = accepted_parameters(code_of(folder, settings).folder)
    except CellmillError:
        return []
    return [
        {"name": name, **one.model_dump(exclude_defaults=True), "type": one.type, "default": one.default}
        for name, one in accepted.items()
    ]


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise CellmillError(f"can't be read ({error.strerror})", notebook=file) from None
    except UnicodeDecodeError:
        raise CellmillError("is not UTF-8 text", notebook=file, remedy="save it as UTF-8") from None


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
