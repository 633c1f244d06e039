"""Collects pipeline.yaml files, so that ``pytest pipelines/`` builds and checks each promoted pipeline.

Loaded in every pytest session of the environment, hence light: whatever is heavy is imported when a pipeline is built.
Only folders that ``cellmill promote`` wrote are collected; ``cellmill_pipelines = false`` in pytest's settings turns
that off.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cellmill.promote.checks import Criterion, PipelineChecks, SourcePlace
    from cellmill.run.result import TaskResult

BUILDS = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting that turns the collection off."""
    if _is_warm():
        # Where this plugin comes before nbval (`-p cellmill`), nbval's imports take a third of the time.
        from cellmill.lazy_imports import put_off_slow_imports

        put_off_slow_imports()
    parser.addini(
        "cellmill_pipelines",
        "Collect promoted pipelines: build each with env.test.yaml in a temporary folder, check outputs and criteria.",
        type="bool",
        default=True,
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what a pipeline made (executed notebooks) and its tasks, whose names may look like tests."""
    if collection_path.name not in ("output", "tasks") or not config.getini("cellmill_pipelines"):
        return None
    return True if _promoted(collection_path.parent) else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> PipelineFile | None:
    """Collect the pipeline.yaml of a promoted folder."""
    wanted = file_path.name == "pipeline.yaml" and parent.config.getini("cellmill_pipelines")
    if wanted and _promoted(file_path.parent):
        return PipelineFile.from_parent(parent, path=file_path)
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Begin the process that nbval's kernels are forked from, where they are to be warm, while notebooks are read."""
    if not _is_warm() or not _runs_notebooks(config):
        return
    from cellmill.run.warm.provisioner import begin

    place = Path(str(config.args[0]).partition("::")[0]) if config.args else Path.cwd()
    begin(str(place if place.is_dir() else place.parent))


def _is_warm() -> bool:
    """Whether this program's kernels are to be warm."""
    return os.environ.get("JUPYTER_DEFAULT_PROVISIONER_NAME") == "cellmill-warm"


def _runs_notebooks(config: pytest.Config) -> bool:
    """Whether nbval runs notebooks in this process."""
    chosen = {name for name in ("nbval", "nbval_lax", "collectonly", "tx") if config.getoption(name, None)}
    # With xdist its workers do; they are told of no other processes.
    return bool(chosen & {"nbval", "nbval_lax"}) and not chosen & {"collectonly", "tx"}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give xdist's workers one folder for their builds, so that each pipeline is built once in a session."""
    node.workerinput["cellmill_builds"] = str(_builds(node.config))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the builds; those that failed stay, to be looked at."""
    folder = config.stash.get(BUILDS, None)
    if folder is None or hasattr(config, "workerinput"):
        return
    for build in folder.iterdir():
        if not (build / "failed").exists():
            shutil.rmtree(build, ignore_errors=True)
    if not any(folder.iterdir()):
        folder.rmdir()


class PipelineFailure(Exception):
    """A check of a pipeline that does not hold; its text is all that pytest shows."""


@dataclass(frozen=True)
class Build:
    """A pipeline's build: the folder of its products, how each task ended, what kept it from running at all."""

    output: Path
    tasks: Mapping[str, Mapping[str, Any]]
    error: str | None = None


Check = Callable[[Build], None]


class PipelineFile(pytest.File):
    """A promoted pipeline, built when the first of its checks runs.

    Its checks are ``build::TASK``, ``outputs::TASK``, ``checks::TASK::cell N`` and ``criteria::TASK::TEXT``.
    """

    def collect(self) -> Iterator[pytest.Collector]:
        """List the checks; nothing is built yet."""
        from cellmill.promote.checks import list_checks

        found = list_checks(self.path.parent)
        cells = [(place.task, f"cell {place.number}", partial(_check_holds, place)) for place in found.check_cells]
        criteria = [(one.task, one.text, partial(_criterion_is_met, found, one)) for one in found.criteria]
        yield Group.of(self, "build", [(task, partial(_task_is_built, task)) for task in found.tasks])
        yield Group.of(self, "outputs", [(task, partial(_outputs_are_equal, found, task)) for task in found.referenced])
        yield TaskGroups.of(self, "checks", cells)
        yield TaskGroups.of(self, "criteria", criteria)

    def build(self) -> Build:
        """Build the pipeline, or read what another check or another process built."""
        place = hashlib.sha256(str(self.path).encode()).hexdigest()[:8]
        folder = _builds(self.config) / f"{self.path.parent.name}-{place}"
        folder.mkdir(exist_ok=True)
        result = folder / "result.json"
        with _lock(folder / "lock"):
            if not result.exists():
                result.write_text(json.dumps(_build(self.path.parent, folder)), encoding="utf-8")
        return Build(folder / "output", **json.loads(result.read_text(encoding="utf-8")))


class Group(pytest.Collector):
    """Checks of one kind."""

    checks: Sequence[tuple[str, Check]]

    @classmethod
    def of(cls, parent: pytest.Collector, name: str, checks: Sequence[tuple[str, Check]]) -> Group:
        """Make a group; ``checks`` are names and what to do with the build."""
        group: Group = cls.from_parent(parent, name=name)
        group.checks = checks
        return group

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each check."""
        for name, check in self.checks:
            item: PipelineItem = PipelineItem.from_parent(self, name=name)
            item.check = check
            yield item


class TaskGroups(pytest.Collector):
    """Checks of one kind, by task."""

    checks: Sequence[tuple[str, str, Check]]

    @classmethod
    def of(cls, parent: pytest.Collector, name: str, checks: Sequence[tuple[str, str, Check]]) -> TaskGroups:
        """Make a group of groups; ``checks`` are tasks, names and what to do with the build."""
        group: TaskGroups = cls.from_parent(parent, name=name)
        group.checks = checks
        return group

    def collect(self) -> Iterator[pytest.Collector]:
        """One group for each task that has such checks."""
        for task in dict.fromkeys(task for task, _, _ in self.checks):
            yield Group.of(self, task, [(name, check) for of, name, check in self.checks if of == task])


class PipelineItem(pytest.Item):
    """One check of a pipeline."""

    check: Check

    def runtest(self) -> None:
        """Build the pipeline if that has not been done, then check."""
        pipeline = self.getparent(PipelineFile)
        assert pipeline is not None
        self.check(pipeline.build())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """Show what does not hold, without pytest's or cellmill's own frames."""
        if isinstance(excinfo.value, PipelineFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args, **kwargs)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Name the check for the head line of a failure."""
        groups = [node.name for node in self.listchain() if isinstance(node, (Group, TaskGroups))]
        return self.path, None, f"pipeline {self.path.parent.name}: {' '.join([*groups, self.name])}"


def _task_is_built(task: str, build: Build) -> None:
    if build.error is not None:
        raise PipelineFailure(build.error)
    told = _told(build, task)
    if told["state"] in ("failed", "stopped"):
        raise PipelineFailure(told["reason"])
    if told["state"] != "succeeded":
        pytest.skip(f"task {task} did not run: {told['reason']}")


def _outputs_are_equal(pipeline: PipelineChecks, task: str, build: Build) -> None:
    """Compare the task's cells with the reference notebook, which holds what the source notebook showed."""
    from runpy import run_path

    import nbformat

    from cellmill.promote.verify import executed_cells

    tests = pipeline.folder / "tests"
    if changed := run_path(str(tests / "reference.py"))["changed_parameters"](task):
        used = f"{task} or a task before it uses: the saved outputs are of other values"
        pytest.skip(f"env.test.yaml changes {', '.join(changed)}, which {used}")
    _require(build, task)
    executed = executed_cells(build.output, [task])
    reference = nbformat.read(tests / f"{task}.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    differences = [
        difference
        for cell in reference.cells
        if cell.get("id") in pipeline.places
        if (difference := _difference(pipeline, pipeline.places[cell.id], cell, executed.get(cell.id)))
    ]
    if differences:
        cells = "1 cell shows" if len(differences) == 1 else f"{len(differences)} cells show"
        head = f"task {task}: {cells} something else than in {pipeline.notebook}"
        raise PipelineFailure("\n\n".join([head, *differences]))


def _difference(pipeline: PipelineChecks, place: SourcePlace, reference: Any, executed: Any) -> str:
    from cellmill.promote.comparison import compare_outputs
    from cellmill.promote.verify import sanitizing

    where = f"{pipeline.notebook}, cell {place.number} ({place.file}, line {place.line})"
    if executed is None:
        return f"{where}: the task no longer has this cell; promote the notebook again"
    found = compare_outputs(
        reference.outputs,
        executed.outputs,
        tags=reference.metadata.get("tags", ()),
        source=reference.source,
        patterns=sanitizing(pipeline.folder),
        titles=("in the notebook", "in the pipeline"),
    )
    return f"{where}\n{found.difference}" if found.state == "different" else ""


def _check_holds(place: SourcePlace, build: Build) -> None:
    told = _told(build, place.task)
    if told.get("cell_id") == place.cell_id:
        raise PipelineFailure(told["reason"])
    _require(build, place.task)


def _criterion_is_met(pipeline: PipelineChecks, criterion: Criterion, build: Build) -> None:
    path = build.output / f"{criterion.task}.metrics.json"
    noted = json.loads(path.read_text(encoding="utf-8"))["criteria"] if path.exists() else []
    results = [one for one in noted if one["criterion"] == criterion.text]
    for result in results:
        if not result["met"]:
            measured = ", ".join(f"{name} = {value}" for name, value in result["measured"].items())
            where = pipeline.place_of(f"tasks/{criterion.task}.py", criterion.line)
            raise PipelineFailure(f"task {criterion.task}, {where}: wanted {criterion.text}, measured {measured}")
    if not results:
        _require(build, criterion.task)
        pytest.skip(f"task {criterion.task} did not come to this criterion")


def _require(build: Build, task: str) -> None:
    """Skip a check of a task that did not end: the item of its build says why."""
    if build.error is not None or _told(build, task)["state"] != "succeeded":
        pytest.skip(f"task {task} was not built")


def _told(build: Build, task: str) -> Mapping[str, Any]:
    return build.tasks.get(task, {"state": "not-run", "reason": "pipeline.yaml does not have it"})


def _promoted(folder: Path) -> bool:
    return (folder / ".promotion.json").is_file() and (folder / "pipeline.yaml").is_file()


def _builds(config: pytest.Config) -> Path:
    """Return this session's folder of builds, which xdist's workers share."""
    if BUILDS not in config.stash:
        given = getattr(config, "workerinput", {}).get("cellmill_builds")
        config.stash[BUILDS] = Path(given or tempfile.mkdtemp(prefix="cellmill-pytest-"))
    return config.stash[BUILDS]


def _build(pipeline: Path, folder: Path) -> dict[str, Any]:
    """Run the pipeline with its products in ``folder``; return the fields of a :class:`Build` but its place."""
    from cellmill.errors import CellmillError

    with warnings.catch_warnings():
        # The session's filters are for its tests, not for what Ploomber's imports warn about.
        warnings.simplefilter("ignore")
        from cellmill.promote.verify import untracked
        from cellmill.run import run_pipeline

        try:
            result = run_pipeline(
                pipeline,
                profile="test" if (pipeline / "env.test.yaml").exists() else None,
                force=True,
                task_environment=lambda _task: untracked(folder),
                output=folder / "output",
            )
        except CellmillError as error:
            return {"tasks": {}, "error": str(error)}
    if result.state != "succeeded":
        (folder / "failed").touch()
    return {"tasks": {task.name: _ended(task) for task in result.tasks}}


def _ended(task: TaskResult) -> dict[str, Any]:
    if task.failure is None:
        return {"state": task.state, "reason": task.reason}
    return {"state": task.state, "reason": task.failure.sentence, "cell_id": task.failure.cell_id}


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Let one process at a time go on; the lock goes with its process."""
    with path.open("w") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
