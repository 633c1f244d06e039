"""What a value holds, as a hash: to tell within one kernel whether it has changed. And what no code can change."""

from __future__ import annotations

import datetime
import decimal
import fractions
import hashlib
import pathlib
import pickle
import re
import sys
import time
import types
import uuid
from collections.abc import Callable
from typing import Any

ATOMS = (type(None), bool, int, float, complex, str, bytes, range, type(...), type(NotImplemented))
_FROZEN = (
    *ATOMS,
    datetime.date,
    datetime.datetime,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    fractions.Fraction,
    re.Pattern,
    uuid.UUID,
    pathlib.PosixPath,
    pathlib.PurePosixPath,
    pathlib.WindowsPath,
    pathlib.PureWindowsPath,
)
_PANDAS_FROZEN = ("Timestamp", "Timedelta", "Period", "Interval", "NaTType")
CODE = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type)
DEEPEST = 6
PIECES = 3000
_SAMPLE = 1 << 16


def module_of(name: str) -> Any:
    """A module if the author has imported it."""
    return sys.modules.get(name)


def is_of(value: Any, module: str, name: str) -> bool:
    """Whether the value is of this type of a module, as far as that has been imported."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def is_process_generator(value: Any) -> bool:
    """Whether it is the random generator that the whole process draws from: its position is process state."""
    return any(
        getattr(sys.modules.get(module), name, None) is value
        for module, name in (("random", "_inst"), ("numpy.random.mtrand", "_rand"))
    )


def type_name(kind: type) -> str:
    """A type's module and qualified name."""
    return f"{kind.__module__}.{kind.__qualname__}"


class _EnoughError(Exception):
    """The time for one look is over."""


class _Sink:
    """Takes a pickle's bytes and keeps only their hash and number."""

    def __init__(self, deadline: float | None, *, samples: bool) -> None:
        self.hash = hashlib.blake2b(digest_size=16)
        self.size = 0
        self.sampled = False
        self._deadline, self._samples = deadline, samples

    def write(self, content: Any) -> int:
        self._check()
        self.hash.update(content)
        self.size += len(content)
        return len(content)

    def buffer(self, content: pickle.PickleBuffer) -> bool:
        """Hash an array's memory where it lies; of a long one, if a sample will do, only parts."""
        self._check()
        raw = content.raw()
        self.size += raw.nbytes
        if self._samples and raw.nbytes > 64 * _SAMPLE:
            self.sampled = True
            step = raw.nbytes // 32
            for start in range(0, raw.nbytes, step):
                self.hash.update(raw[start : start + _SAMPLE // 8])
            self.hash.update(raw[-_SAMPLE:])
        else:
            self.hash.update(raw)
        return False

    def _check(self) -> None:
        if self._deadline is not None and time.perf_counter() > self._deadline:
            raise _EnoughError


class _Printer(pickle.Pickler):
    """Pickles into a hash. Code is described, not followed into the globals that it uses."""

    def __init__(self, sink: _Sink) -> None:
        super().__init__(sink, protocol=5, buffer_callback=sink.buffer)
        self._active: set[int] = set()

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, types.ModuleType):
            return str, (f"module {value.__name__}",)
        if is_process_generator(value):
            return str, ("the process's generator",)
        if isinstance(value, types.FunctionType):
            return self._described(value, _function) if _is_own(value) else NotImplemented
        if isinstance(value, type):
            return self._described(value, _class) if _is_own(value) else NotImplemented
        if is_of(value, "pandas", "DataFrame"):
            return tuple, ((type(value).__name__, value.columns, value.index, _columns(value), value.attrs),)
        if is_of(value, "pandas", "Series"):
            return tuple, ((type(value).__name__, value.name, value.index, value.array, value.attrs),)
        return NotImplemented

    def _described(self, value: Any, describe: Callable[[Any], Any]) -> Any:
        if id(value) in self._active:
            return str, (f"again {value.__qualname__}",)
        self._active.add(id(value))
        return tuple, ((describe(value),),)


def _is_own(value: Any) -> bool:
    return value.__module__ == "__main__" or "<" in value.__qualname__


def _function(value: types.FunctionType) -> Any:
    held = []
    for cell in value.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:
            held.append("empty")
    return (
        "function",
        value.__qualname__,
        _code(value.__code__),
        value.__defaults__,
        value.__kwdefaults__,
        held,
        value.__dict__,
    )


def _code(code: types.CodeType) -> Any:
    constants = [_code(one) if isinstance(one, types.CodeType) else one for one in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, constants


def _class(value: type) -> Any:
    skip = ("__dict__", "__weakref__", "__doc__", "__module__", "_abc_impl", "__abstractmethods__", "__slotnames__")
    own = {}
    for name, content in vars(value).items():
        if isinstance(content, (staticmethod, classmethod)):
            content = content.__func__
        if isinstance(content, property):
            content = (content.fget, content.fset, content.fdel)
        if name in skip or isinstance(content, (types.GetSetDescriptorType, types.MemberDescriptorType)):
            continue
        own[name] = content
    return "class", value.__qualname__, [one.__qualname__ for one in value.__bases__], own


def _columns(frame: Any) -> list[Any]:
    """A frame's columns one by one: how pandas keeps them together changes by looking at them."""
    return [frame._get_column_array(at) for at in range(frame.shape[1])]


def fingerprint(value: Any, deadline: float | None = None, *, samples: bool = False) -> tuple[str | None, int, bool]:
    """A hash of the content, its size in bytes, and whether only a sample was read; no hash if nobody can tell."""
    sink = _Sink(deadline, samples=samples)
    try:
        if type(value) not in ATOMS and isinstance(value, CODE) and not _is_own_code(value):
            return None, sys.getsizeof(value), False
        _Printer(sink).dump(value)
    except _EnoughError:
        return None, max(sink.size, _size(value)), True
    except Exception:
        return None, _size(value), False
    return sink.hash.hexdigest(), sink.size, sink.sampled


def _is_own_code(value: Any) -> bool:
    return isinstance(value, (types.FunctionType, type)) and _is_own(value)


def _size(value: Any) -> int:
    try:
        return int(getattr(value, "nbytes", 0)) or sys.getsizeof(value)
    except Exception:
        return 0


def immutable(value: Any, depth: int = 0) -> bool:
    """Whether no code can ever change this object: by its exact type, and for tuples by all that they hold."""
    kind = type(value)
    if kind in _FROZEN:
        return True
    if kind in (tuple, frozenset):
        return depth < DEEPEST and len(value) <= PIECES and all(immutable(one, depth + 1) for one in value)
    if kind.__module__ == "numpy":
        numpy = module_of("numpy")
        return numpy is not None and issubclass(kind, numpy.generic) and not issubclass(kind, numpy.void)
    return kind.__module__.startswith("pandas._libs") and kind.__name__ in _PANDAS_FROZEN
