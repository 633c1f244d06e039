"""Notebooks that others wrote: a sample of scikit-learn's and statsmodels' examples is proven equal as a pipeline."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "corpus"
SAMPLE = (
    "scikit-learn-applications-outlier_detection_wine",
    "scikit-learn-cluster-mini_batch_kmeans",
    "scikit-learn-cross_decomposition-compare_cross_decomposition",
    "scikit-learn-feature_selection-feature_selection",
    "scikit-learn-linear_model-ols_ridge",
    "scikit-learn-linear_model-sgd_separating_hyperplane",
    "statsmodels-categorical_interaction_plot",
    "statsmodels-glm_formula",
    "statsmodels-gls",
    "statsmodels-predict",
    "statsmodels-stats_poisson",
    "statsmodels-tsa_dates",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the corpus program left its results of the sample."""
    cache = tmp_path_factory.mktemp("corpus")
    command = [sys.executable, str(PROGRAM), "--cache", str(cache), "--only", *SAMPLE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode != 0 and "package index" in done.stderr:
        pytest.skip(f"the sample is fetched, never kept here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return cache / "results"


@pytest.mark.parametrize("name", SAMPLE)
def test_the_pipeline_of_somebody_elses_notebook_shows_what_it_shows(folder: Path, name: str) -> None:
    result = json.loads((folder / f"{name}.json").read_text())
    assert (result["state"], result["reasons"]) == ("equal", [])
    assert result["steps"] >= 2
    assert result["cells"] >= 1
