"""State of the process that belongs to no name: generators' positions, options, the environment, what modules keep."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import pathlib
import random
import sys
import types
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from .content import CODE, fingerprint
from .process_state import READERS


def _environment() -> Any:
    skip = ("MLFLOW_", "_MLFLOW_", "JPY_", "PLOOMBER_", "CELLMILL_", "IPY_", "COLUMNS", "LINES")
    return sorted((key, value) for key, value in os.environ.items() if not key.startswith(skip))


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


# Cheap enough to be asked after each cell just as they are told for a comparison of processes.
_AS_TOLD = (
    "pandas.options numpy.printoptions numpy.errstate matplotlib.rcParams decimal.context locale sys.recursionlimit "
    "sklearn.config"
).split()
_MODULE = "module:"
_OURSELVES = __name__.partition(".")[0]
STATES: dict[str, Callable[[], Any]] = {
    "random": lambda: random.getstate(),
    "numpy.random": _of("numpy.random", lambda module: module.get_state()),
    "torch.random": _of("torch", lambda module: module.get_rng_state().numpy().tobytes()),
    "os.environ": _environment,
    "cwd": lambda: str(pathlib.Path.cwd()),
    "sys.path": lambda: list(sys.path),
    **{name: partial(READERS[name], "") for name in _AS_TOLD},
    "warnings.filters": lambda: [repr(one) for one in warnings.filters],
    "logging": _logging,
    "pyplot.figures": _of("matplotlib._pylab_helpers", lambda module: list(module.Gcf.figs)),
}
# Importing a package changes these by itself, and does so again in the task that imports it.
_CHANGED_BY_IMPORTS = ("os.environ", "sys.path", "warnings.filters", "logging")
# Of these only what differs from the default is told, so that nothing was set where nothing was told.
_TOLD_BY_DIFFERENCE = ("pandas.options", "matplotlib.rcParams")


class States:
    """Tells from time to time what changed of the process's state.

    Parameters
    ----------
    folder
        The notebook's folder, whose modules may keep state; without one, no module is looked at.
    """

    def __init__(self, folder: str) -> None:
        self._seen: dict[str, Any] = {}
        self._texts: dict[str, tuple[tuple[int, int], str]] = {}
        self.move(folder)

    def move(self, folder: str) -> None:
        """Look at the modules of another folder from now on."""
        self._folder = os.path.join(folder, "") if folder else ""
        self._loaded: set[str] = set()
        self._local: dict[str, str] = {}

    def changes(self) -> dict[str, str]:
        """State that changed since it was last asked for: ``set``, or ``drawn`` from a generator."""
        imported = self._find_modules()
        now = self._look()
        changed = {}
        for name, value in now.items():
            if name.startswith(_MODULE):
                changed.update(_changed_variables(name, self._seen.get(name), value))
                continue
            before = self._seen.get(name)
            if not differs(before, value) or (imported and name in _CHANGED_BY_IMPORTS):
                continue
            if before is None and (name not in _TOLD_BY_DIFFERENCE or not differs(fingerprint({})[0], value)):
                continue  # it came with its import
            changed[name] = "drawn" if name.endswith("random") and _drawn(before, value) else "set"
        self._seen = now
        return changed

    def modules(self) -> dict[str, str]:
        """Modules of the notebook's own folder that are imported: file to a hash of its text."""
        found = {}
        for file in self._local.values():
            with contextlib.suppress(OSError):
                facts = os.stat(file)
                stamp = (facts.st_mtime_ns, facts.st_size)
                if file not in self._texts or self._texts[file][0] != stamp:
                    self._texts[file] = stamp, hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()
                found[file[len(self._folder) :]] = self._texts[file][1]
        return found

    def _find_modules(self) -> bool:
        """Look through what was imported since the last time; say whether a package was."""
        new = sys.modules.keys() - self._loaded
        packages = {name.partition(".")[0] for name in self._loaded}
        for name in new:
            file = getattr(sys.modules.get(name), "__file__", None)
            root = name.partition(".")[0]
            if not self._folder or not isinstance(file, str) or root in ("__main__", "cellmill", _OURSELVES):
                continue
            if file.startswith(self._folder) and "site-packages" not in file:
                self._local[name] = file
        self._loaded |= new
        return any(name.partition(".")[0] not in packages for name in new)

    def _look(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "numpy" in sys.modules and "numpy.random" not in sys.modules:
            # numpy loads it when it is first asked for: too late to know whether it was seeded then.
            importlib.import_module("numpy.random")
        for name, get in STATES.items():
            with contextlib.suppress(Exception):
                if (value := get()) is not None:
                    found[name] = value if name.endswith("random") else fingerprint(value)[0]
        for name in self._local:
            if (module := sys.modules.get(name)) is not None:
                found[f"{_MODULE}{name}"] = {
                    variable: fingerprint(value)[0] for variable, value in _module_state(module).items()
                }
        return found


def differs(one: Any, other: Any) -> bool:
    """Whether two states are not the same."""
    return fingerprint(one)[0] != fingerprint(other)[0]


def _changed_variables(module: str, before: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, str]:
    """Variables of a module that changed, as ``module:NAME:VARIABLE``; none if it was not there before."""
    if before is None:
        return {}
    names = sorted(before.keys() | now.keys())
    return {f"{module}:{name}": "set" for name in names if before.get(name, "") != now.get(name, "")}


def _module_state(module: types.ModuleType) -> dict[str, Any]:
    return {
        name: value for name, value in vars(module).items() if not name.startswith("__") and not isinstance(value, CODE)
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
