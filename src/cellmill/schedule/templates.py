"""What stands in ``{{ }}`` in a schedule's parameters: dates, ids and names; never code.

The syntax is Jinja's, of which only the names and filters below are allowed: a template is looked at before it is
stored, and whatever else Jinja could do is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

NAMES = {
    "date": "the day for which the run is due, as 2026-01-31, on the schedule's clock",
    "due": "the moment for which the run is due, as 2026-01-31T03:00:00+01:00",
    "run_id": "the run's id",
    "last_success": "the moment for which the last run that succeeded was due; empty before the first one",
    "file": "the file that the run is for (of on_file)",
    "schedule": "the schedule's name",
    "pipeline": "the pipeline's name",
}
FILTERS = {
    "days": "so many days later, as in {{ date | days(-1) }}",
    "format": "written by strftime's letters, as in {{ due | format('%Y-%m') }}",
    "default": "another text where it is empty, as in {{ last_success | default('2020-01-01') }}",
}
_LONGEST = 2000
_MOST_FILTERS = 10
# Letters of one that a message repeats.
_SHOWN = 100
# A hundred years each way: dates end somewhere.
_MOST_DAYS = 36525
# strftime's letters that mean the same on every system; glibc also takes widths, of any size.
_LETTERS = re.compile(r"(?:[^%\0]|%[aAbBcdfGHIjmMpSuUVwWxXyYzZ%])*")


@dataclass(frozen=True)
class Moment:
    """What the names stand for in one run."""

    due: datetime
    run_id: str
    schedule: str
    pipeline: str
    last_success: datetime | None = None
    file: str | None = None

    def values(self) -> dict[str, Any]:
        """By name."""
        return {
            "date": self.due.date(),
            "due": self.due.replace(microsecond=0),
            "run_id": self.run_id,
            "last_success": self.last_success.replace(microsecond=0) if self.last_success else "",
            "file": self.file or "",
            "schedule": self.schedule,
            "pipeline": self.pipeline,
        }


def is_template(value: Any) -> bool:
    """Whether a value has a template in it."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value or "{#" in value
    if isinstance(value, Mapping):
        return any(is_template(inner) for inner in value.values())
    return isinstance(value, list) and any(is_template(inner) for inner in value)


def check_template(text: str) -> None:
    """Look at a template without running it.

    Raises
    ------
    ValueError
        If it holds more than the names and filters that there are.
    """
    from jinja2 import TemplateSyntaxError, nodes

    if len(text) > _LONGEST:
        raise ValueError(f"a template has at most {_LONGEST} letters")
    try:
        parsed = _environment().parse(text)
    except RecursionError:
        raise ValueError("the template is nested too deeply") from None
    except TemplateSyntaxError as error:
        raise ValueError(f"the template can't be read ({error.message})") from None
    harmless = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Neg)
    if sum(1 for _ in parsed.find_all(nodes.Filter)) > _MOST_FILTERS:
        raise ValueError(f"a template has at most {_MOST_FILTERS} filters")
    for node in parsed.find_all(nodes.Node):
        if isinstance(node, nodes.Name):
            _known("name", node.name, NAMES)
        elif isinstance(node, nodes.Filter):
            _known("filter", node.name, FILTERS)
            if len(node.args) != 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
                raise ValueError(f"the filter {node.name} takes one value in brackets: {FILTERS[node.name]}")
            _check_argument(node.name, node.args[0])
        elif isinstance(node, nodes.Neg) and not isinstance(node.node, nodes.Const):
            raise ValueError("a template calculates nothing; days are added as in {{ date | days(-1) }}")
        elif not isinstance(node, harmless):
            raise ValueError(f"a template holds names and filters only, no {_kind(node)}: {', '.join(NAMES)}")


def names_in(text: str) -> set[str]:
    """The names in a template that :func:`check_template` has let pass."""
    from jinja2 import nodes

    return {node.name for node in _environment().parse(text).find_all(nodes.Name)}


def filled(value: Any, moment: Moment) -> Any:
    """Fill in what stands in ``{{ }}``, in texts and inside lists and mappings.

    Raises
    ------
    ValueError
        If a template holds what it may not, or a filter does not fit.
    """
    if isinstance(value, Mapping):
        return {key: filled(inner, moment) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, moment) for inner in value]
    if not is_template(value):
        return value
    check_template(value)
    try:
        return _environment().from_string(value).render(moment.values())
    except Exception as error:  # a filter's arguments; Jinja raises of many kinds
        told = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
        raise ValueError(f"the template {told} can't be filled in ({error})") from None


def _check_argument(name: str, argument: nodes.Expr) -> None:
    """Look at what stands in a filter's brackets; what it goes with is seen when it is tried."""
    from jinja2 import nodes

    value: Any = argument
    if isinstance(argument, nodes.Neg) and isinstance(argument.node, nodes.Const):
        value = -argument.node.value if isinstance(argument.node.value, int) else None
    elif isinstance(argument, nodes.Const):
        value = argument.value
    if name == "days" and (type(value) is not int or abs(value) > _MOST_DAYS):
        raise ValueError(f"days takes a whole number up to {_MOST_DAYS}: {FILTERS['days']}")
    if name == "format":
        if not isinstance(value, str):
            raise ValueError(f"format takes a text: {FILTERS['format']}")
        if _LETTERS.fullmatch(value) is None:
            raise ValueError(f"format can't read {value[:60]!r}: {FILTERS['format']}")


def _known(kind: str, name: str, known: Mapping[str, str]) -> None:
    if name not in known:
        close = get_close_matches(name, known, n=1)
        guess = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        raise ValueError(f"a template has no {kind} {name}; {guess}")


def _kind(node: object) -> str:
    words = {"Getattr": "attributes", "Getitem": "subscripts", "Call": "calls"}
    return words.get(type(node).__name__, f"{type(node).__name__.lower()} statements")


def _written(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _days(value: Any, number: Any) -> Any:
    if not isinstance(value, date):
        raise ValueError(_no_date("days", value))
    try:
        return value + timedelta(days=number)
    except OverflowError:
        raise ValueError("there is no such date") from None


def _format(value: Any, letters: Any) -> str:
    if not isinstance(value, date):
        raise ValueError(_no_date("format", value))
    return value.strftime(letters)


def _no_date(name: str, value: Any) -> str:
    if value == "":
        return f"{name} finds no date: last_success is empty before the first success; put default(...) before it"
    return f"{name} goes with date, due and last_success, before they are formatted"


def _default(value: Any, otherwise: Any) -> Any:
    return value if value != "" else otherwise


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, finalize=_written, autoescape=False, keep_trailing_newline=True
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters.update(days=_days, format=_format, default=_default)
    return environment
