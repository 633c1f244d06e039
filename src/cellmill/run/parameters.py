"""Parameters are typed and checked before anything starts; one sentence says what is wrong and what is accepted."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from cellmill.errors import CellmillError
from cellmill.run.settings import ParameterSettings

Accepted = Mapping[str, ParameterSettings]

_TRUE = {"true", "yes", "1"}
_FALSE = {"false", "no", "0"}
_NONE = {"none", "null"}


def parse_assignments(texts: Sequence[str], accepted: Accepted, *, where: Path | None = None) -> dict[str, Any]:
    """Turn ``name=value`` texts, as ``cellmill run -p`` gets them, into typed and checked values.

    Parameters
    ----------
    texts
        Such as ``["test_size=0.3", "features=[age, income]"]``; the last one of a name counts.
    accepted
        The parameters that the pipeline accepts.
    where
        The pipeline's folder, for messages.

    Raises
    ------
    CellmillError
        For a text without ``=``, an unknown name, a wrong type, a value out of range or not among the choices.

    Examples
    --------
    >>> parse_assignments(["n=3"], {"n": ParameterSettings(type="float", default=1.0)})
    {'n': 3.0}
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise CellmillError(f"-p {text} is not of the form name=value", remedy="type for example -p name=0.5")
        settings = _known(name, accepted, where)
        try:
            values[name] = _checked(_parse(value, settings), settings)
        except ValueError as error:
            raise _refusal(name, value, settings, error, where) from None
    return values


def check_values(values: Mapping[str, Any], accepted: Accepted, *, where: Path | None = None) -> dict[str, Any]:
    """Check values that have a type already; an int is taken for a float.

    Raises
    ------
    CellmillError
        As :func:`parse_assignments`.
    """
    checked: dict[str, Any] = {}
    for name, value in values.items():
        settings = _known(name, accepted, where)
        try:
            checked[name] = _checked(value, settings)
        except ValueError as error:
            raise _refusal(name, value, settings, error, where) from None
    return checked


def as_assigned(value: Any, settings: ParameterSettings) -> str:
    """A value as ``-p NAME=VALUE`` takes it.

    Examples
    --------
    >>> as_assigned([1, "a"], ParameterSettings(type="list"))
    '[1, "a"]'
    """
    if value is None:
        return "none"
    if isinstance(value, str) and settings.type == "str":
        return value
    return json.dumps(value)


def describe(name: str, settings: ParameterSettings) -> str:
    """Say in a few words what a parameter accepts.

    Examples
    --------
    >>> describe("test_size", ParameterSettings(type="float", default=0.2, minimum=0, maximum=1))
    'test_size (float from 0 to 1, default 0.2)'
    """
    return f"{name} ({_takes(settings)}, default {settings.default!r})"


def _known(name: str, accepted: Accepted, where: Path | None) -> ParameterSettings:
    if name in accepted:
        return accepted[name]
    if not accepted:
        raise CellmillError(f"there is no parameter {name}: this pipeline has none", notebook=where)
    close = get_close_matches(name, accepted, n=1)
    guess = f" (did you mean {close[0]}?)" if close else ""
    listed = ", ".join(describe(known, settings) for known, settings in accepted.items())
    raise CellmillError(f"there is no parameter {name}{guess}", notebook=where, remedy=f"accepted are {listed}")


def _refusal(
    name: str, value: Any, settings: ParameterSettings, error: ValueError, where: Path | None
) -> CellmillError:
    given = value if isinstance(value, str) and settings.type != "str" else repr(value)
    reason = f" ({error})" if str(error) else ""
    return CellmillError(
        f"parameter {name} takes {_takes(settings, article=True)}, not {given}{reason}", notebook=where
    )


def _takes(settings: ParameterSettings, *, article: bool = False) -> str:
    if settings.choices is not None:
        words = "one of " + ", ".join(repr(choice) for choice in settings.choices)
    elif settings.type in ("any", "none"):
        words = "any value" if article else "any type"
    else:
        words = f"{'an' if settings.type == 'int' else 'a'} {settings.type}" if article else settings.type
    low, high = settings.minimum, settings.maximum
    if low is not None and high is not None:
        words += f" from {low:g} to {high:g}"
    elif low is not None:
        words += f" of at least {low:g}"
    elif high is not None:
        words += f" of at most {high:g}"
    return f"{words} or None" if settings.nullable else words


def _parse(text: str, settings: ParameterSettings) -> Any:
    if settings.nullable and text.strip().lower() in _NONE:
        return None
    return _PARSERS[settings.type](text)


def _parse_bool(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError("type true or false")


def _parse_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError from None


def _parse_float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError from None


def _parse_structure(text: str) -> Any:
    """Read JSON, or YAML as version 1.2 means it: ``no``, a date and ``007`` are texts, ``1e-3`` a number."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return yaml.load(text, Loader=_CoreLoader)
    except yaml.YAMLError:
        raise ValueError("it is neither JSON nor YAML") from None


class _CoreLoader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own seam


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf)|\.(nan|NaN)",
        "-+0123456789.",
    ),
    ("null", r"~|null|Null|NULL|none|None|", ["~", "n", "N", ""]),
):
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


_PARSERS: dict[str, Callable[[str], Any]] = {
    "int": _parse_int,
    "float": _parse_float,
    "str": lambda text: text,
    "bool": _parse_bool,
    "list": _parse_structure,
    "dict": _parse_structure,
    "none": _parse_structure,
    "any": _parse_structure,
}


def _checked(value: Any, settings: ParameterSettings) -> Any:
    """Give the value in its declared type, or raise ValueError with the reason that is not plain from the type."""
    if value is None and (settings.nullable or settings.type in ("any", "none")):
        return None
    if settings.type == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    _check_type(value, settings)
    if settings.choices is not None and not any(
        value == choice and _alike(value, choice) for choice in settings.choices
    ):
        raise ValueError
    if settings.minimum is not None and value < settings.minimum:
        raise ValueError
    if settings.maximum is not None and value > settings.maximum:
        raise ValueError
    return value


def _check_type(value: Any, settings: ParameterSettings) -> None:
    kinds: dict[str, type] = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict}
    kind = kinds.get(settings.type)
    if kind is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise ValueError
    _check_plain(value, finite=settings.finite)


def _check_plain(value: Any, *, finite: bool) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ValueError(f"the key {key!r} is not a text")
            _check_plain(inner, finite=finite)
    elif isinstance(value, list):
        for inner in value:
            _check_plain(inner, finite=finite)
    elif isinstance(value, float):
        if math.isnan(value) or (finite and math.isinf(value)):
            raise ValueError(f"{value} is not a number to compute with")
    elif value is not None and not isinstance(value, str | int):
        raise ValueError(f"a {type(value).__name__} can't be passed to a pipeline")


def _alike(left: Any, right: Any) -> bool:
    return isinstance(left, bool) == isinstance(right, bool)
