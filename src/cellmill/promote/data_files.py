"""The data that a proof was made with: the files that a notebook reads and writes, with hashes of their content.

Known are the paths that stand in the source of promoted cells, and the files of the project that Python opened while
the notebook ran. A file that the notebook writes itself is told, but no input: a later run may write other bytes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

Way = Literal["read", "written"]

MOST_FILES = 200
# Bytes; of larger files only the size is known.
LARGEST = 256 * 2**20
MOST_ENTRIES = 10_000

_PIECE = 2**20
_MISSING = "there was no such file"
_SKIPPED = ("mlruns", "__pycache__", "node_modules")


@dataclass(frozen=True)
class DataFile:
    """One file, or a folder that is listed.

    Attributes
    ----------
    path
        From the notebook's folder, with slashes; as the source has it where it stands there.
    way
        ``written``: the notebook writes it, whether it reads it or not.
    sha256
        A hash of its content, of a folder's names for a folder; None if it was not hashed.
    size
        In bytes; None for a folder, and where there is no file.
    note
        Why it was not hashed.
    """

    path: str
    way: Way
    sha256: str | None = None
    size: int | None = None
    note: str = ""


def data_files(
    notebook: Path, project: Path, literals: Iterable[str], opened: Path, *, scratch: Path, since: float
) -> tuple[DataFile, ...]:
    """Find the files that a notebook uses, as they are now, sorted by path.

    Parameters
    ----------
    notebook
        The notebook's file; paths are told from its folder.
    project
        The project's root.
    literals
        Paths that steps read, as they stand in the source.
    opened
        What `opened_files.watch` wrote while the notebook ran; it may be missing.
    scratch
        A folder that is verification's own.
    since
        When the notebook began to run: what has changed since then was written, whoever was seen to do it.
    """
    here, own = notebook.resolve().parent, scratch.resolve()
    found = _opened(opened, notebook.resolve(), project.resolve())
    written, read = ({path for path in paths if not path.is_relative_to(own)} for paths in found)
    ways: dict[str, Way] = {}
    known: set[Path] = set()

    def way(path: Path) -> Way:
        return "written" if path in written or _changed_since(path, since) else "read"

    for text in literals:
        path = (here / text).resolve()
        if _is_path(here, text) and path != here and path not in here.parents:
            ways[text] = way(path)
            known.add(path)
    for path in sorted((read | written) - known):
        ways[Path(os.path.relpath(path, here)).as_posix()] = way(path)
    return tuple(_described(here, text, done) for text, done in sorted(ways.items()))


def changed_file(folder: Path, recorded: Mapping[str, Any]) -> str | None:
    """Say which of the files that a certificate holds has changed, such as ``data.csv changed``; None if none has.

    Parameters
    ----------
    folder
        The notebook's folder.
    recorded
        What `as_recorded` made.
    """
    for path, facts in recorded.items():
        if not isinstance(facts, dict) or facts.get("way") != "read":
            continue
        was = DataFile(path, "read", facts.get("sha256"), facts.get("size"))
        # Another size is another content: no need to read it.
        now = _described(folder, path, "read", expected=was.size)
        if (now.sha256, now.size) != (was.sha256, was.size):
            gone, new = now.sha256 is None and now.size is None, was.sha256 is None and was.size is None
            return f"{path} {'went missing' if gone else 'appeared' if new else 'changed'}"
    return None


def as_recorded(files: Iterable[DataFile]) -> dict[str, dict[str, Any]]:
    """What the certificate holds of them, by path."""
    kept = list(files)[:MOST_FILES]
    return {
        one.path: {"way": one.way, "size": one.size, "sha256": one.sha256, **({"note": one.note} if one.note else {})}
        for one in kept
    }


def left_out(files: Iterable[DataFile]) -> dict[str, str]:
    """What of them the certificate does not know by content, with the reason."""
    found = list(files)
    told = {
        f"file {one.path}": one.note
        for one in found[:MOST_FILES]
        if one.way == "read" and one.note not in ("", _MISSING)
    }
    more = len(found) - MOST_FILES
    return {**told, **({f"{more} more files": f"only {MOST_FILES} are kept"} if more > 0 else {})}


def _changed_since(path: Path, since: float) -> bool:
    try:
        return path.stat().st_mtime >= since
    except (OSError, ValueError):
        return False


def _is_path(here: Path, text: str) -> bool:
    """Whether a text is a path, and no address, pattern or query."""
    try:
        return "://" not in text and ((text.isprintable() and not set(text) & set(" *?[")) or (here / text).exists())
    except (OSError, ValueError):
        return False


def _opened(log: Path, notebook: Path, project: Path) -> tuple[set[Path], set[Path]]:
    """Files of the project that were written, and that were read."""
    found: dict[str, set[Path]] = {"w": set(), "r": set()}
    try:
        lines = log.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        lines = []
    for line in lines:
        kind, _, text = line.partition(" ")
        path = _source(Path(text))
        if kind in found and path != notebook and path.is_file() and not _is_skipped(path, project):
            found[kind].add(path)
    return found["w"], found["r"]


def _source(path: Path) -> Path:
    """A module beside the notebook counts, not what Python made of it."""
    if path.suffix == ".pyc":
        try:
            return Path(importlib.util.source_from_cache(str(path)))
        except (ValueError, NotImplementedError):
            return path
    return path


def _is_skipped(path: Path, project: Path) -> bool:
    """Whether it is hidden, a tool's, or of a pipeline."""
    parts = path.relative_to(project).parts if path.is_relative_to(project) else path.parts
    hidden = any(part.startswith(".") or part in _SKIPPED for part in parts)
    return hidden or parts[0] == "pipelines" or path.name.startswith("mlflow.db") or _is_ours(path)


def _is_ours(path: Path) -> bool:
    return path.is_relative_to(Path(__file__).resolve().parents[1])


def _described(here: Path, text: str, way: Way, expected: int | None = None) -> DataFile:
    path = here / text
    try:
        if path.is_dir():
            digest = _listing(path)
            return DataFile(text, way, digest, note="" if digest else f"more than {MOST_ENTRIES:,} entries")
        facts = path.stat()
        if facts.st_size > LARGEST:
            limit = f"larger than {LARGEST // 2**20} MB, so that only its size is known"
            return DataFile(text, way, None, facts.st_size, limit)
        if not path.is_file():
            return DataFile(text, way, note="no regular file")
        if expected is not None and facts.st_size != expected:
            return DataFile(text, way, None, facts.st_size)
        return DataFile(text, way, _content(path, facts.st_mtime_ns, facts.st_size), facts.st_size)
    except FileNotFoundError:
        return DataFile(text, way, note=_MISSING)
    except (OSError, ValueError) as error:
        return DataFile(text, way, note=f"it can't be read ({type(error).__name__})")


def _listing(folder: Path) -> str | None:
    """A hash of the names in a folder, None if they are too many; of its files those count that were opened."""
    with os.scandir(folder) as entries:
        found = [entry.name for entry in islice(entries, MOST_ENTRIES + 1)]
    if len(found) > MOST_ENTRIES:
        return None
    names = sorted(name for name in found if not name.startswith(".") and name not in _SKIPPED)
    return hashlib.sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()


@lru_cache(maxsize=4096)
def _content(path: Path, _changed: int, _size: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
