"""Hands variables from one task to the next through files in output/TASK/.

A task calls `begin`, then `load` for what it receives, runs its cells, and calls `save` for what later tasks need.
Objects are pickled together with cloudpickle, so that two names for one object stay one object; a DataFrame is kept as
parquet and an array as npy where nothing is lost by it. Functions look up their globals in the task that loads them.
The shared cells (NAME_shared.py, beside this file) run in each task's own namespace, as they ran in the notebook.
"""

from __future__ import annotations

import array
import ast
import bisect
import collections
import contextlib
import dis
import enum
import functools
import gc
import graphlib
import importlib
import io
import itertools
import json
import logging
import mmap
import operator
import os
import pickle
import random
import shutil
import struct
import sys
import types
import typing
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import cloudpickle  # noqa: TID253 (this file is copied into pipelines, where the ban means nothing)

# Bytes from which on only some rows of a frame of numbers and texts are read back, how many, and what numbers are.
_LARGE = 1 << 24
_SAMPLE = 64
# Bytes from which on a piece of memory has a file of its own, and values of a frame that are written at a time.
_PIECE = 1 << 20
_BATCH = 1 << 20
_EXACT = frozenset("b1 i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 M8[ms] M8[us] M8[ns]".split())

SHARED = Path(__file__).stem.removesuffix("_handover") + "_shared"


class HandoverError(TypeError):
    """A variable that can't be saved for later tasks, or that did not come back as it was."""


class _Running:
    """The task that runs in this process: where its files go, and the names that its cells see."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.namespace: dict[str, Any] = sys.modules["__main__"].__dict__
        self.environment: dict[str, str] = {}
        self.path: list[str] = []
        self.directory = ""
        self.handlers: set[int] = set()
        self.shared: dict[str, Any] = {}
        self.parts: dict[str, dict[tuple[str, Any], Any]] = {}
        self.metrics: dict[str, float] = {}
        self.criteria: list[dict[str, Any]] = []
        self.loaded: dict[Path, dict[str, Any]] = {}
        self.put: set[str] = set()


_task = _Running()


# What a task calls


def begin(product: Mapping[str, str], namespace: dict[str, Any]) -> None:
    """Start a task: remember where its variables go, and run the shared cells in its namespace."""
    _task.folder = Path(product["variables"]).parent
    _task.namespace = namespace
    _task.environment = dict(os.environ)
    _task.path = list(sys.path)
    _task.directory = os.getcwd()
    _task.metrics, _task.criteria, _task.loaded, _task.put = {}, [], {}, set()
    _metrics_file().unlink(missing_ok=True)
    source = Path(__file__).with_name(f"{SHARED}.py")
    if source.exists():
        _run_shared(source, namespace)
    _let_go_later()
    _task.handlers = {id(handler) for logger in _loggers().values() for handler in logger.handlers}


def _let_go_later() -> None:
    """Hold on to what is loaded only in the cell that loads it: what the author deletes is gone, as in the notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        return

    def let_go(*_: Any) -> None:
        shell.events.unregister("post_run_cell", let_go)
        _task.loaded.clear()

    shell.events.register("post_run_cell", let_go)


def load(upstream: Mapping[str, str], *names: str) -> Any:
    """Load variables that an upstream task saved: the value of one name, or a tuple for several."""
    found = _read(Path(upstream["variables"]).parent, names)
    missing = [name for name in names if name not in found]
    if missing:
        raise HandoverError(f"task {Path(upstream['variables']).parent.name} did not save {', '.join(missing)}")
    values = tuple(found[name] for name in names)
    return values[0] if len(values) == 1 else values


def load_bound(upstream: Mapping[str, str], *names: str) -> dict[str, Any]:
    """Load those of the names that the upstream task had bound when it ended."""
    return _read(Path(upstream["variables"]).parent, names)


def load_state(upstream: Mapping[str, str], *states: str) -> None:
    """Put process state (random generators, options, working folder) back as an upstream task left it."""
    folder = Path(upstream["variables"]).parent
    with _bundle(folder / "states.pkl") as bundle:
        saved = bundle.load_all()
    for name in states:
        _put_state(name, saved[name])
        _task.put.add(name)


def rely(namespace: Mapping[str, Any], **types: str) -> None:
    """Refuse to go on with a variable of another type than it had when the notebook was observed.

    The pipeline was made knowing that later steps can't change these variables, because nothing can change an object
    of that type.
    """
    for name, kind in types.items():
        if name in namespace and _type_name(namespace[name]) != kind:
            raise HandoverError(
                f"variable `{name}` is a {_kind(namespace[name])}, and the pipeline was made for "
                f"{kind.removeprefix('builtins.')}, which no code can change; "
                "observe the notebook with such data (cellmill observe) and promote it again"
            )


