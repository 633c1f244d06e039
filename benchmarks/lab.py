"""How quick Lab is with cellmill, in a real server and Chromium: the graph redrawn, each key typed, the start.

python benchmarks/lab.py [redraw] [typing] [start]
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError

from measure import REPEATS, circumstances, table

from promote import notebook

sys.path.append(str(Path(__file__).parents[1] / "tests" / "helpers"))

from in_lab import TOKEN, Lab, cell, run_command  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = (30, 100, 300, 1000)
TYPING_SIZE = 300
# The last cell of the step part_1, which has no need of df until somebody types it there.
CELL = 11
LABEL = "part_1 takes df from load"
REDRAWS = 10
REDRAW = ["last key to redrawn graph, ms", "steps", "median", "longest", "pause", "answer", "drawing"]
# Sixty keys in all, in rounds.
TEXT = "f + part_0 + df"
ROUNDS = 4
# Somebody who types quickly, and stops a moment after each word, so that answers arrive while the next is typed.
BETWEEN_KEYS = 100
BETWEEN_WORDS = 300

# A key counts from when the browser got it until the frame that it led to is on the screen: the task after the frame.
WATCH = """() => {
  const painted = () => new Promise(done => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(null);
  }));
  performance.setResourceTimingBufferSize(10000);
  window.keys = [];
  window.addEventListener('keydown', event => {
    window.pressed = event.timeStamp;
    window.keys.push(painted().then(at => at - event.timeStamp));
  }, true);
  window.watch = (label, present) => {
    const panel = document.querySelector('#cellmill-pipeline');
    window.redrawn = new Promise(done => {
      const observer = new MutationObserver(() => {
        if (!!panel.querySelector(`.cellmill-EdgeLabel[aria-label="${label}"]`) === present) {
          observer.disconnect();
          void painted().then(at => {
            const asked = performance.getEntriesByType('resource').filter(one => one.name.includes('api/analyse'));
            const { startTime, responseEnd } = asked[asked.length - 1];
            done([at - window.pressed, startTime - window.pressed, responseEnd - startTime, at - responseEnd]);
          });
        }
      });
      observer.observe(panel, { subtree: true, childList: true, attributes: true });
    });
  };
}"""


def main() -> None:
    wanted = sys.argv[1:] or ["redraw", "typing", "start"]
    print(circumstances("cellmill", "jupyterlab", "playwright"))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        root = folder / "project"
        root.mkdir()
        (root / "pyproject.toml").touch()
        for size in SIZES:
            (root / f"of_{size}.ipynb").write_text(notebook(size))
        if "redraw" in wanted or "typing" in wanted:
            with _chromium() as browser, _lab(root, folder / "with") as lab:
                if "redraw" in wanted:
                    _print(REDRAW, redraws(browser, lab))
                if "typing" in wanted:
                    with _lab(root, folder / "without", _without_extension) as plain:
                        rows = typing(browser, lab, plain)
                    _print([f"key to frame, {TYPING_SIZE} cells, ms", "median", "95th percentile", "longest"], rows)
        if "start" in wanted:
            _print(["start of the server until it answers, s", "median", "least"], starts(root, folder))


def _print(head: list[str], rows: list[list[str]]) -> None:
    print(f"\n{table(head, rows)}", flush=True)


def redraws(browser: Browser, lab: Lab) -> list[list[str]]:
    """From the key that makes a step need another one, or no longer, to the graph that shows it."""
    rows = []
    for size in SIZES:
        with _notebook(browser, lab, size, panel=True) as page:
            steps = page.locator("#cellmill-pipeline .cellmill-Section[data-name=graph] .cellmill-Section-summary")
            taken = [_redraw(page, present=number % 2 == 0) for number in range(2 + REDRAWS)][2:]
            count = steps.first.inner_text()
        whole, *parts = zip(*taken, strict=True)
        figures = [statistics.median(whole), max(whole), *(statistics.median(part) for part in parts)]
        rows.append([f"{size} cells", count, *(f"{figure:.0f}" for figure in figures)])
    return rows


def _redraw(page: Page, *, present: bool) -> list[float]:
    """Milliseconds in all, and of them those until the server was asked, had answered, and all was drawn."""
    page.wait_for_timeout(1000)
    page.evaluate("([label, present]) => window.watch(label, present)", [LABEL, present])
    page.keyboard.press("f" if present else "Backspace")
    taken: list[float] = page.evaluate("() => window.redrawn")
    return taken


def typing(browser: Browser, lab: Lab, plain: Lab) -> list[list[str]]:
    """From each key to the frame that shows it; the three cases in turns, so that the machine's load is shared."""
    cases = {"panel open": (lab, True), "panel closed": (lab, False), "without cellmill's extension": (plain, False)}
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, (server, panel) in cases.items():
            with _notebook(browser, server, TYPING_SIZE, panel=panel) as page:
                assert panel == page.locator("#cellmill-pipeline").is_visible()
                assert page.evaluate("() => jupyterapp.commands.hasCommand('cellmill:promote')") == (server is lab)
                taken[name] += _type(page)
    return [
        [
            name,
            f"{statistics.median(times):.0f}",
            f"{statistics.quantiles(times, n=20)[-1]:.0f}",
            f"{max(times):.0f}",
        ]
        for name, times in taken.items()
    ]


