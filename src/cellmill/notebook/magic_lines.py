"""The one parser of cellmill's magic lines, for tag reading and for the IPython magics alike."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from cellmill.errors import CellmillError
from cellmill.notebook.cells import StepName
from cellmill.notebook.steps import Role, RoleKind, StepOptions

USAGE: dict[str, str] = {
    "parameters": "%%parameters",
    "step": "%%step NAME [--after X[,Y]] [--outputs a,b] [--keeps a,b] [--retries N] [--timeout SECONDS]",
    "shared": "%%shared",
    "check": "%%check NAME",
    "skip": "%%skip",
}
_KINDS: dict[str, RoleKind] = {
    "parameters": "parameters",
    "step": "step",
    "shared": "shared",
    "check": "check",
    "skip": "skip",
}
_STEP_OPTIONS = ("--after", "--outputs", "--keeps", "--retries", "--timeout")

# Not typing errors for ours: IPython's own cell magics and those of widely used extensions.
FOREIGN_MAGICS = frozenset(
    """! HTML R SVG ai bash bigquery cache capture cmd code_wrap configure cython debug file heat html javascript js
    julia latex local lprun manim markdown memit mprun mypy ocaml octave perl prun px pyinstrument pypy python python2
    python3 ruby scalene script sh shell snakeviz spark sql svg sx system time timeit writefile""".split()
)

_LINE = re.compile(r"\s*%%(?!\w+\?)(\w+)(.*)")


@dataclass(frozen=True)
class MagicLine:
    """A magic line where it stands: ``%%name arguments`` on line ``line`` (from 1) of its cell."""

    name: str
    arguments: str
    line: int

    @property
    def is_ours(self) -> bool:
        """Whether the magic is one of cellmill's."""
        return self.name in USAGE

    @property
    def meant(self) -> str | None:
        """The magic of ours that a misspelt one comes close to."""
        if self.is_ours or self.name in FOREIGN_MAGICS:
            return None
        close = get_close_matches(self.name.lower(), USAGE, n=1, cutoff=0.75)
        return close[0] if close else None


def first_magic(source: str) -> MagicLine | None:
    """The magic on a cell's first non-empty line, whoever it belongs to."""
    for number, text in enumerate(source.split("\n"), start=1):
        if text.strip():
            found = _LINE.match(text)
            return MagicLine(found[1], found[2], number) if found else None
    return None


def without_magic_line(source: str) -> tuple[tuple[MagicLine, ...], str]:
    r"""Take cellmill's magic lines off a cell's top.

    Returns
    -------
    tuple
        The magic lines (more than one is the author's mistake) and the source with empty lines in their place.

    Examples
    --------
    >>> without_magic_line("%%step load\nx = 1")
    ((MagicLine(name='step', arguments=' load', line=1),), '\nx = 1')
    """
    lines = source.split("\n")
    found: list[MagicLine] = []
    while (magic := first_magic("\n".join(lines))) and magic.is_ours:
        found.append(magic)
        lines[magic.line - 1] = "\r" if lines[magic.line - 1].endswith("\r") else ""
    return tuple(found), "\n".join(lines)


def parse_magic_line(magic: MagicLine) -> Role:
    """Turn one of cellmill's magic lines into the cell's role.

    Raises
    ------
    CellmillError
        With a remedy that says what to type instead.

    Examples
    --------
    >>> parse_magic_line(MagicLine("step", " train --after load --retries 2", 1)).options.retries
    2
    """
    name, usage = magic.name, USAGE[magic.name]
    if magic.arguments and not magic.arguments[0].isspace():
        raise CellmillError(f"%%{name}{magic.arguments.split()[0]} is not a magic", remedy=f"write {usage}")
    words = _words(magic.arguments, usage)
    if name == "step":
        step, options = _step_arguments(words, usage)
        return Role("step", step, options)
    options_given = [word for word in words if word.startswith("-")]
    if options_given:
        raise CellmillError(f"%%{name} has no option {options_given[0]}", remedy=f"write {usage}")
    if name == "check":
        return Role("check", _one_name("check", words, usage))
    if words:
        raise CellmillError(f"%%{name} takes nothing after it, got {' '.join(words)}", remedy=f"write {usage}")
    return Role(_KINDS[name])


