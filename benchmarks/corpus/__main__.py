"""Promotes and verifies every example of scikit-learn and statsmodels that runs offline: see README.md beside this."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from made_with import made_with
from report import STATES, Mixed, read_results, write_report
from sources import Example, NoIndex, by_turns, examples
from trial import Result, attempt, marker
from unusable import known_unusable
from watch import LIMIT, watch

HERE = Path(__file__).parent
TRIED_AGAIN = (*STATES, "not-usable", "all")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python benchmarks/corpus", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "cellmill-corpus")
    parser.add_argument("--limit", type=int, help="the first so many usable examples, of the packages by turns")
    parser.add_argument("--minutes", type=float, help="begin no example after so many minutes")
    parser.add_argument(
        "--only", nargs="+", metavar="TEXT", default=[""], help="examples with such a name, or such a text in it"
    )
    parser.add_argument("--jobs", type=int, default=1, help="examples at the same time")
    parser.add_argument("--no-seed", action="store_true", help="don't set random seeds in a first cell")
    parser.add_argument(
        "--again",
        nargs="+",
        metavar="STATE",
        default=[],
        choices=TRIED_AGAIN,
        help=f"try results of these states again: {', '.join(TRIED_AGAIN)} (all that are usable)",
    )
    parser.add_argument("--report", type=Path, help="where to write RESULTS.md and results.csv; nowhere if not given")
    given = parser.parse_args()
    done = given.cache / "results"
    done.mkdir(parents=True, exist_ok=True)
    try:
        everything = examples(given.cache)
    except NoIndex as reason:
        raise SystemExit(str(reason)) from None
    made = made_with()
    known = [] if "not-usable" in given.again else known_unusable(HERE / "results.csv", everything)
    for one in known:
        (done / f"{one.name}.json").write_text(json.dumps(one.as_dict(), indent=1))
    usable = by_turns(_usable(everything, done, given.again))
    exact = {one.name for one in everything}
    chosen = [one for one in usable if any(_fits(one.name, text, exact) for text in given.only)][: given.limit]
    left = [one for one in chosen if _open(done / f"{one.name}.json", given.again, made)]
    _try_all(left, given, made)
    if given.report:
        try:
            print(write_report(read_results(done), given.report, given.jobs))
        except Mixed as reason:
            raise SystemExit(str(reason)) from None


def _try_all(left: list[Example], given: argparse.Namespace, made: str) -> None:
    _preload()
    last = time.monotonic() + 60 * given.minutes if given.minutes is not None else float("inf")

    def in_time(one: Example) -> Result | None:
        in_good_time = time.monotonic() < last
        return _apart(one, given.cache, made_with=made, seed=not given.no_seed) if in_good_time else None

    with ThreadPoolExecutor(given.jobs) as pool:
        for ended in as_completed([pool.submit(in_time, one) for one in left]):
            result = ended.result()
            if result is not None:
                seconds = f"{result.notebook_seconds:5.1f} s {result.verify_seconds:6.1f} s"
                print(f"{result.state:<10} {seconds}  {result.name}  {' '.join(result.rules)}", flush=True)


def _fits(name: str, text: str, exact: set[str]) -> bool:
    """Whether a name is asked for: as it is, or by a part where no example has the text for its name."""
    return name == text if text in exact else text in name


def _usable(everything: Iterable[Example], done: Path, again: list[str]) -> list[Example]:
    """All but those that are known to be unusable."""
    return [one for one in everything if "not-usable" in again or _state(done / f"{one.name}.json") != "not usable"]


def _state(path: Path) -> str:
    return str(json.loads(path.read_text())["state"]) if path.exists() else ""


def _open(path: Path, again: list[str], made: str) -> bool:
    """Whether an example is to be tried: never yet, with another state of the code, or if the user says so."""
    if not path.exists():
        return True
    result = json.loads(path.read_text())
    stale = result["state"] != "not usable" and result.get("made_with") != made
    return stale or "all" in again or result["state"].replace(" ", "-") in again


def _preload() -> None:
    """Import once what every example needs; each then runs in a fork."""
    import nbclient  # noqa: F401
    import ploomber  # noqa: F401

    import cellmill.dataflow
    import cellmill.promote.verify  # noqa: F401


def _apart(example: Example, cache: Path, *, made_with: str, seed: bool) -> Result:
    """Try one example in a process of its own, which may take its time, crash or hang."""
    folder, answer = cache / "work" / example.name, cache / "results" / f"{example.name}.json"
    shutil.rmtree(folder, ignore_errors=True)
    answer.unlink(missing_ok=True)
    process = multiprocessing.get_context("fork").Process(
        target=_attempt, args=(example, folder, answer, made_with, seed)
    )
    process.start()
    used, ended = watch(process, lambda: not marker(folder).exists())
    result = Result(**json.loads(answer.read_text())) if answer.exists() else None
    if result is None:
        state, why = "crashed", f"ended with {process.exitcode}"
        if ended:
            state, why = "crashed", "hangs"
        if ended == "too slow":
            state, why = "not usable", f"takes more than {LIMIT:.0f} s of processor time"
        result = Result(example.name, example.package, state, reasons=[why], made_with=made_with)
    result = replace(result, processor_seconds=used)
    answer.write_text(json.dumps(result.as_dict(), indent=1))
    return result


def _attempt(example: Example, folder: Path, answer: Path, made_with: str, seed: bool) -> None:
    result = attempt(example, folder, made_with=made_with, seed=seed)
    answer.write_text(json.dumps(result.as_dict(), indent=1))


if __name__ == "__main__":
    main()
