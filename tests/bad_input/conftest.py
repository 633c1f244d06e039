"""Scratch projects and the installed command, held to what bad input may cost: one sentence, and nothing written."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest

PROGRAM = str(Path(sys.executable).with_name("cellmill"))
UNSET = ("CELLMILL_TRACEBACK", "MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "JPY_SESSION_NAME")


@dataclass(frozen=True)
class Project:
    """A project of its own; ``mark`` is in the environment of each process that its commands start."""

    root: Path
    mark: str = field(default_factory=lambda: f"CELLMILL_TEST_MARK={uuid.uuid4()}")

    @property
    def notebook(self) -> Path:
        return self.root / "notebooks" / "churn.ipynb"

    @property
    def pipeline(self) -> Path:
        return self.root / "pipelines" / "churn"

    def write(self, *cells: tuple[str, str | None]) -> None:
        """Write notebooks/churn.ipynb: for each cell its source and its tag."""
        notebook = nbformat.v4.new_notebook()
        for number, (source, tag) in enumerate(cells, start=1):
            metadata = {"tags": [tag]} if tag else {}
            notebook.cells.append(nbformat.v4.new_code_cell(source, id=f"cell{number}", metadata=metadata))
        nbformat.write(notebook, self.notebook)

    @property
    def environment(self) -> dict[str, str]:
        name, _, value = self.mark.partition("=")
        return {key: text for key, text in os.environ.items() if key not in UNSET} | {name: value}

    def cellmill(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call the installed command in the project's folder."""
        return subprocess.run(
            [PROGRAM, *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the installed command as a terminal does: in a process group of its own."""
        process = subprocess.Popen(
            [PROGRAM, *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        STARTED.append((self, process))
        return process

    def promote(self) -> None:
        done = self.cellmill("promote", "notebooks/churn.ipynb")
        assert done.returncode == 0, done.stderr

    def refused(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call the command; it must refuse in one sentence and leave every file as it was."""
        before = self.listing()
        done = self.cellmill(*arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        one_sentence(done.stderr)
        assert "Traceback" not in done.stdout
        assert self.listing() == before
        return done

    def listing(self, folder: Path | None = None) -> dict[str, str]:
        """Every file with a hash of its content, every folder and link."""
        top = folder or self.root
        return {path.relative_to(top).as_posix(): _content(path) for path in sorted(top.rglob("*"))}

    def processes(self) -> list[int]:
        """All processes that the project's commands started and that still run."""
        return [int(pid.name) for pid in Path("/proc").iterdir() if pid.name.isdigit() and _has(pid, self.mark)]


STARTED: list[tuple[Project, subprocess.Popen[str]]] = []


@pytest.fixture(autouse=True)
def nothing_goes_on() -> Iterator[None]:
    """End what a test that failed left running."""
    yield
    while STARTED:
        project, process = STARTED.pop()
        for pid in project.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.communicate()


def one_sentence(text: str) -> str:
    """What stderr holds, which must be one sentence."""
    assert text.startswith("Error: "), text
    assert text.endswith((".\n", "?\n")), text
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text.removesuffix("\n")


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"-> {os.readlink(path)}"
    if path.is_fifo() or path.is_dir():
        return "-"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _has(process: Path, mark: str) -> bool:
    try:
        return mark.encode() in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


@pytest.fixture(scope="session")
def make_project() -> Callable[[Path], Project]:
    """Makes an empty project in a folder that is there or not."""

    def make(root: Path) -> Project:
        (root / "notebooks").mkdir(parents=True)
        (root / "pyproject.toml").touch()
        return Project(root)

    return make


@pytest.fixture
def project(tmp_path: Path, make_project: Callable[[Path], Project]) -> Project:
    """An empty project."""
    return make_project(tmp_path)


CHURN: tuple[tuple[str, str | None], ...] = (
    (
        "from typing import Literal\n\n"
        "rows: int = 3\nrate: float = 0.5\nkind: Literal['ridge', 'lasso'] = 'ridge'\nscale = True",
        "parameters",
    ),
    ("xs = [rate] * rows if scale else []", "step:load"),
    ("print(kind, sum(xs))", "step:train"),
)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, make_project: Callable[[Path], Project]) -> Project:
    """A project with a promoted notebook; tests work on copies."""
    made = make_project(tmp_path_factory.mktemp("template"))
    made.write(*CHURN)
    made.promote()
    return made


@pytest.fixture
def churn(template: Project, tmp_path: Path) -> Project:
    """A project with a promoted notebook."""
    root = tmp_path / "project"
    shutil.copytree(template.root, root)
    return Project(root)


@pytest.fixture
def churn_cells() -> tuple[tuple[str, str | None], ...]:
    """The cells of the promoted notebook."""
    return CHURN


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """Mounts small file systems in memory, as full or read-only disks; gone after the test."""
    mounted: list[Path] = []

    def call(place: Path, options: str) -> None:
        place.mkdir(parents=True, exist_ok=True)
        again = place in mounted
        kind = ["-o", f"remount,{options}"] if again else ["-t", "tmpfs", "-o", options, "tmpfs"]
        try:
            done = subprocess.run(["mount", *kind, str(place)], capture_output=True, text=True)
        except FileNotFoundError:
            pytest.skip("there is no mount command, so no small disk can be made")
        if done.returncode != 0:
            pytest.skip(f"this user can't mount a small disk: {done.stderr.strip()}")
        if not again:
            mounted.append(place)

    yield call
    for place in reversed(mounted):
        subprocess.run(["umount", "-l", str(place)], check=True)
