"""README's first pipeline, followed literally: its cells make the notebook, its commands run and print what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
WALK = README[README.index("## Your first pipeline") : README.index("## What the pipeline folder holds")]
SECTIONS = {int(text[0]): text for text in re.split(r"^### (?=\d)", WALK, flags=re.MULTILINE)[1:]}
FORGOTTEN = 6


def _blocks(section: int, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", SECTIONS[section], re.MULTILINE | re.DOTALL)


def _shell(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    found = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PYTEST_", "COV"))}
    # Words of one line, as a reader types them; the folder and the programs are the test's own.
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=kept | {"PATH": found, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )


def _write(path: Path, sources: list[str]) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells = [nbformat.v4.new_code_cell(source.rstrip("\n")) for source in sources]
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number}"
    nbformat.write(notebook, path)


def _execute(path: Path) -> None:
    done = _shell(path.parent, f"jupyter execute --inplace {path.name}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder after steps 1 to 4: a project with the notebook, executed, tagged and promoted."""
    folder = tmp_path_factory.mktemp("first")
    assert _shell(folder, "git init -q").returncode == 0
    cells = _blocks(2, "python")
    path = folder / "digits.ipynb"
    _write(path, cells)
    _execute(path)
    (check,) = _blocks(3, "bash")
    forgot = _shell(folder, check)
    assert forgot.returncode == 1
    for line in _blocks(3, "text")[0].splitlines():
        assert line == "..." or line in forgot.stdout.splitlines(), line
    cells[FORGOTTEN - 1] = f"%%step split\n{cells[FORGOTTEN - 1]}"
    _write(path, cells)
    _execute(path)
    assert _shell(folder, check).stdout == _blocks(3, "text")[1]
    (promote,) = _blocks(4, "bash")
    assert _shell(folder, promote).stdout == _blocks(4, "text")[0]
    return folder


def test_the_folder_is_what_the_readme_lists(walked: Path):
    table = README[README.index("## What the pipeline folder holds") : README.index("## Without cellmill")]
    names = {
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    }
    listed = {name.split("/")[0] for name in names} - {"output"}
    made = {path.name for path in (walked / "pipelines" / "digits").iterdir()} - {".gitignore", "output"}
    assert made == listed


def test_the_task_is_the_one_that_is_shown(walked: Path):
    (shown,) = _blocks(4, "python")
    task = (walked / "pipelines" / "digits" / "tasks" / "evaluate.py").read_text()
    assert re.sub(r'cell="\w+"', "", shown) in re.sub(r'cell="[\w-]+"', "", task)


def test_it_runs_again_only_from_the_step_that_the_parameter_reaches(walked: Path):
    first, second = _blocks(5, "bash")[0].splitlines()
    assert "4 steps done" in _shell(walked, first).stdout
    again = _shell(walked, second)
    assert "load: up to date" in again.stdout
    assert "2 steps done, 2 up to date" in again.stdout
    missed = _shell(walked, "cellmill run digits -p neighbours=300")
    assert missed.returncode == 1
    assert "cell 8" in missed.stderr
    assert "criteria not met: accuracy >= 0.97, measured accuracy = 0.84" in missed.stderr


def test_it_is_verified_and_its_tests_notice_another_number(walked: Path):
    verify, test = _blocks(6, "bash")[0].splitlines()
    verified = _shell(walked, verify)
    assert (verified.returncode, "5 cells show the same" in verified.stdout) == (0, True)
    assert _shell(walked, f"{test} -q -p no:cacheprovider").returncode == 0
    task = walked / "pipelines" / "digits" / "tasks" / "train.py"
    text = task.read_text()
    task.write_text(text.replace("KNeighborsClassifier(neighbours)", "KNeighborsClassifier(200)"))
    try:
        changed = _shell(walked, f"{test}/evaluate.ipynb -q -p no:cacheprovider")
    finally:
        task.write_text(text)
    assert changed.returncode == 1
