"""The Binder image, its steps done in a clean environment: the demo opens with the panel beside the notebook."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from in_lab import TOKEN, Lab, wait_for_steps
from lent_environment import make_lent_environment

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What repo2docker makes: a clone, an environment that holds what binder/requirements.txt names, and a home.

    Of the environment only cellmill is installed anew; pip finds the rest there.
    """
    folder = tmp_path_factory.mktemp("image")
    subprocess.run(["git", "clone", "--quiet", ROOT, folder / "repo"], check=True)
    # The clone holds no built extension; that one is built from a clone is tests/packaging's to show.
    built = "src/cellmill/labextension"
    shutil.copytree(ROOT / built, folder / "repo" / built)
    make_lent_environment(folder / "env")
    (folder / "home").mkdir()
    for command in (
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            folder / "env/bin/python",
            "install",
            "-r",
            "binder/requirements.txt",
        ],
        ["binder/postBuild"],
    ):
        done = subprocess.run(
            command,
            cwd=folder / "repo",
            env=environment(folder),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON", "VIRTUAL"))}
    return kept | {
        "HOME": str(folder / "home"),
        "JUPYTER_CONFIG_DIR": str(folder / "home/config"),
        "PATH": f"{folder / 'env/bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_CACHE_DIR": str(Path.home() / ".cache/pip"),
        "npm_config_cache": str(Path.home() / ".npm"),
    }


def test_the_start_page_shows_the_notebook_and_its_pipeline(image: Path, page: Page) -> None:
    lab = Lab(image / "repo", image / "home", python=image / "env/bin/python")
    lab.start()
    try:
        page.goto(f"{lab.base}/lab/workspaces/cellmill?token={TOKEN}")
        page.locator(".jp-NotebookPanel:visible .jp-Cell").first.wait_for()
        names = [path.stem for path in (ROOT / "pipelines/breast_cancer/tasks").glob("*.py")]
        wait_for_steps(page, *names)
    finally:
        # Lab's own page complains of a server that goes.
        page.goto("about:blank")
        lab.stop()
