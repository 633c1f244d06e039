"""Steps that can't log to MLflow start without waiting for it; in any doubt they wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cellmill.track.self_logging import may_log

if TYPE_CHECKING:
    from conftest import Project

PLAIN = """
import math, pandas as pd
from sklearn.linear_model import LinearRegression
# %% tags=["inputs"]
# 5% of them, and 3 %
rows = [math.sqrt(2)]
"""


def test_a_pipeline_of_known_libraries_does_not_wait(project: Project) -> None:
    project.task("load", PLAIN)
    project.task("train", "import churn_handover\nimport helper\nx = 1\n")
    (project.folder / "churn_handover.py").write_text("import os, importlib\nos.environ\n")
    (project.notebooks / "helper.py").write_text("import numpy\n")
    (project.folder / "churn_shared.py").write_text("import scipy.stats\n")

    assert not may_log(project.folder, project.notebooks)


@pytest.mark.parametrize(
    "source",
    [
        "import mlflow",
        "from mlflow import log_metric",
        "import torch",
        "import lightning.pytorch as pl",
        "import subprocess",
        "import os\nos.system('python log.py')",
        "import os\nprint(os.environ)",
        "__import__('m' + 'lflow')",
        "get_ipython().run_line_magic('run', 'log.py')",
        "# %%bash\n# python log.py",
        '# %% language="bash"\n# python log.py',
        "# !python log.py",
        "# %run log.py",
        "import helper",
        "import package",
        "x = = 1",
    ],
)
def test_in_doubt_it_waits(project: Project, source: str) -> None:
    project.task("load", PLAIN)
    project.task("train", source)
    (project.notebooks / "helper.py").write_text("import deeper\n")
    (project.notebooks / "deeper.py").write_text("def log():\n    import mlflow\n")
    (project.notebooks / "package").mkdir()

    assert may_log(project.folder, project.notebooks)


def test_what_is_no_plain_python_waits(project: Project) -> None:
    assert may_log(project.folder, project.notebooks)
    (project.folder / "tasks" / "load.ipynb").write_text("{}")
    (project.folder / "tasks" / "train.R").write_text("x <- 1")
    assert may_log(project.folder, project.notebooks)
