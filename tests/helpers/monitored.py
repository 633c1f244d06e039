"""A store with schedules that have alerts, and a real server that takes what Apprise sends."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cellmill.schedule.declare import Known, declare, known_schedules
from cellmill.schedule.settings import Declared, ScheduleSettings
from cellmill.schedule.store import Store
from cellmill.schedule.ticks import Tick

# A Monday, 03:00 in Berlin.
T0 = 1774832400.0
SECRET = "T0kenThatNobodySees"


class Inbox:
    """What was sent, and the numbers that the next requests are answered with."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.answers: list[int] = []
        inbox = self

        class _Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = inbox.answers.pop(0) if inbox.answers else 200
                if answer == 200:
                    inbox.taken.append(content)
                self.send_response(answer)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.address = f"json://user:{SECRET}@127.0.0.1:{self.server.server_port}/{SECRET}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.taken]


class Ticks:
    """A store whose ticks a test writes as schedulers would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = Store(f"sqlite:///{root / '.cellmill' / 'schedules.db'}")

    def schedule(self, name: str = "nightly", pipeline: str = "churn", **settings: Any) -> Known:
        folder = self.root / "pipelines" / pipeline
        folder.mkdir(parents=True, exist_ok=True)
        if {"cron", "every", "after", "on_file"}.isdisjoint(settings):
            settings["every"] = "1h"
        settings = {"timezone": "Europe/Berlin", **settings}
        others = [Declared(folder, one.settings) for one in known_schedules(self.store) if one.folder == folder]
        new = Declared(folder, ScheduleSettings.model_validate({"name": name, **settings}))
        declare(self.store, self.root, [folder], [*others, new], T0)
        return next(one for one in known_schedules(self.store) if one.name == name and one.folder == folder)

    def tick(self, known: Known, state: str, ended: float | None = None, due: float | None = None, **more: Any) -> Tick:
        """A tick that ended (or, of one that waits or runs, is)."""
        from sqlalchemy import insert

        due = due if due is not None else (ended if ended is not None else T0) - 60
        table = self.store.table["ticks"]
        values: dict[str, Any] = {"key": f"{state} {due} {ended}", "not_before": due, "due": due, "ended": ended}
        if state not in ("queued", "missed", "skipped"):
            values |= {"started": due + 0.5, "attempt": 1}
        with self.store.locked() as connection:
            row = connection.execute(
                insert(table).values(schedule_id=known.id, state=state, **(values | more)).returning(table)
            )
            return Tick.of(row.one())
