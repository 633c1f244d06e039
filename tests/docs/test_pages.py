"""README and docs hold what they promise: links lead somewhere, commands and magic lines are ones that exist."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from cellmill.cli import main
from cellmill.notebook.magic_lines import first_magic, parse_magic_line

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
SHELL_SIGNS = {"&&", "||", "|", ";", ">", ">>"}


@dataclass(frozen=True)
class Found:
    """A link, a command or a block, and where it stands."""

    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def _blocks(language: str) -> Iterator[Found]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in FENCE.finditer(text):
            if block[1] == language:
                yield Found(page, text[: block.start()].count("\n") + 1, block[2])


def _links() -> Iterator[Found]:
    for page in PAGES:
        # A mark in code is no link; the lines stay as they are, for their numbers.
        text = FENCE.sub(lambda block: "\n" * block[0].count("\n"), page.read_text(encoding="utf-8"))
        text = re.sub(r"`[^`\n]*`", "", text)
        for link in LINK.finditer(text):
            target = link[1] or link[2]
            if not re.match(r"[a-z]+:", target):
                yield Found(page, text[: link.start()].count("\n") + 1, target)


def _commands() -> Iterator[Found]:
    """Every ``cellmill ...`` of the bash and console blocks, as it stands between a line's shell signs."""
    for block in [*_blocks("bash"), *_blocks("console")]:
        for number, line in enumerate(block.text.splitlines(), start=block.line + 1):
            lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if word not in SHELL_SIGNS:
                    words.append(word)
                    continue
                if words and words[0] == "cellmill":
                    yield Found(block.page, number, shlex.join(words[1:]))
                words = []


def _anchors(page: Path) -> set[str]:
    """Names that GitHub gives to a page's headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", one).replace("`", "") for one in headings]
    kept = ["".join(sign for sign in one.lower() if _in_anchor(sign)).replace(" ", "-") for one in plain]
    return set(kept)


def _in_anchor(sign: str) -> bool:
    return sign in " -_" or unicodedata.category(sign)[0] in "LN"


LINKS, COMMANDS, PYTHON = list(_links()), list(_commands()), list(_blocks("python"))


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_links_lead_somewhere(link: Found):
    path, _, anchor = link.text.partition("#")
    target = (link.page.parent / path).resolve() if path else link.page
    assert target.exists(), f"{link.text}: no such file"
    assert not anchor or anchor in _anchors(target), f"{link.text}: {target.name} has no such heading"


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_commands_and_options_exist(command: Found):
    found: click.Command | None = main
    words = shlex.split(command.text)
    context = click.Context(main, info_name="cellmill")
    while isinstance(found, click.Group):
        name, found, words = found.resolve_command(context, words)
        assert found is not None
        context = found.make_context(name, list(words), parent=context)


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_magic_lines_can_be_read(block: Found):
    magic = first_magic(block.text)
    if magic is not None:
        assert magic.is_ours
        parse_magic_line(magic)


def test_the_checks_above_see_something():
    assert len(LINKS) > 20
    assert len(COMMANDS) > 20
    assert sum(first_magic(block.text) is not None for block in PYTHON) > 8
