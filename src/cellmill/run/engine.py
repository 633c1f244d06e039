"""Papermill's engine with what a run needs more: cell by cell news, one time limit for a step, retries, clean ends.

This module is imported when a run executes, never by ``import cellmill``: its base classes live in Papermill.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jupyter_core.utils import ensure_async, run_sync
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError  # noqa: TID253 - see the module's docstring
from nbformat import NotebookNode  # noqa: TID253
from papermill.clientwrap import PapermillNotebookClient  # noqa: TID253
from papermill.engines import NBClientEngine, papermill_engines  # noqa: TID253
from papermill.log import logger  # noqa: TID253

from cellmill.run.kernel_client import use_prompt_client
from cellmill.run.kernel_environment import inherited_environment
from cellmill.run.stop import RunningKernel, StopSwitch
from cellmill.run.warm import WarmPool
from cellmill.run.whole_products import aside
from cellmill.run.words import amount

ENGINE = "cellmill"

# Socket files must fit into about 100 characters, so they do not go below a long TMPDIR.
_SHORT_FOLDER = "/tmp"
_LONGEST_SOCKET = 100


# Seconds that a cell's outputs may come after its end.
_PATIENCE = 60

# Seconds that a kernel may take for its end before it is told again in stronger words, as Jupyter has it.
_END = 2.5
_LAST_WORD = 1.0

# Seconds between two times that a notebook is saved while its cells run.
_SAVED_EVERY = 1.0

FailedAs = Literal["error", "timeout", "memory", "kernel-died", "stopped"]
Moment = Literal["before", "after"]


@dataclass(frozen=True)
class CellFailure:
    """What is known where a notebook stopped; ``index`` is the cell's place in the executed notebook, if a cell ran."""

    kind: FailedAs
    name: str
    value: str
    traceback: tuple[str, ...] = ()
    index: int | None = None
    cell_id: str | None = None
    tags: tuple[str, ...] = ()
    source: str = ""
    execution_count: int | None = None


