"""The tab of schedules: made by the form, written as a diff, run by a real scheduler, back to the cell that failed."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from in_lab import Lab, run_command, write_notebook
from playwright.sync_api import expect

from cellmill.promote import make_plan, write_plan
from cellmill.schedule.claims import Limits, claim
from cellmill.schedule.declare import known_schedules
from cellmill.schedule.due import Cause, put_causes
from cellmill.schedule.project import apply
from cellmill.schedule.store import Store, store_url
from cellmill.schedule.ticks import end

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

AXE = Path(__file__).parents[2] / "extension/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def scheduler(lab: Lab) -> Iterator[None]:
    """A scheduler of the project, as from a terminal."""
    words = "from cellmill.cli import main; main(['scheduler', '--patience', '1s'])"
    with (lab.home / "scheduler.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", words], cwd=lab.root, stderr=log)
    yield
    process.terminate()
    process.wait(30)


def pipeline(lab: Lab, name: str, *cells: tuple[str, str] | tuple[str, str, list[str]]) -> Path:
    """Promote a notebook; the pipeline's folder."""
    notebook = write_notebook(lab.root / "notebooks" / f"{name}.ipynb", *cells)
    return write_plan(make_plan(notebook), force=True).folder


def field(page: Page, label: str) -> Locator:
    return page.locator(".cellmill-ScheduleForm").get_by_label(label, exact=True)


def item(page: Page, label: str) -> Locator:
    return page.locator(f".cellmill-Schedule[data-label='{label}']")


def test_a_schedule_from_the_form_to_the_cell_that_failed(
    lab: Lab, visit: Callable[..., Page], shot: Callable[[str], Path], request: pytest.FixtureRequest
) -> None:
    folder = pipeline(
        lab,
        "churn",
        ("markdown", "# Who leaves?"),
        ("code", "day: str = '2026-01-01'\ntest_size: float = 0.2", ["parameters"]),
        ("code", "rows = [1, 2, 3]\nprint(day)", ["step:load"]),
        ("code", "shares = {'a': test_size}\nprint(rows, shares['b'])", ["step:train"]),
    )
    file = folder / "cellmill.yaml"
    file.write_text("# Ask Mia before you change this.\n" + file.read_text())
    page = visit()
    run_command(page, "cellmill:show-schedules")
    page.get_by_text("No schedules yet").wait_for()
    page.get_by_role("button", name="New schedule").click()

    what_is_wrong_is_told_in_a_sentence(page)
    field(page, "When").select_option(label="every weekday, Monday to Friday")
    field(page, "At").fill("09:00")
    field(page, "Time zone").fill("Europe/Berlin")
    field(page, "day").fill("{{ date | days(-1) }}")
    field(page, "test_size").fill("0.3")
    field(page, "Code").select_option(label="as it stands in the folder")
    meaning = page.locator(".cellmill-Meaning")
    meaning.get_by_text("At 09:00 on Monday through Friday (Europe/Berlin)").wait_for()
    expect(meaning.get_by_role("listitem")).to_have_count(5)
    page.locator(".cellmill-Change [data-kind=added]", has_text="cron: 0 9 * * 1-5").wait_for()
    assert "schedule:" not in file.read_text()
    shot("schedule-form")
    page.get_by_role("button", name="Write to cellmill.yaml").click()

    item(page, "churn/nightly").wait_for()
    page.get_by_text("churn/nightly is written to pipelines/churn/cellmill.yaml.").wait_for()
    page.get_by_text("No scheduler runs").wait_for()
    text = file.read_text()
    assert text.startswith("# Ask Mia before you change this.\n")
    assert "day: '{{ date | days(-1) }}'\n      test_size: 0.3\n" in text

    request.getfixturevalue("scheduler")
    it_is_run_now_and_leads_to_its_cell(page, shot)
    it_is_paused_edited_and_deleted(page, file)


