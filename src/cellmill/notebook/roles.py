"""What one cell is for: its tags and its magic line weighed against each other."""

from __future__ import annotations

from cellmill.errors import CellmillError
from cellmill.findings import Finding
from cellmill.notebook.cells import Cell
from cellmill.notebook.installs import without_installs
from cellmill.notebook.magic_lines import MagicLine, first_magic, parse_magic_line, without_magic_line
from cellmill.notebook.steps import Role, TaggedCell
from cellmill.notebook.tags import misspelt, roles_of
from cellmill.rules.rule import Rule
from cellmill.rules.tags import BadMagicLine, MisspeltTag, TagAndMagicDiffer, TagOnTextCell, TwoRoles, UnknownMagic


def finding_at(
    cell: Cell,
    rule: type[Rule],
    message: str,
    remedy: str,
    *,
    step: str | None = None,
    name: str | None = None,
    line: int | None = None,
) -> Finding:
    """A finding about one cell."""
    return rule.finding(message, remedy, step=step, name=name, cell=cell.number, cell_id=cell.id, line=line)


def read_role(cell: Cell) -> tuple[TaggedCell | None, list[Finding]]:
    """Read one cell's role from its tags and its magic line; the magic line wins.

    Returns
    -------
    tuple
        The cell with its role (None for cells without one), and what is wrong with its tags and magic line.
    """
    if cell.kind != "code":
        return None, _about_text_cell(cell)
    findings = [
        finding_at(
            cell,
            MisspeltTag,
            f"the tag {tag!r} is not read",
            f"write {meant}",
            name=tag,
        )
        for tag, meant in misspelt(cell.tags)
    ]
    magics, body = without_magic_line(cell.source)
    spoken = _spoken(cell, magics, findings)
    tagged = _tagged(cell, findings, magic_decides=bool(magics))
    if not magics:
        findings += _about_unknown_magic(cell)
    if spoken and tagged and _differ(spoken, tagged):
        findings.append(_disagreement(cell, magics[0], tagged))
    role = spoken or tagged
    return (TaggedCell(cell, role, without_installs(body)) if role else None), findings


def _about_text_cell(cell: Cell) -> list[Finding]:
    return [
        finding_at(
            cell,
            TagOnTextCell,
            f"the tag {found.tag!r} stands on a {cell.kind} cell, which no pipeline runs",
            "move it to a code cell, or make this a code cell",
            name=found.tag,
        )
        for found in roles_of(cell.tags)
    ]


def _spoken(cell: Cell, magics: tuple[MagicLine, ...], findings: list[Finding]) -> Role | None:
    """The role that the magic line gives; a line that can't be read still says what kind was meant."""
    role: Role | None = None
    for magic in magics[:1]:
        try:
            role = parse_magic_line(magic)
        except CellmillError as error:
            findings.append(
                finding_at(
                    cell,
                    BadMagicLine,
                    error.message,
                    error.remedy or "",
                    name=magic.name,
                    line=magic.line,
                )
            )
    findings.extend(
        finding_at(
            cell,
            TwoRoles,
            f"a second magic line, %%{magic.name}, stands on this cell",
            "keep one; split the cell if it does two jobs (Edit > Split Cell)",
            name=magic.name,
            line=magic.line,
        )
        for magic in magics[1:]
    )
    return role


def _tagged(cell: Cell, findings: list[Finding], *, magic_decides: bool) -> Role | None:
    found = roles_of(cell.tags)
    if len(found) > 1 and not magic_decides:
        findings.append(
            finding_at(
                cell,
                TwoRoles,
                f"this cell has {len(found)} roles: {', '.join(one.tag for one in found)}",
                "keep one of these tags; split the cell if it does two jobs (Edit > Split Cell)",
                name=found[1].tag,
            )
        )
    return found[0].role if found else None


def _differ(spoken: Role, tagged: Role) -> bool:
    return (spoken.kind, spoken.name) != (tagged.kind, tagged.name)


def _disagreement(cell: Cell, magic: MagicLine, tagged: Role) -> Finding:
    tag = f"{tagged.kind}:{tagged.name}" if tagged.name else tagged.kind
    return finding_at(
        cell,
        TagAndMagicDiffer,
        f"the magic line says %%{magic.name}{magic.arguments.rstrip()} and the tag {tag}; the magic line is taken",
        f"remove the tag {tag}",
        name=tag,
        line=magic.line,
    )


def _about_unknown_magic(cell: Cell) -> list[Finding]:
    magic = first_magic(cell.source)
    if magic is None or magic.meant is None:
        return []
    return [
        finding_at(
            cell,
            UnknownMagic,
            f"%%{magic.name} is no magic",
            f"you may have meant %%{magic.meant}",
            name=magic.name,
            line=magic.line,
        )
    ]
