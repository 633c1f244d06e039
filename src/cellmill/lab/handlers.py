"""The routes of the REST interface: who may ask, what the address says, whom it is given to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from jupyter_server.auth.decorator import authorized  # noqa: TID253 - loaded by the server that loads this
from jupyter_server.base.handlers import APIHandler  # noqa: TID253
from jupyter_server.utils import url_path_join  # noqa: TID253
from tornado import web
from tornado.iostream import StreamClosedError

from cellmill.lab.answers import encoded
from cellmill.lab.expected import expected_run
from cellmill.lab.hosting import Hosting
from cellmill.lab.refusal import Refused
from cellmill.lab.root import Root
from cellmill.lab.watch import Listener, Watch
from cellmill.lab.worker_process import Worker

API = "cellmill/api"
# Bytes of a request: a notebook without its outputs, or a run's parameters.
_LARGEST = 16 * 2**20
_LARGEST_SMALL = 64 * 2**10
_HEARTBEAT = 15.0
_PROMOTION = 120.0
# What can be asked of one schedule, and whether it changes what is listed.
_SCHEDULE = {"check": False, "plan": False, "pause": True, "resume": True, "run-now": False}


@dataclass(frozen=True)
class Workspace:
    """What all handlers share."""

    root: Root
    worker: Worker
    watch: Watch
    # A worker of its own: a database that does not answer must hold up no analysis.
    schedules: Worker
    hosting: Hosting


class Handler(APIHandler):
    """Common to all routes: JSON in and out, refusals as a status and one sentence."""

    auth_resource = "cellmill"

    def initialize(self, workspace: Workspace) -> None:
        """Take what is shared."""
        self.workspace = workspace
        self._asking: asyncio.Task[tuple[int, bytes]] | None = None

    def write_error(self, status_code: int, **kwargs: Any) -> None:  # noqa: ARG002 - tornado's signature
        """One sentence, whatever went wrong."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        if isinstance(error, Refused):
            self.set_status(error.status)
            self.finish(json.dumps(error.as_dict()))
            return
        message = error.log_message if isinstance(error, web.HTTPError) else None
        self.finish(json.dumps({"message": message or f"{self._reason}."}))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Refusals are answers, not errors of the server."""
        if not isinstance(value, Refused):
            super().log_exception(typ, value, tb)

    def on_connection_close(self) -> None:
        """Nobody waits for the answer any more."""
        super().on_connection_close()
        if self._asking is not None:
            self._asking.cancel()

    def body(self, largest: int = _LARGEST) -> bytes:
        """The request's body, if it is not too large."""
        if len(self.request.body) > largest:
            raise Refused(413, f"The request is larger than {largest >> 10} KiB; leave outputs out.")
        return self.request.body

    def number(self, name: str, default: int, most: int) -> int:
        """A number in the address."""
        text = self.get_query_argument(name, str(default))
        if not text.isascii() or not text.isdigit() or not int(text[:12]) <= most:
            raise Refused(400, f"{name}: input should be a number from 0 to {most}.")
        return int(text)

    async def ask(self, work: str, query: dict[str, str] | None = None, **options: Any) -> tuple[int, bytes]:
        """Have the worker do something with the request's body; given up when the browser goes away."""
        body = self.body(options.pop("largest", _LARGEST)) if self.request.method == "POST" else b""
        worker = self.workspace.schedules if work.startswith("schedule") else self.workspace.worker
        self._asking = asyncio.create_task(worker.ask(work, body, query, **options))
        try:
            return await self._asking
        except asyncio.CancelledError:
            raise Refused(499, "The browser did not wait for the answer.") from None

    def answer(self, status: int, content: bytes | dict[str, Any]) -> None:
        """Finish with JSON."""
        self.set_status(status)
        if isinstance(content, dict):
            content = encoded(content)
        self.finish(content)


