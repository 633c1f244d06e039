"""A variable of the live kernel in a few words: its type, its shape or length, its size in memory."""

from __future__ import annotations

import sys
from collections.abc import Sized
from typing import Any

# Above this many cells, a table's texts are not counted one by one.
_COUNTED = 1_000_000


def describe_value(value: Any) -> str:
    """Say what a value is; never raises, whatever the value does.

    Examples
    --------
    >>> describe_value([1, 2, 3])
    'list, 3 items'
    >>> describe_value(b"abc")
    'bytes, 3 B'
    """
    try:
        parts = [_type_name(value), _extent(value), _memory(value)]
    except Exception:  # properties of the author's own classes may do anything
        return type(value).__name__
    return ", ".join(part for part in parts if part)


def _type_name(value: Any) -> str:
    if isinstance(value, type):
        return f"class {value.__name__}"
    return type(value).__name__


def _extent(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(one, int) for one in shape):
        return " x ".join(map(str, shape)) if len(shape) != 1 else f"{shape[0]} items"
    if isinstance(value, str):
        return f"{len(value)} characters"
    if isinstance(value, (int, float, complex, bool)) or value is None:
        text = repr(value)
        return text if len(text) <= 20 else ""
    if isinstance(value, Sized) and not isinstance(value, (bytes, bytearray, memoryview, type)):
        return "1 item" if len(value) == 1 else f"{len(value)} items"
    return ""


def _memory(value: Any) -> str:
    usage = getattr(value, "memory_usage", None)
    if callable(usage) and not isinstance(value, type):
        used = usage(deep=getattr(value, "size", 0) <= _COUNTED)
        return _bytes(int(used.sum() if hasattr(used, "sum") else used))
    nbytes = getattr(value, "nbytes", None)
    if isinstance(nbytes, int):
        return _bytes(nbytes)
    if isinstance(value, (bytes, bytearray)):
        return _bytes(len(value))
    if isinstance(value, str) and len(value) > 1000:
        return _bytes(sys.getsizeof(value))
    return ""


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
