"""`%steps` and `%run_pipeline` in a notebook: the steps drawn, live while they run, and still there later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from in_lab import Lab, cell, execute, save, saved, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_the_steps_are_drawn_under_the_cell(lab: Lab, visit: Callable[..., Page], shot: Callable[[str], Path]) -> None:
    path = "notebooks/drawn.ipynb"
    write_notebook(
        lab.root / path,
        ("code", "%load_ext cellmill"),
        ("code", "%%step load\nx = 1"),
        ("code", "%%step wait\nimport time\ntime.sleep(3)\ny = x + 1"),
        ("code", "%%step tell\nprint('the end', y)"),
        ("code", "%steps"),
        ("code", "%promote"),
        ("code", "%run_pipeline"),
    )
    page = visit(path)
    page.locator("#jp-main-statusbar").get_by_text("Idle").wait_for(timeout=90_000)
    for number in range(5):
        execute(page, number)
    drawn = cell(page, 4).locator(".jp-OutputArea-output svg[role=img]")
    drawn.wait_for(timeout=60_000)
    assert "wait after load" in (drawn.get_attribute("aria-label") or "")
    execute(page, 5)
    cell(page, 5).get_by_text("is now the pipeline").wait_for()
    # What cellmill itself does to the kernel is no doing of a step's.
    assert cell(page, 5).get_by_text("os.environ").count() == 0
    execute(page, 6)
    running = cell(page, 6).locator(".jp-OutputArea-output svg[role=img]")
    cell(page, 6).locator(".widget-html, .jupyter-widgets").first.wait_for()
    running.get_by_text("▸").first.wait_for()
    shot("run-pipeline-magic")
    cell(page, 6).get_by_text("succeeded in").first.wait_for(timeout=90_000)
    assert running.get_by_text("✓").count() == 3

    save(page, lab, path)
    (output,) = saved(lab, path)["cells"][6]["outputs"]
    assert "<svg" in "".join(output["data"]["text/html"])
    assert not any("widget" in kind for kind in output["data"])
