"""How far pipelines are proven, in lines and as data, for every command that shows one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any


def standing_line(folder: Path) -> str:
    """Say whether a pipeline is verified, and what to type if it is not."""
    from cellmill.errors import shown
    from cellmill.promote.certificate import standing

    found = standing(folder)
    words = found.words[0].upper() + found.words[1:]
    return f"{words}." if found.state == "equal" else f"{words}: cellmill verify {shown(folder)}"


def unproven_lines(folders: Iterable[Path]) -> list[str]:
    """A line for each promoted pipeline that is not proven as it stands; each folder counts once."""
    from cellmill.promote.certificate import standing

    promoted = [folder for folder in dict.fromkeys(folders) if is_promoted(folder)]
    return [f"{folder.name}: {standing_line(folder)}" for folder in promoted if standing(folder).state != "equal"]


def pipeline_lines(notebook: Path) -> list[str]:
    """The line about a notebook's pipeline; none if it has no pipeline."""
    from cellmill.promote.certificate import pipeline_of

    folder = pipeline_of(notebook)
    return [] if folder is None else [f"Its pipeline: {standing_line(folder)}"]


def as_data(folder: Path | None) -> dict[str, Any] | None:
    """A promoted pipeline's folder and how far it is proven, JSON-ready; None if there is none."""
    from cellmill.errors import shown
    from cellmill.promote.certificate import standing

    if folder is None or not is_promoted(folder):
        return None
    return {"name": folder.name, "folder": shown(folder), "verified": standing(folder).as_dict()}


def is_promoted(folder: Path) -> bool:
    """Whether a pipeline was made of a notebook, so that there is something to prove."""
    # One that was made of an ordinary notebook for its schedule lies below .cellmill, and is the notebook itself.
    return (folder / ".promotion.json").is_file() and ".cellmill" not in folder.parts
