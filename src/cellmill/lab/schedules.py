"""The schedules of the workspace as Lab lists them: what the folders declare, with what the store says became of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cellmill.errors import CellmillError
from cellmill.lab.bodies import ScheduleBody, read_body
from cellmill.lab.levels import levels_told
from cellmill.lab.pipelines import promotion_of, source_of
from cellmill.lab.projects import find_projects
from cellmill.lab.refusal import Refused
from cellmill.lab.root import Root
from cellmill.lab.yaml_entry import entries_of
from cellmill.run.settings import FILE_NAME
from cellmill.schedule import pausing
from cellmill.schedule import project as of_project
from cellmill.schedule.declare import Known, known_schedules
from cellmill.schedule.members import serving
from cellmill.schedule.planner import next_due
from cellmill.schedule.reading import parse_schedules
from cellmill.schedule.refusals import ScheduleRefused
from cellmill.schedule.reload import declaring_folders
from cellmill.schedule.settings import Declared, ScheduleSettings
from cellmill.schedule.store import Store, reason, store_url
from cellmill.schedule.templates import FILTERS, NAMES
from cellmill.schedule.ticks import Tick

if TYPE_CHECKING:
    from collections.abc import Sequence

Query = Mapping[str, str]

# Ticks of a schedule that the strip shows.
_STRIP = 13
# Seconds between two searches for folders, and for which what was read of one holds while its files stay.
_SEARCH = 10.0
_HOLDS = 30.0
_FILES = (FILE_NAME, "pipeline.yaml", "env.yaml", ".promotion.json", ".certificate.json")


@dataclass(frozen=True)
class _Project:
    """A project with its folders that declare something."""

    root: Path
    folders: tuple[Path, ...]


@dataclass(frozen=True)
class _Looked:
    """What a folder declares, or why that does not count."""

    mark: object
    at: float
    declared: tuple[Declared, ...]
    problem: CellmillError | None


_stores: dict[str, Store] = {}
_closed: dict[str, tuple[float, str]] = {}
_looked: dict[Path, _Looked] = {}
_found: dict[Path, tuple[float, list[_Project]]] = {}


def list_schedules(root: Root, _body: bytes, _query: Query) -> dict[str, Any]:
    """Answer ``GET schedules``, but for whether the server hosts a scheduler."""
    now = time.time()
    schedules: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    projects: list[dict[str, Any]] = []
    promised: list[dict[str, Any]] = []
    for project in _projects(root):
        known: list[Known] = []
        schedulers: list[dict[str, Any]] = []
        problem = None
        looked = {folder: _look_at(project.root, folder, now) for folder in project.folders}
        try:
            with _asking(project.root) as store:
                if store is not None:
                    known = known_schedules(store, [project.root])
                    schedulers = serving(store, project.root)
                # A scheduler may have found a folder since the last search here.
                new = {one.folder for one in known} - looked.keys()
                looked |= {folder: _look_at(project.root, folder, now) for folder in new if folder.is_dir()}
                told = [_told(root, project.root, row, store, now) for row in _rows(project.root, looked, known)]
                promised.append(levels_told(root, project.root, store))
        except Refused as refused:
            problem = refused.message
            told = [_told(root, project.root, row, None, now) for row in _rows(project.root, looked, [])]
        problems += [_problem(root, folder, found.problem) for folder, found in looked.items() if found.problem]
        if not told and not any(found.problem for found in looked.values()):
            continue
        schedules += told
        projects.append(
            {
                "root": root.told(project.root),
                "schedulers": [{name: one.get(name) for name in ("host", "pid", "started")} for one in schedulers],
                "problem": problem,
            }
        )
    schedules.sort(key=lambda one: (one["folder"], one["name"]))
    templates = [{"text": f"{{{{ {name} }}}}", "meaning": words} for name, words in NAMES.items()]
    templates += [{"text": f"| {name}", "meaning": words} for name, words in FILTERS.items()]
    return {
        "schedules": schedules,
        "problems": problems,
        "projects": projects,
        "templates": templates,
        **{name: [one for each in promised for one in each[name]] for name in ("levels", "level_problems")},
    }


def who_serves(root: Root, _body: bytes, _query: Query) -> dict[str, Any]:
    """The projects that have something to run, each with whether a scheduler, and a standalone one, serves it."""
    found = []
    for project in _projects(root):
        wanted = any(_look_at(project.root, folder, time.time()).declared for folder in project.folders)
        schedulers: list[dict[str, Any]] = []
        problem = None
        try:
            with _asking(project.root) as store:
                if store is not None:
                    schedulers = serving(store, project.root)
                    wanted = wanted or bool(known_schedules(store, [project.root]))
        except Refused as refused:
            wanted, problem = False, refused.message
        found.append(
            {
                "root": str(project.root),
                "wanted": wanted,
                "served": bool(schedulers),
                "standalone": not all(one.get("hosted") for one in schedulers),
                "problem": problem,
            }
        )
    return {"projects": found}


def show_history(root: Root, _body: bytes, query: Query) -> dict[str, Any]:
    """Answer ``GET schedules/history``."""
    folder = folder_of(root, query["folder"])
    project = root.project(folder)
    with _asking(project) as store:
        known = _known(store, project, folder, query["name"])
        if store is None or known is None:
            return {"ticks": []}
        ticks = of_project.history(store, [known], int(query["limit"]))
    return {"ticks": [_tick(root, one, known.settings.zone) for one in ticks]}


def pause(root: Root, body: bytes, _: Query) -> dict[str, Any]:
    """Answer ``POST schedules/pause``."""
    return _act(root, body, "pause")


def resume(root: Root, body: bytes, _: Query) -> dict[str, Any]:
    """Answer ``POST schedules/resume``."""
    return _act(root, body, "resume")


def run_now(root: Root, body: bytes, _: Query) -> dict[str, Any]:
    """Answer ``POST schedules/run-now``."""
    return _act(root, body, "run_now")


def show_one(root: Root, folder: Path, name: str) -> dict[str, Any] | None:
    """A schedule of a folder as the list has it; None if there is none any more."""
    project, now = root.project(folder), time.time()
    looked = {folder: _look_at(project, folder, now)}
    with _asking(project) as store:
        known = _known(store, project, folder, name)
        rows = _rows(project, looked, [known] if known is not None else [])
        return next((_told(root, project, row, store, now) for row in rows if row[1] == name), None)


def folder_of(root: Root, text: str) -> Path:
    """The folder that a request names.

    Raises
    ------
    Refused
        If it is none of the root's.
    """
    folder = root.inside(text, field="folder")
    if not folder.is_dir():
        raise Refused(404, f"{text[:200]}: there is no such folder.")
    return folder


def apply(root: Root, folder: Path) -> str | None:
    """Bring what a folder declares into the store; the sentence of what stands in the way, or None."""
    project = root.project(folder)
    _looked.pop(folder, None)
    _found.clear()
    try:
        with _asking(project, make=True) as store:
            assert store is not None
            of_project.apply(store, project, [folder], time.time())
    except CellmillError as error:
        return str(error)
    except Refused as refused:
        return refused.message
    return None


def moment_words(at: float, zone: ZoneInfo) -> str:
    """A moment on a schedule's own clock, as in ``Mon 2026-11-23 09:00 CET``."""
    moment = datetime.fromtimestamp(at, zone)
    return f"{moment:%a %Y-%m-%d %H:%M:%S %Z}" if moment.second else f"{moment:%a %Y-%m-%d %H:%M %Z}"


