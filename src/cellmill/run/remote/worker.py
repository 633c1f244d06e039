"""What runs in a Dask worker: one task's notebook, in a folder of its own, by the engine of every run.

This module is imported by workers and by the machine that asks them, when a run executes.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import tempfile
import threading
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.run.engine import ENGINE, CellFailure, Execution, register
from cellmill.run.remote.job import Attempt, Job, Outcome
from cellmill.run.remote.storage import Storage
from cellmill.run.stop import StopSwitch

# Seconds: between two looks whether a job is still wanted, and for an answer from who asked for it.
_LOOK_AGAIN = 0.3
_PATIENCE = 120.0

_SAME = ("cellmill", "distributed")
_BUNDLES = 4


@dataclass
class _Call:
    """One execution of a job in this process, and what its asker has told it."""

    stop: StopSwitch = field(default_factory=StopSwitch)
    answered: dict[int, Mapping[str, str]] = field(default_factory=dict)
    news: threading.Condition = field(default_factory=threading.Condition)


_calls: dict[str, _Call] = {}
_bundles: dict[str, bytes] = {}


def versions() -> dict[str, str]:
    """What machines of one run must have in common."""
    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    for name in _SAME:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def sees(file: str) -> bool:
    """Whether this worker sees a file of the machine that asks."""
    return os.path.exists(file)


def stay_when_interrupted() -> None:
    """Leave Ctrl-C in the terminal to the run, which tells its workers."""
    signal.signal(signal.SIGINT, lambda *_: None)


def answer(call: str, attempt: int, environment: Mapping[str, str]) -> None:
    """Give an execution the environment for its kernel."""
    found = _calls.get(call)
    if found is not None:
        with found.news:
            found.answered[attempt] = environment
            found.news.notify_all()


def halt(call: str) -> bool:
    """Stop an execution; False if it is not here."""
    found = _calls.get(call)
    if found is not None:
        # It may have to wait for a process, and this runs in the worker's event loop.
        threading.Thread(target=found.stop.request, name="cellmill-halt", daemon=True).start()
    return found is not None


def perform(job: Job) -> Outcome:
    """Execute a task's notebook and put what it makes into the storage.

    Raises
    ------
    CellmillError
        If this worker has other versions, or the storage fails.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    _check_versions(job, str(worker.address))
    call = uuid.uuid4().hex
    mine = _calls[call] = _Call()

    def tell(**message: Any) -> None:
        worker.log_event(job.topic, {"number": job.number, "call": call, "worker": str(worker.address), **message})

    with _while_wanted(mine, lambda: _is_wanted(worker, key)), _own_folder(worker) as place:
        try:
            return _Performance(job, mine, place, f"{job.place}/{call}", tell).run()
        finally:
            del _calls[call]


