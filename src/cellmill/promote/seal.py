"""Leaves in a pipeline's folder what a verification has found: the report, what it learned, the certificate."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cellmill.files import write_bytes
from cellmill.promote.certificate import stamp
from cellmill.promote.report import as_html, as_json
from cellmill.promote.verification import Verification
from cellmill.promote.volatile import FILE, read_learned, with_learned


@dataclass(frozen=True)
class Sealed:
    """The files that were written: the report in both forms, and the certificate."""

    html: Path
    json: Path
    certificate: Path


def seal(found: Verification) -> Sealed | None:
    """Write report, learned patterns and certificate; None for a pipeline that was only promoted aside.

    Raises
    ------
    CellmillError
        If the folder can't be written.
    """
    if not found.lasting:
        return None
    folder = found.folder
    if found.learned:
        write_bytes(folder / FILE, with_learned(read_learned(folder), found.learned).encode())
    # What is told to others names no place of this machine.
    told = {"notebook": Path(os.path.relpath(found.notebook, folder)).as_posix(), "folder": folder.name}
    html, text = folder / "output" / "verification.html", folder / "output" / "verification.json"
    write_bytes(html, as_html(found).encode())
    write_bytes(text, as_json(found, told).encode())
    return Sealed(html, text, stamp(found, learned=read_learned(folder).count("regex: ")))
