"""The one parser of what stands behind a line magic; errors say what to type instead."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from cellmill.errors import CellmillError
from cellmill.notebook.magic_lines import did_you_mean


@dataclass(frozen=True)
class Usage:
    """What a line magic takes.

    Attributes
    ----------
    text
        The magic as one would type it, ``%promote [NAME] [--force]``.
    words
        How many words without dashes it takes at most.
    flags, values
        Options without and with a value.
    """

    text: str
    words: int = 0
    flags: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """What the user typed."""

    words: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    values: dict[str, list[str]] = field(default_factory=dict)

    @property
    def word(self) -> str | None:
        """The first word, if there is one."""
        return self.words[0] if self.words else None

    def value(self, option: str) -> str | None:
        """The option's last value, if it was given."""
        given = self.values.get(option)
        return given[-1] if given else None


def parse_arguments(usage: Usage, line: str) -> Given:
    """Take a line magic's arguments apart.

    Raises
    ------
    CellmillError
        With a remedy that says what to type instead.
    """
    magic = usage.text.split()[0]
    try:
        rest = iter(shlex.split(line))
    except ValueError:
        raise CellmillError(f"{magic}: a quote is opened and not closed", remedy=f"write {usage.text}") from None
    given = Given()
    for word in rest:
        option, equals, value = word.partition("=")
        if not word.startswith("-") or word == "-":
            given.words.append(word)
        elif word in usage.flags:
            given.flags.add(word)
        elif option in usage.values:
            value = value if equals else next(rest, "")
            if not value:
                raise CellmillError(f"{magic}: {option} needs a value", remedy=f"write {usage.text}")
            given.values.setdefault(option, []).append(value)
        else:
            known = (*usage.flags, *usage.values)
            remedy = did_you_mean(option, known, f"write {usage.text}")
            raise CellmillError(f"{magic} has no option {option}", remedy=remedy)
    if len(given.words) > usage.words:
        raise CellmillError(f"{magic} does not take {given.words[usage.words]!r}", remedy=f"write {usage.text}")
    return given