def what_is_wrong_is_told_in_a_sentence(page: Page) -> None:
    field(page, "When").select_option(label="by a cron expression")
    field(page, "Cron expression").fill("0 9 * *")
    field(page, "Time zone").fill("Europe/Berln")
    field(page, "test_size").fill("much")
    for sentence in ("A cron expression has five fields", "did you mean Europe/Berlin?", "Write a number"):
        page.locator(".cellmill-Meaning-problems").get_by_text(sentence).wait_for()
    assert page.get_by_role("button", name="Write to cellmill.yaml").is_disabled()


def it_is_run_now_and_leads_to_its_cell(page: Page, shot: Callable[[str], Path]) -> None:
    page.get_by_text("No scheduler runs").wait_for(state="detached", timeout=60_000)
    page.get_by_role("button", name="Run churn/nightly now").click()
    failed = item(page, "churn/nightly").locator(".cellmill-Tick[data-state=failed]")
    failed.wait_for(timeout=90_000)
    assert re.match(r"failed\ndue \w+ \d{4}-\d\d-\d\d ", failed.get_attribute("aria-label") or "")
    failed.click()
    details = page.locator(".cellmill-TickDetails")
    details.get_by_text("KeyError").first.wait_for()
    shot("schedules")
    details.get_by_role("button", name="Go to source cell").click()
    page.wait_for_function(
        "() => document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell.jp-mod-active')"
        "?.dataset.windowedListIndex === '3'"
    )


def it_is_paused_edited_and_deleted(page: Page, file: Path) -> None:
    run_command(page, "cellmill:show-schedules")
    page.get_by_role("button", name="Pause churn/nightly").click()
    item(page, "churn/nightly").get_by_text("paused", exact=True).wait_for()
    page.get_by_role("button", name="Resume churn/nightly").click()
    item(page, "churn/nightly").get_by_text("Next").wait_for()
    it_is_due_in_the_list_of_pipelines_unless_it_is_paused(page)

    page.get_by_role("button", name="Edit churn/nightly").click()
    field(page, "Retries").fill("2")
    page.locator(".cellmill-Change [data-kind=added]", has_text="retries: 2").wait_for()
    page.get_by_text("More settings").click()
    field(page, "Keep runs").fill("few")
    page.locator(".cellmill-Meaning-problems").get_by_text("Must be a whole number, not few").wait_for()
    field(page, "Keep runs").fill("7")
    field(page, "Spread over").fill("5m")
    for line in ("count: 7", "jitter: 5m"):
        page.locator(".cellmill-Change [data-kind=added]", has_text=line).wait_for()
    # Somebody else writes to the file meanwhile: what was shown is not what would be written.
    file.write_text(file.read_text() + "# Mia was here.\n")
    page.get_by_role("button", name="Write to cellmill.yaml").click()
    page.get_by_text("was changed meanwhile; look at the change again").wait_for()
    field(page, "Retries").fill("3")
    page.locator(".cellmill-Change [data-kind=added]", has_text="retries: 3").wait_for()
    page.get_by_role("button", name="Write to cellmill.yaml").click()
    item(page, "churn/nightly").wait_for()
    assert "retries: 3" in file.read_text()

    page.get_by_role("button", name="Delete churn/nightly").click()
    dialog = page.locator(".jp-Dialog")
    dialog.locator("[data-kind=removed]", has_text="name: nightly").wait_for()
    dialog.get_by_role("button", name="Delete").click()
    item(page, "churn/nightly").wait_for(state="detached")
    assert file.read_text().endswith("# Mia was here.\n")
    assert "schedule" not in file.read_text()


def it_is_due_in_the_list_of_pipelines_unless_it_is_paused(page: Page) -> None:
    run_command(page, "cellmill:show-pipelines")
    due = page.locator(".cellmill-Pipeline", has_text="churn").get_by_text("next: ")
    due.wait_for()
    page.get_by_role("button", name="Pause churn/nightly").click()
    due.wait_for(state="detached")
    page.get_by_role("button", name="Resume churn/nightly").click()
    due.wait_for()


