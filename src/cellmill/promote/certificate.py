"""The certificate: what verification has proven of a pipeline, stamped with hashes of what it was proven of.

It lies beside ``.promotion.json``, not in it: promotion is deterministic, and a proof has a date and a duration.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from cellmill.errors import CellmillError
from cellmill.files import write_bytes
from cellmill.notebook import read_notebook
from cellmill.notebook.cells import Notebook
from cellmill.promote import provenance
from cellmill.promote.data_files import as_recorded, changed_file, left_out
from cellmill.promote.env_values import decode, env_key
from cellmill.promote.published import PUBLISHED, Publication, publish, published
from cellmill.promote.verification import Verification

FILE = ".certificate.json"

StandingState = Literal[
    "never", "notebook-changed", "pipeline-changed", "data-changed", "equal", "different", "varies", "failed"
]


@dataclass(frozen=True)
class Standing:
    """How far a pipeline is proven.

    Attributes
    ----------
    state
        What the last verification found, or ``never``, or what has changed since.
    words
        The same for people, without a full stop.
    at
        When it was verified, in ISO format with its zone; ``None`` for ``never``.
    """

    state: StandingState
    words: str
    at: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """JSON-ready."""
        return {"state": self.state, "words": self.words, "at": self.at}


def stamp(found: Verification, *, learned: int = 0) -> Path:
    """Write the certificate into the pipeline's folder.

    Parameters
    ----------
    found
        What verification found of the pipeline as it stands in its folder.
    learned
        How many learned patterns the outputs were compared with.

    Raises
    ------
    CellmillError
        If it can't be written.
    """
    first = found.as_dict()["first"]
    kept = ("number", "task", "kind", "name", "provider", "consumer", "cause")
    content = {
        "format": 2,
        "outcome": found.outcome,
        "verified_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "source_sha256": provenance.source_digest(read_notebook(found.notebook)),
        "pipeline": pipeline_files(found.folder),
        **found.counts(),
        "first_difference": {key: first[key] for key in kept if key in first} if first else None,
        "not_compared": {
            **{f"cell {one.number}": one.reason for one in found.cells if one.left_out},
            **{
                f"{one.name if one.kind == 'variable' else one.told} ({one.provider} to {one.consumer})": one.reason
                for one in found.variables
                if one.state in ("uncompared", "equal") and one.reason
            },
            **left_out(found.files),
        },
        "files": as_recorded(found.files),
        "learned_patterns": learned,
        "parameters": dict(found.parameters),
        "seeds": dict(found.seeds),
        "runs_of_notebook": found.runs_of_notebook,
        "seconds": round(found.seconds, 1),
        "versions": provenance.versions(),
    }
    path = found.folder / FILE
    write_bytes(path, (json.dumps(content, indent=1, ensure_ascii=False, default=repr) + "\n").encode())
    if found.outcome in PUBLISHED:
        publish(found.folder)
    return path


def published_code(folder: Path) -> Publication | None:
    """What is published of a pipeline; what its certificate proves of the folder as it stands is published first.

    The proof may have been made elsewhere and have come with the folder, by git for instance.

    Raises
    ------
    CellmillError
        If it can't be kept.
    """
    content, found = read_certificate(folder), published(folder)
    if content is None or content.get("outcome") not in PUBLISHED or _changed_files(folder, content.get("pipeline")):
        return found
    return found if found is not None and found.is_in(folder) else publish(folder)


def read_certificate(folder: Path) -> dict[str, Any] | None:
    """Read a pipeline's certificate; None if it has none that can be read."""
    path = folder / FILE
    try:
        facts = path.stat()
        return _read(path, facts.st_mtime_ns, facts.st_size)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=256)
def _read(path: Path, _changed: int, _size: int) -> dict[str, Any] | None:
    content = json.loads(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) and "outcome" in content else None


_PROVEN = (
    "pipeline.yaml",
    "requirements.lock",
    "tests/learned.cfg",
    "*_shared.py",
    "*_handover.py",
    "tasks/*",
)


def pipeline_files(folder: Path) -> dict[str, str]:
    """The hashes of a pipeline's files as they stand, of those on which depends what it gives or what was compared."""
    found = {}
    for path in sorted(path for pattern in _PROVEN for path in folder.glob(pattern) if path.is_file()):
        facts = path.stat()
        found[path.relative_to(folder).as_posix()] = _file_digest(path, facts.st_mtime_ns, facts.st_size)
    return found


def _changed_files(folder: Path, proven: object) -> str | None:
    """What became of the pipeline's files since they were proven, as a clause; None if nothing."""
    if not isinstance(proven, dict):
        return "the pipeline's files changed"
    try:
        now = pipeline_files(folder)
    except OSError:
        return "the pipeline's files changed"
    changed = sorted(name for name in proven.keys() | now.keys() if proven.get(name) != now.get(name))
    if not changed:
        return None
    first = changed[0]
    how = "changed" if first in proven and first in now else "was added" if first in now else "was removed"
    others = len(changed) - 1
    if not others:
        return f"{first} {how}"
    return f"{first} and {others} other file{'s' if others > 1 else ''} changed"


