"""Sentences for schedules that do not count: what, where, and what could be understood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from cellmill.errors import CellmillError
from cellmill.schedule.settings import TRIGGERS, AlertSettings, KeepSettings, ScheduleSettings
from cellmill.schedule.triggers import next_times
from cellmill.schedule.words import plain, short

_KEY = re.compile(r"[a-z_]{1,20}")
_MUST = {
    "string_type": "a text",
    "dict_type": "names with values",
    "model_type": "names with values",
    "tuple_type": "a list",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_parsing_size": "a smaller number",
    "byte_size": "a size such as 500 MB",
    "byte_size_unit": "a size such as 500 MB",
}
_SHOWN = 5


class ScheduleRefused(CellmillError):
    """A schedule that does not count; :attr:`understood` tells when what could be read of it would be due."""

    understood: tuple[str, ...] = ()


def understood(entry: Any, now: datetime | None = None) -> tuple[str, ...]:
    """When what can be read of an entry would be due next: up to five times, written out."""
    if not isinstance(entry, Mapping):
        return ()
    kept = {name: entry[name] for name in (*TRIGGERS, "timezone") if entry.get(name) is not None}
    for without in ((), ("timezone",)):
        try:
            tried = ScheduleSettings.model_validate(
                {"name": "x", **{name: value for name, value in kept.items() if name not in without}}
            )
        except ValidationError:
            continue
        times = next_times(tried.trigger, now or datetime.now(tried.zone), _SHOWN)
        return (f"{tried.words()}:", *(f"{time:%a %Y-%m-%d %H:%M:%S %Z}" for time in times)) if times else ()
    return ()


def complaint(where: str, path: Path, error: ValidationError) -> ScheduleRefused:
    """The refusal of an entry: the first complaint of pydantic's, in words of the file; no secret is in it."""
    first = error.errors()[0]
    location = [str(part) for part in first["loc"] if not str(part).startswith("function-")]
    # What is written at an alert may be a secret.
    secret = location[:1] == ["alerts"]
    if location and (secret or first["type"] == "invalid_key"):
        location = [part for part in location if part.isdecimal() or _KEY.fullmatch(part)]
    key = ".".join([where, *map(plain, location)])
    kind = first["type"]
    if kind == "extra_forbidden":
        inner: dict[str, type[BaseModel]] = {"keep": KeepSettings, "alerts": AlertSettings}
        model = inner.get(str(first["loc"][0]), ScheduleSettings) if len(first["loc"]) > 1 else ScheduleSettings
        accepted = list(model.model_fields)
        close = get_close_matches(str(first["loc"][-1]), accepted, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"accepted here: {', '.join(accepted)}"
        return ScheduleRefused(f"there is no key {key}", notebook=path, remedy=remedy)
    if kind == "missing":
        return ScheduleRefused(f"{key} is missing", notebook=path)
    if kind == "invalid_key" or location[-1:] == ["[key]"]:
        key = ".".join([where, *location[: -2 if kind != "invalid_key" else -1]])
        return ScheduleRefused(f"{key}: a key of it is no text", notebook=path, remedy="put it in quotes")
    if kind == "value_error":
        return ScheduleRefused(f"{key}: {plain(first['msg'].removeprefix('Value error, '))}", notebook=path)
    given = "" if secret else f", not {short(first['input'])}"
    close = (
        get_close_matches(str(first["input"]), _choices(first), n=1) if kind == "literal_error" and not secret else []
    )
    remedy_of_choice = f"did you mean {close[0]}?" if close else None
    return ScheduleRefused(f"{key} {_must(first)}{given}", notebook=path, remedy=remedy_of_choice)


def _must(error: Any) -> str:
    """What a value has to be, of a complaint of pydantic's."""
    kind = str(error["type"])
    if kind in _MUST:
        return f"must be {_MUST[kind]}"
    if kind == "too_long":
        return f"must have at most {error['ctx']['max_length']} entries"
    if kind == "literal_error":
        return f"must be one of {', '.join(_choices(error))}"
    words = str(error["msg"]).removeprefix("Input ").removeprefix("String ")
    return words.replace("should", "must", 1)


def _choices(error: Any) -> list[str]:
    return re.findall(r"'(\w+)'", str(error.get("ctx", {}).get("expected", "")))
