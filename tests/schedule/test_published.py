"""Which code a schedule runs, and what stays of its runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import yaml
from scheduled import Project, until

from cellmill.run.log import runs_folder


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.close()


OLD = "from pathlib import Path\nassert not Path('broken').exists(), 'old and broken'\nprint('old' + 'code')"


def write_notebook(path: Path, cells: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [nbformat.v4.new_code_cell(source, metadata={"tags": [tag] if tag else []}) for tag, source in cells.items()]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), path)


def run_now(project: Project, name: str = "one") -> str:
    """Run the schedule once; what its only step showed."""
    number = len(project.ticks())
    project.cellmill("schedule", "run-now", name)
    until(lambda: len(project.ticks()) > number and project.ticks()[-1].state not in ("queued", "running"))
    tick = project.ticks()[-1]
    assert tick.state == "succeeded", tick.reason
    (executed,) = (Path(tick.record) / "notebooks").glob("*.ipynb")
    return executed.read_text()


def test_what_was_verified_runs_until_something_newer_is(project: Project) -> None:
    write_notebook(project.root / "notebooks" / "a.ipynb", {"step:load": OLD})
    project.cellmill("promote", "notebooks/a.ipynb")
    folder = project.root / "pipelines" / "a"
    entry = {"name": "one", "cron": "0 0 1 1 *"}
    with (folder / "cellmill.yaml").open("a") as file:
        file.write(yaml.safe_dump({"schedule": [entry]}))
    assert "a was never verified" in project.cellmill("schedule", "apply", check=False)
    project.cellmill("verify", "pipelines/a")
    project.cellmill("schedule", "apply")
    project.scheduler()
    task = folder / "tasks" / "load.py"
    task.write_text(task.read_text().replace("'old'", "'new'"))

    assert "oldcode" in run_now(project)
    (tick,) = project.ticks()
    assert tick.snapshot.startswith("published ")
    # Its products are where the pipeline's always are.
    assert "oldcode" in (folder / "output" / "load.ipynb").read_text()

    # Where it fails, that is told of the notebook that it was made of.
    (project.root / "notebooks" / "broken").touch()
    project.cellmill("schedule", "run-now", "one")
    (failed,) = until(lambda: [tick for tick in project.ticks() if tick.state == "failed"])
    assert "notebooks/a.ipynb, cell 1, line 2" in failed.reason
    (project.root / "notebooks" / "broken").unlink()

    write_notebook(project.root / "notebooks" / "a.ipynb", {"step:load": "print('new' + 'code')"})
    project.cellmill("promote", "notebooks/a.ipynb", "--overwrite")
    project.cellmill("verify", "pipelines/a")

    # On another machine the proof has come with the folder, and nothing else has.
    shutil.rmtree(project.root / ".cellmill" / "published")

    assert "newcode" in run_now(project)
    assert project.ticks()[-1].snapshot != tick.snapshot


def test_an_ordinary_notebook_runs_and_a_failure_names_its_cell(project: Project) -> None:
    cells = {"parameters": "n = 1", "": "print('n is', n)\nassert n < 5, 'too large'"}
    write_notebook(project.root / "notebooks" / "plain.ipynb", cells)
    before = (project.root / "notebooks" / "plain.ipynb").read_bytes()
    entries = [
        {"name": "good", "cron": "0 0 1 1 *", "notebook": "plain.ipynb", "parameters": {"n": 3}},
        {"name": "bad", "cron": "0 0 1 1 *", "notebook": "plain.ipynb", "parameters": {"n": 7}},
    ]
    project.declare(project.root / "notebooks", entries)
    project.cellmill("schedule", "apply")
    project.scheduler()

    assert "n is 3" in run_now(project, "good")
    project.cellmill("schedule", "run-now", "bad")
    (tick,) = until(lambda: [tick for tick in project.ticks("notebooks/bad") if tick.state == "failed"])
    assert "plain.ipynb, cell 2" in tick.reason
    assert "too large" in tick.reason
    assert (project.root / "notebooks" / "plain.ipynb").read_bytes() == before


def test_records_go_but_the_last_success_stays(project: Project) -> None:
    code = "from pathlib import Path\nassert not Path('../../broken').exists()"
    project.pipeline("a", [{"name": "one", "cron": "0 0 1 1 *", "keep": {"count": 1}}], {"only": code})
    project.cellmill("schedule", "apply")
    project.scheduler()
    for number in range(4):
        if number == 2:
            (project.root / "broken").touch()
        project.cellmill("schedule", "run-now", "one")
        until(
            lambda number=number: (
                [one.state in ("succeeded", "failed") for one in project.ticks()] == [True] * (number + 1)
            )
        )

    ticks = project.ticks()
    wanted = {tick.run_id for tick in (ticks[1], ticks[3])}
    until(lambda: {path.name for path in runs_folder(project.root).iterdir() if path.name[0] != "."} == wanted)
    assert [tick.state for tick in ticks] == ["succeeded", "succeeded", "failed", "failed"]