class _Performance:
    """One execution of a job."""

    def __init__(self, job: Job, call: _Call, place: Path, at: str, tell: Callable[..., None]) -> None:
        self._job = job
        self._at = at
        self._call = call
        self._tell = tell
        self._storage = Storage(job.storage)
        self._output = place / "output"
        self._root = job.root if job.code is None else place / "project"

    def run(self) -> Outcome:
        import nbformat
        from papermill.engines import papermill_engines

        self._output.mkdir()
        if self._job.code is not None:
            self._unpack(self._job.code)
        for attempt in self._job.upstream:
            self._storage.take(attempt, self._output)
        before = {file: file.stat().st_mtime_ns for file in self._files()}
        for name in self._job.products:
            (self._output / name).parent.mkdir(parents=True, exist_ok=True)
        register()
        execution = self._execution()
        notebook = self._with_own_paths(nbformat.reads(self._job.notebook, as_version=4))  # type: ignore[no-untyped-call]
        raised = None
        try:
            notebook = papermill_engines.execute_notebook_with_engine(
                ENGINE,
                notebook,
                kernel_name=self._job.kernel,
                progress_bar=False,
                log_output=False,
                start_timeout=self._job.start_timeout,
                execution_timeout=self._job.cell_timeout,
                execution=execution,
            )
        except Exception as error:
            raised = str(error).strip() or type(error).__name__
        text = nbformat.writes(notebook, version=4)  # type: ignore[no-untyped-call]
        (self._output / self._job.products[0]).write_text(self._as_asked(text), encoding="utf-8")
        made = [file for file in self._files() if before.get(file) != file.stat().st_mtime_ns]
        failure = execution.failure
        return Outcome(
            self._given(made),
            self._told(failure) if failure is not None else None,
            self._as_asked(raised) if raised is not None else None,
        )

    def _given(self, made: list[Path]) -> Attempt:
        names = [file.relative_to(self._output).as_posix() for file in made]
        return self._storage.give(self._at, self._output, names)

    def _execution(self) -> Execution:
        job = self._job
        return Execution(
            step=job.step,
            folder=str(self._here(job.folder)) if job.folder is not None else None,
            timeout=job.timeout,
            memory_limit=job.memory_limit,
            attempts=job.attempts,
            stop=self._call.stop,
            started=self._started,
            cell=lambda number, cells, cell_id: self._tell(what="cell", cell=number, cells=cells, cell_id=cell_id),
            retried=lambda _, failure: self._tell(what="retried", failure=asdict(self._told(failure))),
        )

    def _started(self, attempt: int) -> Mapping[str, str]:
        """Say that an attempt begins; the answer is the environment for its kernel."""
        self._tell(what="started", attempt=attempt)
        call = self._call
        with call.news:
            if not call.news.wait_for(lambda: attempt in call.answered or call.stop.requested, _PATIENCE):
                raise CellmillError(f"the run that step {self._job.step} belongs to does not answer")
            return call.answered.get(attempt, {})

    def _unpack(self, name: str) -> None:
        content = _bundles.get(name)
        if content is None:
            content = self._storage.read(name)
            if content is None:
                raise CellmillError(f"storage: there is no {name} in {self._storage.url}")
            while len(_bundles) >= _BUNDLES:
                _bundles.pop(next(iter(_bundles)))
            _bundles[name] = content
        with zipfile.ZipFile(BytesIO(content)) as packed:
            packed.extractall(self._root)
        if self._job.folder is not None:
            self._here(self._job.folder).mkdir(parents=True, exist_ok=True)

    def _files(self) -> list[Path]:
        return sorted(file for file in self._output.rglob("*") if file.is_file())

    def _here(self, path: Path) -> Path:
        for theirs, own in self._places():
            if path.is_relative_to(theirs):
                return own / path.relative_to(theirs)
        return path

    def _places(self) -> tuple[tuple[Path, Path], ...]:
        """Folders of the asking machine and what stands for them here, the inner one first."""
        return ((self._job.output, self._output), (self._job.root, self._root))

    def _with_own_paths(self, notebook: Any) -> Any:
        """The notebook with this machine's paths in the cell that gives them to the task."""
        for cell in notebook.cells:
            if "injected-parameters" in cell.metadata.get("tags", ()):
                for theirs, own in self._places():
                    cell.source = cell.source.replace(f"{theirs}{os.sep}", f"{own}{os.sep}")
        return notebook

    def _as_asked(self, text: str) -> str:
        """A text with the asking machine's paths: these are the ones that mean something after the run."""
        for theirs, own in self._places():
            if own != theirs:
                text = text.replace(f"{own}{os.sep}", f"{theirs}{os.sep}")
                short = _below_home(own)
                if short is not None:
                    text = text.replace(f"{short}{os.sep}", f"{theirs}{os.sep}")
        return text

    def _told(self, failure: CellFailure) -> CellFailure:
        traceback = tuple(self._as_asked(line) for line in failure.traceback)
        return replace(failure, value=self._as_asked(failure.value), traceback=traceback)


def _below_home(path: Path) -> str | None:
    """How IPython writes a path below the home folder."""
    home = Path.home()
    return f"~{os.sep}{path.relative_to(home)}" if path.is_relative_to(home) and home != Path(home.root) else None


def _check_versions(job: Job, address: str) -> None:
    differing = other_versions(job.versions, versions())
    if differing:
        raise CellmillError(f"the worker {address} has {differing}", remedy="install the same versions everywhere")


def other_versions(wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    """Say in words what differs: ``Python 3.12 instead of 3.11``."""
    return ", ".join(
        f"{name} {found.get(name, 'nowhere')} instead of {one}" if name in found else f"no {name}"
        for name, one in wanted.items()
        if found.get(name) != one
    )


def _is_wanted(worker: Any, key: str) -> bool:
    """Whether the scheduler, and with it who asked, still waits for a task that runs here."""
    if worker.status.name not in ("running", "paused", "closing_gracefully"):
        return False
    task = worker.state.tasks.get(key)
    return task is not None and task.state not in ("cancelled", "released", "forgotten", "error")


@contextmanager
def _while_wanted(call: _Call, wanted: Callable[[], bool]) -> Iterator[None]:
    """Stop the kernel when nobody waits for it any more: Dask forgets a task that runs, and lets it run on."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK_AGAIN):
            if not wanted() and not call.stop.requested:
                call.stop.request()
            if call.stop.requested:
                with call.news:
                    call.news.notify_all()

    thread = threading.Thread(target=watch, name="cellmill-wanted", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def _own_folder(worker: Any) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cellmill-", dir=worker.local_directory)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
