"""DataFrames handed to another process: equal in every respect, and parquet where nothing is lost by it."""

from __future__ import annotations

from typing import Any

import pytest

IMPORTS = ["numpy", "pandas", "pyarrow.parquet"]

PARQUET = {
    "numbers and texts": "pd.DataFrame({'a': [1, 2], 'b': [0.5, np.nan], 'c': ['x', 'y'], 'd': [True, False]})",
    "small numbers": "pd.DataFrame({'a': np.array([1], 'int8'), 'b': np.array([1], 'uint64'), 'c': np.ones(1, 'f4')})",
    "special numbers": "pd.DataFrame({'a': [-0.0, np.inf, np.nan]})",
    "missing texts": "pd.DataFrame({'a': ['x', None]})",
    "a range as index": "pd.DataFrame({'a': [1, 2]}, index=pd.RangeIndex(10, 14, 2, name='r'))",
    "an index of numbers": "pd.DataFrame({'a': [1, 2]}, index=pd.Index([3, 1], dtype='int32', name='a'))",
    "an index of texts": "pd.DataFrame({'a': [1, 2]}, index=['x', 'y'])",
    "an index of floats": "pd.DataFrame({'a': [1, 2]}, index=[0.5, np.nan])",
    "an index of bools": "pd.DataFrame({'a': [1, 2]}, index=[True, False])",
    "an index of categories": "pd.DataFrame({'a': [1, 2]}, index=pd.CategoricalIndex([*'pq'], categories=[*'qp']))",
    "an index of periods": "pd.DataFrame({'a': [1, 2]}, index=pd.period_range('2024', periods=2, freq='Y'))",
    "an index of intervals": "pd.DataFrame({'a': [1, 2]}, index=pd.interval_range(0, 2))",
    "two levels": "pd.DataFrame({'a': range(4)}, index=pd.MultiIndex.from_product([[*'xy'], [1, 2]], names=[*'kn']))",
    "two levels of columns": "pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([('a', 'x'), ('a', 'y')]))",
    "categories": "pd.DataFrame({'a': pd.Categorical(['x', None, 'x'])})",
    "categories in order": "pd.DataFrame({'a': pd.Categorical(['x', 'y'], categories=['y', 'x', 'z'], ordered=True)})",
    "nullable types": (
        "pd.DataFrame({'a': pd.array([1, None], dtype='Int64'), 'b': pd.array([True, None], dtype='boolean'),"
        " 'c': pd.array(['a', None], dtype='string'), 'd': pd.array([0.5, None], dtype='Float32')})"
    ),
    "times": "pd.DataFrame({'a': pd.to_datetime(['2024-01-01', None])})",
    "times of nanoseconds": "pd.DataFrame({'a': pd.date_range('2024-01-01', periods=2).as_unit('ns')})",
    "times in a zone": "pd.DataFrame({'a': pd.date_range('2024-01-01', periods=2, tz='Europe/Berlin')})",
    "no rows": "pd.DataFrame({'a': pd.Series([], dtype='int8'), 'b': pd.Series([], dtype='str')})",
    "odd names of columns": "pd.DataFrame({'a b/ü': [1], '': [2], '__index_level_0__': [3]})",
    "many numbers": (
        "pd.DataFrame({'a': np.where(np.arange(1_500_000) % 9, np.nan, -0.0), 'b': np.arange(1_500_000) % 7 == 0,"
        " 'c': np.arange(1_500_000, dtype='uint64') + 2**63}, index=pd.RangeIndex(1_500_000, 0, -1, name='r'))"
    ),
    "many texts": (
        "pd.DataFrame({'a': [None if n % 5 == 3 else f'ä{n}\\U0001f600' for n in range(600_000)],"
        " 'b': np.arange(600_000), 'c': pd.array(['', 'x', None] * 200_000, dtype='string'), 'd': ['x'] * 600_000})"
    ),
    "many times": "pd.DataFrame({'a': np.arange(2_100_000).astype('M8[ns]'), '': np.datetime64('NaT', 'us')})",
}
BUNDLE = {
    "many numbers below one name": "pd.DataFrame(np.ones((1_100_000, 2)), columns=['a', 'a'])",
    "many numbers below objects": (
        "pd.DataFrame(np.ones((1_100_000, 2)), columns=pd.Index(['a', 'b'], dtype=object)).assign(c=1)"
    ),
    "many numbers in another layout": "pd.DataFrame(np.ones((1_100_000, 2)), columns=['a', 'b'])",
    "many texts and one that is a Python object": (
        "pd.DataFrame({'a': ['text of some length'] * 800_000, 'b': pd.Series(['x', 1] * 400_000, dtype=object)})"
    ),
    "no rows and no columns": "pd.DataFrame()",
    "no columns": "pd.DataFrame(index=[1, 2])",
    "columns without names": "pd.DataFrame([[1, 2.5]])",
    "columns of one name": "pd.DataFrame([[1, 2]], columns=['a', 'a'])",
    "columns of two types": "pd.DataFrame([[1, 2]], columns=['a', 1])",
    "columns of categories": "pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(['p', 'q']))",
    "a name that is no text": "pd.DataFrame({'a': [1]}, index=pd.Index([5], name=7))",
    "objects": "pd.DataFrame({'a': pd.Series([1, 'x', None, [1]], dtype=object)})",
    "texts as objects": "pd.DataFrame({'a': pd.Series(['x', 'y'], dtype=object)})",
    "an index of objects": "pd.DataFrame({'a': [1, 2]}, index=pd.Index([1, 'x'], dtype=object))",
    "days": "pd.DataFrame({'a': [datetime.date(2024, 1, 1)]})",
    "decimals": "pd.DataFrame({'a': [decimal.Decimal('1.0'), decimal.Decimal('2.00')]})",
    "lists": "pd.DataFrame({'a': [[1, 2], [3]]})",
    "texts kept by Python": "pd.DataFrame({'a': pd.array(['x', None], dtype=pd.StringDtype('python'))})",
    "times with a frequency": "pd.DataFrame({'a': [1, 2]}, index=pd.date_range('2024-01-01', periods=2, freq='h'))",
    "times of seconds": "pd.DataFrame({'a': pd.date_range('2024-01-01', periods=2).as_unit('s')})",
    "categories that are numbers": "pd.DataFrame({'a': pd.Categorical([3, 1, 3])})",
    "levels that are no more used": (
        "pd.DataFrame({'a': range(4)}, index=pd.MultiIndex.from_product([['x', 'y'], [1, 2]])).loc[['x']]"
    ),
    "sparse": "pd.DataFrame({'a': pd.arrays.SparseArray([0, 0, 1])})",
    "complex numbers": "pd.DataFrame({'a': [1 + 2j]})",
    "rows in memory, not columns": "pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=list('abc')).T",
    "attributes": "with_attributes(pd.DataFrame({'a': [1]}))",
    "flags": "pd.DataFrame({'a': [1]}).set_flags(allows_duplicate_labels=False)",
    "a class of its own": "Own({'a': [1]})",
}

