"""Steps of equal length, for notebooks that have no headings to take steps from."""

from __future__ import annotations

from cellmill.errors import CellmillError
from cellmill.notebook.cells import Cell, Notebook
from cellmill.notebook.headings import Section, free_cells, taken_names, with_setup
from cellmill.notebook.setup_cells import only_prepares, sort_cells


def propose_parts(notebook: Notebook, parts: int) -> tuple[tuple[Cell, str], ...]:
    """Propose a tag for each code cell that has no role yet: steps of about as many lines each, in notebook order.

    Cells that only import and define, constants at the top and assertions are treated as by `propose_tags`; headings
    are not looked at.

    Parameters
    ----------
    notebook
        The notebook to propose tags for.
    parts
        How many steps to make; fewer if there are not as many cells that do work.

    Returns
    -------
    tuple of (Cell, str)
        Cells in notebook order, each with the tag to add. Empty when every cell has a role.

    Raises
    ------
    CellmillError
        If ``parts`` is less than 1.
    """
    if parts < 1:
        raise CellmillError(f"{parts} equal parts can't be made", notebook=notebook.path, remedy="ask for 1 or more")
    taken = taken_names(notebook)
    setup = sort_cells(free_cells(notebook), has_parameters="parameters" in taken)
    return with_setup(setup, _equal_sections(setup.work, parts), taken)


def _equal_sections(cells: list[Cell], parts: int) -> list[Section]:
    """Cut where the lines so far come nearest to an equal share; each part has at least one cell that does work."""
    first = next((at for at, cell in enumerate(cells) if not only_prepares(cell)), 0)
    above, cells = cells[:first], cells[first:]
    parts = min(parts, len(cells))
    lines = [len(cell.source.splitlines()) or 1 for cell in cells]
    ends = [sum(lines[: number + 1]) for number in range(len(cells))]
    sections: list[Section] = []
    start = 0
    for part in range(1, parts + 1):
        last = len(cells) - (parts - part)
        wanted = sum(lines) * part / parts
        end = last if part == parts else min(range(start + 1, last + 1), key=lambda cut: abs(ends[cut - 1] - wanted))
        sections.append(Section(f"part {part}", cells[start:end]))
        start = end
    if sections:
        sections[0].cells[:0] = above
    return sections
