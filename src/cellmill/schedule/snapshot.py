"""Which code a schedule runs: what was last promoted and verified, or what stands in the folder now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cellmill.errors import CellmillError, shown
from cellmill.promote.certificate import published_code
from cellmill.promote.published import code_digest
from cellmill.schedule.notebooks import notebook_pipeline
from cellmill.schedule.settings import ScheduleSettings


@dataclass(frozen=True)
class Code:
    """The code of a run.

    Attributes
    ----------
    home
        The pipeline's folder, in which the products are.
    folder
        Where the code is: the same, or a copy.
    words
        What ``cellmill run`` needs for that.
    told
        It in words, with its hash: what a run is recorded with.
    """

    home: Path
    folder: Path
    words: Sequence[str]
    told: str


def code_of(folder: Path, settings: ScheduleSettings) -> Code:
    """The code that a schedule of a folder runs now.

    Raises
    ------
    CellmillError
        If the published code is wanted, and nothing is published; or there is nothing to run.
    """
    if settings.notebook is not None:
        made = notebook_pipeline(folder, settings)
        return Code(made, made, (), f"latest {code_digest(made)[:12]}")
    if not (folder / "pipeline.yaml").is_file():
        raise CellmillError(
            "there is no pipeline.yaml beside it, so its schedules need `notebook:`, the notebook to run",
            notebook=folder / "cellmill.yaml",
        )
    promoted = (folder / ".promotion.json").is_file()
    if settings.snapshot == "latest" or not promoted:
        # Of a pipeline that was written by hand there is no notebook that it could be verified against.
        return Code(folder, folder, (), f"latest {code_digest(folder)[:12]}")
    found = published_code(folder)
    if found is None:
        raise CellmillError(
            f"{folder.name} was never verified, so nothing of it is published",
            notebook=folder / "cellmill.yaml",
            remedy=f"type `cellmill verify {shown(folder)}`, or let it run what stands there (snapshot: latest)",
        )
    told = f"published {found.digest[:12]}"
    if found.is_in(folder):
        return Code(folder, folder, (), told)
    return Code(folder, found.code, ("--code", str(found.code)), told)
