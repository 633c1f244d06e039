"""What a folder's cellmill.yaml says under ``schedule:``, checked whole before any of it counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cache, cached_property
from itertools import islice
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    field_validator,
    model_validator,
)

from cellmill.errors import CellmillError
from cellmill.run.settings import FILE_NAME, read_yaml
from cellmill.schedule.durations import Duration
from cellmill.schedule.templates import check_template, is_template, names_in
from cellmill.schedule.triggers import After, Cron, Every, OnFile, Trigger, next_times

MOST = 1000
"""Schedules that one file may hold: more are made by a program, and belong into one with a parameter."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
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
_TRIGGERS = ("cron", "every", "on_file", "after")
_SHOWN = 5
_SHOWN_LETTERS = 60
_MOST_VALUES = 100_000
_MOST_ALERTS = 20
# Letters of a name, a path or a pattern.
_LONGEST = 500

AlertKind = Literal["failure", "recovery", "missed", "late", "check"]
Misfire = Literal["skip", "once", "all"]
Overlap = Literal["queue", "skip", "cancel_previous"]
Snapshot = Literal["published", "latest"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=_LONGEST)


class AlertSettings(_Model):
    """Whom to tell of what.

    ``to`` names an environment variable of the scheduler that holds an Apprise address (``$SLACK_URL``): addresses
    have passwords in them, which belong into no file.
    """

    to: StrictStr
    on: tuple[AlertKind, ...] = ("failure", "recovery", "missed", "late", "check")

    @field_validator("to")
    @classmethod
    def _variable(cls, value: str) -> str:
        if _VARIABLE.fullmatch(value) is None:
            # Without the value itself: it may be the secret.
            raise ValueError("it names an environment variable that holds the address, as in $SLACK_URL")
        return value

    @property
    def variable(self) -> str:
        """The variable's name."""
        found = _VARIABLE.fullmatch(self.to)
        assert found is not None
        return found[1]


class KeepSettings(_Model):
    """How many of a schedule's runs stay, with their notebooks and reports; the last success always does.

    Runs go when one of these is exceeded: their number, their age, the bytes of all of them.
    """

    count: Annotated[StrictInt, Field(ge=1)] | None = 30
    age: Duration | None = None
    size: Annotated[ByteSize, Field(gt=0)] | None = None


