"""Steps proposed from a notebook's markdown headings, for notebooks that nobody has tagged yet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cellmill.errors import CellmillError
from cellmill.notebook.cells import Cell, Notebook
from cellmill.notebook.identifiers import to_identifier
from cellmill.notebook.names import can_be_step
from cellmill.notebook.roles import read_role
from cellmill.notebook.setup_cells import Setup, only_asserts, only_prepares, sort_cells

WANTED = range(3, 13)


@dataclass
class Section:
    """A heading (none for cells above the first one) and the cells below it that do work."""

    heading: str | None
    cells: list[Cell] = field(default_factory=list)


def propose_tags(notebook: Notebook) -> tuple[tuple[Cell, str], ...]:
    """Propose a tag for each code cell that has no role yet.

    Sections under markdown headings become steps; the heading level is chosen so that there are 3 to 12 of them where
    that is possible; what only sets seeds and options at the top belongs to the first of them. Cells that only import
    and define become ``shared``, a cell of literal constants above the first step becomes ``parameters``, cells of
    assertions become checks. Empty cells and cells that only load extensions get no tag.

    Returns
    -------
    tuple of (Cell, str)
        Cells in notebook order, each with the tag to add. Empty when every cell has a role.

    Raises
    ------
    CellmillError
        If there are cells without a role but no headings above them.
    """
    taken = taken_names(notebook)
    setup = sort_cells(free_cells(notebook), has_parameters="parameters" in taken)
    sections = _best_sections(notebook, {cell.number for cell in setup.work})
    if setup.work and not any(section.heading for section in sections):
        raise CellmillError(
            "no markdown heading stands above a code cell, so no steps can be proposed",
            notebook=notebook.path,
            remedy="add headings such as ## Load the data, or cut it into equal parts: cellmill tag --equal-parts 4",
        )
    return with_setup(setup, sections, taken)


def free_cells(notebook: Notebook) -> list[Cell]:
    """Code cells that have no role yet."""
    return [cell for cell in notebook.cells if cell.kind == "code" and read_role(cell)[0] is None]


def taken_names(notebook: Notebook) -> list[str]:
    """Names of steps, and kinds of roles without a name, that cells have already."""
    roles = [found.role for cell in notebook.cells if (found := read_role(cell)[0])]
    return [role.name or role.kind for role in roles]


def with_setup(setup: Setup, sections: Sequence[Section], taken: Sequence[str]) -> tuple[tuple[Cell, str], ...]:
    """Tags for setup cells and for sections' cells, in notebook order; step names get a number where they are taken."""
    proposals = [*_setup_tags(setup), *_step_tags(sections, taken)]
    return tuple(sorted(proposals, key=lambda pair: pair[0].number))


def _setup_tags(setup: Setup) -> Iterator[tuple[Cell, str]]:
    if setup.parameters is not None:
        yield setup.parameters, "parameters"
    for cell in setup.shared:
        yield cell, "shared"


def _step_tags(sections: Sequence[Section], taken: Sequence[str]) -> Iterator[tuple[Cell, str]]:
    used = {name.casefold() for name in taken}
    for wanted, section in zip(_names(sections), sections, strict=True):
        name = _free_name(wanted, used)
        used.add(name.casefold())
        works = False
        for cell in section.cells:
            # A cell of assertions checks what the cells above it made.
            yield cell, f"check:{name}" if works and only_asserts(cell) else f"step:{name}"
            works = True


def _names(sections: Sequence[Section]) -> list[str]:
    """A name for each section: its heading's first words, or its last words where they tell it from another one."""
    texts = [_text_of(section.heading) for section in sections]
    alike = Counter(to_identifier(text) for text in set(texts))
    told = [to_identifier(text, by_end=alike[to_identifier(text)] > 1) for text in texts]
    plain = [re.sub(r"^(a|an|the)_(?=\D)", "", name) for name in told]
    return [name or f"step_{number}" for number, name in enumerate(plain, start=1)]


def _free_name(wanted: str, used: set[str]) -> str:
    name = wanted if can_be_step(wanted) else f"{wanted}_step"
    number = 2
    free = name
    while free.casefold() in used:
        free, number = f"{name}_{number}", number + 1
    return free


def _text_of(heading: str | None) -> str:
    """A heading with its markdown (links, images, HTML, anchors) taken off."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", heading or "")
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]*>|\{#[^}]*\}|&\w+;", " ", text)
    return text.replace("_", " ")


def _best_sections(notebook: Notebook, work: set[int]) -> list[Section]:
    """Cut at the heading level that gives a wanted number of steps, the coarsest first; a title alone cuts nothing."""
    cuts = [_sections(notebook, work, depth) for depth in range(1, 7)]
    return min(cuts, key=lambda sections: (len(sections) < 2, _distance(len(sections))))


def _distance(count: int) -> int:
    return max(WANTED.start - count, count - WANTED[-1], 0)


def _sections(notebook: Notebook, work: set[int], depth: int) -> list[Section]:
    sections = [Section(None)]
    for cell in notebook.cells:
        if cell.kind == "markdown":
            sections += [Section(text) for level, text in headings_of(cell.source) if level <= depth]
        elif cell.number in work:
            sections[-1].cells.append(cell)
    return with_preparation([section for section in sections if section.cells])


def with_preparation(sections: list[Section]) -> list[Section]:
    """Join what only seeds, imports and sets options at the top with the first section that does something."""
    while len(sections) > 1 and all(only_prepares(cell) for cell in sections[0].cells):
        first, second, *rest = sections
        sections = [Section(second.heading, first.cells + second.cells), *rest]
    return sections


def headings_of(markdown: str) -> list[tuple[int, str]]:
    r"""The headings of a markdown text with their levels, code blocks left aside.

    Examples
    --------
    >>> headings_of("# Churn\n\n## 1. Load ##\n")
    [(1, 'Churn'), (2, '1. Load')]
    """
    found: list[tuple[int, str]] = []
    fence = ""
    above = ""
    for line in markdown.splitlines():
        text = line.strip()
        mark = re.match(r"(`{3,}|~{3,})", text)
        if mark and (not fence or (text == fence[0] * len(text) and len(text) >= len(fence))):
            fence, above = "" if fence else mark[1], ""
            continue
        if fence or line.startswith("    "):
            continue
        heading = re.match(r"(#{1,6})[ \t]+(.*?)[ \t]*#*$", text) or re.match(r"<h([1-6])\b[^>]*>(.*?)</h\1>", text)
        if heading:
            level = int(heading[1]) if heading[1].isdigit() else len(heading[1])
            found.append((level, heading[2].strip()))
        elif above and re.fullmatch(r"=+|-{2,}", text):
            found.append((1 if text[0] == "=" else 2, above))
        above = "" if heading or text.startswith(("|", "-", ">", "*", "+")) else text
    return found
