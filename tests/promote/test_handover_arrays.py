"""Arrays handed to another process: their type, layout and memory; as npy where that keeps them."""

from __future__ import annotations

from typing import Any

import pytest

IMPORTS = ["numpy", "pandas", "pyarrow.parquet"]

# How an array is made, and the file that it goes to.
NPY = {
    "in C order": "np.arange(6).reshape(2, 3)",
    "in Fortran order": "np.asfortranarray(np.arange(6.0).reshape(2, 3))",
    "of no dimension": "np.array(3.5)",
    "empty": "np.empty((3, 0), 'int16')",
    "bool": "np.array([True, False])",
    "float16": "np.array([1.5, np.nan], 'float16')",
    "longdouble": "np.array([1.5], 'longdouble')",
    "complex64": "np.array([1 + 2j], 'complex64')",
    "big-endian": "np.array([1, 2], '>i4')",
    "text": "np.array(['a', 'üü'])",
    "bytes": "np.array([b'a', b'bcd'])",
    "dates": "np.array(['2024-01-01', 'NaT'], 'datetime64[D]')",
    "durations": "np.array([1, 2], 'timedelta64[ms]')",
    "records": "np.array([(1, 2.5, 'x')], dtype=[('a', 'i4'), ('b', 'f8'), ('c', 'U3')])",
    "nested records": "np.zeros(2, dtype=[('a', [('x', 'f4'), ('y', 'f4', (2,))])])",
    "rows of another array": "np.arange(10).reshape(5, 2)[1:3]",
}
BUNDLE = {
    "aligned records": "np.zeros(2, dtype=np.dtype([('a', 'i1'), ('b', 'f8')], align=True))",
    "a type with metadata": "np.zeros(2, dtype=np.dtype('f8', metadata={'unit': 'm'}))",
    "objects": "np.array([1, 'x', None, [1]], dtype=object)",
    "texts of any length": "np.array(['a', 'bb'], dtype=np.dtypes.StringDType())",
    "a scalar": "np.float32(2.5)",
    "every third": "np.arange(20)[::3]",
    "backwards": "np.arange(5)[::-1]",
    "a column": "np.arange(10).reshape(5, 2)[:, 1]",
    "axes in another order": "np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1)",
    "repeated without a copy": "np.broadcast_to(np.arange(3), (4, 3))",
    "read-only": "closed(np.arange(3))",
    "over bytes": "np.frombuffer(b'abcdefgh', dtype='i4')",
    "masked": "np.ma.array([1, 2, 3], mask=[0, 1, 0])",
    "recarray": "np.rec.array([(1, 2.0)], names='a,b')",
}

MAKE = """
import numpy as np

def closed(array):
    array.flags.writeable = False
    return array

def make():
    return {}

value = make()
"""
CHECK = """
import numpy as np

wanted = make()
assert type(value) is type(wanted)
assert repr(value.dtype) == repr(wanted.dtype)
assert value.dtype.metadata == wanted.dtype.metadata
np.testing.assert_array_equal(value, wanted)
if isinstance(value, np.ndarray):
    assert value.strides == wanted.strides or not value.size
    assert value.flags.forc == wanted.flags.forc
    assert value.flags.writeable == wanted.flags.writeable
"""