def _type(page: Page) -> list[float]:
    page.wait_for_timeout(1000)
    page.evaluate("() => { window.keys.length = 0; }")
    for key in TEXT:
        page.keyboard.type(key)
        page.wait_for_timeout(BETWEEN_WORDS if key == " " else BETWEEN_KEYS)
    times: list[float] = page.evaluate("() => Promise.all(window.keys)")
    assert len(times) == len(TEXT), times
    return times


def starts(root: Path, folder: Path) -> list[list[str]]:
    """From the server's command to its first answer, with and without cellmill's half in it."""
    cases = {"with cellmill": _as_it_is, "without": _without_server}
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(1 + REPEATS):
        for name, settle in cases.items():
            begin = time.perf_counter()
            with _lab(root, folder / f"start-{name}", settle) as lab:
                if number:
                    taken[name].append(time.perf_counter() - begin)
                assert _has_server(lab) == (settle is _as_it_is)
    rows = [[name, f"{statistics.median(times):.2f}", f"{min(times):.2f}"] for name, times in taken.items()]
    here, plain = taken.values()
    cost = statistics.median(one - other for one, other in zip(here, plain, strict=True))
    return [
        *rows,
        [
            "cost: median of the pairs' differences; difference of the least",
            f"{cost:.2f}",
            f"{min(here) - min(plain):.2f}",
        ],
    ]


def _has_server(lab: Lab) -> bool:
    try:
        lab.api("pipelines")
    except HTTPError as error:
        if error.code != 404:
            raise
        return False
    return True


def _as_it_is(config: Path) -> None:
    """Lab as an installation of cellmill leaves it."""


def _without_extension(config: Path) -> None:
    _write(config / "labconfig" / "page_config.json", {"disabledExtensions": {"cellmill": True}})


def _without_server(config: Path) -> None:
    off = {"ServerApp": {"jpserver_extensions": {"cellmill.lab": False}}}
    _write(config / "jupyter_server_config.json", off)


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@contextmanager
def _lab(root: Path, home: Path, settle: Callable[[Path], None] = _as_it_is) -> Iterator[Lab]:
    settle(home / "config")
    lab = Lab(root, home)
    lab.pause = 0.01
    lab.start()
    try:
        yield lab
    finally:
        lab.stop()


@contextmanager
def _chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if not path:
        sys.exit("There is no chromium on this machine: install it (Debian's package is called chromium).")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@contextmanager
def _notebook(browser: Browser, lab: Lab, size: int, *, panel: bool) -> Iterator[Page]:
    """A tab of its own with the notebook, the text cursor on a new line at the end of the cell, `d` typed there."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(f"{lab.base}/lab/workspaces/w{time.monotonic_ns()}/tree/of_{size}.ipynb?token={TOKEN}")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.wait_for_selector(".jp-NotebookPanel:visible .jp-Cell")
    page.locator(".jp-NotebookPanel:visible [data-status=idle]").first.wait_for()
    if panel:
        run_command(page, "cellmill:show-pipeline")
        page.locator("#cellmill-pipeline .cellmill-EdgeLabel").first.wait_for()
    page.evaluate(WATCH)
    cell(page, CELL).locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nd")
    yield page
    context.close()


if __name__ == "__main__":
    main()