@dataclass
class Execution:
    """One step's execution: what the engine is told, and what it leaves behind in ``failure``.

    Attributes
    ----------
    step
        The step's name.
    folder
        The kernel's working folder.
    timeout
        Seconds for all cells of one attempt together.
    memory_limit
        Bytes that the kernel and the processes that it starts may hold together.
    attempts
        How often it may be tried.
    stop
        The run's stop switch.
    started
        Called before each attempt with its number; gives the kernel's further environment variables.
    cell
        Called before each code cell with its number among the code cells, their number, and the source cell's id.
    retried
        Called after a failed attempt that is followed by another one.
    forgiven
        Asked when no attempt is left: True if the failure was not the step's own, and it may be tried once more.
    beside
        Asked before and after each cell for code that runs beside it: silently, as no part of the notebook.
    warm
        Where its kernel is forked from; None for one that is started in the ordinary way.
    inherited
        The variables that its kernel takes over from this process.
    attempt
        The number of the attempt that was made last; 0 if none was.
    waited
        Seconds that it waited for a place to run at.
    place
        Where the executed notebook belongs, once it is whole.
    ends_aside
        Let the kernel of an attempt that succeeded end while something else is done, until :meth:`close` is called.
    """

    step: str
    folder: str | None
    timeout: float | None
    attempts: int
    stop: StopSwitch
    started: Callable[[int], Mapping[str, str]]
    cell: Callable[[int, int, str | None], None]
    retried: Callable[[int, CellFailure], None]
    forgiven: Callable[[CellFailure], bool] = lambda _: False
    beside: Callable[[Moment, Any], str | None] = lambda _moment, _cell: None
    warm: WarmPool | None = None
    inherited: Mapping[str, str] = field(default_factory=inherited_environment)
    memory_limit: int | None = None
    attempt: int = 0
    waited: float = 0.0
    place: Path | None = None
    ends_aside: bool = False
    failure: CellFailure | None = None
    _ending: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Wait until the kernel has ended, and what it leaves behind is gone; harmless when it has."""
        self._ending.close()

    def close_later(self, what: ExitStack) -> None:
        """Let that wait for :meth:`close`."""
        self._ending.push(what.pop_all())


class CellmillEngine(NBClientEngine):  # type: ignore[misc] # Papermill is untyped
    """The engine ``cellmill``; takes an :class:`Execution` beside what Papermill's own engine takes."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, output_path: str | None = None, **options: Any) -> Any:
        """As Papermill's, but what it saves while cells run lies aside.

        At its own place the notebook is whole: executed to its end or to its error.
        """
        if not output_path:
            return super().execute_notebook(nb, kernel_name, output_path=output_path, **options)
        written = str(aside(Path(output_path)))
        if isinstance(options.get("execution"), Execution):
            options["execution"].place = Path(output_path)
        try:
            return super().execute_notebook(nb, kernel_name, output_path=written, **options)
        except RuntimeError:
            # The kernel died before the first cell or after the last one, and Papermill writes only where the engine
            # has returned. Of other errors, such as a full disk, what was saved last shows neither an end nor an error.
            if any(cell.get("execution_count") for cell in nb.cells):
                with suppress(OSError):
                    os.replace(written, output_path)
            raise
        finally:
            with suppress(OSError):
                os.unlink(written)

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, execution: Execution, start_timeout: float = 60, **options: Any
    ) -> None:
        """Run the notebook, again from the start for each retry; the last attempt's outputs stay."""
        attempt, last = 0, execution.attempts
        while True:
            attempt += 1
            if attempt > 1:
                nb_man.notebook_start()
            execution.attempt, execution.failure = attempt, None
            environment = execution.started(attempt)
            if execution.place is not None:
                execution.place.unlink(missing_ok=True)
            with ExitStack() as ending:
                kernel, files = ending.enter_context(execution.stop.kernel()), ending.enter_context(_kernel_files())
                client = _Client(
                    nb_man, execution, kernel, kernel_name=kernel_name, startup_timeout=start_timeout, log=logger
                )
                client.timeout = options.get("execution_timeout") or options.get("timeout")
                # The default, 4 s, fails cells on a busy machine when what they print comes late.
                client.iopub_timeout = _PATIENCE
                ending.callback(client.wait_for_its_end)
                failure = client.run(files, environment)
                if failure is None and execution.ends_aside:
                    execution.close_later(ending)
            if failure is None or failure.kind == "stopped" or attempt > execution.attempts:
                return
            if attempt == last:
                if not execution.forgiven(failure):
                    return
                last += 1
            if execution.place is not None:
                # Whoever is told of the attempt may read it until the next one begins.
                nb_man.save()
                os.replace(nb_man.output_path, execution.place)
            execution.retried(attempt, failure)


def register() -> None:
    """Make the engine known to Papermill in this process; harmless when it is known.

    Not by an entry point: Papermill loads those whenever it is imported, in every program on the machine.
    """
    papermill_engines.register(ENGINE, CellmillEngine)


@dataclass(frozen=True)
class _KernelFiles:
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def socket(self) -> str | None:
        """Where the kernel's sockets go; None where the system has no socket files or paths get too long."""
        path = str(self.folder / "k")
        return path if sys.platform != "win32" and len(path) < _LONGEST_SOCKET else None


