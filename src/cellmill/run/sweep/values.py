"""The values that a sweep tries: read from the command line, combined in the order typed, or drawn by chance."""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.run.parameters import Accepted, parse_assignments

# More combinations than anybody looks at; a mistyped range should not fill a disk.
MOST = 10_000
_LONGEST_TEXT = 24
_LONGEST_FOLDER = 60
_OPENING = {"[": "]", "{": "}", "(": ")"}
_STRUCTURED = ("list", "dict", "any", "none")

Values = Mapping[str, tuple[Any, ...]]
Combination = Mapping[str, Any]


def parse_values(texts: Sequence[str], accepted: Accepted, *, where: Path | None = None) -> dict[str, tuple[Any, ...]]:
    """Turn ``name=value,value`` texts into typed and checked values, by name in the order typed.

    A comma between brackets or quotes separates nothing, so that lists and texts with commas can be values.

    Parameters
    ----------
    texts
        Such as ``["alpha=0.1,0.2", "features=[age],[age, income]", 'title="a, b",c']``.
    accepted
        The parameters that the pipeline accepts.
    where
        The pipeline's folder, for messages.

    Raises
    ------
    CellmillError
        As :func:`~cellmill.run.parameters.parse_assignments`, and for a name or a value that is given twice and a value
        that is empty.

    Examples
    --------
    >>> from cellmill.run.settings import ParameterSettings
    >>> accepted = {"n": ParameterSettings(type="int"), "xs": ParameterSettings(type="list")}
    >>> parse_values(["n=1,2", "xs=[1,2],[3]"], accepted)
    {'n': (1, 2), 'xs': ([1, 2], [3])}
    """
    found: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        name, equals, rest = text.partition("=")
        name = name.strip()
        declared = accepted.get(name)
        if not equals or declared is None:
            parse_assignments([text], accepted, where=where)  # it has the sentence for that
        if name in found:
            raise CellmillError(f"parameter {name} is given twice", remedy=f"type -p {name}=VALUE,VALUE once")
        structured = declared is not None and declared.type in _STRUCTURED
        values: list[Any] = []
        for piece in _pieces(rest, brackets=structured):
            if not piece.strip():
                raise CellmillError(
                    f"parameter {name}: there is an empty value in {rest!r}",
                    remedy=f"type values with commas between them, as in -p {name}=VALUE,VALUE",
                )
            value = parse_assignments([f"{name}={piece if structured else _bare(piece)}"], accepted, where=where)[name]
            if any(_same(value, other) for other in values):
                raise CellmillError(f"parameter {name}: the value {text_of(value)} is given twice")
            values.append(value)
        found[name] = tuple(values)
    return found


def combine(values: Values, *, draw: int | None = None, seed: int = 0) -> list[dict[str, Any]]:
    """All combinations of the values, the last name's values changing first; or so many of them, drawn by chance.

    Parameters
    ----------
    values
        By name.
    draw
        How many different ones to draw; they stay in the order that all have.
    seed
        Decides which are drawn.

    Raises
    ------
    CellmillError
        If they are too many.

    Examples
    --------
    >>> combine({"a": (1, 2), "b": ("x", "y")})
    [{'a': 1, 'b': 'x'}, {'a': 1, 'b': 'y'}, {'a': 2, 'b': 'x'}, {'a': 2, 'b': 'y'}]
    """
    total = math.prod(len(found) for found in values.values())
    wanted = total if draw is None else min(draw, total)
    if wanted > MOST:
        raise CellmillError(
            f"these values make {total:,} combinations, and a sweep takes at most {MOST:,}",
            remedy="give fewer values, or draw some of the combinations with --random N",
        )
    places: Sequence[int] = range(total)
    if wanted < total:
        places = sorted(random.Random(seed).sample(places, wanted))
    return [dict(_combination(values, place)) for place in places]


def label(combination: Combination) -> str:
    """A combination in words.

    Examples
    --------
    >>> label({"alpha": 0.1, "model": "ridge"})
    'alpha=0.1, model=ridge'
    """
    return ", ".join(f"{name}={_short(text_of(value))}" for name, value in combination.items())


def folder_name(combination: Combination) -> str:
    """The folder for what is made with these values: the same for the same values, in whatever order they are typed.

    Examples
    --------
    >>> folder_name({"model": "ridge", "alpha": 0.1}) == folder_name({"alpha": 0.1, "model": "ridge"})
    True
    >>> folder_name({"alpha": 1}) == folder_name({"alpha": 1.0})
    False
    """
    ordered = dict(sorted(combination.items()))
    digest = hashlib.sha256(json.dumps(ordered, default=repr).encode()).hexdigest()[:8]
    words = ",".join(f"{name}={text_of(value)}" for name, value in ordered.items())
    readable = re.sub(r"[^\w.,=+-]+", "_", words, flags=re.ASCII)[:_LONGEST_FOLDER]
    return f"{readable}-{digest}"


def text_of(value: Any) -> str:
    """A value as it can be typed."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)


def _combination(values: Values, place: int) -> list[tuple[str, Any]]:
    found = []
    for name, given in reversed(list(values.items())):
        place, at = divmod(place, len(given))
        found.append((name, given[at]))
    return found[::-1]


def _pieces(text: str, *, brackets: bool) -> Iterator[str]:
    """Cut at the commas that stand outside quotes and, if asked, brackets."""
    closing: list[str] = []
    quote = ""
    begin = 0
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'" and (closing or not text[begin:place].strip()):
            # An apostrophe within a word is none.
            quote = sign
        elif brackets and sign in _OPENING:
            closing.append(_OPENING[sign])
        elif closing and sign == closing[-1]:
            closing.pop()
        elif sign == "," and not closing:
            yield text[begin:place]
            begin = place + 1
    yield text[begin:]


def _bare(piece: str) -> str:
    stripped = piece.strip()
    quoted = len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "\"'"
    return stripped[1:-1] if quoted else stripped


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left == right)


def _short(text: str) -> str:
    # Records of runs keep things in folders that are named for steps.
    text = " ".join(text.split()).replace("/", "|")
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
