"""Promotes and verifies every example of scikit-learn and statsmodels that runs offline: see README.md beside this."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from report import read_results, write_report
from sources import Example, NoIndex, examples
from trial import LIMIT, Result, attempt, marker

HERE = Path(__file__).parent
WAIT = 600.0  # seconds for all of one example, however many steps it has


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benchmarks/corpus", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "cellmill-corpus")
    parser.add_argument("--limit", type=int, help="stop when there are results of so many examples")
    parser.add_argument(
        "--only", nargs="+", metavar="TEXT", default=[""], help="examples with such a name, or such a text in it"
    )
    parser.add_argument("--jobs", type=int, default=1, help="examples at the same time")
    parser.add_argument("--no-seed", action="store_true", help="don't set random seeds in a first cell")
    parser.add_argument("--again", nargs="+", metavar="STATE", default=[], help="try results of these states again")
    parser.add_argument("--report", type=Path, help="where to write RESULTS.md and results.csv; nowhere if not given")
    given = parser.parse_args()
    done = given.cache / "results"
    done.mkdir(parents=True, exist_ok=True)
    try:
        everything = examples(given.cache)
    except NoIndex as reason:
        raise SystemExit(str(reason)) from None
    exact = {one.name for one in everything}
    chosen = [one for one in everything if any(_fits(one.name, text, exact) for text in given.only)]
    left = [one for one in chosen[: given.limit] if _open(done / f"{one.name}.json", given.again)]
    _preload()
    with ThreadPoolExecutor(given.jobs) as pool:
        for result in pool.map(lambda one: _apart(one, given.cache, seed=not given.no_seed), left):
            print(
                f"{result.state:<10} {result.notebook_seconds:5.1f} s  {result.name}  {' '.join(result.rules)}",
                flush=True,
            )
    if given.report:
        print(write_report(read_results(done), given.report))


def _fits(name: str, text: str, exact: set[str]) -> bool:
    """Whether a name is asked for: as it is, or by a part where no example has the text for its name."""
    return name == text if text in exact else text in name


def _open(path: Path, again: list[str]) -> bool:
    return not path.exists() or json.loads(path.read_text())["state"].replace(" ", "-") in again


def _preload() -> None:
    """Import once what every example needs; each then runs in a fork."""
    import nbclient  # noqa: F401
    import ploomber  # noqa: F401

    import cellmill.dataflow
    import cellmill.promote.verify  # noqa: F401


def _apart(example: Example, cache: Path, **options: bool) -> Result:
    """Try one example in a process of its own, which may take its time, crash or hang."""
    folder, answer = cache / "work" / example.name, cache / "results" / f"{example.name}.json"
    shutil.rmtree(folder, ignore_errors=True)
    process = multiprocessing.get_context("fork").Process(target=_attempt, args=(example, folder, answer, options))
    answer.unlink(missing_ok=True)
    began = time.monotonic()
    process.start()
    process.join(2 * LIMIT)
    slow = process.is_alive() and not marker(folder).exists() and (folder / "pipelines").exists()
    process.join(0 if slow else WAIT)
    if process.is_alive():
        process.kill()
        process.join()
    if not answer.exists():
        what = f"ended with {process.exitcode} after {time.monotonic() - began:.0f} s"
        state, why = ("not usable", f"takes more than {LIMIT:.0f} s") if slow else ("crashed", what)
        answer.write_text(json.dumps(Result(example.name, example.package, state, reasons=[why]).as_dict()))
    return Result(**json.loads(answer.read_text()))


def _attempt(example: Example, folder: Path, answer: Path, options: dict[str, bool]) -> None:
    result = attempt(example, folder, **options)
    answer.write_text(json.dumps(result.as_dict(), indent=1))


if __name__ == "__main__":
    main()
