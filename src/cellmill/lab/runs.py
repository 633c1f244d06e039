"""Runs of the workspace: started as processes of their own, stopped, and read from the records that they write.

Nothing here belongs to the server alone: a server that starts later finds the same runs.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cellmill.lab.projects import Projects, find_projects
from cellmill.lab.refusal import Refused
from cellmill.lab.root import Root
from cellmill.run.command import as_process
from cellmill.run.history import LoggedRun, read_events, read_log, record_folders
from cellmill.run.log import RUN_ID, hold, new_run_id, runs_folder, write_end, write_header
from cellmill.run.stop_process import ask_to_stop


class Runs:
    """The runs below the server's root. Not thread-safe: it is used from one thread.

    Parameters
    ----------
    root
        The server's root.
    """

    def __init__(self, root: Root) -> None:
        self._root = root
        self._known: dict[Path, LoggedRun] = {}
        self._projects: set[Path] = set()
        self._seen: dict[Path, int] = {}
        self._children: list[subprocess.Popen[bytes]] = []
        self._changed: dict[str, LoggedRun] = {}
        self._stopping: set[str] = set()

    @property
    def going(self) -> bool:
        """Whether there is a run that goes on, or a process to wait for."""
        return bool(self._children) or any(not run.over for run in self._known.values())

    def find(self) -> Projects:
        """Look for projects with runs through all of the root."""
        found = find_projects(self._root)
        self._projects |= set(found.with_runs)
        return found

    def changed(self) -> list[dict[str, Any]]:
        """The runs that changed since the last call."""
        self.look()
        changed, self._changed = self._changed, {}
        return [self.told(run) for run in changed.values()]

    def look(self) -> None:
        """Read what the runs have written since the last look."""
        self._children = [child for child in self._children if child.poll() is None]
        for project in tuple(self._projects):
            self._look_for_new(runs_folder(project), project)
        for run in self._known.values():
            if not run.over and run.refresh():
                self._changed[run.run_id] = run
                if run.state == "lost" and run.run_id in self._stopping:
                    # Stopped while Python itself was still starting: nobody was there yet to write it down.
                    with suppress(OSError):
                        write_end(run.record, "stopped")
                    run.refresh()

    def _look_for_new(self, folder: Path, project: Path) -> None:
        try:
            changed = folder.stat().st_mtime_ns
        except OSError:
            changed = 0
        if self._seen.get(folder) == changed:
            return
        first = folder not in self._seen
        records = set(record_folders(project))
        for gone in [one for one in self._known if one.parent == folder and one not in records]:
            del self._known[gone]
        complete = True
        for record in records - self._known.keys():
            run = LoggedRun(record)
            if run.valid and self._root.told(run.pipeline) is not None:
                self._known[record] = run
                # What had ended before anybody looked is no news.
                if not (first and run.over):
                    self._changed[run.run_id] = run
            complete = complete and run.valid
        # A folder whose header is not there yet is looked at again.
        self._seen[folder] = changed if complete else -1

    def newest(self, *, pipeline: Path | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """The runs, newest first; without tracebacks."""
        self.look()
        chosen = [run for run in self._known.values() if pipeline is None or run.pipeline == pipeline]
        chosen.sort(key=lambda run: (run.started, run.run_id), reverse=True)
        return [self.told(run) for run in chosen[:limit]]

    def last_of(self, folder: Path) -> dict[str, Any] | None:
        """The last run of a pipeline."""
        return next(iter(self.newest(pipeline=folder, limit=1)), None)

    def show(self, run_id: str) -> dict[str, Any]:
        """One run with all that is known of it.

        Raises
        ------
        Refused
            If there is none.
        """
        return self.told(self._run(run_id), traceback=True)

    def events(self, run_id: str, after: int) -> list[dict[str, Any]]:
        """The events of a run after the one with this number."""
        return read_events(self._run(run_id).record, after)

    def log(self, run_id: str, lines: int) -> str:
        """The last lines that a run printed."""
        return read_log(self._run(run_id).record, lines)

    def start(self, prepared: Mapping[str, Any]) -> dict[str, Any]:
        """Start a run that was checked, as a process of its own that outlives the server.

        Raises
        ------
        Refused
            If its record can't be written or the process can't be started.
        """
        folder, project = Path(prepared["folder"]), Path(prepared["root"])
        record = runs_folder(project) / new_run_id()
        self._root.check(record.parent.resolve(), field="pipeline")
        try:
            record.mkdir(parents=True)
            lock = hold(record)
        except OSError as error:
            raise Refused(
                409, f"{record.parent} can't be written ({error.strerror}); make room or change it."
            ) from None
        child = None
        try:
            child = self._spawn(prepared, folder, project, record, lock)
            shown = folder.relative_to(project) if folder.is_relative_to(project) else folder
            write_header(
                record,
                folder,
                kind=prepared["kind"],
                source="lab",
                pid=child.pid,
                command=("cellmill", prepared["kind"], str(shown), *prepared["words"]),
                parameters=prepared["parameters"],
                profile=prepared["profile"],
                tasks=prepared["tasks"],
            )
        except (OSError, ValueError) as error:
            if child is not None:
                child.kill()
            raise Refused(409, f"The run can't be started ({error}).") from None
        finally:
            os.close(lock)
        self._children.append(child)
        self._projects.add(project)
        self.look()
        return self.show(record.name)

    def _spawn(
        self, prepared: Mapping[str, Any], folder: Path, project: Path, record: Path, lock: int
    ) -> subprocess.Popen[bytes]:
        words = [prepared["kind"], str(folder), *prepared["words"]]
        with (record / "log").open("wb") as log:
            return subprocess.Popen(
                as_process([*words, "--run-record", str(record), "--run-lock", str(lock)]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=project,
                env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
                pass_fds=(lock,),
                start_new_session=True,
            )

    def stop(self, run_id: str) -> dict[str, Any]:
        """Ask a run to stop, as Ctrl-C does; a run that is over stays as it is.

        Raises
        ------
        Refused
            If there is none, or its process may not be asked.
        """
        run = self._run(run_id)
        run.refresh()
        if run.goes_on:
            self._stopping.add(run_id)
            if not ask_to_stop(run):
                self._stopping.discard(run_id)
                raise Refused(409, "The run's process can't be reached from here; stop it where it was started.")
        return self.told(run, traceback=True)

    def _run(self, run_id: str) -> LoggedRun:
        if RUN_ID.fullmatch(run_id):
            self.look()
            found = self._known_run(run_id)
            if found is None:
                # Of a project that had no run yet at the last search: a scheduler's first one, say.
                self.find()
                self.look()
                found = self._known_run(run_id)
            if found is not None:
                return found
        raise Refused(404, f"There is no run {run_id[:60]}; it may have been cleaned up.")

    def _known_run(self, run_id: str) -> LoggedRun | None:
        return next((run for record, run in self._known.items() if record.name == run_id), None)

    def told(self, run: LoggedRun, *, traceback: bool = False) -> dict[str, Any]:
        """A run as answers have it: paths relative to the root."""
        content = run.as_dict()
        content["pipeline"] = self._root.told(content["pipeline"])
        if content["sweep"] is not None:
            content["sweep"]["page"] = self._told(content["sweep"]["page"])
        for task in content["tasks"]:
            task.update(notebook=self._told(task["notebook"]), report=self._told(task["report"]))
            if task["failure"] is not None:
                task["failure"] = self._failure(task["failure"], traceback=traceback)
        return content

    def _failure(self, failure: Mapping[str, Any], *, traceback: bool) -> dict[str, Any]:
        paths = {name: self._told(failure.get(name)) for name in ("notebook", "executed", "report")}
        kept = {name: failure.get(name) for name in ("cell", "cell_id", "line")}
        words = {name: str(failure.get(name) or "") for name in ("sentence", "kind", "error", "value", "traceback")}
        return {**words, **kept, **paths} | ({} if traceback else {"traceback": ""})

    def _told(self, path: object) -> str | None:
        return self._root.told(path) if isinstance(path, str) else None
