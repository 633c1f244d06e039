"""The line that says how far a pipeline is proven."""

from __future__ import annotations

from pathlib import Path


def standing_line(folder: Path) -> str:
    """Say whether a pipeline is verified, and what to type if it is not."""
    from cellmill.errors import shown
    from cellmill.promote.certificate import standing

    found = standing(folder)
    words = found.words[0].upper() + found.words[1:]
    return f"{words}." if found.state == "equal" else f"{words}: cellmill verify {shown(folder)}"
