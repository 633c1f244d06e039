"""Hands variables from one task to the next through files in output/TASK/.

A task calls `begin`, then `load` for what it receives, runs its cells, and calls `save` for what later tasks need.
Objects are pickled together with cloudpickle, so that two names for one object stay one object; a DataFrame is kept as
parquet and an array as npy where nothing is lost by it. Functions look up their globals in the task that loads them.
The shared cells (NAME_shared.py, beside this file) run in each task's own namespace, as they ran in the notebook.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import io
import json
import os
import pickle
import shutil
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cloudpickle  # noqa: TID253 (this file is copied into pipelines, where the ban means nothing)

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
        self.shared: dict[str, Any] = {}
        self.metrics: dict[str, float] = {}
        self.criteria: list[dict[str, Any]] = []
        self.loaded: dict[Path, dict[str, Any]] = {}


_task = _Running()


# What a task calls


def begin(product: Mapping[str, str], namespace: dict[str, Any]) -> None:
    """Start a task: remember where its variables go, and run the shared cells in its namespace."""
    _task.folder = Path(product["variables"]).parent
    _task.namespace = namespace
    _task.environment = dict(os.environ)
    _task.path = list(sys.path)
    _task.directory = os.getcwd()
    _task.metrics, _task.criteria, _task.loaded = {}, [], {}
    _metrics_file().unlink(missing_ok=True)
    source = Path(__file__).with_name(f"{SHARED}.py")
    if source.exists():
        _run_shared(source, namespace)


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
    with (folder / "states.pkl").open("rb") as file:
        saved = _Unpickler(file, folder).load_all()
    for name in states:
        _put_state(name, saved[name])


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
        _check(partial, variables)
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
    made = {name: value for name, value in namespace.items() if name not in before or before[name] is not value}
    module = types.ModuleType(SHARED)
    module.__dict__.update({name: value for name, value in made.items() if not name.startswith("__")})
    module.__file__ = str(source)
    sys.modules[SHARED] = module
    _task.shared = made


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
    """A function or class of the shared cells, by its qualified name."""
    value: Any = importlib.import_module(SHARED)
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _shared_name(value: Any) -> str | None:
    """The qualified name under which the shared cells hold this very function or class."""
    name = getattr(value, "__qualname__", None)
    if not isinstance(name, str) or "<" in name:
        return None
    found: Any = _task.shared.get(name.partition(".")[0])
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return name if found is value else None


def _own_state(value: Any) -> dict[str, Any]:
    """What a shared function or class may have changed since the shared cells ran."""
    if isinstance(value, types.FunctionType):
        return {
            "__defaults__": value.__defaults__,
            "__kwdefaults__": value.__kwdefaults__,
            "__dict__": dict(value.__dict__),
        }
    code = (types.FunctionType, classmethod, staticmethod, property, types.MemberDescriptorType)
    return {
        name: attribute
        for name, attribute in vars(value).items()
        if not name.startswith("__") and not isinstance(attribute, code)
    }


def _restore_shared(name: str, state: dict[str, Any]) -> Any:
    value = _shared_object(name)
    for attribute, content in state.items():
        if attribute == "__dict__":
            value.__dict__.update(content)
        else:
            setattr(value, attribute, content)
    return value


class _Stateful:
    """Stands in a pickle for a shared function or class together with its state."""

    def __init__(self, name: str, state: dict[str, Any]) -> None:
        self.name, self.state = name, state

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_shared, (self.name, self.state)


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


def _set_cell(cell: types.CellType, content: Any) -> None:
    cell.cell_contents = content[0]


def _cached_function(function: Any, parameters: dict[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


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


def _array_view(base: Any, kind: Any, shape: tuple[int, ...], offset: int, strides: tuple[int, ...]) -> Any:
    import numpy

    return numpy.ndarray(shape, kind, base.reshape(-1, order="A"), offset, strides)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle, but functions find their globals in the consumer and closures that share a cell go on sharing it."""

    def __init__(self, file: Any, files: dict[int, str]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.files = files
        self.cells: list[types.CellType] = []
        self.views: set[int] = set()
        self.foreign: dict[int, dict[str, Any]] = {}

    def dump_all(self, value: Any) -> None:
        """Dump a value, then the contents of all closure cells met: a closure may hold itself."""
        self.dump(value)
        while self.cells:
            cells, self.cells = self.cells, []
            self.dump([(cell, _content(cell)) for cell in cells])
        self.dump(None)

    def persistent_id(self, value: Any) -> str | None:
        return self.files.get(id(value))

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, (types.FunctionType, type)) and (name := _shared_name(value)) is not None:
            return _shared_object, (name,)
        if isinstance(value, types.CellType):
            return self._reduce_cell(value)
        if isinstance(value, types.FunctionType) and not _importable(value):
            return self._reduce_function(value)
        if isinstance(value, functools._lru_cache_wrapper) and value.__module__ == "__main__":
            return _cached_function, (value.__wrapped__, value.cache_parameters())
        if type(value).__name__ == "ndarray" and type(value).__module__ == "numpy":
            return self._reduce_array(value)
        return super().reducer_override(value)

    def _reduce_cell(self, cell: types.CellType) -> tuple[Any, ...]:
        """Plain contents go with the cell; others are filled in at the end, when whatever they refer to is there."""
        content = _content(cell)
        if content and isinstance(content[0], _PLAIN):
            return types.CellType, (), content, None, None, _set_cell
        self.cells.append(cell)
        return types.CellType, ()

    def _reduce_function(self, function: types.FunctionType) -> tuple[Any, ...]:
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

    def _reduce_array(self, array: Any) -> Any:
        """An array that looks into another one's memory goes on doing so."""
        base = _owner(array)
        if base is array or base.dtype.hasobject or base.nbytes > 8 * array.nbytes + 1_000_000:
            return NotImplemented
        if not (base.flags.c_contiguous or base.flags.f_contiguous):
            return NotImplemented
        self.views.add(id(base))
        offset = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        return _array_view, (base, array.dtype, array.shape, offset, array.strides)


