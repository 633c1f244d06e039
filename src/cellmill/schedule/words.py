"""Values of a file as a sentence shows them: short, in one line, with nothing in them that a terminal obeys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN_LETTERS = 60


def short(value: Any) -> str:
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
