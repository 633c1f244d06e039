"""The checked-in pipelines are what their notebooks are promoted to."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellmill.promote import diff_plan, make_plan
from cellmill.promote.write import changed_files

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_four_examples_and_one_of_them_is_wide() -> None:
    assert len(NOTEBOOKS) >= 4
    steps = {path.stem: make_plan(path).dataflow.steps for path in NOTEBOOKS}
    assert max(len(one) for one in steps.values()) >= 15


def test_branches_of_the_wide_example_do_not_wait_for_each_other() -> None:
    dataflow = make_plan(ROOT / "notebooks" / "wine_cultivars.ipynb").dataflow
    branches = [f"{kind}_{model}" for kind in ("basic", "phenols", "colour") for model in ("logistic", "forest")]
    for name in branches:
        assert not set(dataflow.step(name).upstream) & set(branches)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_promoting_again_changes_nothing(notebook: Path) -> None:
    plan = make_plan(notebook)
    assert diff_plan(plan) == ""
    assert changed_files(plan) == []
