"""What was last promoted and verified of a pipeline, kept as it was: what schedules run unless they say otherwise.

The copies lie below the project's ``.cellmill/published``, one folder for each state of the pipeline's files, named by
their hash. One is made where verification succeeds, or where a certificate that came with the folder says that it did.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cellmill.files import unwritable, write_bytes
from cellmill.notebook import project_root

PUBLISHED = ("equal", "varies")
"""Outcomes of a verification with which a pipeline is published."""

_KEPT = 10
_NAME = "published.json"
# What a run reads of a pipeline's folder.
_FILES = (
    "pipeline.yaml",
    "env.yaml",
    "env.*.yaml",
    "cellmill.yaml",
    "requirements.lock",
    ".promotion.json",
    ".certificate.json",
    "*_shared.py",
    "*_handover.py",
    "tasks/*",
)
# Of those, what says nothing of what a run gives: a schedule may change without a new proof.
_BESIDE = ("cellmill.yaml", ".promotion.json", ".certificate.json")


@dataclass(frozen=True)
class Publication:
    """A state of a pipeline's files that was verified.

    Attributes
    ----------
    digest
        The hash of what is run.
    code
        The folder of the copy.
    at
        When it was verified, in ISO format.
    """

    digest: str
    code: Path
    at: str

    def is_in(self, folder: Path) -> bool:
        """Whether the pipeline's folder still holds just that."""
        return code_digest(folder) == self.digest


def publish(folder: Path) -> Publication:
    """Keep a copy of a pipeline's files as they stand, and make it the published one.

    Raises
    ------
    CellmillError
        If it can't be written; what was published before stays.
    """
    folder = folder.resolve()
    home = _home(folder)
    digest = code_digest(folder)
    target = home / digest[:20]
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not target.is_dir():
            temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=home))
            try:
                for path in _files(folder):
                    copied = temporary / path.relative_to(folder)
                    copied.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, copied)
                with suppress(FileExistsError):
                    os.rename(temporary, target)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise unwritable(home, error) from error
    at = datetime.now(UTC).isoformat(timespec="seconds")
    write_bytes(home / _NAME, json.dumps({"digest": digest, "folder": str(folder), "at": at}).encode())
    _clean(home, target)
    return Publication(digest, target, at)


def published(folder: Path) -> Publication | None:
    """What is published of a pipeline; None if nothing is, or it is not there any more."""
    home = _home(folder.resolve())
    try:
        content = json.loads((home / _NAME).read_text(encoding="utf-8"))
        digest, at = str(content["digest"]), str(content["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    code = home / digest[:20]
    return Publication(digest, code, at) if (code / "pipeline.yaml").is_file() else None


def code_digest(folder: Path) -> str:
    """The hash of all of a pipeline's files on which depends what a run of it gives."""
    found = hashlib.sha256()
    for path in _files(folder):
        if path.name not in _BESIDE:
            found.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted({path for pattern in _FILES for path in folder.glob(pattern) if path.is_file()})


def _home(folder: Path) -> Path:
    root = project_root(folder)
    inside = folder.relative_to(root) if folder.is_relative_to(root) else folder
    mark = hashlib.sha256(str(inside).encode()).hexdigest()[:8]
    return root / ".cellmill" / "published" / f"{folder.name}-{mark}"


def _clean(home: Path, current: Path) -> None:
    """Keep the last few: a run that goes on may still read one."""
    copies = [path for path in home.iterdir() if path.is_dir() and not path.name.startswith(".") and path != current]
    copies.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in copies[_KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