def name_problem(name: str) -> tuple[str, str] | None:
    """Say what keeps a name from being a step's: the problem and what to write instead, or None."""
    from cellmill.notebook.identifiers import to_identifier

    if name.isidentifier() and not keyword.iskeyword(name):
        return None
    why = "is a word of Python" if keyword.iskeyword(name) else "is not a Python identifier"
    return f"the step name {name!r} {why}", f"name it {to_identifier(name) or 'load'}"


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """A remedy that names the closest of the known words, or else says ``otherwise``."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"you may have meant {close[0]}" if close else otherwise


def _words(arguments: str, usage: str) -> list[str]:
    try:
        return shlex.split(arguments, comments=True)
    except ValueError:
        raise CellmillError("a quote is opened and not closed", remedy=f"write {usage}") from None


def _one_name(magic: str, words: list[str], usage: str) -> StepName:
    if not words:
        example = "load" if magic == "step" else "train"
        raise CellmillError(f"%%{magic} names no step", remedy=f"write %%{magic} NAME, such as %%{magic} {example}")
    if len(words) > 1:
        raise CellmillError(f"%%{magic} takes one name, got {' '.join(words)}", remedy=f"write {usage}")
    return StepName(words[0])


def _step_arguments(words: list[str], usage: str) -> tuple[StepName, StepOptions]:
    names: list[str] = []
    given: dict[str, list[str]] = {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            names.append(word)
            continue
        option, equals, value = word.partition("=")
        if option not in _STEP_OPTIONS:
            remedy = did_you_mean(option, _STEP_OPTIONS, f"write {usage}")
            raise CellmillError(f"%%step has no option {option}", remedy=remedy)
        value = value if equals else next(rest, "")
        if not value or value.startswith("--"):
            raise CellmillError(f"{option} needs a value", remedy=f"write {_EXAMPLES[option]}")
        given.setdefault(option, []).append(value)
    if len(names) > 1 and any(value.endswith(",") for values in given.values() for value in values):
        raise CellmillError("a list has a space in it", remedy=f"write it without, as in {_EXAMPLES['--after']}")
    options = StepOptions(
        after=tuple(StepName(item) for item in _names(given, "--after")),
        outputs=_names(given, "--outputs"),
        retries=_whole_number(given),
        timeout=_seconds(given),
        keeps=_names(given, "--keeps"),
    )
    return _one_name("step", names, usage), options


_EXAMPLES = {
    "--after": "--after load,features",
    "--outputs": "--outputs model,scores",
    "--keeps": "--keeps model,df",
    "--retries": "--retries 2",
    "--timeout": "--timeout 60",
}


def _names(given: dict[str, list[str]], option: str) -> tuple[str, ...]:
    items = [item.strip() for value in given.get(option, ()) for item in value.split(",")]
    for item in items:
        if item and not item.isidentifier():
            raise CellmillError(f"{option} takes names, got {item!r}", remedy=f"write {_EXAMPLES[option]}")
    return tuple(dict.fromkeys(item for item in items if item))


def _one_value(given: dict[str, list[str]], option: str) -> str | None:
    values = given.get(option, [])
    if len(values) > 1:
        raise CellmillError(f"{option} stands twice", remedy=f"write {_EXAMPLES[option]} once")
    return values[0] if values else None


def _whole_number(given: dict[str, list[str]]) -> int | None:
    value = _one_value(given, "--retries")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise CellmillError(f"--retries takes a whole number from 0, got {value!r}", remedy="write --retries 2")
    return int(value)


def _seconds(given: dict[str, list[str]]) -> float | None:
    value = _one_value(given, "--timeout")
    if value is None:
        return None
    if not re.fullmatch(r"\d+(\.\d+)?", value, flags=re.ASCII) or float(value) <= 0:
        raise CellmillError(f"--timeout takes seconds above 0, got {value!r}", remedy="write --timeout 60")
    return float(value)