def bound(namespace: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those of the names that are bound now; for variables that only some paths through the code set."""
    return {name: namespace[name] for name in names if name in namespace}


def save(*states: str, **variables: Any) -> None:
    """Save variables, and process state by name, for later tasks; all of it or nothing."""
    if _task.folder is None:
        raise HandoverError("save() needs begin() first")
    partial = _task.folder.with_name(f".{_task.folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        described = _write(partial, variables)
        if states:
            _dump(partial / "states.pkl", {name: _get_state(name) for name in states}, {})
        _check(partial, variables, described)
        manifest = {
            "format": 1,
            "step": _task.folder.name,
            "variables": described,
            "metrics": _task.metrics,
            "criteria": _task.criteria,
            "state": sorted(states),
        }
        (partial / "variables.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(_task.folder, ignore_errors=True)
        partial.rename(_task.folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def metric(name: str, value: Any) -> None:
    """Record a number about this run."""
    _task.metrics[name] = float(value)
    _write_metrics()


def criteria(text: str, namespace: Mapping[str, Any]) -> None:
    """Demand that an expression over metrics and variables holds; AssertionError with what was measured if not."""
    names = sorted({node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)})
    known = {**_task.metrics, **namespace}
    met = bool(eval(text, dict(known)))
    measured = {name: known[name] for name in names if name in known and not callable(known[name])}
    shown = {
        name: value if isinstance(value, (int, float, str, bool)) else repr(value) for name, value in measured.items()
    }
    _task.criteria.append({"criterion": text, "met": met, "measured": shown})
    _write_metrics()
    if not met:
        was = ", ".join(f"{name} = {_short(value)}" for name, value in measured.items())
        raise AssertionError(f"criteria not met: {text}, measured {was}")


# Shared cells


def _run_shared(source: Path, namespace: dict[str, Any]) -> None:
    """Run the shared cells here, and let ``import NAME_shared`` find what they made."""
    before = dict(namespace)
    code = compile(source.read_text(encoding="utf-8"), str(source), "exec", dont_inherit=True)
    with _quiet():
        exec(code, namespace)
    # What the task has imported before them may be theirs, too.
    bound = {one.argval for one in dis.get_instructions(code) if one.opname.startswith("STORE_")}
    made = {name: value for name, value in namespace.items() if name in bound or before.get(name, _task) is not value}
    module = types.ModuleType(SHARED)
    module.__dict__.update({name: value for name, value in made.items() if not name.startswith("__")})
    module.__file__ = str(source)
    sys.modules[SHARED] = module
    _task.shared = made
    _task.parts = {name: _parts(value) for name, value in made.items()}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What shared cells print belongs to the notebook, not to every task."""
    if "IPython" in sys.modules:
        from IPython.utils.capture import capture_output

        with capture_output(stdout=True, stderr=False, display=True):
            yield
    else:
        with contextlib.redirect_stdout(io.StringIO()):
            yield


def _shared_object(name: str) -> Any:
    """A function, class or marker of the shared cells, by its qualified name."""
    value: Any = importlib.import_module(SHARED)
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _shared_name(value: Any) -> str | None:
    """The qualified name under which the shared cells hold this very function, class or marker."""
    if type(value) is object:
        return next((name for name, made in _task.shared.items() if made is value), None)
    name = getattr(value, "__qualname__", None)
    if not isinstance(name, str) or "<" in name:
        return None
    found: Any = _task.shared.get(name.partition(".")[0])
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return name if found is value else None


def _parts(value: Any) -> dict[tuple[str, Any], Any]:
    """What may change of a function or class: attributes, an enclosing function's variables, a generic one's cases."""
    if isinstance(value, types.FunctionType):
        attributes = {"__defaults__": value.__defaults__, "__kwdefaults__": value.__kwdefaults__, **vars(value)}
        cells = enumerate(value.__closure__ or ())
        registry = getattr(value, "registry", None)
        cases = registry.items() if isinstance(registry, types.MappingProxyType) else ()
        return (
            {("attribute", name): content for name, content in attributes.items()}
            | {("cell", at): content[0] for at, cell in cells if (content := _content(cell))}
            | {("case", kind): function for kind, function in cases}
        )
    if isinstance(value, type) and not isinstance(value, enum.EnumMeta):
        return {("attribute", name): content for name, content in vars(value).items() if name not in _UNSETTABLE}
    return {}


def _own_state(name: str, value: Any) -> dict[tuple[str, Any], Any]:
    """What a shared function or class may have changed since the shared cells ran."""
    before = _task.parts.get(name, {})
    changed = {}
    for part, content in _parts(value).items():
        fixed = isinstance(content, _CODE) or (isinstance(value, type) and part[1].startswith("__"))
        if not fixed or before.get(part) is not content:
            changed[part] = content
    return changed


def _restore_shared(name: str, state: dict[tuple[str, Any], Any]) -> Any:
    value = _shared_object(name)
    for (kind, key), content in state.items():
        if kind == "cell":
            value.__closure__[key].cell_contents = content
        elif kind == "case":
            value.register(key, content)
        else:
            setattr(value, key, content)
    return value


class _Stateful:
    """Stands in a pickle for a shared function or class together with its state."""

    def __init__(self, name: str, state: dict[tuple[str, Any], Any]) -> None:
        self.name, self.state = name, state

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_shared, (self.name, self.state)


_UNSETTABLE = ("__dict__", "__weakref__", "__abstractmethods__", "_abc_impl")
# What does not change by itself: where the same one is still there, the loading task has it from the shared cells.
_CODE = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MappingProxyType,
    types.MemberDescriptorType,
    types.ModuleType,
    functools._lru_cache_wrapper,
    classmethod,
    property,
    staticmethod,
    type,
)


# Pickling


class _Namespace:
    """Stands in a pickle for a module's globals; for the notebook's functions these are the loading task's own."""

    def __init__(self, module: str) -> None:
        self.module = module

    def __reduce__(self) -> tuple[Any, ...]:
        return (_loading_namespace, ()) if self.module == "__main__" else (_module_namespace, (self.module,))


def _loading_namespace() -> dict[str, Any]:
    return _task.namespace


def _module_namespace(name: str) -> dict[str, Any]:
    return vars(importlib.import_module(name))


def _make_function(
    code: types.CodeType, namespace: dict[str, Any], name: str, cells: tuple[types.CellType, ...]
) -> types.FunctionType:
    return types.FunctionType(code, namespace, name, None, cells)


def _set_function(function: types.FunctionType, state: dict[str, Any]) -> None:
    function.__dict__.update(state.pop("__dict__"))
    function.__globals__.update(state.pop("__globals__"))
    for name, value in state.items():
        setattr(function, name, value)


