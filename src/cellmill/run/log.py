"""A run writes down what happens in a folder of its own: whoever watches it reads there, now or after a restart."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self

from cellmill.errors import CellmillError
from cellmill.run.events import Event
from cellmill.run.inputs import KEPT as INPUTS_KEPT
from cellmill.run.inputs import forget_inputs, keep_inputs, with_inputs

if TYPE_CHECKING:
    from cellmill.run.history import LoggedRun

RunKind = Literal["run", "verify", "sweep"]
Source = Literal["lab", "cli", "magic", "schedule"]

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4,16}")
# Records of finished runs that stay, for each pipeline.
KEPT = 100
# What a record holds back of the disk, in bytes: a run that fills it can still tell how it ended.
_RESERVE = 16 * 1024


def new_run_id() -> str:
    """An id for a run; ids sort by the time at which they were made, to the millisecond."""
    now = datetime.now().astimezone()
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03x}{secrets.token_hex(2)}"


def runs_folder(root: Path) -> Path:
    """Where a project keeps the records of its runs."""
    return root / ".cellmill" / "runs"


def write_header(
    record: Path,
    folder: Path,
    *,
    kind: RunKind,
    source: Source,
    pid: int,
    command: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    profile: str | None = None,
    tasks: Sequence[str] = (),
) -> None:
    """Write ``run.json``, which says what is being run.

    Parameters
    ----------
    record
        The run's own folder; its name is the run's id.
    folder
        The pipeline's folder.
    pid
        The process that runs it.
    command
        What the user could have typed.
    tasks
        Names of the tasks, where they are known before the run begins.

    Raises
    ------
    OSError
        If it can't be written.
    """
    content = {
        "format": 1,
        "run_id": record.name,
        "kind": kind,
        "pipeline": str(folder),
        "name": folder.name,
        "pid": pid,
        "started": time.time(),
        "command": list(command),
        "parameters": dict(parameters or {}),
        "profile": profile,
        "source": source,
        "tasks": list(tasks),
    }
    _write_json(record / "run.json", content)


def write_end(
    record: Path,
    state: str,
    *,
    seconds: float | None = None,
    message: str | None = None,
    mlflow: Mapping[str, Any] | None = None,
    closing: Sequence[str] = (),
) -> None:
    """Write ``end.json``, which says how the run ended; as :meth:`RunLog.ended`.

    Raises
    ------
    OSError
        If it can't be written.
    """
    content = {
        "state": state,
        "ended": time.time(),
        "seconds": seconds,
        "message": message,
        "mlflow": dict(mlflow) if mlflow is not None else None,
        "closing": list(closing),
    }
    _write_json(record / "end.json", content)


class RunLog:
    """The listener that writes a run's record; a context in which the run happens.

    The record is made when the run begins, so that a run which is refused leaves none; a record that was made before
    (``record``: Lab has made it, with the run's header in it) gets the refusal's sentence. It never raises into the
    run: if it can't write, it says so once and the run goes on without a record.

    Parameters
    ----------
    folder
        The pipeline's folder.
    root
        The project's root; found from ``folder`` if not given.
    record
        The run's own folder, if there is one already.
    lock
        A descriptor of the record's lock that this process inherited.
    on_notice
        Takes the sentence about what could not be written.

    Attributes
    ----------
    run_id
        The run's id, for ``run_pipeline``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        kind: RunKind = "run",
        source: Source = "cli",
        command: Sequence[str] = (),
        parameters: Mapping[str, Any] | None = None,
        profile: str | None = None,
        root: Path | None = None,
        record: Path | None = None,
        lock: int | None = None,
        on_notice: Callable[[str], None] | None = None,
    ) -> None:
        from cellmill.notebook import project_root

        folder = folder.resolve()
        self.run_id = record.name if record is not None else new_run_id()
        self._folder = folder
        self._facts: dict[str, Any] = {
            "kind": kind,
            "source": source,
            "command": command,
            "parameters": parameters,
            "profile": profile,
        }
        self._given = record is not None
        self._record = record or runs_folder(root or project_root(folder)) / self.run_id
        self._lock = lock
        self._on_notice = on_notice
        self._events: BinaryIO | None = None
        self._told: LoggedRun | None = None
        self._count = 0
        self._began = time.monotonic()
        self._state: str | None = None
        self._over = False
        self._door = threading.Lock()
        if lock is not None:
            with suppress(OSError):  # what this process starts must not hold the lock after it
                os.set_inheritable(lock, False)  # noqa: FBT003 - its signature
        if self._given:
            self._attempt(self._open)

    def __call__(self, event: Event) -> None:
        """Write an event."""
        if event.kind == "run-finished":
            self._state = event.data["state"]
        self._attempt(lambda: self._append(event))
        if event.kind == "task-failed" and event.task is not None and self._events is not None:
            self._keep_inputs(event.task, event.data)
        if event.kind in ("run-queued", "run-started"):
            self._tell_store()

    def notice(self, text: str) -> None:
        """Write a sentence for the user, if the run has begun."""
        if self._events is not None:
            self(Event("notice", data={"text": text}))

    def ended(
        self,
        *,
        state: str | None = None,
        message: str | None = None,
        mlflow: Mapping[str, Any] | None = None,
        closing: Sequence[str] = (),
    ) -> None:
        """Write how it ended; only the first call counts.

        Parameters
        ----------
        state
            ``succeeded``, ``failed``, ``stopped`` or ``refused``; by default what ``run-finished`` said.
        message
            One sentence about it.
        mlflow
            Where the run is recorded: ``url``, ``experiment``, ``ui_command``.
        closing
            The lines that the command line ends with.
        """
        if self._over or self._events is None:
            return
        self._over = True
        self._use_reserve()
        final = "stopped" if self._state == "stopped" else state or self._state or "failed"
        seconds = time.monotonic() - self._began
        self._attempt(
            lambda: write_end(
                self._record, final, seconds=seconds, message=message, mlflow=mlflow, closing=tuple(closing)
            )
        )
        self._tell_store()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, CellmillError):
            self.ended(state="failed" if self._count else "refused", message=str(error))
        elif isinstance(error, KeyboardInterrupt):
            self.ended(state="stopped")
        elif error is not None:
            self.ended(state="failed", message=f"{type(error).__name__}: {error}")
        else:
            self.ended()
        self._close()

    def _attempt(self, write: Callable[[], None]) -> None:
        """Write; what can't be written ends the record, not the run."""
        with self._door:
            try:
                write()
                return
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                self._over = True
        self._close()
        if self._on_notice is not None:
            with suppress(Exception):
                self._on_notice(f"This run is not in the list of runs: {self._record} can't be written ({reason}).")

    def _open(self) -> None:
        self._record.mkdir(parents=True, exist_ok=True)
        if self._lock is None:
            self._lock = hold(self._record)
        if not self._given:
            write_header(self._record, self._folder, pid=os.getpid(), **self._facts)
        elif (header := read_json(self._record / "run.json")).get("pid") == 0:
            # Whoever started this process wrote the header before, so that there is no moment without one.
            _write_json(self._record / "run.json", {**header, "pid": os.getpid()})
        (self._record / "reserve").write_bytes(b"\0" * _RESERVE)
        self._events = (self._record / "events.jsonl").open("ab", buffering=0)
        prune(self._record.parent, self._folder)

    def _append(self, event: Event) -> None:
        if self._over:
            return
        if self._events is None:
            if event.kind not in ("run-queued", "run-started"):  # stopped before it began
                return
            self._open()
        assert self._events is not None
        self._count += 1
        line = json.dumps({"seq": self._count, **event.as_dict()}, default=str)
        left = memoryview(f"{line}\n".encode())
        while left:
            try:
                left = left[self._events.write(left) :]
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not self._use_reserve():
                    raise

    def _use_reserve(self) -> bool:
        """Give back what the record holds of the disk; whether there was something."""
        try:
            (self._record / "reserve").unlink()
        except OSError:
            return False
        return True

    def _keep_inputs(self, task: str, data: Mapping[str, Any]) -> None:
        executed = data.get("notebook")
        if executed and (data.get("failure") or {}).get("kind") != "stopped":
            keep_inputs(self._record, task, Path(executed))

    def _tell_store(self) -> None:
        """Write into the project's database of runs what the record tells; readers do so too, of runs that go on."""
        import sqlite3

        from cellmill.run.database import put
        from cellmill.run.history import LoggedRun

        if self._events is None:
            return
        if self._told is None:
            self._told = LoggedRun(self._record)
        with self._door, suppress(OSError, sqlite3.Error):
            self._told.refresh()
            put(self._record.parent.parent.parent, self._told)

    def _close(self) -> None:
        with self._door:
            if self._events is not None:
                with suppress(OSError):
                    self._events.close()
            if self._lock is not None:
                with suppress(OSError):
                    os.close(self._lock)
                self._lock = None