def _act(root: Root, body: bytes, what: str) -> dict[str, Any]:
    said = read_body(ScheduleBody, body)
    folder = folder_of(root, said.folder)
    project, now = root.project(folder), time.time()
    with _asking(project, make=True) as store:
        assert store is not None
        known = _known(store, project, folder, said.name)
        if known is None:
            # Declared, and no scheduler has read it yet.
            of_project.apply(store, project, [folder], now)
            known = _known(store, project, folder, said.name)
        if known is None:
            raise Refused(404, f"There is no schedule {said.name} in {said.folder[:200]}.")
        message = None
        if what == "run_now":
            tick = of_project.run_now(store, known, now)
            message = f"{known.label} is not run: {tick.reason}." if tick.state == "skipped" else None
        elif what == "pause":
            pausing.pause(store, known)
        else:
            pausing.resume(store, known, now)
        served = bool(serving(store, project))
    return {"schedule": show_one(root, folder, said.name), "message": message, "served": served}


def _projects(root: Root) -> list[_Project]:
    """The projects below the root, with the folders in which there is a cellmill.yaml."""
    kept = _found.get(root.folder)
    if kept is not None and time.monotonic() < kept[0]:
        return kept[1]
    began = time.monotonic()
    found = find_projects(root)
    roots = {root.project(folder) for folder in found.pipelines} | set(found.with_runs)
    if any((root.folder / mark).exists() for mark in ("pyproject.toml", ".git", ".cellmill")):
        roots.add(root.folder)
    projects = [
        _Project(one, tuple(folder for folder in declaring_folders(one) if root.project(folder) == one))
        for one in sorted(roots)
    ]
    # A large workspace is searched less often.
    _found[root.folder] = (time.monotonic() + max(_SEARCH, 20 * (time.monotonic() - began)), projects)
    return projects


def _look_at(project: Path, folder: Path, now: float) -> _Looked:
    """Read and check what a folder declares, unless that was done and nothing has changed."""
    mark = tuple(_facts(folder / name) for name in _FILES)
    kept = _looked.get(folder)
    if kept is None or kept.mark != mark or time.monotonic() - kept.at > _HOLDS:
        found = of_project.look_at(project, [folder], now)
        kept = _Looked(mark, time.monotonic(), found.declared, next(iter(found.problems), None))
        _looked[folder] = kept
    return kept


