"""The report of a verification for people: one HTML page that needs nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from cellmill.promote.data_files import MOST_FILES, DataFile
from cellmill.promote.provenance import versions
from cellmill.promote.verification import CellVerdict, Outcome, VariableVerdict, Verification

_VERDICTS: dict[Outcome, tuple[str, str]] = {
    "equal": ("good", "Proven equal"),
    "different": ("bad", "Different"),
    "varies": ("warn", "Not proven: the notebook differs from run to run"),
    "failed": ("bad", "Failed"),
}
_STATES = {
    "equal": ("good", "equal"),
    "different": ("bad", "differs"),
    "varies": ("warn", "differs from run to run"),
    "ignored": ("quiet", "not compared"),
    "uncompared": ("quiet", "not compared"),
    "missing": ("bad", "not reached"),
}


def as_html(found: Verification, at: datetime | None = None) -> str:
    """Write the report.

    Parameters
    ----------
    found
        What verification found.
    at
        When; now by default.
    """
    tone, verdict = _VERDICTS[found.outcome]
    name = found.folder.name
    when = (at or datetime.now(UTC)).astimezone().strftime("%Y-%m-%d %H:%M %Z")
    parts = [
        f'<header><h1>{escape(name)}</h1><span class="badge {tone}">{escape(verdict)}</span></header>',
        f'<p class="facts">{escape(found.notebook.name)} against its pipeline, verified {escape(when)} '
        f"in {found.seconds:.1f} s.</p>",
        _tiles(found),
        *(_note(text) for text in found.notes),
        *(_failure("The notebook itself fails", found.notebook_failure)),
        *(_failure("The pipeline fails", found.run_failure)),
        _first(found),
        _cells(found.cells),
        _variables(found.of_kind("variable")),
        _process_state(found.of_kind("state")),
        _learned(found),
        _observed(found),
        _files(found.files),
        _conditions(found),
    ]
    css = (Path(__file__).parent / "templates" / "verification.css.txt").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(name)}: {escape(verdict)}</title>\n<style>\n{css}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def _tiles(found: Verification) -> str:
    counts = found.counts()
    tiles = []
    nouns = (("cells", "cells show the same"), ("variables", "variables equal"), ("states", "process state equal"))
    for side, words in nouns:
        states = counts[side]
        aside = states.get("ignored", 0) + states.get("uncompared", 0)
        total, equal = sum(states.values()) - aside, states.get("equal", 0)
        if total or side != "states":
            tiles.append((f"{equal} of {total}", words + (f", {aside} not compared" if aside else "")))
    runs = "run of the notebook" if found.runs_of_notebook == 1 else "runs of the notebook"
    tiles.append((str(found.runs_of_notebook), runs))
    inner = "".join(f'<div class="tile"><b>{escape(big)}</b><span>{escape(small)}</span></div>' for big, small in tiles)
    return f'<div class="tiles">{inner}</div>'


def _note(text: str) -> str:
    return f'<section><p class="note">{_prose(text)}</p></section>'


def _failure(title: str, text: str | None) -> Iterable[str]:
    if text:
        yield f'<div class="first"><h2>{escape(title)}</h2><p>{_prose(text)}</p></div>'


def _first(found: Verification) -> str:
    one = found.first
    if one is None:
        return ""
    if isinstance(one, CellVerdict):
        what = f"cell {one.number}, in task {one.task}"
    else:
        name = one.name if one.kind == "variable" else one.told
        what = f"{name}, handed from step {one.provider} to step {one.consumer} after cell {one.cell}"
    how = "varies" if one.state == "varies" else ""
    cause = f'<p class="cause"><b>Likely cause</b> {_prose(one.cause)}</p>' if one.cause else ""
    head = "First that differs from run to run" if how else "First difference"
    return f'<div class="first {how}"><h2>{head}<small>{escape(what)}</small></h2>{_diff(one.difference)}{cause}</div>'


def _cells(cells: Sequence[CellVerdict]) -> str:
    if not cells:
        return ""
    rows = [
        _row(
            [
                f'<td class="number">{cell.number}</td>',
                f"<td>{escape(cell.task or 'shared')}</td>",
                f'<td class="note">{_prose(cell.reason)}</td>',
            ],
            cell,
        )
        for cell in cells
    ]
    return _table("Cells", "what each promoted cell shows", ("cell", "task", "", ""), rows)


def _variables(variables: Sequence[VariableVerdict]) -> str:
    if not variables:
        return ""
    rows = [
        _row([f"<td><code>{escape(one.name)}</code></td>", _way(one), f"<td>{_type(one)}{_reason(one)}</td>"], one)
        for one in variables
    ]
    return _table("Variables", "the value on each edge, by content", ("name", "from → to", "type", ""), rows)


def _observed(found: Verification) -> str:
    if not found.findings:
        return ""
    rows = [
        f'<tr><td class="number">{one.cell or ""}</td><td>{escape(one.code)}</td>'
        f"<td>{escape(one.message)}. {escape(one.remedy)}.</td></tr>"
        for one in found.findings
    ]
    return _table("Observed", "where the run and the source say different things", ("cell", "finding", ""), rows)


def _process_state(states: Sequence[VariableVerdict]) -> str:
    if not states:
        return ""
    rows = [
        _row([f"<td><code>{escape(one.name)}</code></td>", _way(one), f"<td>{_reason(one)}</td>"], one)
        for one in states
    ]
    aside = "what no variable holds, on each edge"
    return _table("Process state", aside, ("state", "from → to", "", ""), rows)


def _row(columns: Sequence[str], one: CellVerdict | VariableVerdict) -> str:
    """A row, and below it over the whole width what differs and why."""
    more = _diff(one.difference) if one.difference else ""
    more += f'<p class="note"><b>Likely cause</b> {_prose(one.cause)}</p>' if one.cause else ""
    begin = '<tr class="told">' if more else "<tr>"
    row = f"{begin}{''.join(columns)}{_state(one.state)}</tr>"
    return row + (f'<tr><td class="more" colspan="{len(columns) + 1}">{more}</td></tr>' if more else "")


def _type(one: VariableVerdict) -> str:
    if one.type is None and one.state == "missing":
        return ""
    return f"<code>{escape(one.type or 'not bound')}</code>"


def _reason(one: VariableVerdict) -> str:
    return f'<div class="note">{_prose(one.reason)}</div>' if one.reason else ""


def _prose(text: str) -> str:
    """Text in which what stands between backticks is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return "".join(f"<code>{escape(part)}</code>" if at % 2 else escape(part) for at, part in enumerate(parts))


