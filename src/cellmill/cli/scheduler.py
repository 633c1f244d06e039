"""The command ``cellmill scheduler``: the process that runs what schedules declare."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cellmill.schedule.declare import Known
    from cellmill.schedule.service import Listener
    from cellmill.schedule.store import Store


@click.command(short_help="Run what schedules declare, until it is stopped.")
@click.argument(
    "projects", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="[PROJECT]..."
)
@click.option(
    "--store",
    "url",
    metavar="URL",
    help="What schedulers share; by default CELLMILL_STORE, else .cellmill/schedules.db.",
)
@click.option(
    "--max-runs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Runs that may go on at once in this process; by default one a core.",
)
@click.option(
    "--pool",
    "pools",
    metavar="NAME=N",
    multiple=True,
    help="Runs of schedules with `pool: NAME` that may go on at once, over all schedulers; may be repeated.",
)
@click.option(
    "--patience",
    default="60s",
    show_default=True,
    metavar="TIME",
    help="How long runs may take to end after SIGTERM; what is left is stopped and run again later.",
)
@click.option(
    "--metrics",
    "metrics_at",
    metavar="ADDRESS:PORT",
    help="Serve figures for Prometheus there, under /metrics, as in 127.0.0.1:9464; by default nowhere.",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="How lines are written.")
@click.option("--hosted", is_flag=True, hidden=True, help="It is a Jupyter server's, and ends with its own input.")
def scheduler(
    projects: tuple[Path, ...],
    url: str | None,
    max_runs: int | None,
    pools: tuple[str, ...],
    patience: str,
    metrics_at: str | None,
    log_format: str,
    hosted: bool,
) -> None:
    """Run what the schedules of PROJECT (by default the current one) declare, until SIGTERM or Ctrl-C.

    Any number of schedulers may work on one store: each time is run once, by one of them, and another takes over within
    seconds if that one dies.
    """
    if hosted:
        # First of all: the server may end while the rest is imported.
        from cellmill.lab.hosted_scheduler import end_with_input

        end_with_input()
    from cellmill.monitor.alerts import Alerts
    from cellmill.notebook import project_root
    from cellmill.run.runner import usual_jobs
    from cellmill.schedule.claims import Limits
    from cellmill.schedule.durations import seconds_of
    from cellmill.schedule.service import Scheduler
    from cellmill.schedule.store import Store, store_url

    try:
        seconds = seconds_of(patience)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--patience") from None
    address = _address(metrics_at)
    roots = [project_root(path.resolve()) for path in projects or (Path.cwd(),)]
    store = Store(store_url(roots[0], url))
    limits = Limits(max_runs or usual_jobs(), _pools(pools))
    _log(log_format)
    serving: list[Scheduler] = []

    def known() -> Mapping[str, Known]:
        return serving[0].known if serving else {}

    alerts = Alerts(store, roots)
    listeners: list[Listener] = [_line, alerts.listen]
    if address is not None:
        # Before it is one of the store's schedulers: an address that can't be used ends it here.
        listeners.append(_serve_metrics(store, roots, known, address))
    service = Scheduler(store, roots, limits, seconds, listeners=listeners, hosted=hosted)
    serving.append(service)
    for one in (signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
        signal.signal(one, lambda *_: service.ask_to_stop())
    if hosted and hasattr(signal, "SIGUSR1"):
        # It gives way to another scheduler: that one takes the work from now on, its runs go on to their end.
        signal.signal(signal.SIGUSR1, lambda *_: service.ask_to_stop(patience=float("inf")))
    where = ", ".join(str(root) for root in roots)
    logging.getLogger("cellmill.scheduler").info("Scheduler %s serves %s by %s.", service.id, where, store.shown)
    alerts.start(known)
    try:
        service.serve()
    finally:
        alerts.close()
    logging.getLogger("cellmill.scheduler").info("Stopped.")


def _address(text: str | None) -> tuple[str, int] | None:
    from cellmill.monitor.metrics import parse_address

    try:
        return parse_address(text) if text is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--metrics") from None


def _serve_metrics(
    store: Store, roots: list[Path], known: Callable[[], Mapping[str, Known]], address: tuple[str, int]
) -> Listener:
    from cellmill.monitor.metrics import Metrics, serve_metrics

    metrics = Metrics(store, roots, known)
    port, _ = serve_metrics(metrics, *address)
    logging.getLogger("cellmill.scheduler").info("Metrics are at http://%s:%d/metrics.", _shown(address[0]), port)
    return metrics.listen


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _pools(given: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for text in given:
        name, _, number = text.partition("=")
        if not name or not number.isdecimal() or int(number) < 1:
            raise click.BadParameter(f"{text!r} is not of the form NAME=N", param_hint="--pool")
        found[name] = int(number)
    return found


def _line(happening: Any) -> None:
    level = logging.INFO
    if happening.kind == "refused" or happening.state in ("failed", "lost", "missed"):
        level = logging.WARNING
    logging.getLogger("cellmill.scheduler").log(level, "%s", happening.line())


def _log(log_format: str) -> None:
    import json

    class _Json(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            told = {"at": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
            return json.dumps(told, ensure_ascii=False)

    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s")
    handler.setFormatter(_Json() if log_format == "json" else text)
    own = logging.getLogger("cellmill.scheduler")
    own.addHandler(handler)
    own.setLevel(logging.INFO)
    own.propagate = False