def hold(record: Path) -> int:
    """Take the lock that says that a run goes on; it is free again when all who hold the descriptor have ended.

    Raises
    ------
    OSError
        If it can't be taken.
    """
    handle = os.open(record / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        import fcntl
    except ImportError:  # Windows: a run that is gone is not told from one that goes on
        return handle
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(handle)
        raise
    return handle


def is_held(record: Path) -> bool:
    """Whether the process that writes this record lives."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        handle = os.open(record / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def prune(folder: Path, pipeline: Path, keep: int = KEPT) -> None:
    """Take away the oldest records of a pipeline's runs, and of more of them what failed tasks were given.

    Runs that go on stay, and those of schedules, which say themselves how many of theirs stay.
    """
    records = sorted((found for found in folder.iterdir() if RUN_ID.fullmatch(found.name)), reverse=True)
    if len(records) <= keep and len(with_inputs(records)) <= INPUTS_KEPT:
        return
    headers = {record: read_json(record / "run.json") for record in records}
    own = [record for record in records if headers[record].get("pipeline") == str(pipeline)]
    for record in with_inputs(own)[INPUTS_KEPT:]:
        forget_inputs(record)
    for record in [record for record in own if headers[record].get("source") != "schedule"][keep:]:
        if not is_held(record):
            shutil.rmtree(record, ignore_errors=True)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file; empty if there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all; not forced to the disk, since a run does not hang on it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(content, default=str), encoding="utf-8")
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