@contextmanager
def _kernel_files() -> Iterator[_KernelFiles]:
    short = _SHORT_FOLDER if os.path.isdir(_SHORT_FOLDER) and os.access(_SHORT_FOLDER, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="cellmill-", dir=short))
    try:
        yield _KernelFiles(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Client(PapermillNotebookClient):  # type: ignore[misc] # Papermill is untyped
    """Runs the cells of one attempt in one kernel."""

    def __init__(self, nb_man: Any, execution: Execution, kernel: RunningKernel, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._execution = execution
        self._kernel = kernel
        self._log_file: Path | None = None

    def run(self, files: _KernelFiles, environment: Mapping[str, str]) -> CellFailure | None:
        """Start a kernel, run the cells, end the kernel; give what went wrong in them."""
        self._log_file = files.log
        manager = self.create_kernel_manager()
        use_prompt_client(manager)
        if files.socket is not None:
            # TCP ports can be read by every user of the machine, and ipykernel warns about that.
            manager.transport, manager.ip = "ipc", files.socket
        with files.log.open("wb") as log:
            # What C libraries and child processes print goes to the kernel's own streams: not to the terminal.
            options = {"env": {**self._execution.inherited, **environment}, "stdout": log, "stderr": log}
            if self._execution.folder is not None:
                options["cwd"] = self._execution.folder
            try:
                self.execute(**options)
            except RuntimeError as error:
                if self._execution.failure is None:
                    self._lost(None, error)
                    self.nb_man.save()
                raise
        return self._execution.failure

    def start_new_kernel(self, **options: Any) -> None:
        """Start the kernel's process, known from its first moment to whoever may have to end it."""
        if self._execution.warm is not None:
            from cellmill.run.warm.provisioner import use

            use(self.km, self._execution.warm)
        super().start_new_kernel(**options)
        self._kernel.started(self.km.provisioner.process)
        if self._execution.memory_limit is not None:
            self._kernel.limit_memory(self._execution.memory_limit)

    def _cleanup_kernel(self) -> None:
        """As nbclient's, which looks every 0.1 s only whether the kernel has ended; here it may end aside."""
        if self.km is not None and self._kernel.exit_code() is None:
            run_sync(self._ask_to_end)()
        if self._execution.failure is not None or not self._execution.ends_aside:
            self.wait_for_its_end()

    def wait_for_its_end(self) -> None:
        """Wait for the kernel, which was asked to end; harmless when it has."""
        if self.km is None:
            return
        if self._kernel.exit_code() is None:
            self._kernel.wait(_END)
            # It has had its time: nbclient ends it by signals, if it is still there.
            self.km.shutdown_wait_time = _LAST_WORD
        super()._cleanup_kernel()

    async def _ask_to_end(self) -> None:
        await ensure_async(self.km.interrupt_kernel())
        await ensure_async(self.km.request_shutdown())

    def execute(self, **options: Any) -> Any:
        """As Papermill's, but does not ask a dead kernel about its language."""
        self.reset_execution_trackers()
        with self.setup_kernel(**options):
            self._kernel.ready(self._execution.timeout)
            if self._execution.warm is not None:
                self._execution.warm.prepare()
            self.papermill_execute_cells()
            failure = self._execution.failure
            if failure is None or failure.kind == "error":
                reply = self.wait_for_reply(self.kc.kernel_info())
                self.nb.metadata["language_info"] = reply["content"]["language_info"]
            self.set_widgets_metadata()
        return self.nb

    def papermill_execute_cells(self) -> None:
        """Run cell after cell, as Papermill does, up to the first that fails or must not start any more."""
        with _saved_now_and_then(self.nb_man):
            self._execute_cells()

    def _execute_cells(self) -> None:
        code = [i for i, cell in enumerate(self.nb.cells) if cell.cell_type == "code" and cell.source.strip()]
        numbers = {index: number for number, index in enumerate(code, start=1)}
        for index, cell in enumerate(self.nb.cells):
            try:
                self.nb_man.cell_start(cell, index)
                if index in numbers:
                    if self._kernel.reason is not None:
                        raise DeadKernelError("ended before the cell")
                    self._execution.cell(numbers[index], len(code), cell.metadata.get("cell"))
                self._run_beside("before", cell)
                self.execute_cell(cell, index)
                self._run_beside("after", cell)
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                self._failed(index, error)
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                break
            finally:
                self.nb_man.cell_complete(self.nb.cells[index], cell_index=index)

    def _run_beside(self, moment: Moment, cell: Any) -> None:
        code = self._execution.beside(moment, cell)
        if code is not None:
            # Silent: no output, no count, no place in the history, no `_`.
            self.wait_for_reply(self.kc.execute(code, silent=True, store_history=False, allow_stdin=False))

    def _failed(self, index: int, error: CellExecutionError | CellTimeoutError | DeadKernelError) -> None:
        if self._kernel.reason is not None or isinstance(error, DeadKernelError):
            self._lost(index, error)
            return
        cell = self.nb.cells[index]
        if isinstance(error, CellTimeoutError):
            words = str(error).splitlines()[0].lower().rstrip(".")
            self._execution.failure = self._failure("timeout", index, "CellTimeoutError", words, ())
            self._show(cell, self._execution.failure)
        else:
            self._execution.failure = self._failure("error", index, error.ename, error.evalue, _raised(cell))

    def _lost(self, index: int | None, error: Exception) -> None:
        """The cell did not end by itself: the kernel died, time was up, or the run was stopped."""
        shown = _raised(self.nb.cells[index]) if index is not None else ()
        match self._kernel.reason:
            case "stopped":
                failure = self._failure("stopped", index, "Stopped", "the run was stopped", shown)
            case "timeout":
                limit = f"the step took longer than {self._execution.timeout:g} s"
                failure = self._failure("timeout", index, "StepTimeout", limit, shown)
            case "memory":
                words = (
                    f"the step held {amount(self._kernel.peak)} of memory, "
                    f"more than its limit of {amount(self._execution.memory_limit or 0)}"
                )
                failure = self._failure("memory", index, "MemoryLimit", words, shown)
            case _:
                failure = self._failure(
                    "kernel-died", index, "KernelDied", self._cause_of_death(error, starting=index is None), shown
                )
        self._execution.failure = failure
        if index is not None:
            self._show(self.nb.cells[index], failure)

    def _failure(
        self, kind: FailedAs, index: int | None, name: str, value: str, traceback: tuple[str, ...]
    ) -> CellFailure:
        if index is None:
            return CellFailure(kind, name, value, traceback)
        return failed_cell(self.nb.cells[index], index, kind, name, value, traceback)

    def _show(self, cell: Any, failure: CellFailure) -> None:
        """Write the end into the cell's outputs, so that the executed notebook and its report tell it."""
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors:
            errors[-1].ename, errors[-1].evalue = failure.name, failure.value
            errors[-1].traceback.append(f"{failure.name}: {failure.value}")
        else:
            text = f"{failure.name}: {failure.value}"
            output = {"output_type": "error", "ename": failure.name, "evalue": failure.value, "traceback": [text]}
            cell.outputs.append(NotebookNode(output))  # type: ignore[no-untyped-call]

    def _cause_of_death(self, error: Exception, *, starting: bool) -> str:
        code = self._kernel.exit_code()
        if code is None:
            return str(error)
        words = _signal_words(-code) if code < 0 else f"exit code {code}"
        last = self._last_words() if starting else ""
        return f"{words}; it wrote: {last}" if last else words

    def _last_words(self) -> str:
        """The last line that a kernel that could not start wrote to its own streams."""
        assert self._log_file is not None
        lines = self._log_file.read_bytes()[-4000:].decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


@contextmanager
def _saved_now_and_then(manager: Any) -> Iterator[None]:
    """Save the notebook while cells run once a second at most; Papermill does so before and after each cell."""
    last = time.monotonic()

    def save(**options: Any) -> None:
        nonlocal last
        if time.monotonic() - last >= _SAVED_EVERY:
            type(manager).save(manager, **options)
            last = time.monotonic()

    manager.save = save
    try:
        yield
    except BaseException:
        type(manager).save(manager)
        raise
    finally:
        del manager.save


def failed_cell(
    cell: Any, index: int, kind: FailedAs, name: str, value: str, traceback: tuple[str, ...]
) -> CellFailure:
    """Say of an executed cell that it failed."""
    return CellFailure(
        kind,
        name,
        value,
        traceback,
        index=index,
        cell_id=cell.metadata.get("cell"),
        tags=tuple(cell.metadata.get("tags", ())),
        source=cell.source,
        execution_count=cell.get("execution_count"),
    )


def _raised(cell: Any) -> tuple[str, ...]:
    """The traceback that IPython gave for the cell's error, as lines with colours."""
    for output in reversed(cell.get("outputs", [])):
        if output.output_type == "error":
            return tuple(output.traceback)
    return ()


def _signal_words(number: int) -> str:
    import signal

    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if name == "SIGKILL":
        return "killed by SIGKILL, as systems do when memory runs out"
    return f"ended by {name}"