def _owner(array: Any) -> Any:
    """The array whose memory this one uses."""
    while type(array.base) is type(array):
        array = array.base
    return array


_PLAIN = (
    int,
    float,
    complex,
    str,
    bytes,
    bool,
    type(None),
    set,
    frozenset,
    types.BuiltinFunctionType,
    types.ModuleType,
)


def _content(cell: types.CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, folder: Path, loaded: dict[str, Any] | None = None) -> None:
        super().__init__(file)
        self.folder = folder
        self.loaded: dict[str, Any] = {} if loaded is None else loaded

    def load_all(self) -> Any:
        value = self.load()
        while (cells := self.load()) is not None:
            for cell, content in cells:
                if content:
                    cell.cell_contents = content[0]
        return value

    def persistent_load(self, key: Any) -> Any:
        if key not in self.loaded:
            self.loaded[key] = _read_file(self.folder / key)
        return self.loaded[key]


def _dump(path: Path, value: Any, files: dict[int, str]) -> set[int]:
    with path.open("wb") as file:
        pickler = _Pickler(file, files)
        pickler.dump_all(value)
    return pickler.views


# Writing and reading


def _write(folder: Path, variables: dict[str, Any]) -> dict[str, Any]:
    """Write all variables; returns what the manifest says of them."""
    values = {
        name: _Stateful(shared, _own_state(value)) if (shared := _shared_name(value)) is not None else value
        for name, value in variables.items()
    }
    files = _write_files(folder, values)
    try:
        views = _dump(folder / "bundle.pkl", values, files)
        kept = {key: file for key, file in files.items() if not _looked_into(key, values, views)}
        if kept != files:
            for key in files.keys() - kept.keys():
                (folder / files[key]).unlink()
            files = kept
            _dump(folder / "bundle.pkl", values, files)
    except HandoverError:
        raise
    except Exception as error:
        raise _culprit(variables, error) from error
    return {name: _describe(value, files.get(id(value), "bundle.pkl"), folder) for name, value in variables.items()}


def _looked_into(key: int, values: dict[str, Any], views: set[int]) -> bool:
    """Whether an array that has a file of its own shares its memory with something in the bundle."""
    return any(
        id(value) == key and type(value).__name__ == "ndarray" and id(_owner(value)) in views
        for value in values.values()
    )


def _write_files(folder: Path, values: dict[str, Any]) -> dict[int, str]:
    """Give DataFrames and arrays a file of their own where that keeps them exactly."""
    files: dict[int, str] = {}
    owners: dict[int, int] = {}
    arrays = {id(value): value for value in values.values() if _is_array(value)}
    for value in arrays.values():
        owners[id(_owner(value))] = owners.get(id(_owner(value)), 0) + 1
    for name, value in values.items():
        if id(value) in files:
            continue
        if _is_array(value) and owners[id(_owner(value))] == 1:
            import numpy

            numpy.save(folder / f"{name}.npy", value, allow_pickle=False)
            files[id(value)] = f"{name}.npy"
        elif _is_frame(value) and _write_frame(folder / f"{name}.parquet", value):
            files[id(value)] = f"{name}.parquet"
    return files


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray and not value.dtype.hasobject


def _is_frame(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and type(value) is pandas.DataFrame


def _write_frame(path: Path, frame: Any) -> bool:
    """Write a DataFrame as parquet and read it back; False if that is not the same frame in every respect."""
    import pandas

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame.to_parquet(path)
            back = pandas.read_parquet(path)
        pandas.testing.assert_frame_equal(frame, back, check_exact=True, check_freq=True)
        same = _plain_layout(frame) and _plain_layout(back) and frame.attrs == back.attrs and frame.flags == back.flags
        same = same and "object" not in {str(one) for one in frame.dtypes}
        same = same and type(frame.index) is type(back.index) and type(frame.columns) is type(back.columns)
    except Exception:
        same = False
    if not same:
        path.unlink(missing_ok=True)
    return same


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

    return pandas.read_parquet(path)


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
        with (folder / "bundle.pkl").open("rb") as file:
            loaded["bundle.pkl"] = _Unpickler(file, folder, loaded).load_all()
    return {name: loaded["bundle.pkl"][name] for name in wanted}


def _check(folder: Path, variables: dict[str, Any]) -> None:
    """Load everything back and compare types: what comes back as something else is an error now, not later."""
    try:
        with (folder / "bundle.pkl").open("rb") as file:
            back = _Unpickler(file, folder).load_all()
    except Exception as error:
        raise _culprit(variables, error) from error
    for name, value in variables.items():
        if _type_name(back[name]) != _type_name(value):
            raise HandoverError(
                f"variable `{name}` is a {_type_name(value)} but comes back from its file as {_type_name(back[name])}; "
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
                f"variable `{name}` ({_type_name(value)}) can't be handed to later tasks: {cause}; "
                f"{_REMEDY.format(name=name)}"
            )
    if isinstance(error, OSError):
        raise error
    return HandoverError(f"the variables {', '.join(variables)} can't be handed to later tasks together: {error}")


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
    "sys.recursionlimit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "sklearn.config": (
        _of("sklearn", "get_config"),
        lambda value: _of("sklearn", "set_config")(**value),
    ),
}
