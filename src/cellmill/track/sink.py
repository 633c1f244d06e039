"""Where records go: the tracking store while it answers, a spool from the moment on when it does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cellmill.track.record import Record
from cellmill.track.spool import CONTINUES, Lock, Spool, make_spool, remove_spool
from cellmill.track.store import Store, connect, find_experiment, probe, reason
from cellmill.track.writing import create, end_all, move, set_state, settle, write

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

T = TypeVar("T")

# An answer of the store that says the record is wrong, not that the store is away: sending it later would not help.
REFUSALS = {
    "BAD_REQUEST",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
}


@dataclass
class TrackedRun:
    """One MLflow run, on the server, in the spool, or begun on the one and continued in the other.

    Attributes
    ----------
    lent
        Whether a kernel was told of it: what it may have written there is looked at before anything is added.
    """

    name: str
    parent: TrackedRun | None
    started: float
    tags: dict[str, str] = field(default_factory=dict)
    server_id: str | None = None
    spool_id: str | None = None
    lent: bool = False


@dataclass(frozen=True)
class Place:
    """Where a run is now: what a kernel needs to log to it."""

    store: Store
    experiment_id: str
    run_id: str


class _Opened:
    """A store with its client and the experiment's id."""

    def __init__(self, store: Store, experiment: str) -> None:
        self.store = store
        self.client: MlflowClient = connect(store)
        self.experiment_id, self.restored = find_experiment(self.client, store, experiment)


