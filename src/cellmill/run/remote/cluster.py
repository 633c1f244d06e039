"""A run's way to a Dask cluster: connecting, what its workers must be, one task at a time from sending to its end."""

from __future__ import annotations

import logging
import queue
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.errors import CellmillError
from cellmill.run.engine import CellFailure, Execution
from cellmill.run.failure import WORKER_LOST
from cellmill.run.remote import worker
from cellmill.run.remote.job import Job, Outcome
from cellmill.run.stop import GRACE

if TYPE_CHECKING:
    from distributed import Client, Future

# Seconds: to reach a scheduler, for a first worker to come, between two looks whether the run is to stop, and for a
# worker's last words after it has been asked to stop.
_CONNECT = 10.0
_FIRST_WORKER = 30.0
_LOOK_AGAIN = 0.2
_LAST_WORDS = GRACE + 5.0

# Seconds that one try to get a finished job's result may take, and that it may be tried.
_FETCH = 5.0
_FETCHED = 60.0

Resources = Mapping[str, float]


class Cluster:
    """Workers that execute a run's tasks.

    Attributes
    ----------
    resources
        Of each resource that workers declare the most that one of them has.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._topic = f"cellmill-{uuid.uuid4().hex}"
        self._news: dict[str, queue.Queue[dict[str, Any] | None]] = {}
        client.subscribe_topic(self._topic, self._heard)
        self.resources = self._most()

    def check(self, shared: Path | None) -> None:
        """Hold the workers that are there now to what a run needs of them.

        Parameters
        ----------
        shared
            A file that each must see; None where they need not share this machine's disk.

        Raises
        ------
        CellmillError
            If one has other versions, or no cellmill, or does not see the disk.
        """
        wanted = worker.versions()
        for address, found in self._ask(worker.versions).items():
            if isinstance(found, BaseException):
                raise CellmillError(
                    f"the worker {address} has no cellmill that can be asked ({type(found).__name__}: {found})",
                    remedy="pip install 'cellmill[dask]' there, in the same version as here",
                )
            if differing := worker.other_versions(wanted, found):
                raise CellmillError(
                    f"the worker {address} has {differing}", remedy="install the same versions on all machines"
                )
        for address, seen in (self._ask(worker.sees, str(shared)) if shared is not None else {}).items():
            if seen is not True and shared is not None:
                raise CellmillError(
                    f"the worker {address} does not see {shared.parent}",
                    remedy="write where products shall go between machines, such as `storage: s3://bucket/prefix`, "
                    "into cellmill.yaml or env.PROFILE.yaml, or let the workers share this disk",
                )

    def leave_interrupts(self) -> None:
        """Let workers that belong to this terminal ignore Ctrl-C."""
        self._ask(worker.stay_when_interrupted)

    def job(self, **given: Any) -> Job:
        """A job for these workers."""
        return Job(topic=self._topic, number=uuid.uuid4().hex, versions=worker.versions(), **given)

    def run(self, job: Job, execution: Execution, resources: Resources, priority: float) -> Outcome:
        """Have a job done by a worker, and tell what happens meanwhile.

        Raises
        ------
        CellmillError
            If too many workers were lost with it, or the connection was.
        """
        news = self._news[job.number] = queue.Queue()
        sent = time.monotonic()
        future = self._client.submit(
            worker.perform,
            job,
            key=f"{job.step}-{job.number}",
            pure=False,
            resources=dict(resources) or None,
            priority=priority,
        )
        course = _Course(self, future, job, execution, sent)
        end = float("inf")
        try:
            while True:
                future.add_done_callback(lambda _: news.put(None))
                course.follow(news)
                end = min(end, time.monotonic() + _FETCHED)
                try:
                    return self._result(future, job, execution)
                except _NotThere:
                    # The worker that held the result has gone, and another one does the job again, which asks again.
                    if future.status == "finished" and time.monotonic() > end:
                        raise _cut_off(job) from None
        finally:
            del self._news[job.number]
            future.cancel()

    def answer(self, message: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        """Give an execution the environment for its kernel."""
        self._tell(message, worker.answer, message["call"], message["attempt"], dict(environment))

    def halt(self, message: Mapping[str, Any]) -> None:
        """Ask a worker to stop an execution."""
        self._tell(message, worker.halt, message["call"])

    def _tell(self, message: Mapping[str, Any], function: Callable[..., Any], *arguments: Any) -> None:
        with suppress(Exception):  # the worker may be lost; the scheduler then says so
            self._client.run(function, *arguments, workers=[message["worker"]], on_error="ignore")

    def _ask(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        return dict(self._client.run(function, *arguments, on_error="return"))

    def _heard(self, event: tuple[float, dict[str, Any]]) -> None:
        message = event[1]
        if (news := self._news.get(message.get("number", ""))) is not None:
            news.put(message)

    def _most(self) -> dict[str, float]:
        most: dict[str, float] = {}
        for one in self._client.scheduler_info(n_workers=-1)["workers"].values():
            for name, amount in (one.get("resources") or {}).items():
                most[name] = max(most.get(name, 0), amount)
        return most

    def _result(self, future: Future, job: Job, execution: Execution) -> Outcome:
        from distributed import CancelledError, KilledWorker

        if execution.stop.requested and future.status != "finished":
            raise KeyboardInterrupt
        try:
            found = future.result(timeout=_FETCH)
        except CellmillError:
            raise
        except KilledWorker as error:
            raise CellmillError(
                f"step {job.step}: {error.allowed_failures + 1} workers were lost while they ran it, "
                f"the last at {getattr(error.last_worker, 'address', error.last_worker)}",
                remedy="look whether it needs more memory than they have",
            ) from None
        except TimeoutError:
            raise _NotThere from None
        except CancelledError:
            raise _cut_off(job) from None
        assert isinstance(found, Outcome)
        return found


class _NotThere(Exception):
    """The result of a finished job did not come."""


def _cut_off(job: Job) -> CellmillError:
    return CellmillError(
        f"step {job.step}: the connection to the Dask scheduler was lost", remedy="run again when it is back"
    )


class _Course:
    """What happens to one job between its being sent and its end."""

    def __init__(self, cluster: Cluster, future: Future, job: Job, execution: Execution, sent: float) -> None:
        self._cluster = cluster
        self._future = future
        self._job = job
        self._execution = execution
        self._waits_since: float | None = sent
        self._current: dict[str, Any] | None = None
        self._cell: str | None = None
        self._asked: float | None = None

    def follow(self, news: queue.Queue[dict[str, Any] | None]) -> None:
        while True:
            try:
                message = news.get(timeout=_LOOK_AGAIN)
            except queue.Empty:
                message = {}
            if message is None:
                return
            self._take(message)
            if self._execution.stop.requested and self._stopped():
                return

    def _take(self, message: dict[str, Any]) -> None:
        match message.get("what"):
            case "started":
                self._started(message)
            case "cell" if self._is_current(message):
                self._cell = message["cell_id"]
                self._execution.cell(message["cell"], message["cells"], message["cell_id"])
            case "retried" if self._is_current(message):
                told = message["failure"]
                failure = CellFailure(**{**told, "traceback": tuple(told["traceback"]), "tags": tuple(told["tags"])})
                self._execution.retried(self._execution.attempt, failure)

    def _started(self, message: dict[str, Any]) -> None:
        lost = self._current
        if lost is not None and not self._is_current(message):
            words = f"the worker {lost['worker']} was lost while it ran this"
            failure = CellFailure("kernel-died", WORKER_LOST, words, cell_id=self._cell)
            self._execution.retried(self._execution.attempt, failure)
        if self._waits_since is not None:
            self._execution.waited += time.monotonic() - self._waits_since
            self._waits_since = None
        self._current, self._cell = message, None
        self._execution.attempt += 1
        self._cluster.answer(message, self._execution.started(self._execution.attempt))

    def _is_current(self, message: Mapping[str, Any]) -> bool:
        return self._current is not None and message["call"] == self._current["call"]

    def _stopped(self) -> bool:
        """Ask the worker to stop, once; True when it has had its time for an answer."""
        if self._asked is None:
            self._asked = time.monotonic()
            if self._current is None:
                return True
            self._cluster.halt(self._current)
        return time.monotonic() - self._asked > _LAST_WORDS


@contextmanager
def connected(address: str | None, jobs: int) -> Iterator[Client]:
    """A client of the scheduler at an address, or of workers that this makes on this machine, one for each job.

    Raises
    ------
    CellmillError
        If the package is missing, or there is no scheduler, or it has no workers.
    """
    try:
        from distributed import Client, LocalCluster
        from distributed.utils import silence_logging_cmgr
    except ImportError as error:
        raise CellmillError(
            f"--executor dask needs dask.distributed ({error})", remedy="pip install 'cellmill[dask]'"
        ) from None
    with ExitStack() as held:
        held.enter_context(silence_logging_cmgr(logging.CRITICAL + 1))
        if address is None:
            folder = held.enter_context(
                tempfile.TemporaryDirectory(prefix="cellmill-dask-", ignore_cleanup_errors=True)
            )
            target: Any = held.enter_context(
                LocalCluster(
                    n_workers=jobs,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address=None,
                    memory_limit=None,
                    local_directory=folder,
                    silence_logs=logging.CRITICAL + 1,
                )
            )
        else:
            target = address
        client = held.enter_context(_client(Client, target, address))
        try:
            client.wait_for_workers(1, timeout=_FIRST_WORKER)
        except TimeoutError:
            raise CellmillError(
                f"the Dask scheduler at {address} has no workers", remedy=f"start some with `dask worker {address}`"
            ) from None
        yield client


def _client(make: type[Client], target: Any, address: str | None) -> Client:
    try:
        return make(target, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:  # asyncio's timeout is an OSError too
        words = str(error).strip().splitlines()
        raise CellmillError(
            f"no Dask scheduler answers at {address or 'this machine'} ({words[0] if words else type(error).__name__})",
            remedy="start one with `dask scheduler`, or correct --scheduler (such as tcp://host:8786)",
        ) from None
