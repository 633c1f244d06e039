"""What a kernel tells of its variables: runs inside it, after cells, and leaves everything as it was.

Standard library only; numpy, pandas and the others are looked at where the author has imported them. It is read into
observed kernels as text, so that these need no cellmill.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import enum
import fractions
import hashlib
import importlib
import io
import json
import pathlib
import pickle
import random
import re
import sys
import time
import types
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_ATOMS = (type(None), bool, int, float, complex, str, bytes, range, type(...), type(NotImplemented))
_FROZEN = (
    *_ATOMS,
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
_CODE = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type)
_HISTORY = re.compile(r"_+\d*|_i+\d*|_[ido]h|In|Out|get_ipython|exit|quit|open")
_DEEPEST = 6
_PIECES = 3000
_SAMPLE = 1 << 16

Change = str  # "new", "bound", "changed" or "gone"


def _module(name: str) -> Any:
    """A module if the author has imported it."""
    return sys.modules.get(name)


def _is(value: Any, module: str, name: str) -> bool:
    """Whether the value is of this type of a module, as far as that has been imported."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


class _EnoughError(Exception):
    """The time for one look is over."""


# Content


class _Sink:
    """Takes a pickle's bytes and keeps only their hash and number."""

    def __init__(self, deadline: float | None) -> None:
        self.hash = hashlib.blake2b(digest_size=16)
        self.size = 0
        self.sampled = False
        self._deadline = deadline

    def write(self, content: Any) -> int:
        self._check()
        self.hash.update(content)
        self.size += len(content)
        return len(content)

    def buffer(self, content: pickle.PickleBuffer) -> bool:
        """Hash an array's memory where it lies; of a long one, if time is short, only parts."""
        self._check()
        raw = content.raw()
        self.size += raw.nbytes
        if self._deadline is not None and raw.nbytes > 64 * _SAMPLE:
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
        if isinstance(value, types.FunctionType):
            return self._described(value, _function) if _is_own(value) else NotImplemented
        if isinstance(value, type):
            return self._described(value, _class) if _is_own(value) else NotImplemented
        if _is(value, "pandas", "DataFrame"):
            return tuple, ((type(value).__name__, value.columns, value.index, _columns(value), value.attrs),)
        if _is(value, "pandas", "Series"):
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


def fingerprint(value: Any, deadline: float | None = None) -> tuple[str | None, int, bool]:
    """A hash of the content, its size in bytes, and whether only a sample was read; no hash if nobody can tell."""
    sink = _Sink(deadline)
    try:
        if type(value) not in _ATOMS and isinstance(value, _CODE) and not _is_own_code(value):
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
        return depth < _DEEPEST and len(value) <= _PIECES and all(immutable(one, depth + 1) for one in value)
    if kind.__module__ == "numpy":
        numpy = _module("numpy")
        return numpy is not None and issubclass(kind, numpy.generic) and not issubclass(kind, numpy.void)
    return kind.__module__.startswith("pandas._libs") and kind.__name__ in _PANDAS_FROZEN


# Identity


class _Memory:
    """Arrays and frames' columns by the memory that they look into."""

    def __init__(self, name: str, array: Any, *, framed: bool) -> None:
        self.name, self.array, self.framed = name, array, framed
        low, high = _module("numpy").lib.array_utils.byte_bounds(array)
        self.low, self.high = int(low), int(high)

    def shares(self, other: _Memory, *, copied: bool) -> bool:
        """Whether a change of one may be seen in the other."""
        if self.framed and other.framed and copied:
            return False  # pandas copies before it writes
        if self.high <= other.low or other.high <= self.low:
            return False
        numpy: Any = sys.modules["numpy"]
        try:
            return bool(numpy.shares_memory(self.array, other.array, max_work=10_000))
        except Exception:
            return True


