"""The status of a project as one HTML page that needs nothing else: no script, no font, no image from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cellmill.files import write_bytes
from cellmill.monitor.words import length, percent, rate, span
from cellmill.run.sweep.page import asset
from cellmill.run.words import duration

# Its states as the page's colours know them.
_COLOURS = {
    "broken": "failed",
    "failing": "failed",
    "running": "running",
    "ok": "done",
    "paused": "stopped",
    "new": "none",
    "succeeded": "done",
    "failed": "failed",
    "lost": "failed",
    "stopped": "stopped",
    "missed": "missed",
    "skipped": "none",
    "queued": "none",
}
_WORDS = {"new": "no runs yet", "broken": "level broken"}


def write_status_page(status: Mapping[str, Any], path: Path) -> None:
    """Write the page of a project's status (:func:`cellmill.monitor.status.project_status`).

    Raises
    ------
    CellmillError
        If it can't be written.
    """
    write_bytes(path, status_page(status).encode())


def status_page(status: Mapping[str, Any]) -> str:
    """The page's text."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    now = status["at"]
    environment.filters.update(
        since=lambda at: span(max(0.0, now - at)),
        ahead=lambda at: f"in {span(max(0.0, at - now))}",
        moment=_moment,
        span=span,
        duration=duration,
        exactly=length,
        rate=rate,
        percent=percent,
        colour=lambda state: _COLOURS.get(state, "none"),
        word=lambda state: _WORDS.get(state, state),
    )
    pipelines = status["pipelines"]
    bad = [one for one in pipelines if one["incidents"]]
    return environment.from_string(_text("status.html.jinja")).render(
        status=status,
        name=Path(status["project"]).name,
        promised=any(one["levels"] for one in pipelines),
        bad=bad,
        css=f"{asset('page.css')}{_text('status.css')}",
    )


def _text(name: str) -> str:
    return (files("cellmill.monitor") / "templates" / name).read_text(encoding="utf-8")


def _moment(at: float, zone: str | None = None) -> str:
    """A moment on a zone's clock; on this machine's if none is named."""
    moment = datetime.fromtimestamp(at, ZoneInfo(zone)) if zone is not None else datetime.fromtimestamp(at).astimezone()
    return f"{moment:%a %Y-%m-%d %H:%M %Z}"