class WorkHandler(Handler):
    """A route that the worker answers alone."""

    def initialize(self, workspace: Workspace, work: str = "", seconds: float = 30.0, *, changes: bool = False) -> None:
        """Take what to do, how long it may take, and whether it changes what the list of pipelines shows."""
        super().initialize(workspace)
        self._changes = changes
        self._work = work
        self._seconds = seconds

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer."""
        status, content = await self.ask(self._work, seconds=self._seconds)
        if self._changes:
            self.workspace.watch.pipelines_changed()
        self.answer(status, content)


class PipelinesHandler(Handler):
    """``pipelines`` and ``pipelines/FOLDER``."""

    @web.authenticated
    @authorized
    async def get(self, folder: str | None = None) -> None:
        """List the pipelines, or show one."""
        if folder is None:
            status, content = await self.ask("pipelines")
        else:
            status, content = await self.ask("pipeline", {"folder": folder})
        if status != 200:
            self.answer(status, content)
            return
        found = json.loads(content)
        told = found["pipelines"] if folder is None else [found]
        places = [self.workspace.root.folder / one["folder"] for one in told]
        last = await self.workspace.watch.with_runs(lambda runs: [runs.last_of(place) for place in places])
        for one, run in zip(told, last, strict=True):
            one["last_run"] = run
        self.answer(200, found)


class RunsHandler(Handler):
    """``runs``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """List the runs, newest first."""
        limit = self.number("limit", 50, 1000)
        pipeline = self.get_query_argument("pipeline", "")
        folder = self.workspace.root.inside(pipeline, field="pipeline") if pipeline else None
        runs = await self.workspace.watch.with_runs(lambda runs: runs.newest(pipeline=folder, limit=limit))
        self.answer(200, {"runs": runs})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Start a run."""
        status, content = await self.ask("prepare", largest=_LARGEST_SMALL)
        if status != 200:
            self.answer(status, content)
            return
        prepared = json.loads(content)
        run = await self.workspace.watch.with_runs(lambda runs: runs.start(prepared))
        self.workspace.watch.follow()
        self.answer(201, run)


class ExpectedHandler(Handler):
    """``runs/expected``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Say what a run would do, and why."""
        status, content = await self.ask("expect", largest=_LARGEST_SMALL)
        if status != 200:
            self.answer(status, content)
            return
        self.answer(200, await expected_run(json.loads(content)))


class RunHandler(Handler):
    """``runs/ID``."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        """Show a run."""
        self.answer(200, await self.workspace.watch.with_runs(lambda runs: runs.show(run_id)))


class StopHandler(Handler):
    """``runs/ID/stop``."""

    @web.authenticated
    @authorized
    async def post(self, run_id: str) -> None:
        """Ask a run to stop."""
        self.answer(200, await self.workspace.watch.with_runs(lambda runs: runs.stop(run_id)))


class LogHandler(Handler):
    """``runs/ID/log``."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        """Give the end of what a run printed."""
        lines = self.number("lines", 200, 10_000)
        text = await self.workspace.watch.with_runs(lambda runs: runs.log(run_id, lines))
        self.answer(200, {"text": text})


class RunEventsHandler(Handler):
    """``runs/ID/events``."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        """Give the events of a run as they were written."""
        after = self.number("after", 0, 10**9)
        events = await self.workspace.watch.with_runs(lambda runs: runs.events(run_id, after))
        self.answer(200, {"events": events})


class SchedulesHandler(Handler):
    """``schedules``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """List what the workspace declares as schedules."""
        status, content = await self.ask("schedules")
        if status != 200:
            self.answer(status, content)
            return
        self.answer(200, {**json.loads(content), "hosted": self.workspace.hosting.on})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Write a change of a schedule that was shown before."""
        status, content = await self.ask("schedule-save", largest=_LARGEST_SMALL)
        self.workspace.watch.pipelines_changed()
        self.answer(status, content)


class ScheduleHistoryHandler(Handler):
    """``schedules/history``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Tell what became of a schedule's times."""
        query = {name: self.get_query_argument(name, "") for name in ("folder", "name")}
        query["limit"] = str(self.number("limit", 50, 1000))
        self.answer(*await self.ask("schedule-history", query))


class EventsHandler(Handler):
    """``events``: the stream that stays open."""

    # A browser that only looks on does not keep an idle server alive.
    _track_activity = False

    def initialize(self, workspace: Workspace) -> None:
        """Take what is shared."""
        super().initialize(workspace)
        self._listener: Listener | None = None
        self._gone = False

    def on_connection_close(self) -> None:
        """The browser went away."""
        super().on_connection_close()
        self._gone = True
        if self._listener is not None:
            self._listener.wake.set()

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Tell what changes until the browser goes away."""
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")
        self.workspace.worker.warm()
        try:
            self._listener = listener = await self.workspace.watch.listen()
            await self._tell("hello", {"version": 1})
            while not self._gone:
                try:
                    await asyncio.wait_for(listener.wake.wait(), _HEARTBEAT)
                except TimeoutError:
                    self.write(": still here\n\n")
                    await self.flush()
                    continue
                runs, pipelines = listener.take()
                for run in runs:
                    await self._tell("run", run)
                if pipelines:
                    await self._tell("pipelines", {})
        except StreamClosedError:
            pass
        finally:
            if self._listener is not None:
                self.workspace.watch.leave(self._listener)

    async def _tell(self, event: str, data: dict[str, Any]) -> None:
        self.write(f"event: {event}\ndata: {encoded(data).decode()}\n\n")
        await self.flush()


class DescriptionHandler(Handler):
    """``openapi.yaml``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Give the description of all routes."""
        text = Path(__file__).with_name("openapi.yaml").read_bytes()
        self.finish(text, set_content_type="application/yaml")


def routes(base_url: str, workspace: Workspace) -> list[tuple[str, type[Handler], dict[str, Any]]]:
    """All routes, below the server's base address."""
    run = r"runs/([^/]+)"
    table: list[tuple[str, type[Handler], dict[str, Any]]] = [
        ("analyse", WorkHandler, {"work": "analyse"}),
        ("suggest", WorkHandler, {"work": "suggest"}),
        ("promotion/plan", WorkHandler, {"work": "plan", "seconds": _PROMOTION}),
        ("promotion", WorkHandler, {"work": "promote", "seconds": _PROMOTION, "changes": True}),
        ("pipelines", PipelinesHandler, {}),
        ("pipelines/(.+)", PipelinesHandler, {}),
        ("sweeps/check", WorkHandler, {"work": "sweep"}),
        ("runs", RunsHandler, {}),
        ("runs/expected", ExpectedHandler, {}),
        (run, RunHandler, {}),
        (f"{run}/stop", StopHandler, {}),
        (f"{run}/log", LogHandler, {}),
        (f"{run}/events", RunEventsHandler, {}),
        ("schedules", SchedulesHandler, {}),
        ("schedules/history", ScheduleHistoryHandler, {}),
        *(
            (f"schedules/{what}", WorkHandler, {"work": f"schedule-{what}", "changes": changes})
            for what, changes in _SCHEDULE.items()
        ),
        ("events", EventsHandler, {}),
        (r"openapi\.yaml", DescriptionHandler, {}),
    ]
    join = cast(Callable[..., str], url_path_join)
    return [(join(base_url, API, path), handler, {"workspace": workspace, **more}) for path, handler, more in table]
