"""Imports libraries and notes what their import changes beside their own modules, so that it can be done again later.

A kernel that is forked afterwards begins without those libraries and their effects. They come when it imports them.
"""

from __future__ import annotations

import builtins
import gc
import locale
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import Any, NamedTuple


class Import(NamedTuple):
    """One import statement: ``import module``, or ``from module import names``."""

    module: str
    names: tuple[str, ...] = ()


@dataclass
class Effects:
    """What imports did, by the library (the name before the first dot) whose code did it.

    Attributes
    ----------
    needs
        The libraries that a library imports.
    filters
        Warning filters in the order in which they were added, the last one first, as in ``warnings.filters``.
    variables
        Environment variables that were set, in order; None for one that was deleted.
    """

    needs: dict[str, set[str]] = field(default_factory=dict)
    filters: list[tuple[str, Any]] = field(default_factory=list)
    variables: list[tuple[str, str, str | None]] = field(default_factory=list)


class Refused(Exception):
    """A library can't be imported beforehand: its import fails, or changes what can't be done again."""


def import_all(imports: Sequence[Import], vetted: frozenset[str]) -> Effects:
    """Import, and take back what the imports changed outside of their own modules.

    Raises
    ------
    Refused
        With the first import after which something is different that can't be put off.
    """
    effects = Effects()
    filters, variables = list(warnings.filters), dict(os.environ)
    with _noting(effects) as added, _shell_of_a_kernel(), _listening() as written:
        for statement in imports:
            _import(statement, vetted, filters)
            # Both must be heard in each kernel that imports it.
            if written() or globals().pop("__warningregistry__", None) is not None:
                raise Refused(statement.module)
    new = [item for item in warnings.filters if item not in filters]
    if [item for item in warnings.filters if item in filters] != filters or any(repr(i) not in added for i in new):
        raise Refused(imports[-1].module)
    effects.filters = [(added[repr(item)], item) for item in new]
    _set_filters(filters)
    for name in set(os.environ) | set(variables):
        _set_variable(name, variables.get(name))
    return effects


def repeat(effects: Effects, libraries: set[str]) -> None:
    """Do again what the import of these libraries does."""
    again = [item for library, item in effects.filters if library in libraries]
    if again:
        _set_filters([*again, *(item for item in warnings.filters if item not in again)])
    for library, name, value in effects.variables:
        if library in libraries:
            _set_variable(name, value)


def _import(statement: Import, vetted: frozenset[str], filters: list[Any]) -> None:
    before = _state()
    present = set(sys.modules)
    try:
        # From here, so that a warning about whoever imports is about this module.
        builtins.__import__(statement.module, {}, {}, statement.names)
    except Exception as error:  # whatever a library's import raises
        raise Refused(statement.module) from error
    unknown = {name for name in set(sys.modules) - present if not _is_vetted(name, vetted)}
    if _Shell.asked or unknown or _state() != before or not all(item in warnings.filters for item in filters):
        raise Refused(statement.module)


def _is_vetted(name: str, vetted: frozenset[str]) -> bool:
    top = name.partition(".")[0]
    module = sys.modules[name]
    # Compiled modules put up nameless ones (`_cython_3_2_4`), and some sit beside their package.
    made = getattr(module, "__spec__", None) is None or getattr(module, "__file__", None) is None
    return (top in vetted or made or _inside_of_vetted(module, vetted)) and name != "matplotlib.pyplot"


def _inside_of_vetted(module: ModuleType, vetted: frozenset[str]) -> bool:
    parts = str(module.__file__).replace("\\", "/").split("/site-packages/")[-1].split("/")
    return top_of(module) in sys.stdlib_module_names or parts[0] in vetted


def top_of(module: ModuleType) -> str:
    """The name of the module's library."""
    return module.__name__.partition(".")[0]


def _state() -> tuple[Any, ...]:
    """What imports of good libraries leave alone."""
    root = logging.getLogger()
    return (
        list(sys.path),
        [id(finder) for finder in sys.meta_path],
        [id(hook) for hook in sys.path_hooks],
        [id(hook) for hook in (sys.excepthook, sys.displayhook, sys.stdout, sys.stderr, threading.excepthook)],
        [signal.getsignal(number) for number in signal.valid_signals()],
        (root.level, list(root.handlers), list(root.filters), logging.root.manager.disable),
        locale.setlocale(locale.LC_ALL),
        os.getcwd(),
        (sys.getrecursionlimit(), sys.getswitchinterval(), gc.get_threshold(), gc.isenabled()),
        sorted(vars(builtins)),
        threading.active_count(),
    )


