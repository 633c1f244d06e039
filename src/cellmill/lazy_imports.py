"""Puts off imports that cost seconds and that a command does not need, in cellmill's own processes alone.

nbformat imports jsonschema, which imports ``rfc3987_syntax`` where that is installed (jupyter-events asks for it), for
a check of addresses that a notebook's schema does not have; that package compiles a grammar when it is imported.
Ploomber and Papermill import pandas, Arrow, SQLAlchemy, boto3, pyplot and a Jupyter server, for what few pipelines do;
MLflow imports a web framework.
What is put off is imported when it is first used, and then does what it always does.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from cellmill.garbage_collection import never_collected

_GRAMMAR = {"rfc3987_syntax": ("is_valid_syntax",)}

# Modules, with the functions and classes that are imported from them by name. Each of these is called or looked into
# only; what is inherited from, or compared with, can't be put off.
OF_ENGINES: Mapping[str, tuple[str, ...]] = {
    "IPython.terminal": (),
    "IPython.terminal.debugger": ("Pdb", "TerminalPdb"),
    "boto3": (),
    "boto3.session": ("Session",),
    "cloudpickle": ("dump", "load"),
    "joblib": ("dump", "load"),
    "jupytext.async_contentsmanager": ("AsyncTextFileContentsManager", "build_async_jupytext_contents_manager_class"),
    "jupytext.sync_contentsmanager": ("TextFileContentsManager", "build_sync_jupytext_contents_manager_class"),
    "pandas": (),
    "ploomber_engine": (),
    "ploomber_engine.engine": ("DebugEngine", "DebugLaterEngine", "ProfilingEngine"),
    "pyarrow": (),
    "pyarrow.fs": ("FileSelector", "HadoopFileSystem"),
    "pyarrow.parquet": (),
    "requests": (),
    "sqlalchemy": (),
}
# What MLflow imports for its gateway and for pages of errors.
OF_MLFLOW: Mapping[str, tuple[str, ...]] = {
    "fastapi": ("HTTPException",),
    "mako.ext.pygmentplugin": ("pygments_html_formatter", "syntax_highlight"),
}


def put_off_slow_imports() -> None:
    """Let ``rfc3987_syntax`` be imported when it is used; where it is not installed, or loaded, all stays as it is."""
    _stand_in(_GRAMMAR)


@contextmanager
def put_off(modules: Mapping[str, tuple[str, ...]]) -> Iterator[None]:
    """Inside the block, let imports of these modules, and of these names from them, wait until they are used.

    Afterwards other code imports these libraries as ever. What the block imports stays for the process's life.
    """
    stand_ins = _stand_in(modules)
    try:
        with never_collected():
            yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _stand_in(names: Mapping[str, tuple[str, ...]]) -> dict[str, _Later]:
    """Put a stand-in for each of the modules that is installed and not loaded; give them by name."""
    found = {}
    for name, members in names.items():
        top = name.partition(".")[0]
        if name in sys.modules or (top not in found and name != top and not _is_there(top)):
            continue
        if name == top and (spec := find_spec(top)) is None:
            continue
        module = _Later(name, members)
        if name == top:
            module.__spec__ = spec
        found[name] = sys.modules[name] = module
    return found


def _is_there(name: str) -> bool:
    return name in sys.modules or find_spec(name) is not None


class _Later(ModuleType):
    """Stands in for a module until it is used."""

    def __init__(self, name: str, members: tuple[str, ...]) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self._members = members

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks of any module
            raise AttributeError(name)
        inside = sys.modules.get(f"{self.__name__}.{name}")
        if isinstance(inside, _Later):
            return inside
        return _Member(self.__name__, name) if name in self._members else getattr(_loaded(self.__name__), name)


class _Member:
    """Stands in for a function or class of such a module."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._found()(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found(), name)

    def _found(self) -> Any:
        return getattr(_loaded(self._module), self._name)


def _loaded(name: str) -> ModuleType:
    top = name.partition(".")[0]
    for one in [one for one in sys.modules if one == top or one.startswith(f"{top}.")]:
        if isinstance(sys.modules[one], _Later):
            del sys.modules[one]
    return importlib.import_module(name)
