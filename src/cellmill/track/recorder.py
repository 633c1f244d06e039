"""Takes a run's events and records them, whatever goes wrong: the tracker's far end, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cellmill.run.events import Event
from cellmill.track.journal import Journal
from cellmill.track.spool import list_spools
from cellmill.track.store import Store, reason
from cellmill.track.sweep import SweepJournal


@dataclass(frozen=True)
class State:
    """Where the run is recorded, and by task the metrics that its own cells ``logged`` there.

    ``spooled`` if its tracking store could not be used.
    """

    experiment: str | None = None
    experiment_id: str | None = None
    run_id: str | None = None
    spooled: bool = False
    logged: dict[str, dict[str, float]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """All fields, JSON-ready."""
        return asdict(self)


class Recorder:
    """Records one run; nothing that happens here is raised.

    Parameters
    ----------
    folder
        The pipeline's folder.
    root
        The project's root.
    store
        Where the run belongs.
    tell
        Takes each sentence that the user should read.
    """

    def __init__(self, folder: Path, root: Path, store: Store, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._root = root
        self._store = store
        self._tell = tell
        self._journal: Journal | None = None

    @property
    def state(self) -> State:
        """Where the run is recorded so far."""
        journal = self._journal
        if journal is None:
            return State()
        run_id = journal.run.server_id or journal.run.spool_id
        spooled = journal.sink.spool is not None
        return State(journal.experiment, journal.sink.experiment_id, run_id, spooled, journal.logged)

    def take(self, event: Event) -> None:
        """Record an event."""
        self._guarded(self._take, event)

    def environment(self, task: str) -> dict[str, str]:
        """Give the environment variables for a task's kernel."""
        found = self._guarded(self._journal.environment, task) if self._journal is not None else None
        return found if isinstance(found, dict) else {}

    def deserted(self, task: str) -> bool:
        """Say whether the server that a task's kernel logs to has gone away."""
        return self._journal is not None and self._guarded(self._journal.deserted, task) is True

    def abandon(self) -> None:
        """End what is open, as killed: nobody will tell how it ended."""
        if self._journal is not None:
            self._guarded(self._journal.abandon)

    def _take(self, event: Event) -> None:
        if event.kind == "run-started":
            self._tell_of_spools()
            journal = SweepJournal if event.data.get("sweep") else Journal
            self._journal = journal(self._folder, self._root, self._store, self._tell, event)
        elif self._journal is not None:
            self._journal.take(event)

    def _tell_of_spools(self) -> None:
        waiting = len(list_spools(self._root))
        if waiting:
            runs = "1 earlier run waits" if waiting == 1 else f"{waiting} earlier runs wait"
            self._tell(f"MLflow: {runs} in .cellmill/spool to be sent; type: cellmill track push")

    def _guarded(self, what: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return what(*arguments)
        except Exception as error:  # a run must not fail because it could not be described
            self._tell(f"MLflow: a part of this run is not recorded ({reason(error)}).")
            return None
