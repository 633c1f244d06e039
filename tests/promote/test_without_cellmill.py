"""A promoted folder is plain Ploomber: without cellmill `ploomber build` gives what `cellmill run` gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import textwrap
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cellmill.promote import make_plan, write_plan
from cellmill.run import RunResult, run_pipeline

CELLS = [
    ("", "%load_ext cellmill"),
    ("parameters", "rows: int = 4\nscale = 0.5\nlabel = '{{x}}'\nlimit = None"),
    (
        "shared",
        """
        import sys

        import numpy as np
        import pandas as pd

        class Model:
            def fit(self, x):
                self.mean = float(np.mean(x)) * scale
                return self
        """,
    ),
    (
        "step:load",
        """
        open("interpreters.txt", "a").write(sys.executable + "\\n")
        rng = np.random.default_rng(0)
        df = pd.DataFrame({"x": rng.normal(size=rows), "y": list(range(rows))})
        df
        """,
    ),
    ("step:load", "xs = df['x'].to_numpy()\nprint(label, limit)\n!echo from the shell"),
    (
        "step:train",
        "model = Model().fit(xs)\n\ndef predict(k):\n    return model.mean * k\n\nprint(f'{predict(2):.6f}')",
    ),
    ("step:train", '%metric mean model.mean\n%criteria "rows >= 1"'),
    ("check:train", "assert isinstance(model, Model)"),
    ("step:report", "values = [predict(k) for k in df['y']]\nvalues[-1]"),
    ("step:report", "total = sum(values)\n%metric total total\ntotal"),
    ("step:use", "total, model.mean, df.shape"),
]
TASKS = ["load", "train", "report", "use"]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python in an environment that has all that this one has, but not cellmill."""
    root = tmp_path_factory.mktemp("bare")
    venv.create(root / "venv", with_pip=False)
    view = root / "site-packages"
    view.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if "cellmill" not in path.name:
            (view / path.name).symlink_to(path)
    (root / "venv" / "share").symlink_to(Path(sys.prefix) / "share")
    python = root / "venv" / "bin" / "python"
    query = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    (Path(own) / "view.pth").write_text(f"{view}\n", encoding="utf-8")
    return python


@pytest.fixture
def plainly(bare: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python there, as a user without any of this test's settings would."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JPY_", "MLFLOW"))}
    environment = kept | {"PLOOMBER_STATS_ENABLED": "false", "PATH": f"{bare.parent}{os.pathsep}{os.environ['PATH']}"}
    environment["VIRTUAL_ENV"] = str(bare.parent.parent)

    def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(bare), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    return run


@pytest.fixture
def folder(project: Path, write_notebook: Any) -> Path:
    notebook = write_notebook(
        project / "notebooks" / "churn.ipynb", [(tag, textwrap.dedent(source).strip()) for tag, source in CELLS]
    )
    return write_plan(make_plan(notebook)).folder


BUILD = "from ploomber_cli.cli import cmd_router; import sys; sys.argv[0] = 'ploomber'; cmd_router()"
READ = """
import json, sys
import churn_handover
found = {}
for task in ("load", "train", "report"):
    product = {"variables": f"output/{task}/variables.json"}
    churn_handover.begin({"variables": "output/reader/variables.json"}, globals())
    with open(product["variables"]) as file:
        names = list(json.load(file)["variables"])
    loaded = churn_handover.load_bound(product, *names)
    found[task] = {name: repr(vars(one) if type(one).__name__ == "Model" else one) for name, one in loaded.items()}
    if "predict" in loaded:
        globals().update(loaded)
        found[task]["predict"] = repr(loaded["predict"](3))
json.dump(found, sys.stdout)
"""


def shown(folder: Path) -> dict[str, list[Any]]:
    """The outputs of all cells of the executed notebooks, and their counts.

    Without the cell that Ploomber injects: the order of ``upstream`` in it changes from process to process.
    """
    notebooks = {name: nbformat.read(folder / "output" / f"{name}.ipynb", as_version=4) for name in TASKS}
    return {
        name: [
            (cell.source, cell.get("execution_count"), cell.get("outputs"))
            for cell in notebook.cells
            if "injected-parameters" not in cell.metadata.get("tags", [])
        ]
        for name, notebook in notebooks.items()
    }


def products(folder: Path, plainly: Any) -> dict[str, Any]:
    read = plainly("-c", READ, cwd=folder)
    assert read.returncode == 0, read.stderr
    return {
        "files": sorted(
            path.relative_to(folder).as_posix() for path in (folder / "output").rglob("*") if path.is_file()
        ),
        "shown": shown(folder),
        "variables": json.loads(read.stdout),
        "manifests": {name: json.loads((folder / f"output/{name}/variables.json").read_text()) for name in TASKS},
        "metrics": {path.name: path.read_text() for path in sorted((folder / "output").glob("*.metrics.json"))},
    }


def states(result: RunResult) -> list[str]:
    assert result.failure is None, result.failure and result.failure.sentence
    return [task.state for task in result.tasks]


def test_plain_ploomber_gives_the_same_and_each_takes_over_from_the_other(folder: Path, plainly: Any) -> None:
    assert plainly("-c", "import cellmill", cwd=folder).returncode != 0

    assert states(run_pipeline(folder)) == ["succeeded"] * 4
    ours = products(folder, plainly)
    again = plainly("-c", BUILD, "build", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("False") == 4, again.stdout

    forced = plainly("-c", BUILD, "build", "--force", cwd=folder)
    assert forced.returncode == 0, forced.stderr
    theirs = products(folder, plainly)
    assert states(run_pipeline(folder)) == ["up-to-date"] * 4

    interpreters = (folder.parents[1] / "notebooks" / "interpreters.txt").read_text(encoding="utf-8").split("\n")
    assert interpreters[0] == sys.executable
    assert interpreters[1].endswith("/venv/bin/python")
    for part, content in ours.items():
        assert theirs[part] == content, part
    assert ours["variables"]["train"]["predict"] == repr(3 * ours["manifests"]["train"]["metrics"]["mean"])
