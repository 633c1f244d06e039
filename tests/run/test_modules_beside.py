"""A module beside the notebook is code: where it changes, the tasks that import it run again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import yaml


def cellmill(folder: Path, *words: str) -> str:
    command = [str(Path(sys.executable).with_name("cellmill")), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_task_runs_again_when_a_module_that_it_imports_changes(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "areas.py").write_text("from units import UNIT\ndef area(x): return x * 3 * UNIT\n")
    (tmp_path / "units.py").write_text("UNIT = 1\n")
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for step, source in (("size", "size = 2"), ("area", "from areas import area\nprint(area(size))")):
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": [f"step:{step}"]}))
    nbformat.write(notebook, tmp_path / "study.ipynb")
    cellmill(tmp_path, "promote", "study.ipynb")
    folder = tmp_path / "pipelines" / "study"
    tasks = yaml.safe_load((folder / "pipeline.yaml").read_text())["tasks"]
    assert [sorted(task["params"]["resources_"]) for task in tasks] == [
        ["handover"],
        ["handover", "module:areas", "module:units"],
    ]
    cellmill(tmp_path, "run", "study")
    (tmp_path / "units.py").write_text("UNIT = 100\n")
    told = cellmill(tmp_path, "run", "study")
    assert "size: up to date" in told
    assert "area: up to date" not in told
    executed = nbformat.read(folder / "output" / "area.ipynb", as_version=4)
    assert "600" in "".join(one.get("text", "") for cell in executed.cells for one in cell.get("outputs", ()))