def _facts(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size


@contextmanager
def _asking(project: Path, *, make: bool = False) -> Iterator[Store | None]:
    """A project's store, if there is one yet, or if it may be made.

    Raises
    ------
    Refused
        If it can't be used; one sentence.
    """
    from sqlalchemy.exc import SQLAlchemyError

    url = store_url(project)
    file = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
    if file is not None and not file.exists():
        # Also where it was deleted meanwhile.
        _stores.pop(url, None)
        if not make:
            yield None
            return
    until, why = _closed.get(url, (0.0, ""))
    if time.monotonic() < until:
        raise Refused(409, why)
    try:
        if url not in _stores:
            _stores[url] = Store(url)
        yield _stores[url]
    except SQLAlchemyError as error:
        raise Refused(409, f"The schedules' store can't be used ({reason(error)}).") from None
    except CellmillError as error:
        if url in _stores:
            raise
        # A database that does not answer takes its time to say so: not each time that somebody asks.
        _closed[url] = time.monotonic() + _HOLDS, str(error)
        raise Refused(409, str(error)) from None


def _known(store: Store | None, project: Path, folder: Path, name: str) -> Known | None:
    if store is None:
        return None
    found = known_schedules(store, [project])
    return next((one for one in found if one.folder == folder and one.name == name), None)


def _rows(
    project: Path, looked: Mapping[Path, _Looked], known: Sequence[Known]
) -> Iterator[tuple[Path, str, Declared | None, Known | None, dict[str, Any] | None]]:
    """What is declared, right or wrong, and what is only stored; with the entries as they stand in the files."""
    stored = {(one.folder, one.name): one for one in known}
    for folder, found in looked.items():
        right = {one.name: one for one in found.declared}
        for raw in entries_of(_read(folder / FILE_NAME), "schedule"):
            name = raw.get("name")
            if isinstance(name, str):
                yield folder, name, right.pop(name, None), stored.pop((folder, name), None), raw
        for name, one in right.items():
            # In a form of YAML that is read, but can't be changed from here.
            yield folder, name, one, stored.pop((folder, name), None), None
    for (folder, name), rest in stored.items():
        if folder.is_relative_to(project):
            yield folder, name, None, rest, None


def _told(
    root: Root,
    project: Path,
    row: tuple[Path, str, Declared | None, Known | None, dict[str, Any] | None],
    store: Store | None,
    now: float,
) -> dict[str, Any]:
    folder, name, declared, known, raw = row
    one = declared or known
    # While a file is wrong, what the store has goes on.
    settings = one.settings if one is not None else None
    readable = settings or _parsed(raw, folder)
    paused = known is not None and known.paused
    enabled = readable.enabled if readable is not None else True
    at = next_due(settings, now) if settings is not None and enabled and not paused else None
    ticks = of_project.history(store, [known], _STRIP) if store is not None and known is not None else []
    zone = readable.zone if readable is not None else ZoneInfo("UTC")
    return {
        "id": f"{root.told(folder)}#{name}",
        "label": f"{folder.name}/{name}",
        "pipeline": folder.name,
        "folder": root.told(folder),
        "project": root.told(project),
        "name": name,
        "notebook": root.told(_notebook(folder, readable)),
        "ordinary": readable is not None and readable.notebook is not None,
        "words": readable.words() if readable is not None else None,
        "zone": zone.key,
        "enabled": enabled,
        "paused": paused,
        "declared": declared is not None,
        "stored": known is not None,
        "next": at,
        "next_words": moment_words(at, zone) if at is not None else None,
        "entry": raw,
        "ticks": [_tick(root, tick, zone) for tick in ticks],
    }


def _parsed(raw: dict[str, Any] | None, folder: Path) -> ScheduleSettings | None:
    try:
        return parse_schedules([raw], folder / FILE_NAME)[0] if raw is not None else None
    except CellmillError:
        return None


def _tick(root: Root, tick: Tick, zone: ZoneInfo) -> dict[str, Any]:
    told = of_project.as_dict(tick)
    return {
        **{
            name: told[name] for name in ("id", "cause", "due", "count", "state", "reason", "attempt", "run_id", "runs")
        },
        **{name: told[name] for name in ("started", "ended", "snapshot")},
        "until": moment_words(tick.until, zone) if tick.until is not None else None,
        "due_words": moment_words(tick.due, zone),
        "file": root.told(tick.file),
    }


def _notebook(folder: Path, settings: ScheduleSettings | None) -> Path | None:
    if settings is not None and settings.notebook is not None:
        return folder / settings.notebook
    return source_of(folder, promotion_of(folder))


def _problem(root: Root, folder: Path, error: CellmillError) -> dict[str, Any]:
    return {
        "folder": root.told(folder),
        "file": root.told(folder / FILE_NAME),
        "message": str(error),
        "understood": list(error.understood) if isinstance(error, ScheduleRefused) else [],
    }


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return ""
