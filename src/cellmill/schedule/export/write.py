"""The exported file: written where nothing of an engineer's is lost, and held against what would be written now."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from difflib import unified_diff
from pathlib import Path
from typing import Literal

from cellmill.errors import CellmillError, shown
from cellmill.files import write_bytes
from cellmill.schedule.export.airflow import Export

_MARK = re.compile(r"^# cellmill-export: ([0-9a-f]{64})$", re.M)
_DAGS = re.compile(r"^# cellmill-dags: (.+)$", re.M)
_PLACE = re.compile(r"^PLACE = (.+)$", re.M)
_START = re.compile(r"^    start_date=datetime\((\d+), (\d+), (\d+), tzinfo=", re.M)
_BODY = "from __future__ import annotations\n"

State = Literal["missing", "current", "outdated", "edited", "edited and outdated", "foreign"]


@dataclass(frozen=True)
class Standing:
    """What is at the place of an exported file.

    Attributes
    ----------
    state
        ``edited`` is what somebody changed in a file that is otherwise what would be written; ``foreign`` is no export.
    diff
        What writing it now would change.
    """

    path: Path
    state: State
    diff: str


def whole_text(export: Export) -> str:
    """The file: the export under a header by which later edits are seen."""
    digest = hashlib.sha256(export.text.encode()).hexdigest()
    return (
        f'"""The pipeline {export.pipeline} for Airflow 3.2 or newer: one task a step, run by cellmill."""\n\n'
        "# Written by `cellmill export airflow`, which refuses to write over what is edited here.\n"
        f"# cellmill-export: {digest}\n"
        f"# cellmill-dags: {', '.join(export.dag_ids)}\n\n"
        f"{export.text}"
    )


def standing(export: Export, dags: Path) -> Standing:
    """Hold the file in the DAG folder against what would be written now.

    Raises
    ------
    CellmillError
        If it can't be read.
    """
    path = dags / export.file
    new = whole_text(export)
    old = _read(path)
    if old is None:
        return Standing(path, "missing", "")
    diff = "".join(
        unified_diff(
            old.splitlines(keepends=True), new.splitlines(keepends=True), f"{path.name} (there)", "exported now"
        )
    )
    mark = _MARK.search(old)
    if mark is None or _BODY not in old:
        return Standing(path, "foreign", diff)
    body = old[old.index(_BODY) :]
    edited = hashlib.sha256(body.encode()).hexdigest() != mark[1]
    same = mark[1] == hashlib.sha256(export.text.encode()).hexdigest()
    state: State = (
        "edited" if edited and same else "edited and outdated" if edited else "current" if same else "outdated"
    )
    # A header of another version is written anew, and says nothing else.
    return Standing(path, state, diff)


def start_of(path: Path) -> date | None:
    """The day from which an exported file makes up for missed times, if it says one."""
    found = _START.search(_read(path) or "")
    return date(*map(int, found.groups())) if found is not None else None


def write_export(export: Export, dags: Path, *, force: bool = False) -> Standing:
    """Write the file, unless something of an engineer's would be lost.

    Returns
    -------
    Standing
        As it was before.

    Raises
    ------
    CellmillError
        If the file was edited or is no export, another file has a DAG of the same name, or it can't be written.
    """
    found = standing(export, dags)
    path = found.path
    if not force:
        if found.state in ("edited", "edited and outdated"):
            raise CellmillError(
                "was edited since it was exported",
                notebook=path,
                remedy="--diff shows what another export would change, --force writes over it",
            )
        if found.state == "foreign":
            raise CellmillError(
                "is there and was not written by `cellmill export`",
                notebook=path,
                remedy="choose another folder by -o, or write over it by --force",
            )
        _check_place(export, path)
    _check_names(export, path)
    if found.diff or found.state == "missing":
        write_bytes(path, whole_text(export).encode())
    return found


def _check_place(export: Export, path: Path) -> None:
    """Two pipelines of one name would take each other's file."""
    there, new = _PLACE.search(_read(path) or ""), _PLACE.search(export.text)
    if there is not None and new is not None and there[1] != new[1]:
        raise CellmillError(
            f"is the export of another pipeline, {there[1]}",
            notebook=path,
            remedy="choose another folder by -o, or write over it by --force",
        )


def _check_names(export: Export, path: Path) -> None:
    """Airflow takes one of two DAGs of the same name, and does not say so."""
    for other in sorted(path.parent.glob("*_dag.py")):
        if other == path:
            continue
        named = _DAGS.search(_read(other) or "")
        twice = sorted(set(named[1].split(", ")) & set(export.dag_ids)) if named is not None else []
        if twice:
            raise CellmillError(
                f"holds a DAG {twice[0]} as well, and Airflow would run only one of them",
                notebook=other,
                remedy=f"rename the pipeline or the schedule, or take {shown(other)} away",
            )


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else None
    except UnicodeDecodeError:
        return ""
    except OSError as error:
        raise CellmillError(f"can't be read ({error.strerror})", notebook=path) from None