@lru_cache(maxsize=4096)
def _file_digest(path: Path, _changed: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def standing(folder: Path, notebook: Notebook | None = None) -> Standing:
    """Say how far a pipeline is proven: never, of what it is no longer, or with which result.

    Parameters
    ----------
    folder
        The pipeline's folder.
    notebook
        The notebook as an editor holds it; by default it is read from its file, where it is there.
    """
    content = read_certificate(folder)
    if content is None:
        return Standing("never", "never verified")
    at = str(content.get("verified_at"))
    source = _source_digest(folder) if notebook is None else provenance.source_digest(notebook)
    if source is not None and source != content.get("source_sha256"):
        return Standing("notebook-changed", "not verified since the notebook changed", at)
    if (since := _changed_files(folder, content.get("pipeline"))) is not None:
        return Standing("pipeline-changed", f"not verified since {since}", at)
    files = content.get("files")
    # Where the notebook is not there, as on a machine that only runs, its data may be elsewhere, too.
    path = _source_path(folder) if notebook is None else notebook.path
    if isinstance(files, dict) and path is not None and path.is_file():
        changed = changed_file(path.resolve().parent, files)
        if changed is not None:
            return Standing("data-changed", f"not verified since {changed}", at)
    found = _result(content, at)
    if found.state == "equal" and (other := _other_parameters(folder, content.get("parameters"))):
        return Standing("equal", f"{found.words} {other}", at)
    return found


def _other_parameters(folder: Path, proven: object) -> str:
    """Say so if the pipeline runs by default with other parameters than it was proven with."""
    if not isinstance(proven, dict) or not proven:
        return ""
    try:
        facts = (folder / "env.yaml").stat()
        now = _env(folder / "env.yaml", facts.st_mtime_ns, facts.st_size)
    except (OSError, ValueError):
        return ""
    for name, value in proven.items():
        current = decode(now[env_key(name)]) if env_key(name) in now else value
        if json.loads(json.dumps(current, default=repr)) != value:
            return f"with {name} = {value!r}, where env.yaml has {current!r}"
    return ""


@lru_cache(maxsize=256)
def _env(path: Path, _changed: int, _size: int) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    return content if isinstance(content, dict) else {}


def pipeline_of(notebook: Path) -> Path | None:
    """The pipeline that a notebook was promoted to, by its name; None if there is none.

    Parameters
    ----------
    notebook
        The notebook's file.
    """
    from cellmill.promote.plan import pipeline_folder

    folder = pipeline_folder(notebook)
    return folder if (folder / provenance.FILE).is_file() else None


def _result(content: Mapping[str, Any], at: str) -> Standing:
    counts = {
        noun: _counts(content.get(side))
        for side, noun in (("cells", "cell"), ("variables", "variable"), ("states", "piece of process state"))
    }
    match content["outcome"]:
        case "equal":
            return Standing("equal", f"verified {ago(at)}", at)
        case "different" | "varies" as outcome:
            parts = [
                f"{count[outcome]} {noun if count[outcome] == 1 else _plural(noun)}"
                for noun, count in counts.items()
                if count.get(outcome)
            ]
            one = sum(count.get(outcome, 0) for count in counts.values()) == 1
            how = f"differ{'s' if one else ''}" + (" from run to run" if outcome == "varies" else "")
            missing = "" if parts else f"{counts['cell'].get('missing', 0)} cells not reached"
            return Standing(outcome, f"verified: {' and '.join(parts)} {how}" if parts else f"verified: {missing}", at)
    return Standing("failed", "verified: notebook or pipeline failed", at)


def _plural(noun: str) -> str:
    first, _, rest = noun.partition(" ")
    return f"{first}s {rest}".rstrip()


def _counts(value: object) -> dict[str, int]:
    return {str(key): int(count) for key, count in value.items()} if isinstance(value, dict) else {}


def ago(at: str, now: datetime | None = None) -> str:
    """How long ago, in the one unit that fits.

    Examples
    --------
    >>> ago("2026-01-01T00:00:00+00:00", datetime(2026, 1, 3, 5, tzinfo=UTC))
    '2 days ago'
    """
    try:
        seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(at)).total_seconds()
    except (ValueError, TypeError):
        return "at an unknown time"
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if (count := int(seconds // length)) >= 1:
            return f"{count} {unit}{'s' if count != 1 else ''} ago"
    return "just now"


def _source_path(folder: Path) -> Path | None:
    from cellmill.promote.merge import last_promotion

    source = (last_promotion(folder) or {}).get("notebook")
    try:
        return (folder / source).resolve() if isinstance(source, str) else None
    except (OSError, ValueError):
        return None


def _source_digest(folder: Path) -> str | None:
    """The hash of the notebook as its file is; None if the file is gone, as on a machine that only runs."""
    path = _source_path(folder)
    if path is None:
        return None
    try:
        facts = path.stat()
        return _digest(path, facts.st_mtime_ns, facts.st_size)
    except (OSError, ValueError):
        return None
    except CellmillError:
        return ""


@lru_cache(maxsize=256)
def _digest(path: Path, _changed: int, _size: int) -> str:
    return provenance.source_digest(read_notebook(path))
