"""What the browser tests share: the server, notebooks, and a user's moves in Lab."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TOKEN = "browser-tests"
# Lab compiles nothing on the first start, but on a busy machine it takes its time.
LONGEST_START = 120


class Lab:
    """A JupyterLab server on the loopback address."""

    # Seconds between two questions whether it answers.
    pause = 0.1

    def __init__(self, root: Path, home: Path, python: Path = Path(sys.executable)) -> None:
        self.root = root
        self.python = python
        self.home = home
        self.port = _free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.home.mkdir(exist_ok=True)
        # Lab asks each new user whether it may fetch news; there is no network here.
        settings = (
            self.home / "config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
        )
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text('{"fetchNews": "false", "checkForUpdates": false}')
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY", "MLFLOW"))}
        environment = kept | {
            "HOME": str(self.home),
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "JUPYTER_DATA_DIR": str(self.home / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
            "PLOOMBER_STATS_ENABLED": "false",
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
        }
        command = [
            str(self.python),
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--expose-app-in-browser",
            f"--port={self.port}",
            f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.root_dir={self.root}",
        ]
        with (self.home / "lab.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=environment, cwd=self.root, stdout=log, stderr=log, start_new_session=True
            )
        limit = time.monotonic() + LONGEST_START
        while not self._answers():
            assert self._process.poll() is None, self.log[-3000:]
            assert time.monotonic() < limit, self.log[-3000:]
            time.sleep(self.pause)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the server alone: what it started as runs belongs to itself."""
        if self._process is not None:
            os.kill(self._process.pid, number)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None

    @property
    def log(self) -> str:
        return (self.home / "lab.log").read_text(errors="replace")

    def api(self, path: str) -> Any:
        """Ask cellmill's REST interface, as a script of the user's would."""
        request = urllib.request.Request(
            f"{self.base}/cellmill/api/{path}", headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base}/api", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False


def _free_port() -> int:
    """Find a free port below those that the system gives to others (kernels, say) before the server has taken it."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def write_notebook(path: Path, *cells: tuple[str, str] | tuple[str, str, list[str]]) -> Path:
    """Write a notebook of (type, source[, tags]) cells; ids are c0, c1, ..."""
    made = []
    for number, (kind, source, *tags) in enumerate(cells):
        new = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        cell = new(source, id=f"c{number}")
        if tags:
            cell.metadata["tags"] = tags[0]
        made.append(cell)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(
        cells=made, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def run_command(page: Page, command: str, args: dict[str, Any] | None = None) -> Any:
    """Run a command of Lab's, as its palette does."""
    return page.evaluate(
        "([command, args]) => { void window.jupyterapp.commands.execute(command, args); }", [command, args or {}]
    )


def section(page: Page, name: str) -> Locator:
    """A section of the Pipeline panel, opened."""
    found = page.locator(f"#cellmill-pipeline .cellmill-Section[data-name={name}]")
    found.wait_for()
    limit = time.monotonic() + 20
    # The panel opens sections by itself too: a click may come just after that, and close it.
    while found.get_attribute("data-open") != "true":
        assert time.monotonic() < limit
        found.locator(".cellmill-Section-title").click()
        page.wait_for_timeout(300)
    return found


def steps(page: Page) -> list[str]:
    return page.locator("#cellmill-pipeline .cellmill-Step-name").all_inner_texts()


def wait_for_steps(page: Page, *names: str) -> None:
    limit = time.monotonic() + 20
    while sorted(steps(page)) != sorted(names):
        assert time.monotonic() < limit, steps(page)
        page.wait_for_timeout(50)


def cell(page: Page, number: int) -> Locator:
    return page.locator(f".jp-NotebookPanel:visible .jp-Cell[data-windowed-list-index='{number}']")


def saved(lab: Lab, notebook: str) -> dict[str, Any]:
    """The notebook's file; waits while Lab is writing it."""
    limit = time.monotonic() + 10
    while True:
        try:
            return json.loads((lab.root / notebook).read_text(encoding="utf-8"))
        except json.JSONDecodeError:
            assert time.monotonic() < limit
            time.sleep(0.05)


def promote(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Promote (to pipeline|again)$")).last.click()


def run(page: Page, **values: str) -> None:
    section(page, "run")
    form = page.get_by_role("form")
    for name, value in values.items():
        form.get_by_label(name, exact=True).fill(value)
    form.get_by_role("button", name="Run", exact=True).click()


def wait_for_run(page: Page, state: str, timeout: float = 90) -> None:
    page.locator(f"#cellmill-pipeline .cellmill-Run[data-state={state}]").wait_for(timeout=timeout * 1000)


def save(page: Page, lab: Lab, notebook: str) -> None:
    before = (lab.root / notebook).stat().st_mtime_ns
    run_command(page, "docmanager:save")
    limit = time.monotonic() + 20
    while (lab.root / notebook).stat().st_mtime_ns == before:
        assert time.monotonic() < limit
        page.wait_for_timeout(50)


def edit(page: Page, number: int, text: str) -> None:
    """Type a cell's source anew."""
    cell(page, number).locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def execute(page: Page, number: int) -> None:
    prompt = cell(page, number).locator(".jp-InputPrompt")
    prompt.click()
    cell(page, number).and_(page.locator(".jp-mod-active")).wait_for()
    run_command(page, "notebook:run-cell")
    expect(prompt).to_have_text(re.compile(r"\[(\*|\d+)\]:"), timeout=60_000)