def test_earlier_runs_and_what_was_promised_can_be_looked_at(
    lab: Lab, visit: Callable[..., Page], shot: Callable[[str], Path]
) -> None:
    folder = pipeline(lab, "rates", ("code", "n = 1", ["parameters"]), ("code", "print(n)", ["step:load"]))
    with (folder / "cellmill.yaml").open("a") as file:
        file.write("schedule:\n  - {name: hourly, cron: 0 * * * *, snapshot: latest}\n")
        file.write("slo: {success_rate: 99%, freshness: 2h}\n")
    past_times(lab, folder, 40)
    page = visit()
    run_command(page, "cellmill:show-schedules")
    marks = item(page, "rates/hourly").locator(".cellmill-Tick[data-state]")
    expect(marks).to_have_count(11)
    page.get_by_role("button", name="Show earlier runs of rates/hourly").click()
    expect(marks).to_have_count(40)
    # The one that failed long ago.
    marks.nth(3).click()
    page.locator(".cellmill-TickDetails").get_by_text("no rates today").wait_for()
    page.get_by_role("button", name="Show the latest runs of rates/hourly only").click()
    expect(marks).to_have_count(11)
    promised = page.get_by_role("table", name="Service levels").get_by_role("row", name="rates")
    cells = ["97.5% of 99%, 30 d", "2.5 times used", "0", re.compile("60 min of 2 h|1 h of 2 h")]
    expect(promised.get_by_role("cell")).to_have_text(cells)
    run_command(page, "cellmill:show-pipelines")
    page.locator(".cellmill-Pipeline", has_text="rates").get_by_text("service level broken").wait_for()
    shot("service-levels")


def past_times(lab: Lab, folder: Path, number: int) -> None:
    """Let a folder's schedule have had times, of which the fourth failed and the last is the latest."""
    store = Store(store_url(lab.root))
    try:
        now = time.time()
        apply(store, lab.root, [folder], now)
        (known,) = (one for one in known_schedules(store, [lab.root]) if one.folder == folder)
        for at in range(number):
            due = now - 3600 * (number - at)
            put_causes(store, known, [Cause("hand", f"past {at}", due)], now)
            (tick,) = claim(store, "past", {known.id: known}, Limits(1, {}), now)
            end(store, tick, "failed" if at == 3 else "succeeded", due + 5, "no rates today" if at == 3 else "")
    finally:
        store.close()


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_the_tab_can_be_read_and_used_by_everybody(lab: Lab, visit: Callable[..., Page], theme: str) -> None:
    name = theme.split()[1].lower()
    folder = pipeline(lab, f"prices_{name}", ("code", "n = 1", ["parameters"]), ("code", "print(n)", ["step:load"]))
    long = "every-quarter-hour-of-the-working-day-of-the-exchange-in-its-zone"[:64]
    with (folder / "cellmill.yaml").open("a") as file:
        file.write(f"schedule:\n  - {{name: {long}, cron: '*/15 9-17 * * 1-5', snapshot: latest}}\n")
        file.write("slo: {success_rate: 95%}\n")
    broken = lab.root / "reports" / "cellmill.yaml"
    broken.parent.mkdir(exist_ok=True)
    broken.write_text("schedule:\n  - {name: <img src=x onerror=alert(1)>, cron: '0 9 * * 1'}\n")
    page = visit()
    run_command(page, "apputils:change-theme", {"theme": theme})
    page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=theme)
    run_command(page, "cellmill:show-schedules")
    item(page, f"prices_{name}/{long}").wait_for()
    page.locator(".cellmill-ScheduleProblem").wait_for()
    assert page.locator(".cellmill-Schedules img").count() == 0
    page.add_script_tag(path=AXE)
    assert serious(page) == []

    # By the keyboard alone: into the form, and out of it.
    page.get_by_role("button", name=f"Edit prices_{name}/{long}").focus()
    page.keyboard.press("Enter")
    page.locator(".cellmill-Meaning ol").wait_for()
    expect(field(page, "Name")).to_be_focused()
    assert serious(page) == []
    page.keyboard.press("Escape")
    item(page, f"prices_{name}/{long}").wait_for()


def serious(page: Page) -> list[tuple[str, list[str]]]:
    """What axe-core finds in the tab."""
    found = page.evaluate("() => axe.run({include: [['.cellmill-Schedules']]}, {resultTypes: ['violations']})")
    return [
        (one["id"], [node["html"][:160] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