class _Shell:
    """Stands for the shell that a kernel will have, for who asks only whether there is one, and whether of a kernel."""

    asked = False
    kernel = object()

    def __getattr__(self, name: str) -> Any:
        type(self).asked = True
        raise AttributeError(name)


class _Stream:
    """Stands for one of a kernel's own streams, which come later; who keeps it writes to them then."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._before = getattr(sys, name)

    def __getattr__(self, attribute: str) -> Any:
        stream = getattr(sys, self._name)
        if stream is not self:
            return getattr(stream, attribute)
        # As ipykernel's streams write it; pandas takes it over.
        return "UTF-8" if attribute == "encoding" else getattr(self._before, attribute)


@contextmanager
def _shell_of_a_kernel() -> Iterator[None]:
    """Let imports find that they happen in a kernel: pandas, for one, shows other columns in a terminal."""
    import IPython
    from IPython.core import getipython

    modules: tuple[Any, ...] = (IPython, getipython)
    original, shell = getipython.get_ipython, _Shell()
    before = (sys.stdout, sys.stderr)
    names = {"get_ipython": lambda: shell, "display": IPython.display.display, "__IPYTHON__": True}
    try:
        for module in modules:
            module.get_ipython = lambda: shell
        vars(builtins).update(names)
        sys.stdout, sys.stderr = _Stream("stdout"), _Stream("stderr")
        yield
    finally:
        sys.stdout, sys.stderr = before
        for module in modules:
            module.get_ipython = original
        for name in names:
            vars(builtins).pop(name, None)


@contextmanager
def _listening() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether anything was written to this process's own streams, by whatever language.

    Warnings that are shown are written; those that depend on who imports are noted with this module as their place.
    """
    file, kept = os.memfd_create("written"), [os.dup(number) for number in (1, 2)]

    def written() -> bool:
        sys.stdout.flush()
        sys.stderr.flush()
        return os.fstat(file).st_size > 0

    written()
    try:
        for number in (1, 2):
            os.dup2(file, number)
        yield written
    finally:
        for number, before in enumerate(kept, start=1):
            os.dup2(before, number)
            os.close(before)
        os.close(file)


@contextmanager
def _noting(effects: Effects) -> Iterator[dict[str, str]]:
    """Note who imports whom, who adds which warning filter (in the dictionary given), and who sets which variable."""
    added: dict[str, str] = {}
    module: Any = warnings
    environ: Any = type(os.environ)
    imports, add, set_item, delete = builtins.__import__, module._add_filter, environ.__setitem__, environ.__delitem__

    def import_(name: str, globals_: Any = None, locals_: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if level == 0 and globals_:
            user = str(globals_.get("__name__", "")).partition(".")[0]
            effects.needs.setdefault(user, set()).add(name.partition(".")[0])
        return imports(name, globals_, locals_, fromlist, level)

    def add_filter(*item: Any, append: bool) -> None:
        add(*item, append=append)
        added[repr(item)] = _caller()

    def set_variable(self: Any, key: str, value: str) -> None:
        set_item(self, key, value)
        effects.variables.append((_caller(), key, value))

    def delete_variable(self: Any, key: str) -> None:
        delete(self, key)
        effects.variables.append((_caller(), key, None))

    def put(import_: Callable[..., Any], add: Any, set_item: Any, delete: Any) -> None:
        builtins.__import__ = import_
        module._add_filter, environ.__setitem__, environ.__delitem__ = add, set_item, delete

    put(import_, add_filter, set_variable, delete_variable)
    try:
        yield added
    finally:
        put(imports, add, set_item, delete)


def _caller() -> str:
    """The library whose code called into the standard library."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if top not in sys.stdlib_module_names and top != __name__.partition(".")[0]:
            return top
        frame = frame.f_back
    return ""


def _set_filters(filters: list[Any]) -> None:
    module: Any = warnings
    # Kept as one list: the interpreter's own code holds it.
    module.filters[:] = filters
    module._filters_mutated()


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    elif os.environ.get(name) != value:
        os.environ[name] = value
