"""Fifteen steps with branches whose work is CPU-bound: whole processes, imports included, one thread for BLAS."""

from __future__ import annotations

from collections.abc import Iterator

from measure import by_turns, seconds

from engine.line import Line, Options, at_most
from engine.projects import project

CASE = "15 steps with branches, CPU-bound"
SHARED = """import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import cross_val_predict


def score(frame, columns, target):
    forest = RandomForestRegressor(n_estimators=trees, random_state=1)
    predicted = cross_val_predict(forest, frame[columns], target, cv=3)
    return float(np.sqrt(((predicted - target) ** 2).mean()))"""
LOAD = """rng = np.random.default_rng(7)
raw = pd.DataFrame(rng.normal(size=(rows, 8)), columns=list("abcdefgh"))
raw["group"] = rng.integers(0, 500, size=rows)"""
CLEAN = """clean = raw.clip(-3, 3)
clean["group"] = raw["group"]
target = clean["a"] * clean["b"] + clean["c"].abs() + clean["d"]"""
BRANCHES = {
    "means": "means = clean.join(clean.groupby('group').mean(), suffixes=('', '_mean'))",
    "ranks": "ranks = clean.rank(pct=True)",
    "moves": "moves = clean.rolling(50, min_periods=1).agg(['mean', 'std']).fillna(0)\n"
    "moves.columns = ['_'.join(pair) for pair in moves.columns]",
    "products": "products = clean.assign(**{f'{x}{y}': clean[x] * clean[y] for x in 'abcd' for y in 'efgh'})",
}


def measured(options: Options) -> Iterator[Line]:
    """Lines of the table."""
    repeats = options.at_most(3)
    with project(_cells(rows=3000, trees=3) if options.small else _cells(rows=24_000, trees=15)) as made:
        one, two = "`cellmill run --force --jobs 1`", "`cellmill run --force --jobs 2`"
        script, build = "the script", "`ploomber build --force` (once)"
        works = {one: made.cellmill("--jobs", "1"), two: made.cellmill("--jobs", "2"), script: made.python()}
        found = by_turns(works, repeats)
        found[build] = seconds(made.ploomber())
    yield Line(CASE, f"{one} ({repeats} times)", found[one], script, found[script], at_most(1.1))
    yield Line(CASE, f"{two} ({repeats} times)", found[two], script, found[script], at_most(1))
    yield Line(CASE, two, found[two], build, found[build])


def _cells(rows: int, trees: int) -> list[tuple[str, str]]:
    cells = [("parameters", f"rows: int = {rows}\ntrees: int = {trees}"), ("shared", SHARED)]
    cells += [("step:load", LOAD), ("step:clean", CLEAN)]
    cells += [(f"step:{name}", source) for name, source in BRANCHES.items()]
    cells += [
        (f"step:score_{name}", f"{name}_error = score({name}, list({name}.columns)[:10], target)") for name in BRANCHES
    ]
    cells += [
        ("step:plain", "plain_error = score(clean, list('abcd'), target)"),
        ("step:early", "early_error = score(clean.head(rows // 2), list('abcdefgh'), target.head(rows // 2))"),
        ("step:late", "late_error = score(clean.tail(rows // 2), list('abcdefgh'), target.tail(rows // 2))"),
        ("step:compare", f"errors = dict({', '.join(f'{name}={name}_error' for name in BRANCHES)}, plain=plain_error)"),
        ("step:report", "best = min(errors, key=errors.get)\nprint(best, errors[best], early_error, late_error)"),
    ]
    return cells
