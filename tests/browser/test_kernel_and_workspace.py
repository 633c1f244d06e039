"""What the live kernel knows and the notebook does not; and the list of all pipelines and runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from in_lab import Lab, cell, edit, execute, promote, run, run_command, wait_for_run, wait_for_steps, write_notebook
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def wait_for_kernel(page: Page) -> None:
    page.locator("#jp-main-statusbar").get_by_text("Idle").wait_for(timeout=90_000)


def note_of(page: Page, number: int) -> Locator:
    """Open the mark of a cell; what it says."""
    mark = cell(page, number).locator(".cellmill-Note:visible")
    mark.wait_for()
    mark.click()
    return page.get_by_role("dialog").filter(has=page.get_by_role("button")).last


def test_what_only_the_kernel_knows_is_told_at_the_cell(
    lab: Lab, visit: Callable[..., Page], shot: Callable[[str], Path]
) -> None:
    path = "notebooks/ghosts.ipynb"
    write_notebook(
        lab.root / path,
        ("code", "threshold = 0.5"),
        ("code", "scores = [0.2, 0.6, 0.9]", ["step:load"]),
        ("code", "kept = [one for one in scores if one > threshold]", ["step:choose"]),
        ("code", "print(len(kept), 'kept')", ["step:tell"]),
    )
    page = visit(path)
    wait_for_kernel(page)
    for number in range(4):
        execute(page, number)
    expect(page.locator(".cellmill-Note[data-kind=stale]:visible")).to_have_count(0)

    # Its cell is gone, but the kernel still has the name.
    cell(page, 0).locator(".jp-InputPrompt").click()
    run_command(page, "notebook:delete-cell")
    edit(page, 0, "scores = [0.2, 0.4, 0.9]")
    note = note_of(page, 1)
    note.get_by_text("threshold lives only in the kernel").wait_for()
    shot("only-in-the-kernel")
    page.keyboard.press("Escape")
    note_of(page, 0).get_by_text("The cell was edited after it ran").wait_for()
    page.keyboard.press("Escape")

    # What ran below is now older than what it was made from.
    execute(page, 0)
    note = note_of(page, 2)
    note.get_by_text("Cell 1 above ran after this one").wait_for()
    note.get_by_role("button", name="Run this cell").click()
    expect(cell(page, 2).locator(".cellmill-Note")).to_be_hidden()


def test_all_pipelines_and_runs_are_in_the_left_panel(
    lab: Lab, visit: Callable[..., Page], shot: Callable[[str], Path]
) -> None:
    for name, source in (("churn", "x = 1"), ("prices", "raise ValueError('no prices today')"), ("weather", "x = 2")):
        path = f"notebooks/{name}.ipynb"
        write_notebook(lab.root / path, ("code", source, ["step:load"]), ("code", "print(1)", ["step:tell"]))
        page = visit(path)
        wait_for_steps(page, "load", "tell")
        promote(page)
        page.get_by_text(re.compile("Promoted: ")).first.wait_for()
    page = visit("notebooks/prices.ipynb")
    run(page)
    wait_for_run(page, "failed")
    page = visit("notebooks/weather.ipynb")
    run_command(page, "cellmill:show-pipelines")
    panel = page.locator("#cellmill-pipelines")
    weather = panel.locator(".cellmill-Pipeline").filter(has_text="weather")
    weather.get_by_role("button", name="Run weather").click()
    weather.get_by_text("succeeded").wait_for(timeout=90_000)
    # Made again in the editor, and saved: its pipeline is behind.
    edit(page, 0, "x = 3")
    run_command(page, "docmanager:save")
    weather.get_by_text("notebook changed since").wait_for()
    shot("pipelines")

    panel.get_by_role("textbox").fill("failed")
    expect(panel.locator(".cellmill-Pipeline-name")).to_have_text(["prices"])
    panel.get_by_role("textbox").fill("nothing is called so")
    panel.get_by_text("No pipeline is called so.").wait_for()
    panel.get_by_role("textbox").fill("")
    panel.get_by_title("Show this run of prices").first.click()
    page.locator("#cellmill-pipeline").get_by_text("no prices today").first.wait_for()
    page.locator(".lm-TabBar-tab.lm-mod-current", has_text="prices.ipynb").first.wait_for()