SHARING = {
    "a view and its array": (
        "a b c",
        "a = np.arange(10.0); b = a[2:5]; c = a.reshape(2, 5)",
        "b[0] = 99; assert a[2] == 99 and c[0, 2] == 99",
    ),
    "one array by two names": ("a b", "a = np.arange(3); b = a", "assert a is b"),
    "an array and what holds it": (
        "a b",
        "a = np.arange(10.0); b = {'x': a, 'v': a[1:]}",
        "a[1] = -1; assert b['x'] is a and b['v'][0] == -1",
    ),
    "two views of what stays behind": (
        "a b",
        "base = np.arange(10.0); a, b = base[1:3], base[2:4]",
        "a[1] = 50; assert b[0] == 50",
    ),
    "two small views of a large array": (
        "a b",
        "base = np.zeros(1_000_000); a, b = base[1:3], base[2:4]",
        "a[1] = 50; assert b[0] == 50",
    ),
    "an array and its transpose": (
        "a b",
        "a = np.arange(6.0).reshape(2, 3); b = a.T",
        "b[0, 1] = 50; assert a[1, 0] == 50",
    ),
    "a field of records": (
        "a b",
        "a = np.zeros(3, dtype=[('x', 'f8'), ('y', 'i4')]); b = a['y']",
        "b[0] = 50; assert a[0]['y'] == 50",
    ),
    "a view of objects": ("a b", "a = np.array([1, 'x', None], dtype=object); b = a[1:]", "b[0] = 5; assert a[1] == 5"),
    "a view through three tasks": (
        "a b",
        "a = np.arange(10.0); b = a[::-2]",
        "a = a + 0; b = a[::-2]",
        "b[0] = 50; assert a[9] == 50",
    ),
    "halves of an array": (
        "a b",
        "base = np.arange(10.0); a, b = base[:5], base[5:]",
        "a[:] = 0; assert b.tolist() == [5, 6, 7, 8, 9]",
    ),
    "an array in a file that is written to": (
        "a path",
        """
        import tempfile

        path = tempfile.mkstemp()[1]
        a = np.memmap(path, "f4", "w+", shape=(2, 3))
        a[:] = 1
        """,
        """
        assert type(a) is np.memmap
        a[0, 0] = 7
        a.flush()
        assert np.fromfile(path, "f4")[0] == 7
        """,
    ),
    "a part of an array in a file": (
        "a path",
        """
        import tempfile

        path = tempfile.mkstemp()[1]
        np.arange(4.0).tofile(path)
        a = np.memmap(path, "f8", "r+")[2:]
        """,
        """
        assert a.tolist() == [2, 3]
        a[0] = 7
        a.flush()
        assert np.fromfile(path).tolist() == [0, 1, 7, 3]
        """,
    ),
    "an array of a file that is gone": (
        "a",
        """
        import os
        import tempfile

        path = tempfile.mkstemp()[1]
        a = np.memmap(path, "f4", "w+", shape=3)
        a[:] = 1
        os.unlink(path)
        """,
        "assert a.tolist() == [1, 1, 1]",
    ),
    "names that differ in case": ("X x", "X, x = np.ones(2), np.zeros(3)", "assert (X.size, x.size) == (2, 3)"),
    "large": (
        "a b",
        "a = np.arange(6_500_000.0); b = {'x': a + 1}",
        "assert a[-1] == 6_499_999 and b['x'][-1] == 6.5e6",
    ),
}

IMPORT = "import numpy as np\n"
CASES = {name: ("make closed value", MAKE.format(made), CHECK) for name, made in {**NPY, **BUNDLE}.items()} | {
    name: (variables, *(IMPORT + "\n".join(line.strip() for line in source.split("\n")) for source in sources))
    for name, (variables, *sources) in SHARING.items()
}


@pytest.mark.parametrize("name", CASES)
def test_arrives_as_it_was(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["error"] == "", results[name]["task"]


@pytest.mark.parametrize("name", [*NPY, *BUNDLE])
def test_is_an_npy_file_where_that_keeps_it(name: str, results: dict[str, dict[str, Any]]) -> None:
    manifest = results[name]["manifest"]
    assert manifest["variables"]["value"]["file"] == ("value.npy" if name in NPY else "bundle.pkl")


def test_parts_that_do_not_overlap_have_files_of_their_own(results: dict[str, dict[str, Any]]) -> None:
    files = {name: one["file"] for name, one in results["halves of an array"]["manifest"]["variables"].items()}
    assert files == {"a": "a.npy", "b": "b.npy"}


def test_files_differ_where_case_does_not_count(results: dict[str, dict[str, Any]]) -> None:
    files = [one["file"] for one in results["names that differ in case"]["manifest"]["variables"].values()]
    assert len({file.lower() for file in files}) == 2


def test_large_arrays_take_their_size_and_little_time(results: dict[str, dict[str, Any]]) -> None:
    result = results["large"]
    assert result["manifest"]["variables"]["a"]["bytes"] == 52_000_000
    assert sum(result["sizes"].values()) < 105_000_000
    assert result["seconds"] < 20