class _Union:
    """Names in groups that grow together."""

    def __init__(self, names: Iterable[str]) -> None:
        self.parent = {name: name for name in names}

    def root(self, name: str) -> str:
        while self.parent[name] != name:
            name = self.parent[name]
        return name

    def join(self, one: str, other: str) -> None:
        self.parent[self.root(one)] = self.root(other)

    def groups(self) -> list[list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.parent:
            found.setdefault(self.root(name), []).append(name)
        return sorted(sorted(one) for one in found.values() if len(one) > 1)


def groups(
    namespace: dict[str, Any], names: Iterable[str], most: int = _PIECES, deadline: float | None = None
) -> list[list[str]]:
    """Names whose objects are, or share, one object that can change, as sorted lists of two or more."""
    holder: dict[int, str] = {}
    union = _Union(names)
    memory: list[_Memory] = []
    keep: list[Any] = []
    for name in union.parent:
        for piece in _pieces(namespace[name], most):
            if piece is namespace:
                continue
            keep.append(piece)  # ids stay true while the object lives
            union.join(name, holder.setdefault(id(piece), name))
            memory += _memory_of(name, piece)
            if deadline is not None and time.perf_counter() > deadline:
                return []
    _join_by_memory(memory, union)
    return union.groups()


def _join_by_memory(memory: list[_Memory], union: _Union) -> None:
    copied = _copies_on_write()
    memory.sort(key=lambda one: one.low)
    for at, one in enumerate(memory):
        for other in memory[at + 1 : at + 200]:
            if other.low >= one.high:
                break
            if union.root(one.name) != union.root(other.name) and one.shares(other, copied=copied):
                union.join(other.name, one.name)


def _copies_on_write() -> bool:
    pandas = _module("pandas")
    return pandas is not None and int(str(getattr(pandas, "__version__", "0")).split(".")[0]) >= 3


def _pieces(value: Any, most: int) -> Iterator[Any]:
    """The objects that can change and can be reached from the value, itself first."""
    waiting, seen = [(value, 0)], set[int]()
    while waiting and len(seen) < most:
        one, depth = waiting.pop()
        kind = type(one)
        if kind in _ATOMS or isinstance(one, (*_CODE, enum.Enum)) or id(one) in seen:
            continue
        seen.add(id(one))
        if kind not in (tuple, frozenset) and not immutable(one):
            yield one
        if depth < _DEEPEST:
            waiting.extend((inner, depth + 1) for inner in _inside(one))


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    if _is(value, "numpy", "ndarray"):
        return [value.base] if value.base is not None else []
    if type(value).__module__.startswith("pandas."):
        return []
    own = getattr(value, "__dict__", None)
    return list(own.values()) if isinstance(own, dict) else []


def _memory_of(name: str, piece: Any) -> list[_Memory]:
    arrays: list[Any] = []
    framed = not _is(piece, "numpy", "ndarray")
    if not framed:
        arrays = [piece]
    elif _is(piece, "pandas", "DataFrame"):
        arrays = [getattr(block, "values", None) for block in piece._mgr.blocks]
    elif _is(piece, "pandas", "Series"):
        arrays = [piece._values]
    try:
        return [_Memory(name, one, framed=framed) for one in arrays if _is(one, "numpy", "ndarray") and one.size]
    except Exception:
        return []


# State without a name


def _environment() -> Any:
    import os

    skip = ("MLFLOW_", "_MLFLOW_", "JPY_", "PLOOMBER_", "CELLMILL_", "IPY_", "COLUMNS", "LINES")
    return sorted((key, value) for key, value in os.environ.items() if not key.startswith(skip))


def _pandas_options() -> Any:
    config = sys.modules["pandas._config.config"]
    found = []
    for key, option in vars(config)["_registered_options"].items():
        value: Any = vars(config)["_global_config"]
        for part in key.split("."):
            value = value[part]
        if value is not option.defval and repr(value) != repr(option.defval):
            found.append((key, repr(value)))
    return found


def _matplotlib_options() -> Any:
    matplotlib = sys.modules["matplotlib"]
    default = dict.items(matplotlib.rcParamsDefault)
    now = dict(dict.items(matplotlib.rcParams))
    skip = ("backend", "interactive", "_internal")
    return [(key, repr(now[key])) for key, value in default if not key.startswith(skip) and now.get(key) != value]


def _logging() -> Any:
    import logging

    loggers = {"": logging.root, **logging.root.manager.loggerDict}
    found = []
    for name, logger in sorted(loggers.items()):
        if not isinstance(logger, logging.Logger):
            continue
        handlers = [(type(one).__name__, one.level) for one in logger.handlers if type(one) is not logging.NullHandler]
        level = 0 if logger is logging.root and logger.level == logging.WARNING else logger.level
        if level or handlers or logger.disabled or not logger.propagate:
            found.append((name, level, logger.disabled, logger.propagate, handlers))
    return found, logging.root.manager.disable


def _of(module: str, get: Callable[[Any], Any]) -> Callable[[], Any]:
    return lambda: get(sys.modules[module]) if module in sys.modules else None


_STATES: dict[str, Callable[[], Any]] = {
    "random": lambda: random.getstate(),
    "numpy.random": _of("numpy.random", lambda module: module.get_state()),
    "torch.random": _of("torch", lambda module: module.get_rng_state().numpy().tobytes()),
    "os.environ": _environment,
    "cwd": lambda: str(pathlib.Path.cwd()),
    "sys.path": lambda: list(sys.path),
    "pandas.options": lambda: _pandas_options() if "pandas._config.config" in sys.modules else None,
    "numpy.printoptions": _of("numpy", lambda module: repr(module.get_printoptions())),
    "numpy.errstate": _of("numpy", lambda module: module.geterr()),
    "matplotlib.rcParams": lambda: _matplotlib_options() if "matplotlib" in sys.modules else None,
    "decimal.context": lambda: repr(decimal.getcontext()),
    "warnings.filters": lambda: [repr(one) for one in warnings.filters],
    "locale": _of("locale", lambda module: module.setlocale(module.LC_ALL)),
    "sys.recursionlimit": sys.getrecursionlimit,
    "sklearn.config": _of("sklearn", lambda module: repr(module.get_config())),
    "logging": _logging,
    "pyplot.figures": _of("matplotlib._pylab_helpers", lambda module: list(module.Gcf.figs)),
}
# Importing a package changes these by itself, and does so again in the task that imports it.
_CHANGED_BY_IMPORTS = ("os.environ", "sys.path", "warnings.filters", "logging")


# Of these only what differs from the default is told, so that nothing was set where nothing was told.
_TOLD_BY_DIFFERENCE = ("pandas.options", "matplotlib.rcParams")


def _states(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "numpy" in sys.modules and "numpy.random" not in sys.modules:
        # numpy loads it when it is first asked for: too late to know whether it was seeded then.
        importlib.import_module("numpy.random")
    for name, get in _STATES.items():
        with contextlib.suppress(Exception):
            if (value := get()) is not None:
                found[name] = value if name.endswith("random") else fingerprint(value)[0]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(folder) and "site-packages" not in file and name != "__main__":
            found[f"module:{name}"] = fingerprint(_module_state(module))[0]
    return found


def local_modules(folder: str) -> dict[str, str]:
    """Modules of the notebook's own folder that are imported: file to a hash of its text."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(folder) and "site-packages" not in file and name != "__main__":
            with contextlib.suppress(OSError):
                found[file[len(folder) :].lstrip("/\\")] = hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()
    return found


def _module_state(module: types.ModuleType) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("__") and not isinstance(value, _CODE)
    }


def _drawn(before: Any, after: Any) -> bool:
    """Whether a Mersenne Twister came from one state to the other by drawing alone, of up to 2000 turns of its key."""
    try:
        old, new = _key(before), _key(after)
    except Exception:
        return False
    twister = random.Random()
    twister.setstate((3, (*old, len(old)), None))
    for _ in range(2000):
        if old == new:
            return True
        twister.getrandbits(32 * len(old))
        old = twister.getstate()[1][:-1]
    return False


def _key(state: Any) -> tuple[int, ...]:
    if state[0] == "MT19937":
        return tuple(int(one) for one in state[1])
    return tuple(state[1][:-1])


# The watch


class Watch:
    """Looks at a namespace from time to time and tells what changed since it last looked.

    Parameters
    ----------
    namespace
        The author's variables.
    hidden
        Names in it that are not the author's.
    folder
        The notebook's folder.
    """

    def __init__(self, namespace: dict[str, Any], hidden: Iterable[str] = (), folder: str = "") -> None:
        self._namespace = namespace
        self._hidden = set(hidden)
        self._folder = folder
        self._known: dict[str, tuple[int, str | None, bool]] = {}
        self._states: dict[str, Any] = {}
        self._modules: set[str] = set()

    def look(self, seconds: float | None = None) -> dict[str, Any]:
        """Tell of every name, which share an object, and which state changed; ``seconds`` limits the time for it."""
        deadline = None if seconds is None else time.perf_counter() + seconds
        with _unnoticed():
            names = self._names(deadline)
            facts = {"names": names, "changes": self._changes(names)}
            most = _PIECES if deadline is None else 300
            live = [name for name, fact in names.items() if not fact["immutable"]]
            facts["groups"] = groups(self._namespace, live, most, deadline)
            facts["states"] = self._state_changes()
            facts["complete"] = deadline is None or time.perf_counter() <= deadline
        return facts

    def _names(self, deadline: float | None) -> dict[str, dict[str, Any]]:
        found = {}
        for name, value in list(self._namespace.items()):
            if name in self._hidden or name.startswith("__") or _HISTORY.fullmatch(name):
                continue
            if isinstance(value, types.ModuleType):
                continue
            kind = type(value)
            content, size, sampled = fingerprint(value, deadline)
            found[name] = {
                "type": f"{kind.__module__}.{kind.__qualname__}",
                "bytes": size,
                "print": content,
                "sampled": sampled,
                "immutable": immutable(value),
            }
        return found

    def _changes(self, names: dict[str, dict[str, Any]]) -> dict[str, Change]:
        changes: dict[str, Change] = {name: "gone" for name in self._known if name not in names}
        now = {}
        for name, fact in names.items():
            identity, content = id(self._namespace[name]), fact["print"]
            known = self._known.get(name)
            if known is None:
                changes[name] = "new"
            else:
                comparable = content is not None and known[1] is not None and known[2] == fact["sampled"]
                if comparable and known[1] != content:
                    changes[name] = "changed" if known[0] == identity else "bound"
                elif known[0] != identity and not fact["immutable"]:
                    changes[name] = "bound"
            now[name] = (identity, content, fact["sampled"])
        self._known = now
        return changes

    def _state_changes(self) -> dict[str, str]:
        now = _states(self._folder)
        loaded = {name.partition(".")[0] for name in sys.modules}
        imported = bool(loaded - self._modules)
        changed = {}
        for name, value in now.items():
            before = self._states.get(name)
            if not _differs(before, value) or (imported and name in _CHANGED_BY_IMPORTS):
                continue
            if before is None and (name not in _TOLD_BY_DIFFERENCE or not _differs(fingerprint([])[0], value)):
                continue  # it came with its import
            changed[name] = "drawn" if name.endswith("random") and _drawn(before, value) else "set"
        self._states, self._modules = now, loaded
        return changed


def _differs(one: Any, other: Any) -> bool:
    return fingerprint(one)[0] != fingerprint(other)[0]


@contextlib.contextmanager
def _unnoticed() -> Iterator[None]:
    """What a pickled object's own methods print, warn of or draw does not reach the author."""
    position = random.getstate()
    numbers = _STATES["numpy.random"]() if "numpy.random" in sys.modules else None
    shown = getattr(warnings, "_showwarnmsg", None)
    out, error = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
    # Not catch_warnings: it makes Python forget which warnings it has shown.
    setattr(warnings, "_showwarnmsg", lambda _: None)  # noqa: B010 - not in the module's stubs
    try:
        yield
    finally:
        setattr(warnings, "_showwarnmsg", shown)  # noqa: B010
        sys.stdout, sys.stderr = out, error
        if random.getstate() != position:
            random.setstate(position)
        if numbers is not None and _differs(numbers, _STATES["numpy.random"]()):
            sys.modules["numpy.random"].set_state(numbers)


def install(shell: Any, counts: list[int], path: str, folder: str) -> None:
    """Look after each part of a notebook, of ``counts`` cells; a line of JSON for each goes to ``path``."""
    watch = Watch(shell.user_ns, shell.user_ns_hidden, folder)
    watch.look()
    borders = [sum(counts[: at + 1]) for at in range(len(counts))]
    done = -1  # the cell that calls this ends first

    def after(_result: Any) -> None:
        nonlocal done
        done += 1
        if done in borders:
            facts = {**watch.look(), "modules": local_modules(folder)}
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(facts) + "\n")

    shell.events.register("post_run_cell", after)
