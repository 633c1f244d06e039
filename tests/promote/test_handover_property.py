"""Any DataFrame comes back from its file as it was, and its file is parquet exactly if parquet keeps it."""

from __future__ import annotations

import importlib
import json
import string
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellmill.promote import make_plan, write_plan

NAMES = st.text(string.ascii_letters + " _üé", max_size=3)
TEXTS = st.text(max_size=4)
MOMENTS = st.datetimes(pd.Timestamp("1900-01-01").to_pydatetime(), pd.Timestamp("2100-01-01").to_pydatetime())
NUMBERS = st.floats(width=32)


def _kind(values: st.SearchStrategy[Any], make: Callable[[list[Any]], Any]) -> tuple[st.SearchStrategy[Any], Any]:
    return values, make


KINDS = [
    _kind(st.integers(-100, 100), lambda values: np.array(values, "int64")),
    _kind(st.integers(0, 100), lambda values: np.array(values, "uint8")),
    _kind(NUMBERS, lambda values: np.array(values, "float64")),
    _kind(NUMBERS, lambda values: np.array(values, "float32")),
    _kind(st.booleans(), lambda values: np.array(values, bool)),
    _kind(TEXTS | st.none(), lambda values: pd.array(values, dtype="str")),
    _kind(TEXTS | st.none(), lambda values: pd.array(values, dtype="string")),
    _kind(st.integers(-5, 5) | st.none(), lambda values: pd.array(values, dtype="Int32")),
    _kind(st.booleans() | st.none(), lambda values: pd.array(values, dtype="boolean")),
    _kind(st.sampled_from("xyz") | st.none(), lambda values: pd.Categorical(values, categories=list("zyx"))),
    _kind(st.integers(0, 3), lambda values: pd.Categorical(values, ordered=True)),
    _kind(MOMENTS, lambda values: pd.DatetimeIndex(values).as_unit("us")),
    _kind(MOMENTS, lambda values: pd.DatetimeIndex(values).as_unit("s")),
    _kind(MOMENTS, lambda values: pd.DatetimeIndex(values).tz_localize("UTC").tz_convert("Asia/Tokyo")),
    _kind(st.timedeltas(), lambda values: pd.TimedeltaIndex(np.array(values, "m8[us]"))),
    _kind(st.integers(0, 99), lambda values: pd.PeriodIndex([pd.Period(2000 + one, "Y") for one in values], freq="Y")),
    _kind(st.none() | TEXTS | st.integers(), lambda values: pd.Series(values, dtype=object).array),
]


@st.composite
def columns(draw: st.DrawFn, rows: int) -> Any:
    values, make = draw(st.sampled_from(KINDS))
    return make(draw(st.lists(values, min_size=rows, max_size=rows)))


@st.composite
def indexes(draw: st.DrawFn, rows: int) -> pd.Index:
    kind = draw(st.sampled_from(["range", "plain", "levels", "dates"]))
    name = draw(st.none() | NAMES)
    if kind == "range":
        start, step = draw(st.tuples(st.integers(-3, 3), st.integers(1, 2)))
        return pd.RangeIndex(start, start + rows * step, step, name=name)
    if kind == "dates":
        return pd.date_range("2024-01-01", periods=rows, name=name)
    if kind == "levels":
        return pd.MultiIndex.from_arrays([draw(columns(rows)), draw(columns(rows))], names=[name, "level"])
    return pd.Index(draw(columns(rows)), name=name)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 4))
    names = draw(st.lists(NAMES | st.integers(0, 2), max_size=4))
    parts = [pd.Series(draw(columns(rows)), name=name) for name in names]
    frame = pd.concat(parts, axis=1) if parts else pd.DataFrame(index=range(rows))
    frame.index = draw(indexes(rows))
    frame.columns.name = draw(st.none() | NAMES)
    frame.attrs = draw(st.dictionaries(NAMES, st.integers() | TEXTS | st.tuples(st.booleans()), max_size=1))
    changes = [lambda one: one, lambda one: one.T.rename(columns=str), lambda one: one.iloc[::2]]
    return draw(st.sampled_from(changes))(frame)


def facts(frame: pd.DataFrame) -> list[Any]:
    """All that can be seen of a frame, to be compared."""
    indexes = (frame.index, frame.columns)
    levels = [[repr((level, level.dtype)) for level in getattr(one, "levels", [one])] for one in indexes]
    cells = [repr((type(cell), cell)) for cell in frame.to_numpy(object).ravel()]
    layout = [part.to_numpy().strides for _, part in frame.items() if part.dtype.kind in "biuf"]
    freq = getattr(frame.index, "freq", None)
    kinds = [repr(kind) for kind in frame.dtypes]
    zones = [type(getattr(kind, "tz", None)) for kind in frame.dtypes]
    types = [(type(one), one.names, list(one)) for one in indexes]
    return [repr((types, freq, frame.attrs, kinds)), levels, cells, layout if len(frame) > 1 else [], zones]


def kept_by_parquet(frame: pd.DataFrame, path: Path) -> bool:
    held = [
        *frame.dtypes,
        *(level.dtype for one in (frame.index, frame.columns) for level in getattr(one, "levels", [one])),
    ]
    if "object" in map(str, held):
        return False
    try:
        frame.to_parquet(path)
        return facts(pd.read_parquet(path)) == facts(frame)
    except Exception:
        return False


@pytest.fixture(scope="module")
def handover(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """A promoted pipeline's module, found by its name as in a task."""
    root = tmp_path_factory.mktemp("frames")
    (root / "pyproject.toml").write_text("", encoding="utf-8")
    cell = {"cell_type": "code", "id": "a", "metadata": {"tags": ["step:a"]}, "source": "x = 1", "outputs": []}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (root / "frames.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    plan = make_plan(root / "frames.ipynb")
    write_plan(plan)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(plan.folder)
        yield importlib.import_module("frames_handover")
    del sys.modules["frames_handover"]


@pytest.mark.filterwarnings("ignore")
@settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(frame=frames())
def test_any_frame_comes_back_as_it_was(handover: ModuleType, tmp_path_factory: Any, frame: pd.DataFrame) -> None:
    folder = tmp_path_factory.getbasetemp() / "any-frame"
    give, take = ({"variables": str(folder / name / "variables.json")} for name in ("give", "take"))
    handover.begin(give, {})
    handover.save(value=frame)
    handover.begin(take, {})
    assert facts(handover.load(give, "value")) == facts(frame)
    file = json.loads(Path(give["variables"]).read_text(encoding="utf-8"))["variables"]["value"]["file"]
    assert file == ("value.parquet" if kept_by_parquet(frame, folder / "try.parquet") else "bundle.pkl")
