"""A scheduler's figures for Prometheus: what it saw itself is counted, what the store holds is read when asked for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.errors import CellmillError
from cellmill.monitor.figures import last_successes, levels_of
from cellmill.monitor.levels import Levels
from cellmill.monitor.promises import Promises
from cellmill.monitor.tables import made
from cellmill.monitor.watch import expected
from cellmill.schedule.declare import Known
from cellmill.schedule.durations import written
from cellmill.schedule.happenings import Happening
from cellmill.schedule.store import Store

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]+):(\d{1,5})")
_WHOSE = ("project", "pipeline", "schedule")
_DURATIONS = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200)
_LATENESS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
# Seconds for which service levels are not computed again: they change slowly, and take a few queries.
_KEPT = 15.0


class Metrics:
    """The figures of one scheduler.

    Parameters
    ----------
    store
        The schedulers' store.
    roots
        The projects that are served.
    known
        Gives the schedules that are served, by id.
    clock
        Gives the time, in seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        roots: Sequence[Path],
        known: Callable[[], Mapping[str, Known]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self.registry: CollectorRegistry = CollectorRegistry()
        registry = self.registry
        self._runs = Counter(
            "cellmill_runs", "Times of schedules that ended, by how they did.", [*_WHOSE, "state"], registry=registry
        )
        self._retries = Counter(
            "cellmill_run_retries", "Attempts that failed and were repeated.", _WHOSE, registry=registry
        )
        self._refused = Counter(
            "cellmill_declarations_refused", "Changes of a cellmill.yaml that were refused.", registry=registry
        )
        # By pipeline only: each bucket of each of a thousand schedules would be a series.
        self._durations = Histogram(
            "cellmill_run_duration_seconds",
            "How long the last attempt of a run took.",
            _WHOSE[:2],
            buckets=_DURATIONS,
            registry=registry,
        )
        self._lateness = Histogram(
            "cellmill_run_lateness_seconds",
            "From when a run was to start (due, and its jitter) until its first attempt started.",
            _WHOSE[:2],
            buckets=_LATENESS,
            registry=registry,
        )
        registry.register(_OfStore(store, roots, known, clock))

    def listen(self, happening: Happening) -> None:
        """Count what a scheduler tells; returns at once."""
        known, tick = happening.known, happening.tick
        if happening.kind == "refused":
            self._refused.inc()
        if known is None or tick is None:
            return
        whose = _labels(known)
        match happening.kind:
            case "started" if tick.attempt == 1 and tick.started is not None:
                self._lateness.labels(*whose[:2]).observe(max(0.0, tick.started - expected(known, tick)))
            case "retried":
                self._retries.labels(*whose).inc()
            case "ended":
                self._runs.labels(*whose, happening.state).inc()
                if tick.started is not None:
                    self._durations.labels(*whose[:2]).observe(max(0.0, happening.at - tick.started))
            case "put" if happening.state != "queued":
                self._runs.labels(*whose, happening.state).inc(tick.count)


class _OfStore:
    """Reads the store for each scrape."""

    def __init__(
        self,
        store: Store,
        roots: Sequence[Path],
        known: Callable[[], Mapping[str, Known]],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._roots = roots
        self._known = known
        self._clock = clock
        self._alerts = made(store)["alerts"]
        self._promises = Promises(roots)
        self._levels: dict[tuple[str, str], Levels] = {}
        self._computed = -1e9

    def collect(self) -> Iterator[Metric]:
        """All figures; of a store that can't be read only that."""
        from prometheus_client.core import GaugeMetricFamily
        from sqlalchemy.exc import SQLAlchemyError

        try:
            found = [*self._of_ticks(), *self._of_members(), *self._of_alerts(), *self._of_levels()]
        except (SQLAlchemyError, CellmillError):
            yield GaugeMetricFamily("cellmill_store_up", "Whether the store can be used.", value=0)
            return
        yield GaugeMetricFamily("cellmill_store_up", "Whether the store can be used.", value=1)
        yield from found

    def _of_ticks(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily
        from sqlalchemy import func, select

        table = self._store.table["ticks"]
        now = self._clock()
        due = select(func.count(), func.min(table.c.not_before)).where(
            table.c.state == "queued", table.c.not_before <= now
        )
        running = select(func.count()).select_from(table).where(table.c.state == "running")
        with self._store.reading() as connection:
            waiting, oldest = connection.execute(due).one()
            number = connection.scalar(running) or 0
        yield GaugeMetricFamily("cellmill_queue_length", "Runs that may start and wait for room.", value=waiting)
        wait = max(0.0, now - oldest) if oldest is not None else 0.0
        yield GaugeMetricFamily("cellmill_queue_oldest_seconds", "How long the first of them has waited.", value=wait)
        yield GaugeMetricFamily("cellmill_running_runs", "Runs that go on, of all schedulers.", value=number)
        succeeded = last_successes(self._store)
        last = GaugeMetricFamily(
            "cellmill_last_success_timestamp_seconds", "When the last run that succeeded ended.", labels=_WHOSE
        )
        times = {_labels(one): succeeded[one.id] for one in self._known().values() if one.id in succeeded}
        for labels, at in times.items():
            last.add_metric(labels, at)
        yield last

    def _of_members(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily
        from sqlalchemy import select

        table = self._store.table["schedulers"]
        now = self._clock()
        with self._store.reading() as connection:
            rows = connection.execute(select(table.c.id, table.c.seen)).all()
        yield GaugeMetricFamily("cellmill_schedulers", "Schedulers of the store.", value=len(rows))
        ages = GaugeMetricFamily(
            "cellmill_scheduler_beat_age_seconds", "Since a scheduler last said that it lives.", labels=["scheduler"]
        )
        for row in rows:
            ages.add_metric([row.id], max(0.0, now - row.seen))
        yield ages

    def _of_alerts(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily
        from sqlalchemy import func, select

        table = self._alerts
        query = select(table.c.destination, table.c.state, func.count()).where(table.c.state != "sent")
        family = GaugeMetricFamily(
            "cellmill_alerts_unsent", "Alerts on their way, or given up.", labels=["destination", "state"]
        )
        with self._store.reading() as connection:
            for destination, state, number in connection.execute(query.group_by(table.c.destination, table.c.state)):
                family.add_metric([destination, state], number)
        yield family

    def _of_levels(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        if time.monotonic() - self._computed > _KEPT:
            self._levels = {}
            for root in self._roots:
                promised, _ = self._promises.of(root)
                for folder, levels in levels_of(self._store, root, promised, self._clock()).items():
                    self._levels[root.name, folder.name] = levels
            self._computed = time.monotonic()
        gauges = (
            ("success_ratio", "Share of runs that succeeded, over the window.", lambda one: one.window.success_rate),
            ("success_ratio_target", "Share of runs that is promised.", lambda one: one.settings.success_rate),
            ("error_budget_remaining_ratio", "Share of the error budget that is left.", lambda one: one.budget_left),
            ("freshness_seconds", "Age of the last good product.", lambda one: one.age),
            ("freshness_limit_seconds", "Age that is promised not to be exceeded.", lambda one: one.settings.freshness),
            ("broken", "Whether a service level does not hold.", lambda one: float(one.broken)),
        )
        for name, words, value in gauges:
            yield self._family(f"cellmill_slo_{name}", words, value)
        burn = GaugeMetricFamily(
            "cellmill_slo_burn_rate",
            "Error rate over a window, divided by the one that is allowed.",
            labels=[*_WHOSE[:2], "window"],
        )
        for labels, one in self._levels.items():
            for window, rate in ((written(one.settings.window), one.burn), ("24h", one.burn_day)):
                if rate is not None:
                    burn.add_metric([*labels, window], rate)
        yield burn

    def _family(self, name: str, words: str, value: Callable[[Levels], Any]) -> Metric:
        from prometheus_client.core import GaugeMetricFamily

        family = GaugeMetricFamily(name, words, labels=_WHOSE[:2])
        for labels, one in self._levels.items():
            if (found := value(one)) is not None:
                family.add_metric(labels, found)
        return family


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``.

    Raises
    ------
    ValueError
        If it is no such thing.

    Examples
    --------
    >>> parse_address("127.0.0.1:9464"), parse_address("[::1]:9464")
    (('127.0.0.1', 9464), ('::1', 9464))
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[2]) > 65535:
        raise ValueError(f"{text!r} is not of the form ADDRESS:PORT, as in 127.0.0.1:9464")
    return match[1].strip("[]"), int(match[2])


def serve_metrics(metrics: Metrics, host: str, port: int) -> tuple[int, Callable[[], None]]:
    """Serve a scheduler's figures at ``/metrics``, in a thread of its own.

    Returns
    -------
    int, callable
        The port, and what ends it.

    Raises
    ------
    CellmillError
        If the address can't be used.
    """
    from prometheus_client import disable_created_metrics, start_http_server

    # When each counter was begun would be as many series again.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        server, _ = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise CellmillError(
            f"metrics can't be served at {host}:{port} ({error.strerror or error})",
            remedy="name another address with --metrics ADDRESS:PORT",
        ) from None

    def close() -> None:
        server.shutdown()
        server.server_close()

    return int(server.server_port), close


def _labels(known: Known) -> tuple[str, str, str]:
    return known.root.name, known.folder.name, known.name