class Sink:
    """Writes the runs of one experiment.

    Parameters
    ----------
    store
        Where they belong.
    root
        The project's root, which holds the spools.
    experiment
        The experiment's name.
    name
        The spool's name, if it comes to that.
    tell
        Takes each sentence that the user should read.
    """

    def __init__(self, store: Store, root: Path, experiment: str, name: str, tell: Callable[[str], None]) -> None:
        self.store = store
        self.spool: Spool | None = None
        self._root = root
        self._experiment = experiment
        self._name = name
        self._tell = tell
        self._server: _Opened | None = None
        self._kept: _Opened | None = None
        self._lock: Lock | None = None
        self._asked = 0.0
        self._given_up = False

    @property
    def experiment_id(self) -> str | None:
        """The experiment's id where the records go now."""
        opened = self._kept if self.spool else self._server
        return opened.experiment_id if opened else None

    @property
    def kind(self) -> str:
        """What to call the store in a sentence."""
        return "server" if self.store.is_server else "store"

    def start(self, name: str, parent: TrackedRun | None, record: Record, at: float) -> TrackedRun:
        """Begin a run."""
        run = TrackedRun(name, parent, at, dict(record.tags))
        self._put(run, record)
        return run

    def write(self, run: TrackedRun, record: Record) -> None:
        """Add to a run."""
        self._put(run, record)

    def end(self, run: TrackedRun, record: Record, status: str, at: float) -> None:
        """Add to a run and set its final state, whatever its kernel left there."""

        def close(opened: _Opened, run_id: str) -> None:
            if run.lent:
                end_all(opened.client, run_id, run.name, status, at)
            else:
                set_state(opened.client, run_id, status, round(at * 1000), run.name)

        self._put(run, record, close)

    def metrics(self, run: TrackedRun) -> dict[str, float]:
        """What a run's kernel has logged by now."""
        found: dict[str, float] = {}

        def read(opened: _Opened, run_id: str) -> None:
            found.update(opened.client.get_run(run_id).data.metrics)

        if run.lent:
            self._put(run, Record(), read)
        return found

    def look(self, run: TrackedRun, then: Callable[[MlflowClient, str], None]) -> None:
        """Do something else in the experiment that a run is in, by the client and the experiment's id."""
        self._put(run, Record(), lambda opened, _: then(opened.client, opened.experiment_id))

    def settle(self, run: TrackedRun, status: str, at: float) -> None:
        """Set a final state again where a kernel that took long to exit changed it."""
        if run.lent:
            self._put(run, Record(), lambda opened, run_id: settle(opened.client, run_id, status, at))

    def nest(self, run: TrackedRun, under: TrackedRun, name: str) -> None:
        """Put a run under another one, by another name."""
        if run.parent is under:
            return
        run.parent, run.name = under, name
        self._put(under, Record())
        self._put(run, Record(), lambda opened, run_id: move(opened.client, run_id, self._id_in(opened, under), name))

    def place(self, run: TrackedRun) -> Place | None:
        """Say where a run's kernel should log; asks the server first, so that a kernel never meets one that is away."""
        run.lent = True
        self._put(run, Record())
        opened, run_id = (self._kept, run.spool_id) if self.spool else (self._server, run.server_id)
        return Place(opened.store, opened.experiment_id, run_id) if opened and run_id else None

    def check(self) -> str | None:
        """Ask the server now; None if it answers, else why not."""
        why = None if self.spool else probe(self.store)
        if why:
            self._leave(why)
        return why

    def close(self) -> None:
        """Let others send the spool."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _put(self, run: TrackedRun, record: Record, then: Callable[[_Opened, str], None] | None = None) -> None:
        if self._given_up:
            return
        try:
            if self.spool is not None or not self._on_server(run, record, then):
                self._in_spool(run, record, then)
        except Exception as error:  # nothing that tracking meets may end the run that it describes
            self._given_up = True
            self._drop_empty_spool()
            self._tell(f"MLflow: the rest of this run is not recorded: no spool in {self._root} ({reason(error)}).")

    def _drop_empty_spool(self) -> None:
        """Take a spool away that holds no record, so that nobody tries to send it."""
        if self.spool is not None and self._kept is None:
            self.close()
            remove_spool(self.spool)
            self.spool = None

    def _on_server(self, run: TrackedRun, record: Record, then: Callable[[_Opened, str], None] | None) -> bool:
        """Write to the store; False if it can't be reached any more."""
        try:
            if time.monotonic() - self._asked > 1 and (why := probe(self.store)):
                self._leave(why)
                return False
            opened = self._open_server()
            if run.server_id is None:
                parent_id = run.parent.server_id if run.parent else None
                run.server_id = create(opened.client, opened.experiment_id, run.name, parent_id, run.tags, run.started)
            write(opened.client, run.server_id, record, alone=not run.lent)
            if then is not None:
                then(opened, run.server_id)
        except Exception as error:  # MLflow raises what its database driver, requests or a cloud's library raise
            if getattr(error, "error_code", None) in REFUSALS:
                self._tell(f"MLflow did not take a record of {run.name}: {reason(error)}.")
                return True
            self._leave(reason(error))
            return False
        self._asked = time.monotonic()
        return True

    def _id_in(self, opened: _Opened, run: TrackedRun) -> str:
        found = self._spooled(run, opened) if opened is self._kept else run.server_id
        assert found is not None
        return found

    def _open_server(self) -> _Opened:
        if self._server is None:
            self._server = _Opened(self.store, self._experiment)
            if self._server.restored:
                self._tell(f"MLflow: the experiment {self._experiment} had been deleted; it was restored for this run.")
        return self._server

    def _leave(self, why: str) -> None:
        """Turn to the spool for the rest of the run."""
        self.spool = make_spool(self._root, self._name, target=self.store.uri, experiment=self._experiment, reason=why)
        self._lock = Lock(self.spool.lock)
        self._lock.acquire()
        self._tell(
            f"MLflow's tracking {self.kind} {self.store.label} can't be used ({why}): the run goes on, and what it "
            f"records is kept in {self.spool.folder.relative_to(self._root)}; send it later with: cellmill track push"
        )

    def _in_spool(self, run: TrackedRun, record: Record, then: Callable[[_Opened, str], None] | None) -> None:
        assert self.spool is not None
        if self._kept is None:
            self._kept = _Opened(self.spool.store, self._experiment)
        run_id = self._spooled(run, self._kept)
        write(self._kept.client, run_id, record, alone=not run.lent)
        if then is not None:
            then(self._kept, run_id)

    def _spooled(self, run: TrackedRun, kept: _Opened) -> str:
        """Give the run's id in the spool, where it continues what the server has of it."""
        if run.spool_id is None:
            parent_id = self._spooled(run.parent, kept) if run.parent else None
            tags = {CONTINUES: run.server_id} if run.server_id else run.tags
            run.spool_id = create(kept.client, kept.experiment_id, run.name, parent_id, tags, run.started)
        return run.spool_id