MAKE = """
import datetime
import decimal

import numpy as np
import pandas as pd

def with_attributes(frame):
    frame.attrs.update(source="x", n=(1, 2))
    return frame

class Own(pd.DataFrame):
    _constructor = property(lambda self: Own)

value = {}
twin = [value.copy()]
twin[0].attrs = value.attrs
"""
# The twin goes into the bundle in any case.
CHECK = """
import pandas as pd

twin = twin[0]
assert type(value) is type(twin)
pd.testing.assert_frame_equal(value, twin, check_exact=True, check_freq=True, check_flags=True)
assert [repr(kind) for kind in value.dtypes] == [repr(kind) for kind in twin.dtypes]
for one, other in ((value.index, twin.index), (value.columns, twin.columns)):
    assert (type(one), one.dtype, list(one.names)) == (type(other), other.dtype, list(other.names))
    if one.nlevels > 1:
        assert [list(level) for level in one.levels] == [list(level) for level in other.levels]
assert value.attrs == twin.attrs
types = [[type(cell) for cell in frame.to_numpy(object).ravel()] for frame in (value, twin)]
assert types[0] == types[1]
"""

FRAME = """
import pandas as pd

columns = {{
    "x": [1.0, 2.0],
    "t": pd.to_datetime(["2024", "2025"]),
    "s": ["a", "b"],
    "n": pd.array([1, None], "Int64"),
    "c": pd.Categorical(["p", "q"]),
}}
df = pd.DataFrame(columns, index=pd.date_range("2024", periods=2))
other = {}
"""
APART = """
before = other.copy()
for name in df:
    df.loc["2024-01-01", name] = df.loc["2024-01-02", name]
assert other.equals(before), other
"""
# pandas copies these when one of the two is written to.
COPIES = [
    "df.copy(deep=False)", "df.rename(columns={'x': 'q'})", "df.assign(z=1)", "df[['x', 'c']]", "df.iloc[1:]",
    "df.reset_index(drop=True)", "df['x']", "df['t']", "df['s']", "df['n']", "df['c']",
]  # fmt: skip

CASES = {name: ("value twin Own", MAKE.format(made), CHECK) for name, made in {**PARQUET, **BUNDLE}.items()} | {
    made: ("df other", FRAME.format(made), APART) for made in COPIES
}


@pytest.mark.parametrize("name", [*PARQUET, *BUNDLE])
def test_arrives_as_it_was(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["error"] == "", results[name]["task"]


@pytest.mark.parametrize("name", [*PARQUET, *BUNDLE])
def test_is_a_parquet_file_where_that_keeps_it(name: str, results: dict[str, dict[str, Any]]) -> None:
    manifest = results[name]["manifest"]
    assert manifest["variables"]["value"]["file"] == ("value.parquet" if name in PARQUET else "bundle.pkl")


@pytest.mark.parametrize("made", COPIES)
def test_a_frame_and_its_copy_stay_apart(made: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[made]["error"] == "", results[made]["task"]
