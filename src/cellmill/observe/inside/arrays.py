"""Describes what arrays, tables and columns hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .content import type_name

if TYPE_CHECKING:
    from .describe import Node, Seen


def array(seen: Seen, value: Any, place: str) -> Node:
    """An array, with the earlier one whose memory it looks into."""
    import numpy

    if type(value) is not numpy.ndarray and isinstance(value, numpy.ma.MaskedArray):
        inner = {".data": value.filled(), ".mask": numpy.ma.getmaskarray(value), ".fill_value": value.fill_value}
        return {"parts": [[label, seen.describe(one, place + label)] for label, one in inner.items()]}
    node = _values(seen, numpy.asarray(value), place)
    if (other := _shares(seen, value, place)) is not None:
        node["memory"] = other
    return seen.with_attributes(node, value, place)


def _values(seen: Seen, array: Any, place: str) -> Node:
    """The values of an array, with type and shape."""
    import numpy

    kind = array.dtype
    node: Node = {"dtype": str(kind), "shape": list(array.shape)}
    if kind.names is not None:
        # Between fields there may be bytes that mean nothing.
        parts = [[f"[{name!r}]", _values(seen, array[name], f"{place}[{name!r}]")] for name in kind.names]
        return {**node, "parts": parts}
    if kind.hasobject:
        return {**node, **seen.many(array.ravel().tolist(), place)}
    if kind.kind in "fc" and bool((missing := numpy.isnan(array)).any()):
        # There are many bit patterns for NaN, and they mean the same.
        array = array.copy()
        array[missing] = numpy.nan
    return {**node, **seen.keep(numpy.ascontiguousarray(array).tobytes(), "array"), "order": kind.str}


def _shares(seen: Seen, array: Any, place: str) -> str | None:
    """The earlier array whose memory this one looks into."""
    if array.size == 0 or len(seen.memory) > 500:
        return None
    reaches = [(size - 1) * step for size, step in zip(array.shape, array.strides)]  # noqa: B905 - any Python
    start = int(array.__array_interface__["data"][0])
    low = start + sum(one for one in reaches if one < 0)
    high = start + sum(one for one in reaches if one > 0) + array.itemsize
    found = next((other for begin, end, other in seen.memory if low < end and begin < high), None)
    seen.memory.append((low, high, place))
    return found


def of_pandas(seen: Seen, pandas: Any, value: Any, place: str) -> Node | None:
    """A table, a column, an index or a scalar of pandas; None for anything else."""
    if isinstance(value, pandas.DataFrame):
        return _frame(seen, value, place)
    if isinstance(value, pandas.Series):
        named = {".name": value.name, ".index": value.index, ".attrs": value.attrs}
        parts = [[label, seen.describe(one, place + label)] for label, one in named.items()]
        return {"parts": [*parts, ["", _column(seen, value.array, place)]]}
    if isinstance(value, pandas.MultiIndex):
        levels = [value.get_level_values(at) for at in range(value.nlevels)]
        return {"parts": [[f".levels[{at}]", seen.describe(one, place)] for at, one in enumerate(levels)]}
    if isinstance(value, pandas.RangeIndex):
        return {"value": repr(value)}
    if isinstance(value, pandas.Index):
        parts = [[".name", seen.describe(value.name, f"{place}.name")]]
        frequency = repr(getattr(value, "freq", None))
        return {"value": frequency, "parts": [*parts, ["", _column(seen, value.array, place)]]}
    if isinstance(value, pandas.api.extensions.ExtensionArray):
        return _column(seen, value, place)
    if isinstance(value, (pandas.Timestamp, pandas.Timedelta, pandas.Period, pandas.Interval)):
        return {"value": f"{value!r} {getattr(value, 'unit', '')}"}
    return {"value": "NaT"} if value is pandas.NaT else {"value": "NA"} if value is pandas.NA else None


def _frame(seen: Seen, frame: Any, place: str) -> Node:
    named = {".columns": frame.columns, ".index": frame.index, ".attrs": frame.attrs}
    parts = [[label, seen.describe(one, place + label)] for label, one in named.items()]
    parts.append([".flags", {"type": "flags", "value": repr(frame.flags)}])
    kinds = {str(kind) for kind in frame.dtypes}
    if frame.shape[1] > 64 and len(kinds) == 1 and not kinds & {"object", "str", "category"}:
        # One array is much quicker than thousands of columns.
        return {"parts": [*parts, ["", _values(seen, frame.to_numpy(), place)]]}
    for at in range(frame.shape[1]):
        label = f"[{frame.columns[at]!r}]"
        parts.append([label, _column(seen, frame.iloc[:, at].array, place + label)])
    return {"shape": list(frame.shape), "parts": parts}


def _column(seen: Seen, array: Any, place: str) -> Node:
    """A column's or an index's values, whatever array they are in."""
    import numpy

    name = type_name(type(array))
    if type(array).__name__ in ("NumpyExtensionArray", "PandasArray"):
        return {"type": name, **_values(seen, array.to_numpy(), place)}
    node: Node = {"type": name, "dtype": str(array.dtype)}
    if hasattr(array, "codes") and hasattr(array, "categories"):
        inner = {".codes": numpy.asarray(array.codes), ".categories": array.categories}
        parts = [[label, seen.describe(one, place + label)] for label, one in inner.items()]
        return {**node, "value": f"ordered={array.ordered}", "parts": parts}
    if hasattr(array, "asi8"):
        instants = {"type": "instants", **_values(seen, array.asi8, place)}
        return {**node, "value": repr(getattr(array, "freq", None)), "parts": [["", instants]]}
    missing = numpy.asarray(array.isna())
    items = [None if gone else one for one, gone in zip(array.tolist(), missing)]  # noqa: B905
    return {**node, **seen.many(items, place)}