class ScheduleSettings(_Model):
    """One schedule: what is due when, with what, and what happens when that goes wrong.

    Attributes
    ----------
    cron, every, on_file, after
        When it is due; exactly one of them.
    timezone
        Whose clock it goes by, as in ``Europe/Berlin``; this machine's where none is named.
    parameters
        Values by name; texts may hold templates, see :mod:`cellmill.schedule.templates`.
    env
        The profile, as of ``cellmill run --env``.
    jitter
        Up to so many seconds later than due, differently for each schedule and time, but always the same.
    misfire, grace
        What becomes of times that passed by more than ``grace`` while no scheduler ran: none of them is run, the last
        one, or all.
    overlap
        What becomes of a time that is due while an earlier run of the schedule goes on.
    retries, retry_delay
        Further attempts after a failure: the first after ``retry_delay``, each later one after twice as long.
    timeout
        Seconds after which an attempt is stopped and has failed.
    late
        How late a run may start before somebody is told.
    force
        Run all steps, also what Ploomber calls up to date: it compares code and parameters, and does not see that data
        has changed. ``false`` runs what is outdated only.
    snapshot
        Which code runs: ``published``, what was last promoted and verified, or ``latest``, what stands in the folder.
    pool
        Whose limit it counts against, as of ``cellmill scheduler --pool``.
    notebook
        An ordinary notebook to run; only where the file lies beside no pipeline.yaml.
    """

    name: StrictStr
    cron: StrictStr | None = None
    every: Duration | None = None
    on_file: StrictStr | None = None
    after: StrictStr | None = None
    timezone: StrictStr | None = None
    parameters: dict[StrictStr, Any] = Field(default_factory=dict)
    env: StrictStr | None = None
    jitter: Duration = 0.0
    misfire: Misfire = "once"
    grace: Duration = 60.0
    overlap: Overlap = "queue"
    retries: Annotated[StrictInt, Field(ge=0, le=20)] = 0
    retry_delay: Duration = 60.0
    timeout: Annotated[Duration, Field(gt=0)] | None = None
    alerts: Annotated[tuple[AlertSettings, ...], Field(max_length=_MOST_ALERTS)] = ()
    late: Duration | None = None
    enabled: StrictBool = True
    force: StrictBool = True
    snapshot: Snapshot = "published"
    pool: StrictStr = "default"
    keep: KeepSettings = KeepSettings()
    notebook: StrictStr | None = None

    @field_validator("name", "pool", "env")
    @classmethod
    def _is_name(cls, value: str | None) -> str | None:
        if value is not None and NAME.fullmatch(value) is None:
            raise ValueError("it has letters, digits, ., - and _, at most 64, and begins with a letter or digit")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str | None) -> str | None:
        if value is not None:
            zone_of(value)
        return value

    @field_validator("on_file", "after", "notebook")
    @classmethod
    def _is_text(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("it is empty")
        if value is not None and "\0" in value:
            raise ValueError("it holds a NUL byte, which no path has")
        return value

    @field_validator("on_file")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        if value is None:
            return value
        parts = PurePath(value).parts
        if value.startswith("~") or "$" in value or "://" in value:
            raise ValueError("~, $ and addresses mean nothing in it; write the path out, as in /data/in/*.csv")
        if value.endswith(("/", "/.", "..")) or value == ".":
            raise ValueError("it is a folder; say which files, as in data/*.csv")
        # A scheduler looks through them every few seconds.
        if parts.count("**") > 1:
            raise ValueError("** stands in it more than once, which takes too long to look through")
        if "**" in parts and (PurePath(value).is_absolute() or ".." in parts):
            raise ValueError("** looks through folders of the project only; name the folder, as in /data/in/*.csv")
        return value

    @field_validator("parameters")
    @classmethod
    def _templates(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, given in value.items():
            for text in _texts(given):
                try:
                    check_template(text)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        return value

    @model_validator(mode="after")
    def _file_comes(self) -> Self:
        if self.on_file is None:
            for name, given in self.parameters.items():
                if any("file" in names_in(text) for text in _texts(given)):
                    raise ValueError(f"parameters: {name}: there is a file with on_file only")
        return self

    @model_validator(mode="after")
    def _trigger(self) -> Self:
        given = [name for name in _TRIGGERS if getattr(self, name) is not None]
        if len(given) != 1:
            words = f"has {' and '.join(given)}" if given else "says nothing of when it is due"
            raise ValueError(f"it {words}; it takes exactly one of {', '.join(_TRIGGERS)}")
        try:
            assert self.trigger is not None
        except ValueError as error:
            raise ValueError(f"{given[0]}: {error}") from None
        if self.misfire == "all" and self.overlap != "queue":
            raise ValueError("misfire: all runs every missed time one after the other, which takes overlap: queue")
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        """Whose clock it goes by."""
        return zone_of(self.timezone) if self.timezone is not None else local_zone()

    @cached_property
    def trigger(self) -> Trigger:
        """When it is due.

        Raises
        ------
        ValueError
            If what is written can't be understood.
        """
        if self.cron is not None:
            return Cron(self.cron, self.zone)
        if self.every is not None:
            return Every(self.every, self.zone)
        if self.on_file is not None:
            return OnFile(self.on_file)
        assert self.after is not None
        return After(self.after)

    def words(self) -> str:
        """Say in plain language when it is due, as in ``At 09:00 on Monday (Europe/Berlin)``."""
        timed = isinstance(self.trigger, Cron | Every)
        return f"{self.trigger.words()} ({self.zone.key})" if timed else self.trigger.words()


class ScheduleRefused(CellmillError):
    """A schedule that does not count; :attr:`understood` tells when what could be read of it would be due."""

    understood: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declared:
    """One schedule with the folder that declares it."""

    folder: Path
    settings: ScheduleSettings

    @property
    def name(self) -> str:
        """The schedule's name."""
        return self.settings.name

    @property
    def file(self) -> Path:
        """Where it stands."""
        return self.folder / FILE_NAME


def read_schedules(folder: Path) -> tuple[Declared, ...]:
    """Read the schedules of one folder; none where there is no cellmill.yaml, or no ``schedule:`` in it.

    Raises
    ------
    ScheduleRefused
        If one of them is wrong; names the file, the key and the reason.
    CellmillError
        If the file can't be read.
    """
    folder = folder.resolve()
    path = folder / FILE_NAME
    if not path.exists():
        return ()
    content = read_yaml(path).get("schedule")
    return tuple(Declared(folder, settings) for settings in parse_schedules(content, path))


def parse_schedules(content: Any, path: Path) -> tuple[ScheduleSettings, ...]:
    """Check what stands under ``schedule:``.

    Raises
    ------
    ScheduleRefused
        As :func:`read_schedules`.
    """
    if content is None:
        return ()
    if not isinstance(content, list):
        raise ScheduleRefused("schedule: is a list (`- name: nightly` lines)", notebook=path)
    if len(content) > MOST:
        raise ScheduleRefused(
            f"schedule: holds {len(content)} schedules, at most {MOST} are taken",
            notebook=path,
            remedy="use one schedule with a parameter, or more folders",
        )
    if not _fits(content):
        # An alias of an alias of an alias is short to write.
        raise ScheduleRefused(f"schedule: holds more than {_MOST_VALUES} values", notebook=path)
    found = [_parsed(entry, place, path) for place, entry in enumerate(content)]
    seen: set[str] = set()
    for settings in found:
        if settings.name in seen:
            raise ScheduleRefused(
                f"two schedules are named {settings.name}", notebook=path, remedy="give one of them another name"
            )
        seen.add(settings.name)
    return tuple(found)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    # Not what else lies in the system's folder: `localtime` is another one on each machine.
    if name in _zones():
        return ZoneInfo(name)
    close = get_close_matches(name, _zones(), n=1)
    guess = f"; did you mean {close[0]}?" if close else "; it is written as in Europe/Berlin"
    raise ValueError(f"there is no time zone {_short(name)}{guess}")


@cache
def _zones() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones()) - {"localtime", "Factory"}


def local_zone() -> ZoneInfo:
    """The machine's own time zone; UTC where it does not say."""
    from tzlocal import get_localzone_name

    try:
        return ZoneInfo(get_localzone_name() or "UTC")
    except (OSError, ValueError, LookupError):
        return ZoneInfo("UTC")


def understood(entry: Any, now: datetime | None = None) -> tuple[str, ...]:
    """When what can be read of an entry would be due next: up to five times, written out."""
    if not isinstance(entry, Mapping):
        return ()
    kept = {name: entry[name] for name in (*_TRIGGERS, "timezone") if entry.get(name) is not None}
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


def _parsed(entry: Any, place: int, path: Path) -> ScheduleSettings:
    named = entry.get("name") if isinstance(entry, Mapping) else None
    where = f"schedule.{named if isinstance(named, str) and NAME.fullmatch(named) else place}"
    if not isinstance(entry, Mapping):
        raise ScheduleRefused(f"{where}: is a mapping (`name: nightly` lines), not {_short(entry)}", notebook=path)
    try:
        return ScheduleSettings.model_validate(entry)
    except ValidationError as error:
        refused = _complaint(where, path, error)
    except RecursionError:
        refused = ScheduleRefused(f"{where}: is nested too deeply", notebook=path)
    refused.understood = understood(entry)
    raise refused


def _complaint(where: str, path: Path, error: ValidationError) -> ScheduleRefused:
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
    given = "" if secret else f", not {_short(first['input'])}"
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


def _fits(content: Any) -> bool:
    """Whether it holds no more values than anybody writes."""
    left, waiting = _MOST_VALUES, [content]
    while waiting and left:
        value, left = waiting.pop(), left - 1
        if isinstance(value, list | dict):
            waiting.extend(islice(value.values() if isinstance(value, dict) else value, left))
    return bool(left)


def _short(value: Any) -> str:
    """A value as its file has it, short and printable."""
    if isinstance(value, Mapping | list | tuple | set):
        return "names with values" if isinstance(value, Mapping) else "a set" if isinstance(value, set) else "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = plain(str(value))
    text = repr(text) if not text or text != text.strip() else text
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}..."


def plain(text: str) -> str:
    """The text in one line, with nothing in it that a terminal obeys."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _texts(value: Any) -> Iterator[str]:
    """The texts with a template in a parameter's value."""
    if isinstance(value, str):
        if is_template(value):
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