def _way(one: VariableVerdict) -> str:
    return f'<td class="way"><span>{escape(one.provider)} →</span> <span>{escape(one.consumer)}</span></td>'


def _files(files: Sequence[DataFile]) -> str:
    if not files:
        return ""
    rows = [
        f"<tr><td><code>{escape(one.path)}</code></td><td>{escape(one.way)}</td>"
        f'<td class="size">{_size(one.size)}</td><td>{_content(one)}</td></tr>'
        for one in files[:MOST_FILES]
    ]
    if len(files) > MOST_FILES:
        rows.append(
            f'<tr><td colspan="4" class="note">and {len(files) - MOST_FILES:,} more, which are not kept</td></tr>'
        )
    head = ("path", "use", "size", "SHA-256")
    return _table("Files", "as they were; when one that is read changes, the proof is stale", head, rows)


def _size(size: int | None) -> str:
    if size is None:
        return ""
    for unit, length in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= length:
            return f"{size / length:.1f} {unit}"
    return f"{size} bytes"


def _content(one: DataFile) -> str:
    if one.sha256 is None:
        return f'<span class="note">{escape(one.note)}</span>'
    return f'<code title="{one.sha256}">{one.sha256[:16]}</code>' + (
        '<span class="note"> names in the folder</span>' if one.size is None else ""
    )


def _learned(found: Verification) -> str:
    if not found.learned:
        return ""
    rows = [
        f'<tr><td class="number">{one.cell}</td><td>{escape(", ".join(one.kinds))}</td>'
        f"<td><code>{escape(one.was)}</code><br><code>{escape(one.then)}</code></td>"
        f"<td><code>{escape(one.regex)}</code></td></tr>"
        for one in found.learned
    ]
    head = ("cell", "leaves out", "two runs of the notebook", "pattern")
    return _table("Learned, for review", "written to tests/learned.cfg", head, rows)


def _conditions(found: Verification) -> str:
    unseeded = found.seeds.get("unseeded")
    seeded = ", ".join(found.seeds.get("seeded", ())) or "none"
    facts = {
        "Parameters": ", ".join(f"{name} = {value!r}" for name, value in found.parameters.items()) or "none",
        "PYTHONHASHSEED": str(found.seeds.get("PYTHONHASHSEED", "")),
        "Seeded by the notebook": seeded,
        "Unseeded": str(unseeded) if unseeded else "no draw of random numbers was seen that nothing seeds",
        "Versions": ", ".join(f"{name} {version}" for name, version in versions().items()),
    }
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{_prose(text)}</dd>" for name, text in facts.items())
    return f"<section><h2>Conditions<small>the same for both sides</small></h2><dl>{rows}</dl></section>"


def _table(title: str, aside: str, head: Sequence[str], rows: Sequence[str]) -> str:
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    return (
        f'<section><h2>{escape(title)}<small>{escape(aside)}</small></h2><div class="wide"><table>'
        f"<thead><tr>{names}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _state(state: str) -> str:
    tone, words = _STATES[state]
    return f'<td class="state"><span class="badge {tone}">{escape(words)}</span></td>'


def _diff(text: str) -> str:
    if not text:
        return ""
    tones = {"-": "minus", "+": "plus", "@": "hunk"}
    lines = [
        f'<span class="{"hunk" if line[:3] in ("---", "+++") else tones.get(line[:1], "")}">{escape(line)}</span>'
        for line in text.splitlines()
    ]
    return f"<pre>{''.join(lines)}</pre>"


def as_json(found: Verification, places: Mapping[str, str]) -> str:
    """Write the report for programs.

    Parameters
    ----------
    found
        What verification found.
    places
        How ``notebook`` and ``folder`` are told.
    """
    content = found.as_dict() | dict(places) | {"versions": versions()}
    return json.dumps(content, indent=1, ensure_ascii=False, default=repr) + "\n"