def _content(cell: types.CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def _set_cell(cell: types.CellType, content: tuple[Any, ...]) -> None:
    if content:
        cell.cell_contents = content[0]


def _cached_function(function: Any, parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


def _make_error(kind: type[BaseException], arguments: tuple[Any, ...]) -> BaseException:
    return kind.__new__(kind, *arguments)


def _accept(*_: Any, **__: Any) -> None:
    """Stands in for the `__init_subclass__` of a class while classes are made again."""


def _iterator_at(forward: bool, items: Any, index: int) -> Any:
    """An iterator over a list or its like that stands at this index, which may lie behind the end.

    Python's own way back puts such an iterator at the end, so that it would give what is added later. Nor need all
    items be there yet: a list may hold the iterator itself.
    """
    missing = max(index + 1 - len(items), 0)
    kind: Any = next(one for one in (list, bytearray, array.array) if isinstance(items, one))
    if kind is array.array:
        items.frombytes(bytes(missing * items.itemsize))
    else:
        kind.extend(items, bytes(missing))
    iterator = kind.__iter__(items) if forward else kind.__reversed__(items)
    iterator.__setstate__(index)
    kind.__delitem__(items, slice(len(items) - missing, None))
    return iterator


def _dict_view(name: str, mapping: Any) -> Any:
    """What the method of this name gives, in spite of a subclass's own: ``keys``, ``values`` or ``items``."""
    return getattr(collections.OrderedDict if isinstance(mapping, collections.OrderedDict) else dict, name)(mapping)


def _dict_iterator(name: str, forward: bool, mapping: Any, rest: int) -> Any:
    """An iterator over a dictionary, or a view of it, that has so many elements before it."""
    view = getattr(dict, name)(mapping)
    iterator = iter(view) if forward else reversed(view)
    if len(mapping) < rest:
        raise pickle.UnpicklingError("an iterator over a dictionary that holds the iterator")
    for _ in range(len(mapping) - rest):
        next(iterator)
    return iterator


def _importable(function: types.FunctionType) -> bool:
    """Whether another process finds the function by its name."""
    found: Any = sys.modules.get(function.__module__ or "")
    if found is None or function.__module__ == "__main__":
        return False
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is function


def _used_globals(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _used_globals(constant)
    return names


def _array_view(
    base: Any, kind: Any, shape: tuple[int, ...], offset: int, strides: tuple[int, ...], writeable: bool
) -> Any:
    """An array that looks into another one's memory."""
    import numpy

    flat = base.reshape(-1, order="A")
    if kind.hasobject:
        view = numpy.lib.stride_tricks.as_strided(flat[offset // base.itemsize :], shape, strides)
    else:
        view = numpy.ndarray.__new__(
            numpy.memmap if _is_mapped(base) else numpy.ndarray, shape, kind, flat, offset, strides
        )
    if not writeable:
        view.flags.writeable = False
    return view


def _spread_array(compact: Any, strides: tuple[int, ...], writeable: bool) -> Any:
    """An array in its own order or with gaps, as it lay in memory: some sums depend on that in their last digit."""
    import numpy

    reaches = [(size - 1) * stride for size, stride in zip(compact.shape, strides, strict=True)]
    before = -sum(reach for reach in reaches if reach < 0)
    memory = numpy.zeros(before + sum(reach for reach in reaches if reach > 0) + compact.itemsize, "u1")
    array = numpy.ndarray(compact.shape, compact.dtype, memory, before, strides)
    array[...] = compact
    array.flags.writeable = writeable
    return array


_GENERATORS = {"random": ("random", "_inst"), "numpy.random": ("numpy.random.mtrand", "_rand")}


def _generator(state: str, position: Any) -> Any:
    """The process's generator; where the task was not given its position, it is where it was when it was saved."""
    module, name = _GENERATORS[state]
    if state not in _task.put:
        _put_state(state, position)
    return getattr(importlib.import_module(module), name)


def _map_array(path: str, kind: Any, mode: str, offset: int, shape: tuple[int, ...], order: Any) -> Any:
    import numpy

    return numpy.memmap(path, kind, mode, offset, shape, order)  # type: ignore[call-overload]


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle, but functions find their globals in the consumer, and what shares memory goes on sharing it.

    Parameters
    ----------
    file
        Where the pickle goes.
    files
        Ids of the values that have a file of their own, with its name.
    looked_into
        Ids of the arrays whose memory several others use.
    keep
        Asked whether a piece of memory belongs into the pickle itself; if not, takes it.
    """

    def __init__(
        self,
        file: Any,
        files: Mapping[int, str],
        looked_into: Set[int] = frozenset(),
        keep: Callable[[pickle.PickleBuffer], bool] | None = None,
    ) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL, buffer_callback=keep)
        self.files = files
        self.looked_into = looked_into
        self.spans: dict[int, dict[int, tuple[int, int]]] = {}
        self.apart: dict[int, Any] = {}
        self.buffers: dict[int, Any] = {}
        self.looking: dict[int, Any] = {}
        self.nans: dict[int, float] = {}
        self.sets: dict[int, set[Any]] = {}
        self.hooks: list[tuple[Any, str, Any]] = []
        self.foreign: dict[int, dict[str, Any]] = {}
        self.special: dict[int, Any] = {}
        self.reducers = {**_REDUCERS, **_array_reducers()}
        numpy = sys.modules.get("numpy")
        self.array_kinds = frozenset() if numpy is None else frozenset(_subclasses(numpy.ndarray)) - {*self.reducers}

    def dump_all(self, value: Any) -> None:
        """Dump a value, then what its classes do when subclasses or instances of them are made."""
        self.dump(value)
        while self.hooks:
            hooks, self.hooks = self.hooks, []
            self.dump(hooks)
        self.dump(None)
        for at in self.looking.keys() & self.buffers.keys():
            kind = type(self.buffers[at]).__name__
            raise pickle.PicklingError(f"an array looks into the memory of a {kind}, which would be two copies")

    def persistent_id(self, value: Any) -> str | None:
        kind = type(value)
        if kind is float and value != value:
            return self._not_a_number(value)
        if kind is bytearray or kind is array.array:
            self.buffers[id(value)] = value
        elif kind is set and id(value) not in self.sets:
            self.sets[id(value)] = value
            if not _alike(order := list(value), set(order)):
                self.hooks.append((value, _ORDER, (order, sys.getsizeof(value))))
        name = self.files.get(id(value))
        if name is not None and _is_array(value):
            self._note(value)
        return name

    def _not_a_number(self, value: float) -> str:
        """It is equal to nothing, so that lists and dictionaries find it by identity alone: it stays one object."""
        for module in ("numpy", "math"):
            if getattr(sys.modules.get(module), "nan", None) is value:
                return f"nan:{module}"
        self.nans[id(value)] = value
        return f"nan:{list(self.nans).index(id(value))}:{struct.pack('>d', value).hex()}"

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if issubclass(kind, type):
            return self._reduce_class(value)
        if (reduce := self.reducers.get(kind)) is not None:
            return reduce(self, value)
        if kind in self.array_kinds:
            self._note(value)
            self.special[id(value)] = value
        if issubclass(kind, BaseException) and isinstance(kind.__init__, types.FunctionType):
            return _make_error, (kind, value.args), vars(value)
        return NotImplemented

    def _reduce_class(self, made: type) -> Any:
        """As cloudpickle does, with what it leaves out, but what the class runs for subclasses does not run again."""
        if (name := _shared_name(made)) is not None:
            return _shared_object, (name,)
        reduced = super().reducer_override(made)
        if not isinstance(reduced, tuple) or reduced[0].__name__ != "_make_skeleton_class":
            return reduced
        body = next(one for one in reduced[1] if isinstance(one, dict))
        body["__qualname__"] = made.__qualname__
        state = reduced[2][0]
        state |= _own_copies(made)
        if state.get("__slots__"):
            body["__slots__"] = state.pop("__slots__")
        for hook in _HOOKS_OF_METACLASSES if issubclass(made, type) else _HOOKS:
            if hook in state:
                self.hooks.append((made, hook, state[hook]))
                state[hook] = _inherited(made, hook)
        return reduced

    def _reduce_cell(self, cell: types.CellType) -> Any:
        return types.CellType, (), _content(cell), None, None, _set_cell

    def _reduce_function(self, function: types.FunctionType) -> Any:
        if (name := _shared_name(function)) is not None:
            return _shared_object, (name,)
        if _importable(function):
            return super().reducer_override(function)
        state = {
            name: getattr(function, name)
            for name in ("__qualname__", "__module__", "__doc__", "__defaults__", "__kwdefaults__", "__annotations__")
        }
        state["__dict__"] = dict(function.__dict__)
        namespace, state["__globals__"] = self._globals_of(function)
        made = (function.__code__, namespace, function.__name__, function.__closure__ or ())
        return _make_function, made, state, None, None, _set_function

    def _globals_of(self, function: types.FunctionType) -> tuple[Any, dict[str, Any]]:
        """The function's globals: the loading task's, a module's, or (of generated code) a dictionary of their own."""
        own = function.__globals__
        if own is _task.namespace:
            return _Namespace("__main__"), {}
        module = own.get("__name__")
        if isinstance(module, str) and vars(sys.modules.get(module, sys)) is own and module != "__main__":
            return _Namespace(module), {}
        names = _used_globals(function.__code__) | {"__name__", "__builtins__"}
        return self.foreign.setdefault(id(own), {}), {name: own[name] for name in names if name in own}

    def _reduce_cached(self, function: Any) -> Any:
        if (name := _shared_name(function)) is not None:
            return _shared_object, (name,)
        if function.__module__ != "__main__":
            return NotImplemented
        return _cached_function, (function.__wrapped__, function.cache_parameters())

    def _reduce_cached_property(self, value: functools.cached_property[Any]) -> Any:
        return functools.cached_property, (value.func,), {"attrname": value.attrname}

    def _reduce_proxy(self, proxy: types.MappingProxyType[Any, Any]) -> Any:
        return types.MappingProxyType, (gc.get_referents(proxy)[0],)

    def _reduce_list_iterator(self, iterator: Any) -> Any:
        _, (items,), *index = iterator.__reduce__()
        name = type(iterator).__name__
        forward = "reverse" not in name
        if not index:  # at its end for good: the list has been let go
            items = bytearray() if "bytearray" in name else array.array("b") if "array" in name else []
        return _iterator_at, (forward, items, index[0] if index else int(forward) - 1)

    def _reduce_dict_view(self, view: Any) -> Any:
        return _dict_view, (type(view).__name__.partition("_")[2], gc.get_referents(view)[0])

    def _reduce_dict_iterator(self, iterator: Any) -> Any:
        """Its own way would freeze what it has before it, and change its type."""
        kind = type(iterator).__name__.removeprefix("dict_").removesuffix("iterator")
        rest = len(iterator.__reduce__()[1][0])
        mapping = next((one for one in gc.get_referents(iterator) if isinstance(one, dict)), {})
        return _dict_iterator, (f"{kind.removeprefix('reverse')}s", not kind.startswith("reverse"), mapping, rest)

    def _reduce_weak_keys(self, value: weakref.WeakKeyDictionary[Any, Any]) -> Any:
        """What is kept for classes, as generic functions do; other keys might be gone when it is loaded."""
        if not all(isinstance(key, type) for key in value):
            return NotImplemented
        return type(value), (dict(value),)

    def _reduce_weak_set(self, value: weakref.WeakSet[Any]) -> Any:
        if not all(isinstance(one, type) for one in value):
            raise pickle.PicklingError("cannot pickle weak references: what they refer to may be gone when loaded")
        return type(value), (list(value),)

    def _reduce_new_type(self, value: Any) -> Any:
        return type(value), (value.__qualname__, value.__supertype__), {"__module__": value.__module__}

    def _reduce_generator(self, value: Any) -> Any:
        """The generator that the process draws from, which an object may hold, stays that one."""
        for state, (module, name) in _GENERATORS.items():
            if getattr(sys.modules.get(module), name, None) is value:
                return _generator, (state, _STATES[state][0]())
        return NotImplemented

    def _reduce_marker(self, value: object) -> Any:
        name = _shared_name(value)
        return NotImplemented if name is None else (_shared_object, (name,))

    def _refuse(self, value: Any) -> Any:
        if value in (sys.stdin, sys.stdout, sys.stderr):
            return NotImplemented
        raise pickle.PicklingError(f"cannot pickle {type(value).__name__!r} object")

    def _reduce_array(self, array: Any) -> Any:
        """An array that looks into memory which others use too goes on doing so; any other keeps its layout."""
        base = _owner(array)
        if id(array) not in self.apart:
            self._note(array)
            if base is not array and (id(base) in self.looked_into or _is_mapped(base)):
                offset = _address(array) - _address(base)
                return _array_view, (base, array.dtype, array.shape, offset, array.strides, array.flags.writeable)
        if array.flags.forc or array.dtype.hasobject:
            return NotImplemented
        return _spread_array, (array.copy(), array.strides, array.flags.writeable)

    def _reduce_record(self, record: Any) -> Any:
        """One record of an array, which is a look into it."""
        import numpy

        if not isinstance(record.base, numpy.ndarray) or record.dtype.hasobject:
            return NotImplemented
        offset = _address(record) - _address(_owner(record.base))
        one = numpy.ndarray((), record.dtype, _owner(record.base), offset)
        one.flags.writeable = record.flags.writeable
        return operator.getitem, (one, ())

    def _reduce_mapped(self, array: Any) -> Any:
        """An array in a file of the author's: the same file again."""
        base = _owner(array)
        if not _is_mapped(base):
            return NotImplemented
        if base is not array:
            return self._reduce_array(array)
        base.flush()
        mode = "r" if base.mode == "r" else "r+"
        order = "C" if base.flags.c_contiguous else "F"
        return _map_array, (str(base.filename), base.dtype, mode, base.offset, base.shape, order)

    def _reduce_block(self, block: Any) -> Any:
        """Columns of a DataFrame: those of two frames may share memory, which pandas knows and a pickle does not."""
        make, (values, *others) = block.__reduce__()
        values = values[:]
        for part in (values, *(getattr(values, name, None) for name in ("_ndarray", "_data", "_mask"))):
            self.apart[id(part)] = part
        return make, (values, *others)

    def _note(self, array: Any) -> None:
        memory = _owner(array).base
        memory = memory.obj if isinstance(memory, memoryview) else memory
        if memory is not None and array.flags.writeable:
            self.looking[id(memory)] = memory
        self.spans.setdefault(id(_owner(array)), {})[id(array)] = _span(array)

    def overlapping(self) -> set[int]:
        """Ids of the arrays whose memory is used by several arrays that were dumped."""
        found = set()
        for owner, spans in self.spans.items():
            ordered = sorted(spans.values())
            if any(start < end for (_, end), (start, _) in itertools.pairwise(ordered)):
                found.add(owner)
                for one in self.special.keys() & spans.keys():
                    kind = type(self.special[one]).__name__
                    raise pickle.PicklingError(
                        f"a {kind} shares its memory with another array, which would be two copies"
                    )
        return found


_HOOKS = ("__init_subclass__",)
_HOOKS_OF_METACLASSES = ("__init_subclass__", "__new__", "__init__", "__prepare__")


def _walking_reducers() -> dict[type, Callable[[_Pickler, Any], Any]]:
    """For what goes through a list, a dictionary or the like, and sees what becomes of it."""
    lists: tuple[Any, ...] = ([], bytearray(), array.array("b"), reversed([]))
    mappings: tuple[Any, ...] = ({}, collections.OrderedDict())
    views = [getattr(mapping, name)() for mapping in mappings for name in ("keys", "values", "items")]
    found: dict[type, Callable[[_Pickler, Any], Any]] = {type(view): _Pickler._reduce_dict_view for view in views}
    found |= {type(iter(one)): _Pickler._reduce_list_iterator for one in lists}
    found |= {type(made(view)): _Pickler._reduce_dict_iterator for view in views for made in (iter, reversed)}
    return {**found, type(iter(set())): _Pickler._refuse, type(iter(mappings[1])): _Pickler._refuse}


_REDUCERS: dict[type, Callable[[_Pickler, Any], Any]] = {
    types.CellType: _Pickler._reduce_cell,
    types.FunctionType: _Pickler._reduce_function,
    types.MappingProxyType: _Pickler._reduce_proxy,
    functools._lru_cache_wrapper: _Pickler._reduce_cached,
    functools.cached_property: _Pickler._reduce_cached_property,
    weakref.WeakKeyDictionary: _Pickler._reduce_weak_keys,
    weakref.WeakSet: _Pickler._reduce_weak_set,
    typing.NewType: _Pickler._reduce_new_type,
    random.Random: _Pickler._reduce_generator,
    object: _Pickler._reduce_marker,
    io.TextIOWrapper: _Pickler._refuse,
    memoryview: _Pickler._refuse,
    **_walking_reducers(),
}


def _array_reducers() -> dict[type, Callable[[_Pickler, Any], Any]]:
    """For types of numpy and pandas, where these are in use."""
    found: dict[type, Callable[[_Pickler, Any], Any]] = {}
    if (numpy := sys.modules.get("numpy")) is not None:
        found |= {numpy.ndarray: _Pickler._reduce_array, numpy.memmap: _Pickler._reduce_mapped}
        found[numpy.void] = _Pickler._reduce_record
        if (mtrand := sys.modules.get("numpy.random.mtrand")) is not None:
            found[mtrand.RandomState] = _Pickler._reduce_generator
    if (blocks := sys.modules.get("pandas.core.internals.blocks")) is not None:
        found |= dict.fromkeys(_subclasses(blocks.Block), _Pickler._reduce_block)
    return found


def _subclasses(made: type[Any]) -> Iterator[type[Any]]:
    yield made
    for below in made.__subclasses__():
        yield from _subclasses(below)


def _own_copies(made: type) -> dict[str, Any]:
    """What the class holds itself though a base holds the same object: it stays as it is when the base's changes."""
    left_out = ("__module__", "__doc__", "__dict__", "__weakref__", "_abc_impl")
    bases = [vars(base) for base in made.__bases__]
    return {
        name: value
        for name, value in vars(made).items()
        if name not in left_out and any(name in base and base[name] is value for base in bases)
    }


def _inherited(made: type, hook: str) -> Any:
    """What stands in for a class's hook while other classes are made again: that of a library's class above it."""
    if hook == "__init_subclass__":
        return classmethod(_accept)
    return next(vars(base)[hook] for base in made.__mro__[1:] if base.__module__ != "__main__" and hook in vars(base))


def _owner(array: Any) -> Any:
    """The array whose memory this one uses."""
    import numpy

    base = array.base
    while base is not None:
        if isinstance(base, numpy.ndarray):
            array = base
        base = getattr(base, "base", None)
    return array


def _is_mapped(array: Any) -> bool:
    """Whether the array is a file that others may read, too."""
    return getattr(array, "mode", "c") != "c" and bool(array.filename) and Path(array.filename).exists()


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def _span(array: Any) -> tuple[int, int]:
    """The memory from the array's first byte to its last."""
    reaches = [(size - 1) * stride for size, stride in zip(array.shape, array.strides, strict=True)]
    start = _address(array)
    if array.size == 0:
        return start, start
    below = sum(reach for reach in reaches if reach < 0)
    return start + below, start + sum(reach for reach in reaches if reach > 0) + array.itemsize


_ORDER = "<order>"


def _alike(order: list[Any], made: set[Any]) -> bool:
    return len(order) == len(made) and all(map(operator.is_, order, made))


def _put_order(target: set[Any], order: list[Any], size: int) -> None:
    """Let a set give its elements in this order again, as far as CPython's layout of sets is known.

    The order is that of the places in the set's table, whose length depends on what the set once held, and an element
    stands elsewhere than at its own place where that was taken. Texts need the same PYTHONHASHSEED, too.
    """
    length = max((size - sys.getsizeof(set())) // 16, 8)
    way = _way_in(order, length)
    if way is not None:
        fillers = [one for one in way if type(one) is _Filler]
        target.clear()
        # A dictionary tells beforehand how much there will be: the table gets its length at once.
        target.update(dict.fromkeys(way[: length * 3 // 8]))
        target.update(way)
        for one in fillers:
            target.discard(one)
        if _alike(order, target):
            return
    target.clear()
    target.update(order)


class _Filler:
    """Takes a place in a set's table."""

    def __init__(self, place: int) -> None:
        self.place = place

    def __hash__(self) -> int:
        return self.place


def _way_in(order: list[Any], length: int) -> list[Any] | None:
    """What to add, one after the other, to an empty set with such a table for this order; fillers go again."""
    places = _likely_places(order, length)
    if places is None:
        return None
    before = [
        list(itertools.takewhile(lambda tried, place=place: tried != place, _tried_places(hash(one), length - 1)))  # type: ignore[misc]
        for one, place in zip(order, places, strict=True)
    ]
    at = {place: number for number, place in enumerate(places)}
    fillers = {one for passed in before for one in passed if one not in at}
    spare = (one for one in range(length) if one not in at and one not in fillers)
    fillers.update(itertools.islice(spare, max(length * 3 // 8 - len(fillers) - len(order), 0)))
    # Whoever was passed over must be there first.
    sorter: graphlib.TopologicalSorter[int] = graphlib.TopologicalSorter()
    for number, passed in enumerate(before):
        sorter.add(number, *(at[one] for one in passed if one in at))
    try:
        sequence = [order[number] for number in sorter.static_order()]
    except graphlib.CycleError:
        return None
    return [*map(_Filler, sorted(fillers)), *sequence]


def _likely_places(order: list[Any], length: int) -> list[int] | None:
    """Places in rising order, each one at which its element may stand, that need the fewest detours; None if none."""
    steps: list[list[tuple[int, int]]] = []
    ends, costs = [-1], [0]  # places where the elements so far may end, rising, and the fewest detours up to each
    for one in order:
        tried = list(itertools.islice(_tried_places(hash(one), length - 1), 24))
        options: list[tuple[int, int, int]] = []
        for place in sorted(set(tried)):
            below = bisect.bisect_left(ends, place) - 1
            if below >= 0:
                cost = costs[below] + tried.index(place)
                if not options or cost < options[-1][1]:
                    options.append((place, cost, ends[below]))
        if not options:
            return None
        # A place further on that costs more helps nobody; one that costs less may.
        steps.append([(place, came) for place, _, came in options])
        ends, costs = [place for place, _, _ in options], [cost for _, cost, _ in options]
    places, place = [], ends[-1] if ends else -1
    for step in reversed(steps):
        places.append(place)
        place = dict(step)[place]
    return places[::-1]


def _tried_places(hashed: int, mask: int) -> Iterator[int]:
    """The places at which an element is looked for (CPython's ``set_add_entry``)."""
    rest = hashed & (2**64 - 1)
    place = rest & mask
    while True:
        yield from range(place, place + 10 if place + 9 <= mask else place + 1)
        rest >>= 5
        place = (place * 5 + 1 + rest) & mask


class _Unpickler(pickle.Unpickler):
    def __init__(
        self, file: Any, folder: Path, loaded: dict[str, Any] | None = None, pieces: Iterable[Any] = ()
    ) -> None:
        super().__init__(file, buffers=pieces)
        self.folder = folder
        self.loaded: dict[str, Any] = {} if loaded is None else loaded
        self.nans: dict[str, float] = {}

    def load_all(self) -> Any:
        value = self.load()
        while (hooks := self.load()) is not None:
            for made, hook, content in hooks:
                if hook == _ORDER:
                    _put_order(made, *content)
                else:
                    setattr(made, hook, content)
        return value

    def find_class(self, module: str, name: str) -> Any:
        if module == "__main__":
            # The notebook's names are not there yet when a task loads its variables; those of the shared cells are.
            if name.partition(".")[0] not in _task.shared:
                raise pickle.UnpicklingError(f"{name} can only be found by its name")
            return _shared_object(name)
        return super().find_class(module, name)

    def persistent_load(self, key: Any) -> Any:
        if key.startswith("nan:"):
            _, where, *content = key.split(":")
            if not content:
                return importlib.import_module(where).nan
            return self.nans.setdefault(key, struct.unpack(">d", bytes.fromhex(content[0]))[0])
        if key not in self.loaded:
            self.loaded[key] = _read_file(self.folder / key)
        return self.loaded[key]


# Writing and reading


def _write(folder: Path, variables: dict[str, Any]) -> dict[str, Any]:
    """Write all variables; returns what the manifest says of them."""
    values = {
        name: _Stateful(shared, _own_state(shared, value)) if (shared := _shared_name(value)) is not None else value
        for name, value in variables.items()
    }
    files = _write_files(folder, values)
    try:
        overlapping = _dump(folder / "bundle.pkl", values, files)
        if overlapping:
            for value in values.values():
                if _is_array(value) and id(_owner(value)) in overlapping and id(value) in files:
                    (folder / files.pop(id(value))).unlink()
            _dump(folder / "bundle.pkl", values, files, overlapping)
    except Exception as error:
        raise _culprit(variables, error) from error
    return {name: _describe(value, files.get(id(value), "bundle.pkl"), folder) for name, value in variables.items()}


def _dump(path: Path, value: Any, files: Mapping[int, str], looked_into: Set[int] = frozenset()) -> set[int]:
    """Write a bundle; returns the ids of arrays whose memory several arrays in it use.

    Large pieces of memory lie beside it (pickle's protocol 5), so that they are written and read as they are.
    """
    for left in path.parent.glob(f"{path.stem}.*.buffer"):
        left.unlink()
    number = itertools.count()

    def keep(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < _PIECE:
            return True
        (path.parent / f"{path.stem}.{next(number)}.buffer").write_bytes(raw)
        return False

    with path.open("wb") as file:
        pickler = _Pickler(file, files, looked_into, keep)
        pickler.dump_all(value)
    return pickler.overlapping()


@contextlib.contextmanager
def _bundle(path: Path, loaded: dict[str, Any] | None = None) -> Iterator[_Unpickler]:
    """Open a bundle. To load it is left to who asks: formulas look names up so many calls above their own loading."""
    with path.open("rb") as file:
        yield _Unpickler(file, path.parent, loaded, _pieces(path))


def _pieces(path: Path) -> Iterator[Any]:
    """What lies beside a bundle, in memory that is the file until it is written to, and then a copy."""
    for number in itertools.count():
        with (path.parent / f"{path.stem}.{number}.buffer").open("rb") as file:
            try:
                piece: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            except OSError:  # not every file system can
                piece = bytearray(file.read())
        yield piece


def _write_files(folder: Path, values: dict[str, Any]) -> dict[int, str]:
    """Give DataFrames and arrays a file of their own where that keeps them exactly."""
    files: dict[int, str] = {}
    known = {id(value) for value in values.values()}
    for name, value in values.items():
        if id(value) in files:
            continue
        # Some systems take X.npy and x.npy for one file.
        stem = (
            name if name.lower() not in {Path(file).stem.lower() for file in files.values()} else f"{name}.{len(files)}"
        )
        if _is_array(value) and _kept_by_npy(value):
            import numpy

            numpy.save(folder / f"{stem}.npy", value, allow_pickle=False)
            files[id(value)] = f"{stem}.npy"
        elif _is_frame(value) and known & {id(value.columns), id(value.index)}:
            continue  # its labels have a name of their own, through which they can be renamed
        elif _is_frame(value) and _write_frame(folder / f"{stem}.parquet", value):
            files[id(value)] = f"{stem}.parquet"
    return files


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray


def _kept_by_npy(array: Any) -> bool:
    from numpy.lib import format as npy

    kind = array.dtype
    if kind.hasobject or kind.metadata is not None or not array.flags.forc or not array.flags.writeable:
        return False
    return not _is_mapped(_owner(array)) and repr(npy.descr_to_dtype(npy.dtype_to_descr(kind))) == repr(kind)


def _is_frame(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and type(value) is pandas.DataFrame


def _write_frame(path: Path, frame: Any) -> bool:
    """Write a DataFrame as parquet and read it back; False if that is not the same frame in every respect."""
    import pandas

    if frame.memory_usage().sum() > _LARGE and _row_by_row(frame) and _plain_layout(frame):
        # To read it all back takes longer than to write it, and so do compression, dictionaries and ranges of numbers.
        if _write_frame(path, frame.iloc[:_SAMPLE]):
            texts = [str(name) for name, kind in frame.dtypes.items() if _is_text(kind)]
            frame.to_parquet(
                path, compression=None, use_dictionary=texts or False, write_statistics=False, write_batch_size=_BATCH
            )
            return True
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame.to_parquet(path)
            back = pandas.read_parquet(path)
        pandas.testing.assert_frame_equal(frame, back, check_exact=True, check_freq=True, check_flags=True)
        same = _details(frame) == _details(back) and _plain_layout(frame) and _plain_layout(back)
        same = same and not _holds_objects(frame) and _fixed(tuple(frame.attrs.values()))
    except Exception:
        same = False
    if not same:
        path.unlink(missing_ok=True)
    return same


def _row_by_row(frame: Any) -> bool:
    """Whether parquet gives back any row as it gives back the others: numbers, times, Arrow's texts, and plain rows."""
    import pandas

    return type(frame.index) is pandas.RangeIndex and all(_is_number(kind) or _is_text(kind) for kind in frame.dtypes)


def _is_number(kind: Any) -> bool:
    return type(kind).__module__.startswith("numpy") and kind.isnative and kind.str[1:] in _EXACT


def _is_text(kind: Any) -> bool:
    """Whether a column holds texts as Arrow does, which is how parquet holds them; not as Python objects."""
    import pandas

    return isinstance(kind, pandas.StringDtype) and kind.storage == "pyarrow"


def _levels(index: Any) -> Any:
    return getattr(index, "levels", (index,))


def _holds_objects(frame: Any) -> bool:
    """Whether a column or an index may hold anything: a file has fewer types."""
    kinds = [*frame.dtypes, *(level.dtype for index in (frame.index, frame.columns) for level in _levels(index))]
    return "object" in {str(kind) for kind in kinds}


def _fixed(value: Any) -> bool:
    """Whether nobody can change it, so that it need not stay the same object as another name's."""
    if type(value) is tuple:
        return all(_fixed(one) for one in value)
    return value is None or type(value) in (bool, int, float, complex, str, bytes)


def _details(frame: Any) -> list[Any]:
    """What a comparison of values lets pass: time zones' types, labels that are no longer used, types in attrs."""
    indexes = (frame.index, frame.columns)
    kinds = [*frame.dtypes, *(level.dtype for index in indexes for level in _levels(index))]
    zones = [type(getattr(kind, "tz", None)) for kind in kinds]
    unused = [list(level) for index in indexes if index.nlevels > 1 for level in _levels(index)]
    return [type(frame.index), type(frame.columns), zones, repr((kinds, unused, frame.attrs))]


def _plain_layout(frame: Any) -> bool:
    """Whether the columns lie in memory as a file's would: products of matrices depend on it in their last digit."""
    for block in frame._mgr.blocks:
        values = block.values
        if type(values).__name__ == "ndarray" and values.dtype.kind != "O" and not values.flags.c_contiguous:
            return False
    return True


def _read_file(path: Path) -> Any:
    if path.suffix == ".npy":
        import numpy

        return numpy.load(path, allow_pickle=False)
    import pandas

    # What is read in one go need not be fetched beforehand, nor copied on its way.
    return pandas.read_parquet(path, memory_map=True, pre_buffer=False)


def _read(folder: Path, names: tuple[str, ...]) -> dict[str, Any]:
    manifest = folder / "variables.json"
    if not manifest.exists():
        raise HandoverError(f"{manifest} is missing: run task {folder.name} first")
    described = json.loads(manifest.read_text(encoding="utf-8"))["variables"]
    wanted = [name for name in names if name in described]
    # Within a task a second load gives the same objects as the first, so that two names for one object stay so.
    loaded = _task.loaded.setdefault(folder, {}) if _task.folder is not None else {}
    if all(described[name]["file"] != "bundle.pkl" for name in wanted):
        for file in {described[name]["file"] for name in wanted} - loaded.keys():
            loaded[file] = _read_file(folder / file)
        return {name: loaded[described[name]["file"]] for name in wanted}
    if "bundle.pkl" not in loaded:
        with _bundle(folder / "bundle.pkl", loaded) as bundle:
            loaded["bundle.pkl"] = bundle.load_all()
    return {name: loaded["bundle.pkl"][name] for name in wanted}


def _check(folder: Path, variables: dict[str, Any], described: dict[str, Any]) -> None:
    """Load everything back and compare types: what comes back as something else is an error now, not later."""
    try:
        # What has a file of its own was looked at when that was written.
        seen = {described[name]["file"]: value for name, value in variables.items()}
        seen.pop("bundle.pkl", None)
        with _bundle(folder / "bundle.pkl", seen) as bundle:
            back = bundle.load_all()
    except Exception as error:
        raise _culprit(variables, error) from error
    for name, value in variables.items():
        if _type_name(back[name]) != _type_name(value):
            raise HandoverError(
                f"variable `{name}` is a {_kind(value)} but comes back from its file as {_kind(back[name])}; "
                f"{_REMEDY.format(name=name)}"
            )


_REMEDY = "tag the cells that use `{name}` with one step, or make it again in the step that uses it"


def _culprit(variables: dict[str, Any], error: Exception) -> HandoverError:
    """Find the variable that can't be pickled, and say so."""
    for name, value in variables.items():
        try:
            file = io.BytesIO()
            _Pickler(file, {}).dump_all(value)
            _Unpickler(io.BytesIO(file.getvalue()), Path()).load_all()
        except Exception as cause:
            return HandoverError(
                f"variable `{name}` ({_kind(value)}) can't be handed to later tasks: {_words(cause)}; "
                f"{_REMEDY.format(name=name)}"
            )
    if isinstance(error, OSError):
        raise error
    return HandoverError(
        f"the variables {', '.join(variables)} can't be handed to later tasks together: {_words(error)}"
    )


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _kind(value: Any) -> str:
    """The type as people say it."""
    return _type_name(value).removeprefix("builtins.").removeprefix("__main__.")


def _type_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _describe(value: Any, file: str, folder: Path) -> dict[str, Any]:
    size = getattr(value, "nbytes", None) if _is_array(value) else None
    if size is None and file != "bundle.pkl":
        size = (folder / file).stat().st_size
    return {"type": _type_name(value), "bytes": int(size if size is not None else sys.getsizeof(value)), "file": file}


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _metrics_file() -> Path:
    assert _task.folder is not None
    return _task.folder.with_name(f"{_task.folder.name}.metrics.json")


def _write_metrics() -> None:
    if _task.folder is not None:
        path = _metrics_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({"metrics": _task.metrics, "criteria": _task.criteria}, indent=1) + "\n", encoding="utf-8"
        )


# Process state


def _get_state(name: str) -> Any:
    if name.startswith("patch:"):
        owner, attribute = _patched(name)
        return _Missing if not hasattr(owner, attribute) else getattr(owner, attribute)
    return _STATES[name][0]()


def _put_state(name: str, value: Any) -> None:
    if name.startswith("patch:"):
        owner, attribute = _patched(name)
        if value is _Missing:
            with contextlib.suppress(AttributeError):
                delattr(owner, attribute)
        else:
            setattr(owner, attribute, value)
        return
    _STATES[name][1](value)


class _Missing:
    """Stands for an attribute that was taken away."""


def _patched(name: str) -> tuple[Any, str]:
    """The object and the attribute of ``patch:package.module.Class.attribute``."""
    *parts, attribute = name.removeprefix("patch:").split(".")
    owner: Any = importlib.import_module(parts[0])
    for at, part in enumerate(parts[1:], start=2):
        if not hasattr(owner, part):
            importlib.import_module(".".join(parts[:at]))
        owner = getattr(owner, part)
    return owner, attribute


def _get_environment() -> dict[str, Any]:
    now, start = dict(os.environ), _task.environment
    skip = ("MLFLOW_", "JPY_", "PLOOMBER_")
    changed = {key: value for key, value in now.items() if start.get(key) != value and not key.startswith(skip)}
    return {"set": changed, "unset": [key for key in start if key not in now and not key.startswith(skip)]}


def _put_environment(value: dict[str, Any]) -> None:
    os.environ.update(value["set"])
    for key in value["unset"]:
        os.environ.pop(key, None)


def _get_directory() -> str:
    return os.path.relpath(os.getcwd(), _task.directory)


def _put_directory(value: str) -> None:
    os.chdir(os.path.join(_task.directory, value))


def _get_path() -> dict[str, list[str]]:
    front: list[str] = []
    for entry in sys.path:
        if entry in _task.path:
            break
        front.append(entry)
    return {"front": front, "back": [one for one in sys.path[len(front) :] if one not in _task.path]}


def _put_path(value: dict[str, list[str]]) -> None:
    sys.path[:0] = [one for one in value["front"] if one not in sys.path]
    sys.path.extend(one for one in value["back"] if one not in sys.path)


def _get_pandas() -> dict[str, Any]:
    from pandas._config import config

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        registered: dict[str, Any] = vars(config)["_registered_options"]
        values = {key: config.get_option(key) for key in registered}
    return {key: value for key, value in values.items() if registered[key].defval != value}


def _put_pandas(value: dict[str, Any]) -> None:
    import pandas

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, setting in value.items():
            pandas.set_option(key, setting)


def _get_matplotlib() -> dict[str, Any]:
    import matplotlib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        default = matplotlib.rcParamsDefault
        return {
            key: value
            for key, value in matplotlib.rcParams.items()
            if not key.startswith("backend") and key != "interactive" and default.get(key) != value
        }


def _put_matplotlib(value: dict[str, Any]) -> None:
    import matplotlib

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matplotlib.rcParams.update(value)  # type: ignore[arg-type]


def _put_filters(value: list[Any]) -> None:
    warnings.filters[:] = value  # type: ignore[index]
    # Appending what is the default anyway makes Python forget what it cached of the old filters.
    warnings.filterwarnings("default", append=True)


def _loggers() -> dict[str, logging.Logger]:
    known = logging.root.manager.loggerDict.items()
    return {"": logging.root, **{name: one for name, one in known if isinstance(one, logging.Logger)}}


def _get_logging() -> dict[str, Any]:
    """Levels and handlers of all loggers; handlers of libraries come with the import of the library."""
    levels = {name: (one.level, one.disabled, one.propagate) for name, one in _loggers().items()}
    new = [
        (name, _handler(name, handler))
        for name, logger in _loggers().items()
        for handler in logger.handlers
        if id(handler) not in _task.handlers
    ]
    handlers = [(name, told) for name, told in new if told is not None]
    return {"disable": logging.root.manager.disable, "levels": levels, "handlers": handlers}


def _handler(name: str, handler: logging.Handler) -> tuple[str, Any, int, logging.Formatter | None] | None:
    end = (handler.level, handler.formatter)
    if type(handler) is logging.FileHandler:
        return ("file", handler.baseFilename, *end)
    if type(handler) is logging.StreamHandler and handler.stream in (sys.stdout, sys.stderr):
        return ("stream", "stdout" if handler.stream is sys.stdout else "stderr", *end)
    in_memory = type(handler) is logging.StreamHandler and isinstance(handler.stream, io.StringIO)
    if isinstance(handler, logging.NullHandler) or (
        not in_memory and type(handler).__module__ not in ("__main__", "logging.handlers")
    ):
        return None
    raise HandoverError(
        f"logger {name or 'root'} has a {_kind(handler)}, which can't be handed to later tasks; "
        "set it up in a shared cell"
    )


def _put_logging(value: dict[str, Any]) -> None:
    for name, (level, disabled, propagate) in value["levels"].items():
        logger = logging.getLogger(name or None)
        logger.setLevel(level)
        logger.disabled, logger.propagate = disabled, propagate
    for name, (kind, target, level, formatter) in value["handlers"]:
        handler = logging.FileHandler(target, "a") if kind == "file" else logging.StreamHandler(getattr(sys, target))
        handler.setLevel(level)
        handler.setFormatter(formatter)
        logging.getLogger(name or None).addHandler(handler)
    logging.disable(value["disable"])


def _of(module: str, name: str) -> Callable[..., Any]:
    """A function that is imported when it is called."""

    def call(*args: Any, **kwargs: Any) -> Any:
        owner: Any = importlib.import_module(module)
        return getattr(owner, name)(*args, **kwargs)

    return call


_STATES: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "random": (_of("random", "getstate"), _of("random", "setstate")),
    "numpy.random": (_of("numpy.random", "get_state"), _of("numpy.random", "set_state")),
    "torch.random": (_of("torch", "get_rng_state"), _of("torch", "set_rng_state")),
    "os.environ": (_get_environment, _put_environment),
    "cwd": (_get_directory, _put_directory),
    "sys.path": (_get_path, _put_path),
    "pandas.options": (_get_pandas, _put_pandas),
    "numpy.printoptions": (
        _of("numpy", "get_printoptions"),
        lambda value: _of("numpy", "set_printoptions")(**value),
    ),
    "numpy.errstate": (_of("numpy", "geterr"), lambda value: _of("numpy", "seterr")(**value)),
    "matplotlib.rcParams": (_get_matplotlib, _put_matplotlib),
    "decimal.context": (_of("decimal", "getcontext"), _of("decimal", "setcontext")),
    "warnings.filters": (lambda: list(warnings.filters), _put_filters),
    "locale": (
        lambda: _of("locale", "setlocale")(importlib.import_module("locale").LC_ALL),
        lambda value: _of("locale", "setlocale")(importlib.import_module("locale").LC_ALL, value),
    ),
    "logging": (_get_logging, _put_logging),
    "sys.recursionlimit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "sklearn.config": (
        _of("sklearn", "get_config"),
        lambda value: _of("sklearn", "set_config")(**value),
    ),
}
