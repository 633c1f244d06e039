"""A real JupyterLab in a real Chromium, as a user has them: each module gets a Lab and a project of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from in_lab import TOKEN, Lab, run_command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

SIZE = {"width": 1400, "height": 900}
ROOT = Path(__file__).parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser there is nothing to test; CI has one."""
    if shutil.which("chromium") or os.environ.get("CI"):
        return
    skip = pytest.mark.skip(reason="no chromium on this machine; Debian's package is called chromium")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(skip)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    root = folder / "project"
    (root / "notebooks").mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    server = Lab(root, folder / "home")
    server.start()
    yield server
    server.stop()
    subprocess.run(["pkill", "-KILL", "-f", str(folder)], check=False)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    assert path, "no chromium on this machine; .ci/run installs it"
    # For a module only: while Playwright's loop runs in this process, no other can, and other tests need theirs.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport=SIZE)  # type: ignore[arg-type]
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, tmp_path: Path) -> Iterator[Page]:
    """A tab; a test fails if what it did raised an error in the page's own code. How it ended is in last.png."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    yield page
    page.screenshot(path=tmp_path / "last.png")
    # Lab's own code complains now and then, as when its server ends.
    ours = [error for error in errors if "/extensions/cellmill/" in error]
    assert not ours, ours


@pytest.fixture
def visit(lab: Lab, page: Page) -> Callable[..., Page]:
    """Open a notebook of the project in Lab, with the Pipeline panel beside it."""

    def visit(notebook: str | None = None, *, panel: bool = True, workspace: str | None = None) -> Page:
        place = f"/lab/workspaces/{workspace or f'w{time.monotonic_ns()}'}"
        tree = f"/tree/{notebook}" if notebook else ""
        page.goto(f"{lab.base}{place}{tree}?token={TOKEN}")
        page.wait_for_selector("#jp-main-dock-panel", state="visible")
        page.wait_for_selector("#jupyterlab-splash", state="detached")
        if notebook:
            page.wait_for_selector(".jp-NotebookPanel:visible .jp-Cell")
        if panel and notebook:
            run_command(page, "cellmill:show-pipeline")
        return page

    return visit


@pytest.fixture
def shot(request: pytest.FixtureRequest, page: Page, tmp_path: Path) -> Callable[[str], Path]:
    """Take a screenshot; into the documents' pictures if CELLMILL_SCREENSHOTS says so."""
    folder = ROOT / "docs" / "images" / "lab" if os.environ.get("CELLMILL_SCREENSHOTS") else tmp_path

    def shot(name: str) -> Path:
        assert re.fullmatch(r"[a-z0-9-]+", name)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        page.screenshot(path=path, animations="disabled")
        return path

    return shot
