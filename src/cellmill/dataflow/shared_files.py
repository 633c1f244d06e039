"""Files that shared cells write, or read while a step writes them: shared cells run in every task."""

from __future__ import annotations

from collections.abc import Iterator

from cellmill.dataflow.files import FileUse
from cellmill.dataflow.liveness import Liveness
from cellmill.findings import Finding
from cellmill.rules.state import SharedRepeats


def findings(live: Liveness) -> Iterator[Finding]:
    """One for each file."""
    shared = live.parts[1]
    for use in shared.effects.files:
        if use.mode == "write" and FileUse("read", use.path, use.cell, use.line) not in shared.effects.files:
            what = f"writes `{use.path}`" if use.path else "writes or removes a file"
            yield _finding(
                live,
                use,
                f"a shared cell {what}, and it runs in every task",
                "tag the cell as a step",
                kind="shared-writes",
            )
        writers = [part.name for part in live.parts[2:] if _writes(part.effects.files, use.path)]
        if use.mode == "read" and writers:
            what, it = (f"`{use.path}`", "it") if use.path else ("a file", "one")
            yield _finding(
                live,
                use,
                f"a shared cell reads {what}, and step {writers[0]} writes {it}, so later tasks read something else",
                "tag the cell as a step, which hands over what it has read",
                kind="shared-rereads",
            )


def _writes(uses: list[FileUse], path: str | None) -> bool:
    return any(use.mode == "write" and use.path == path for use in uses)


def _finding(live: Liveness, use: FileUse, message: str, remedy: str, *, kind: str) -> Finding:
    cell_id = next((cell.id for cell in live.parts[1].cells if cell.number == use.cell), "")
    return SharedRepeats.finding(
        message,
        remedy,
        kind=kind,
        severity="error" if kind == "shared-rereads" and use.path else "warning",
        step="shared",
        name=use.path or "files",
        cell=use.cell,
        cell_id=cell_id,
        line=use.line,
    )
