"""Texts that are paths of the author's machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from cellmill.findings import Finding
from cellmill.readiness.facts import Promoted
from cellmill.rules.production import AbsolutePath

# Homes, mounted disks, drives with letters, and the folders of hosted notebooks.
_OF_A_USER = re.compile(
    r"(/(home|Users)/[^/\s]+(/|$)|/(root|mnt|media|Volumes|content|kaggle)/\S|~[\w.-]*[/\\]\S|[A-Za-z]:\\\S|[A-Za-z]:/\w|\\\\\w+\\\w)"
)
_ON_EVERY_MACHINE = ("/tmp", "/var/tmp", "/dev", "/proc", "/sys", "/etc", "/usr", "/bin", "/sbin", "/lib", "/run")
_LONGEST = 1024


def findings(promoted: Promoted) -> Iterator[Finding]:
    """One finding for each such path and cell. Parameters are left out: another machine sets another value."""
    for part in promoted.parts:
        if part.step == "parameters":
            continue
        told: set[str] = set()
        for text, line in part.facts.texts:
            if text not in told and _is_absolute(text):
                told.add(text)
                shown = text if len(text) <= 60 else f"{text[:57]}..."
                yield AbsolutePath.finding(
                    f"`{shown}` is a path of this machine, which another one does not have",
                    "write it relative to the notebook, or make it a parameter",
                    step=part.step,
                    name=text,
                    cell=part.cell.number,
                    cell_id=str(part.cell.id),
                    line=line,
                )


def _is_absolute(text: str) -> bool:
    if not 3 <= len(text) <= _LONGEST or "\n" in text or "\0" in text:
        return False
    if _OF_A_USER.match(text):
        return True
    if not text.startswith("/") or text.startswith("//") or text.startswith(_ON_EVERY_MACHINE):
        return False
    return len(text.strip("/").split("/")) > 1 and os.path.exists(text)
