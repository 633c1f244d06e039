"""The schedules that a folder's cellmill.yaml may declare, as models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
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
    field_validator,
    model_validator,
)

from cellmill.run.settings import FILE_NAME
from cellmill.schedule.durations import Duration
from cellmill.schedule.templates import check_template, is_template, names_in
from cellmill.schedule.triggers import After, Cron, Every, OnFile, Trigger
from cellmill.schedule.zones import local_zone, zone_of

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What names of schedules, pools and profiles look like."""
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
TRIGGERS = ("cron", "every", "on_file", "after")
"""The keys that say when; an entry has exactly one of them."""
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
        given = [name for name in TRIGGERS if getattr(self, name) is not None]
        if len(given) != 1:
            words = f"has {' and '.join(given)}" if given else "says nothing of when it is due"
            raise ValueError(f"it {words}; it takes exactly one of {', '.join(TRIGGERS)}")
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
