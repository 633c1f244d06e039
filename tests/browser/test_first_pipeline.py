"""From a raw notebook to a pipeline that ran, and back to the cell that failed: as a user does it, in Lab alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from in_lab import (
    Lab,
    cell,
    edit,
    promote,
    run,
    run_command,
    saved,
    section,
    wait_for_run,
    wait_for_steps,
    write_notebook,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

RAW = (
    ("markdown", "# How large are they?"),
    ("code", "import pandas as pd\n\n\ndef twice(column):\n    return 2 * column"),
    ("code", "rows = 4"),
    ("markdown", "## Load the data"),
    ("code", "df = pd.DataFrame({'x': range(rows)})\ndf"),
    ("markdown", "## Features"),
    ("code", "df['y'] = twice(df['x'])"),
    ("code", "largest = int(df['y'].max())"),
    ("markdown", "## Report"),
    ("code", "total = int(df['y'].sum())\nprint('total', total, 'of', largest)"),
)


def test_the_way_from_a_raw_notebook_to_a_run_and_back(
    lab: Lab, visit: Callable[..., Page], shot: Callable[[str], Path]
) -> None:
    path = "notebooks/sizes.ipynb"
    write_notebook(lab.root / path, *RAW)
    page = visit(path)

    steps_from_headings(page, shot)
    another_step_for_two_cells(page, shot)
    a_forgotten_cell(page, shot)

    promote(page)
    page.get_by_text(re.compile(r"Promoted: \d+ files written")).first.wait_for()
    assert (lab.root / "pipelines" / "sizes" / "tasks" / "prepare.py").is_file()
    assert [one["metadata"].get("tags") for one in saved(lab, path)["cells"]][6] == ["step:prepare"]
    page.get_by_role("form").wait_for()
    shot("promoted")

    a_run_with_another_parameter(page, lab, shot)
    a_cell_that_breaks(page, shot)
    on_from_where_it_failed(page, lab)


def steps_from_headings(page: Page, shot: Callable[[str], Path]) -> None:
    page.get_by_text("No steps yet").first.wait_for()
    shot("no-steps")
    page.locator("#cellmill-pipeline").get_by_role("button", name="Suggest steps from headings").click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_text("Load the data").wait_for()
    shot("suggest-steps")
    dialog.get_by_role("button", name="Apply").click()
    wait_for_steps(page, "load_the_data", "features", "report")
    shot("pipeline")


def another_step_for_two_cells(page: Page, shot: Callable[[str], Path]) -> None:
    cell(page, 6).locator(".jp-InputPrompt").click()
    cell(page, 7).locator(".jp-InputPrompt").click(modifiers=["Shift"])
    run_command(page, "cellmill:choose-role")
    picker = page.locator(".cellmill-RolePicker-input")
    picker.fill("prepare")
    shot("pick-a-step")
    picker.press("Enter")
    wait_for_steps(page, "load_the_data", "prepare", "report")
    run_command(page, "notebook:undo-cell-action")
    wait_for_steps(page, "load_the_data", "features", "report")
    run_command(page, "notebook:redo-cell-action")
    wait_for_steps(page, "load_the_data", "prepare", "report")


def a_forgotten_cell(page: Page, shot: Callable[[str], Path]) -> None:
    cell(page, 1).locator(".jp-InputPrompt").click()
    run_command(page, "cellmill:set-role", {"role": None})
    readiness = section(page, "readiness")
    readiness.get_by_text("only defined in an untagged cell").first.wait_for()
    shot("an-error-with-its-remedy")
    readiness.get_by_role("button", name=re.compile("shared")).first.click()
    page.get_by_text("Ready for promotion").first.wait_for()


def a_run_with_another_parameter(page: Page, lab: Lab, shot: Callable[[str], Path]) -> None:
    section(page, "run")
    form = page.get_by_role("form")
    form.get_by_label("rows", exact=True).fill("many")
    assert form.get_by_role("button", name="Run", exact=True).is_disabled()
    shot("a-parameter-of-the-wrong-type")
    run(page, rows="5")
    wait_for_run(page, "running")
    page.locator("#cellmill-pipeline .cellmill-Step[data-state=running]").first.wait_for(timeout=60_000)
    shot("running")
    wait_for_run(page, "succeeded")
    shot("succeeded")
    assert "total 20 of 8" in (lab.root / "pipelines/sizes/output/report.ipynb").read_text()
    results = section(page, "run")
    links = results.get_by_role("button", name="Report of report")
    if not links.is_visible():
        results.get_by_text(re.compile(r"^3 reports$")).click()
    links.click()
    frame = page.frame_locator("iframe.jp-HTMLViewer, .jp-HTMLViewer iframe")
    frame.get_by_text("total 20 of 8").wait_for()


def a_cell_that_breaks(page: Page, shot: Callable[[str], Path]) -> None:
    page.locator(".lm-TabBar-tab", has_text="sizes.ipynb").first.click()
    edit(page, 9, "total = int(df['z'].sum())\nprint('total', total, 'of', largest)")
    page.get_by_text("Changed since the last promotion").first.wait_for()
    promote(page)
    page.get_by_text("The pipeline is up to date").first.wait_for()
    run(page, rows="5")
    wait_for_run(page, "failed")
    shot("failed")
    page.locator("#cellmill-pipeline").get_by_text("KeyError").first.wait_for()
    page.get_by_role("button", name="Go to source cell").first.click()
    page.wait_for_function(
        "() => document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell.jp-mod-active')"
        "?.dataset.windowedListIndex === '9'"
    )
    the_failure_in_the_notebooks_kernel(page, shot)
    page.get_by_role("button", name="Executed notebook", exact=True).first.click()
    page.locator(".lm-TabBar-tab", has_text="report.ipynb").first.wait_for()


def the_failure_in_the_notebooks_kernel(page: Page, shot: Callable[[str], Path]) -> None:
    page.get_by_role("button", name="Reproduce here").first.click()
    page.get_by_text("Run cell 10 to see it fail here.").first.wait_for()
    shot("reproduced")
    run_command(page, "notebook:run-cell")
    cell(page, 9).locator(".jp-OutputArea-output", has_text="KeyError").first.wait_for()
    page.get_by_role("button", name="Reproduce here").first.click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_text("The kernel has values for df, largest").wait_for()
    dialog.get_by_role("button", name="Cancel").click()


def on_from_where_it_failed(page: Page, lab: Lab) -> None:
    page.locator(".lm-TabBar-tab", has_text="sizes.ipynb").first.click()
    edit(page, 9, "total = int(df['y'].sum())\nprint('total', total, 'of', largest)")
    page.get_by_text("Changed since the last promotion").first.wait_for()
    promote(page)
    page.get_by_text("The pipeline is up to date").first.wait_for()
    page.get_by_role("button", name="Repair", exact=True).wait_for()
    page.get_by_role("button", name="What would Repair run, and why?").click()
    page.locator(".cellmill-Reasons div[data-state=would-run]", has_text="report").wait_for(timeout=60_000)
    page.get_by_role("button", name="Retry from here").first.click()
    wait_for_run(page, "succeeded")
    (last, *_) = lab.api("runs?limit=1")["runs"]
    assert [(task["name"], task["state"]) for task in last["tasks"]][-1] == ("report", "done")
    assert last["parameters"] == {"rows": 5}


SWEPT = (
    ("code", "strength: float = 1.0\nkind: str = 'square'\npause = 0.0", ["parameters"]),
    ("code", "import time\nrows = [1, 2, 3]", ["step:load"]),
    (
        "code",
        "time.sleep(pause)\nif strength == 3 and kind == 'cube':\n    raise ValueError('too strong')\n"
        "loss = sum(strength * row for row in rows) + len(kind)\n%metric loss loss",
        ["step:judge"],
    ),
)


def test_several_values_are_tried_and_compared(
    lab: Lab, visit: Callable[..., Page], shot: Callable[[str], Path]
) -> None:
    path = "notebooks/swept.ipynb"
    write_notebook(lab.root / path, *SWEPT)
    page = visit(path)
    wait_for_steps(page, "load", "judge")
    promote(page)
    page.get_by_text(re.compile("Promoted: ")).first.wait_for()

    section(page, "run").get_by_role("button", name="Try several values").click()
    form = page.get_by_role("form")
    form.get_by_label("strength", exact=True).fill("1, 2, three")
    form.get_by_text("Parameter strength takes a float, not three.").first.wait_for()
    form.get_by_label("strength", exact=True).fill("1, 2, 3")
    form.get_by_label("kind", exact=True).fill("square, cube")
    form.get_by_label("pause", exact=True).fill("1")
    form.get_by_label("Compare by metric").fill("loss")
    form.get_by_text("6 combinations: strength × 3, kind × 2").wait_for()
    shot("sweep-form")
    form.get_by_role("button", name="Run 6 combinations").click()
    wait_for_run(page, "running")
    card = page.locator("#cellmill-pipeline .cellmill-Run")
    card.locator("tr[data-state=running]").first.wait_for(timeout=60_000)
    assert card.get_by_text(re.compile(r"\d of 6 combinations")).is_visible()
    shot("sweep-running")

    wait_for_run(page, "failed")
    assert card.locator("tbody tr td:nth-child(3)").all_inner_texts()[::5] == ["cube", "cube"]
    failed = card.locator("tbody tr").last
    assert failed.get_attribute("data-state") == "failed"
    assert "too strong" in (failed.get_attribute("title") or "")
    best = card.locator("tbody tr[data-best=true]")
    assert best.locator(".cellmill-Tag").inner_text() == "best"
    assert "Lowest loss: 10 with strength = 1, kind = cube" in card.inner_text()
    best.scroll_into_view_if_needed()
    shot("sweep-table")
    card.get_by_role("button", name="Plot and table").click()
    frame = page.frame_locator("iframe.jp-HTMLViewer, .jp-HTMLViewer iframe")
    frame.get_by_text("lowest loss").wait_for()


SLOW = (
    ("code", "seconds = 6", ["parameters"]),
    ("code", "import time\nx = 1", ["step:load"]),
    ("code", "time.sleep(seconds)\ny = x + 1", ["step:wait"]),
    ("code", "print('the end', y)", ["step:tell"]),
)


def slow_pipeline(lab: Lab, visit: Callable[..., Page], path: str) -> Page:
    """Promote a notebook whose middle step takes its time."""
    write_notebook(lab.root / path, *SLOW)
    page = visit(path)
    wait_for_steps(page, "load", "wait", "tell")
    promote(page)
    page.get_by_text(re.compile("Promoted: ")).first.wait_for()
    return page


def test_a_run_outlives_the_page_and_the_server(lab: Lab, visit: Callable[..., Page]) -> None:
    path = "notebooks/slow.ipynb"
    page = slow_pipeline(lab, visit, path)
    run(page, seconds="8")
    wait_for_run(page, "running")

    page = visit(path)
    wait_for_run(page, "running")
    lab.stop()
    lab.start()
    page = visit(path)
    wait_for_run(page, "succeeded")
    (last, *_) = lab.api("runs?limit=1")["runs"]
    assert (last["state"], last["source"]) == ("succeeded", "lab")


def test_a_run_is_stopped_from_the_panel(lab: Lab, visit: Callable[..., Page]) -> None:
    path = "notebooks/stopped.ipynb"
    page = slow_pipeline(lab, visit, path)
    run(page, seconds="300")
    wait_for_run(page, "running")
    page.locator("#cellmill-pipeline .cellmill-Run").get_by_role("button", name="Stop").click()
    wait_for_run(page, "stopped")


def test_an_engineers_edit_is_shown_before_it_is_lost(
    lab: Lab, visit: Callable[..., Page], shot: Callable[[str], Path]
) -> None:
    path = "notebooks/edited.ipynb"
    page = slow_pipeline(lab, visit, path)
    task = lab.root / "pipelines" / "edited" / "tasks" / "wait.py"
    edited = task.read_text().replace("y = x + 1", "y = x + 2  # by hand")
    task.write_text(edited)

    edit(page, 2, "time.sleep(seconds)\ny = x + 3")

    promote(page)
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_text("disagree in 1 place").wait_for()
    dialog.get_by_text("cell 3 of step wait has changed").wait_for()
    dialog.locator("tr[data-conflict]").get_by_text("by hand").wait_for()
    shot("edited-by-hand")
    dialog.get_by_role("button", name="Keep the edits").click()
    page.get_by_text("Edited by hand, and kept: tasks/wait.py").first.wait_for()
    assert task.read_text() == edited

    edit(page, 2, "print('waits')\ntime.sleep(seconds)\ny = x + 3")
    promote(page)
    dialog.get_by_text("Merged", exact=True).wait_for()
    shot("edited-and-merged")
    dialog.get_by_role("button", name="Merge").click()
    page.get_by_text("Edits made by hand were merged in tasks/wait.py").first.wait_for()
    assert "print('waits')\ntime.sleep(seconds)\ny = x + 2  # by hand\n" in task.read_text()


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_every_text_can_be_read_and_every_control_has_a_name(
    lab: Lab, visit: Callable[..., Page], shot: Callable[[str], Path], theme: str
) -> None:
    """The rules of axe-core, on what cellmill adds to the page."""
    path = "notebooks/read.ipynb"
    write_notebook(lab.root / path, *SLOW, ("code", "print(unknown)", ["step:tell"]))
    page = visit(path)
    wait_for_steps(page, "load", "wait", "tell")
    run_command(page, "apputils:change-theme", {"theme": theme})
    page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=theme)
    section(page, "readiness").get_by_text("unknown").first.wait_for()
    shot("dark" if "Dark" in theme else "light")
    page.add_script_tag(path=Path(__file__).parents[2] / "extension/node_modules/axe-core/axe.min.js")
    found = page.evaluate(
        "() => axe.run({include: [['#cellmill-pipeline'], ['.cellmill-CellMark']]}, {resultTypes: ['violations']})"
    )
    serious = [
        (one["id"], [node["html"][:120] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_a_hostile_notebook_is_only_text(lab: Lab, visit: Callable[..., Page]) -> None:
    path = "notebooks/hostile.ipynb"
    markup = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>"
    write_notebook(
        lab.root / path,
        ("markdown", "## " + "long " * 30),
        ("code", f"x = 1  # {markup}", ["step:load", f"step:{markup}", markup]),
        ("code", f"print({markup!r}, undefined_name)", ["step:tell"]),
        ("code", "y = x", [f"check:{markup}"]),
    )
    content = saved(lab, path)
    output = {"output_type": "stream", "name": "stdout", "text": markup * 20000}
    content["cells"][2] |= {"outputs": [output], "execution_count": 1}
    (lab.root / path).write_text(json.dumps(content))
    page = visit(path)
    section(page, "readiness").get_by_text("undefined_name").first.wait_for()
    assert page.evaluate("window.hacked") is None
    assert page.locator("#cellmill-pipeline img, #cellmill-pipeline script").count() == 0


def test_it_all_goes_by_the_keyboard(lab: Lab, visit: Callable[..., Page]) -> None:
    path = "notebooks/keys.ipynb"
    write_notebook(lab.root / path, ("code", "x = 1"), ("code", "y = x + 1\nprint(y)"))
    page = visit(path)
    page.get_by_text("No steps yet").first.wait_for()
    run_command(page, "notebook:enter-command-mode")

    def name(step: str) -> None:
        page.keyboard.press("t")
        page.locator(".cellmill-RolePicker-input").wait_for()
        page.keyboard.type(step)
        page.keyboard.press("Enter")
        page.locator(".cellmill-RolePicker-input").wait_for(state="detached")

    name("load")
    page.keyboard.press("ArrowDown")
    name("tell")
    wait_for_steps(page, "load", "tell")
    page.keyboard.press("z")
    wait_for_steps(page, "load")
    page.keyboard.press("Shift+Z")
    wait_for_steps(page, "load", "tell")

    # From a step in the graph to its cell.
    page.locator("#cellmill-pipeline .cellmill-Step").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell.jp-mod-active')"
        "?.dataset.windowedListIndex === '0'"
    )
    page.keyboard.press("Control+Shift+C")
    page.locator(".lm-CommandPalette-input").wait_for()
    page.keyboard.type("promote to pipeline")
    page.keyboard.press("Enter")
    page.get_by_text(re.compile(r"Promoted: \d+ files written")).first.wait_for()
    assert (lab.root / "pipelines" / "keys" / "tasks" / "tell.py").is_file()
