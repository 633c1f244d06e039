"""A notebook of our own in the shape of those that libraries show in their galleries: from headings to proof."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cellmill.notebook import propose_tags, read_notebook, write_tags
from cellmill.promote import make_plan, write_plan
from cellmill.promote.verify import verify

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """The notebook with the tags that its headings propose."""
    (tmp_path / "pyproject.toml").touch()
    path = Path(shutil.copy(NOTEBOOKS / "gallery.ipynb", tmp_path))
    write_tags(path, propose_tags(read_notebook(path)))
    return path


def test_headings_give_the_steps_that_a_reader_sees(gallery: Path) -> None:
    tags = [cell.tags[0] for cell in read_notebook(gallery).cells if cell.tags]
    steps = list(dict.fromkeys(tag for tag in tags if tag.startswith("step:")))
    assert steps == [
        "step:shapes",
        "step:smooth_by_convolve",
        "step:сгладить_иначе",
        "step:shapes_2",
    ]
    assert tags.count("parameters") == 1
    assert tags.count("shared") == 1


def test_its_pipeline_is_proven_equal(gallery: Path) -> None:
    plan = make_plan(gallery)
    write_plan(plan)
    found = verify(plan.folder)
    assert found.equal, found.summary
    assert sum(cell.state == "equal" for cell in found.cells) >= 11
