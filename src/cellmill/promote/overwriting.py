"""Which files' edits the user gives up, and what is told of edits after a promotion."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from cellmill.errors import CellmillError, shown
from cellmill.promote.merge import FolderSides, last_promotion
from cellmill.promote.plan import Plan
from cellmill.promote.write import Written


def files_named(plan: Plan, words: Iterable[str]) -> frozenset[str]:
    """Find the files of a pipeline that a user names: below the pipeline's folder, or as a path from here.

    Raises
    ------
    CellmillError
        If promotion has no such file there; names a close match.
    """
    known = [*plan.files, *(last_promotion(plan.folder) or {}).get("files", ())]
    known += FolderSides(plan, "merge", {}).renamed_by_hand.values()
    found = set()
    for word in words:
        path = Path(word).absolute()
        name = path.relative_to(plan.folder).as_posix() if path.is_relative_to(plan.folder) else Path(word).as_posix()
        if name not in known:
            close = get_close_matches(name, known, n=1)
            remedy = f"did you mean {close[0]}?" if close else "name one as `--dry-run` lists it"
            raise CellmillError(f"promotion writes no file {name} there", notebook=plan.folder, remedy=remedy)
        found.add(name)
    return frozenset(found)


def told_of_edits(written: Written) -> list[str]:
    """What became of edits made by hand, a sentence each; not of conflicts that nobody has decided."""
    lines = []
    undecided = {path for path, _ in written.marked}
    if merged := [path for path in written.merged if path in written.changed and path not in undecided]:
        lines.append(f"Edits made by hand were merged with the notebook's changes in {', '.join(merged)}.")
    if written.kept:
        lines.append(f"Edited by hand, and kept: {', '.join(written.kept)}.")
    if written.orphans:
        them = "them" if len(written.orphans) > 1 else "it"
        lines.append(
            f"Edited by hand, and kept, but no run uses {them} now, since the notebook has no cells for {them}: "
            f"{', '.join(shown(written.folder / path) for path in written.orphans)}; "
            f"delete {them}, or bring the step back into the notebook."
        )
    if written.lost:
        lines.append(f"Edits made by hand were thrown away in {', '.join(written.lost)}.")
    return lines
