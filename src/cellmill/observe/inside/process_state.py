"""Tells what process state is, inside a kernel, so that two processes can be compared by it: what no variable holds.

Like `describe` it runs silently between two cells, in the kernels of the notebook and of the tasks, and may find any
Python environment there. It must not change what it looks at: it draws no numbers, sets no filters, asks for no option
that would warn.

State is told as plain values, which `describe.capture` then describes. What belongs to the process and not to the
author is left out: the kernel's own variables and folders, what libraries change when they are imported.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .describe import capture

# Set by the kernel, by who runs it, or by libraries when they are imported.
_NOT_THE_AUTHORS = ("MLFLOW_", "JPY_", "JUPYTER_", "PLOOMBER_", "CELLMILL_", "PYDEVD_", "KMP_", "TF2_BEHAVIOR", "PWD")
ABOUT = "about "
"""Begins what is about one library: it only counts where both sides have imported that, since libraries set things for
themselves when they are imported. There is one for each library that is imported."""

_WORD = re.compile(r"[A-Za-z_]\w*")


def capture_states(groups: Mapping[str, Iterable[str]], target: str, kept: str, folder: str) -> None:
    """Describe process state and write the descriptions down.

    Parameters
    ----------
    groups
        States, such as ``numpy.random``, by the step that hands them over.
    target
        The JSON file to write.
    kept
        The folder for content.
    folder
        The notebook's folder; paths are told from there.
    """
    namespace = {name: _told_or_why(name, folder) for names in groups.values() for name in names}
    capture(namespace, groups, target, kept)


class _Untold:
    """Stands for a state that can't be told: describing it fails with the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __reduce_ex__(self, _: Any) -> Any:
        raise TypeError(self.reason)


def _told_or_why(name: str, folder: str) -> Any:
    try:
        return _told(name, folder)
    except Exception as error:  # whatever a library raises that keeps its state elsewhere in another version
        return _Untold(f"{type(error).__name__}: {error}")


def _told(name: str, folder: str) -> Any:
    """A state as plain values."""
    if name.startswith("patch:"):
        return _patched(name.removeprefix("patch:"))
    return READERS[name](folder)


def _random(_: str) -> Any:
    import random

    twin = random.Random()
    twin.setstate(random.getstate())
    return {"next draw": twin.random(), "position": _hash(repr(random.getstate()).encode())}


def _numpy_random(_: str) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    state = numpy.random.get_state(legacy=False)
    position = {"position": _hash(repr(sorted(_flat(state).items())).encode())}
    if state["bit_generator"] != "MT19937":
        return {**position, "generator": state["bit_generator"]}
    twin = numpy.random.RandomState()
    twin.set_state(state)
    return {"next draw": float(twin.random_sample()), **position}


def _flat(state: Mapping[str, Any]) -> dict[str, Any]:
    """A generator's state with arrays and numbers as plain ones."""
    found: dict[str, Any] = {}
    for name, value in state.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": one for inner, one in _flat(value).items()}
        else:
            found[name] = value.tolist() if hasattr(value, "tolist") else value
    return found


def _torch_random(_: str) -> Any:
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    state = torch.get_rng_state()
    twin = torch.Generator()
    twin.set_state(state)
    return {"next draw": float(torch.rand(1, generator=twin)), "position": _hash(state.numpy().tobytes())}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _environment(_: str) -> Any:
    """By name a hash of the value: what is in it may be a secret, and this goes into a report."""
    return {
        name: f"a value with hash {_hash(value.encode('utf-8', 'surrogateescape'))}"
        for name, value in sorted(os.environ.items())
        if not name.startswith(_NOT_THE_AUTHORS)
    }


def _directory(folder: str) -> str:
    return _from(folder, os.getcwd())


def _path(folder: str) -> list[str]:
    """Without what belongs to Python, and without the pipeline's own folder."""
    own = {
        os.path.dirname(os.path.realpath(str(one.__file__)))
        for name, one in list(sys.modules.items())
        if name.endswith("_handover") and getattr(one, "__file__", None)
    }
    prefixes = tuple(os.path.realpath(one) + os.sep for one in {sys.prefix, sys.base_prefix})
    entries = [os.path.realpath(one) for one in sys.path]
    return [
        _from(folder, one)
        for one in dict.fromkeys(entries)
        if one not in own and not one.startswith(prefixes) and "site-packages" not in one
    ]


def _from(folder: str, path: str) -> str:
    return os.path.relpath(os.path.realpath(path), os.path.realpath(folder)).replace(os.sep, "/")


def _pandas(_: str) -> Any:
    """What is not as pandas has it; read where it is kept, since asking for an old option warns."""
    config: Any = sys.modules.get("pandas._config.config")
    if config is None:
        return None
    found = {}
    for name, option in sorted(vars(config)["_registered_options"].items()):
        value: Any = vars(config)["_global_config"]
        for part in name.split("."):
            value = value[part]
        if not _same(value, option.defval):
            found[name] = value
    return found


def _matplotlib(_: str) -> Any:
    """What is not as matplotlib has it; read as the dictionary that it is, since asking for an old one warns."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is None:
        return None
    default = dict(dict.items(matplotlib.rcParamsDefault))
    return {
        name: _plain(value)
        for name, value in sorted(dict.items(matplotlib.rcParams))
        if not name.startswith(("backend", "_internal"))
        and name != "interactive"
        and not _same(default.get(name), value)
    }


def _same(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # whatever the values' classes raise
        return False


def _plain(value: Any) -> Any:
    """Cyclers of colours and the like as they are written."""
    return value if isinstance(value, (str, int, float, bool, list, tuple, type(None))) else repr(value)


def _print_options(_: str) -> Any:
    numpy = sys.modules.get("numpy")
    return None if numpy is None else numpy.get_printoptions()


def _error_state(_: str) -> Any:
    numpy = sys.modules.get("numpy")
    return None if numpy is None else numpy.geterr()


def _decimal(_: str) -> Any:
    """Without the flags: they only tell what happened so far, in whatever step."""
    import decimal

    context = decimal.getcontext()
    names = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
    traps = sorted(kind.__name__ for kind, on in context.traps.items() if on)
    return {**{name: getattr(context, name) for name in names}, "traps": traps}


def _filters(_: str) -> dict[str, list[str]]:
    """A line for each filter, in order; those that are about a library stand apart (see `ABOUT`)."""
    libraries = _libraries()
    found: dict[str, list[str]] = {"": [], **{ABOUT + name: [] for name in sorted(libraries)}}
    filters: Iterable[Any] = warnings.filters
    for action, message, category, module, line in filters:
        texts = [getattr(one, "pattern", one) or "" for one in (message, module)]
        words = {*_WORD.findall(" ".join(map(str, texts))), category.__module__.partition(".")[0]}
        where = "".join(f" {what}={text!r}" for what, text in zip(("message", "module"), texts) if text)  # noqa: B905
        about = next((ABOUT + name for name in sorted(words & libraries)), "")
        found[about].append(f"{action} {category.__name__}{where}{f' line={line}' if line else ''}")
    # What Python does anyway where no filter matches; the hand-over appends it.
    while found[""] and found[""][-1] == "default Warning":
        found[""].pop()
    return found


def _libraries() -> set[str]:
    """Top-level names of what is imported from where packages are installed."""
    return {name for name in list(sys.modules) if "." not in name and _is_installed(sys.modules[name])}


def _is_installed(module: Any) -> bool:
    return "site-packages" in str(getattr(module, "__file__", None) or "")


def _locale(_: str) -> str:
    import locale

    return locale.setlocale(locale.LC_ALL)


def _recursion(_: str) -> int:
    return sys.getrecursionlimit()


def _sklearn(_: str) -> Any:
    sklearn = sys.modules.get("sklearn")
    return None if sklearn is None else sklearn.get_config()


def _logging(folder: str) -> Any:
    """The root logger, and the others where something is set on them; libraries' stand apart (see `ABOUT`)."""
    import logging

    libraries = _libraries()
    known = {name: one for name, one in logging.root.manager.loggerDict.items() if isinstance(one, logging.Logger)}
    found: dict[str, Any] = {"": {}, **{ABOUT + name: {} for name in sorted(libraries)}}
    found[""]["disabled up to"] = logging.root.manager.disable
    for name, one in {"root": logging.root, **dict(sorted(known.items()))}.items():
        handlers = [_handler(handler, folder) for handler in one.handlers if type(handler) is not logging.NullHandler]
        if name == "root" or handlers or one.level or one.disabled or not one.propagate:
            library = name.partition(".")[0]
            found[ABOUT + library if library in libraries else ""][name] = {
                "level": logging.getLevelName(one.level),
                "disabled": one.disabled,
                "propagate": one.propagate,
                "handlers": handlers,
            }
    return found


def _handler(handler: Any, folder: str) -> str:
    file = getattr(handler, "baseFilename", None)
    form = getattr(getattr(handler, "formatter", None), "_fmt", None)
    to = f" to {_from(folder, file)}" if file else ""
    return f"{type(handler).__name__}{to} from level {handler.level}{f' as {form}' if form else ''}"


def _patched(place: str) -> Any:
    """What stands at ``package.module.Class.attribute`` now."""
    *parts, attribute = place.split(".")
    owner: Any = sys.modules.get(parts[0])
    for at, part in enumerate(parts[1:], start=2):
        owner = getattr(owner, part, None) or sys.modules.get(".".join(parts[:at]))
    return getattr(owner, attribute, None)


READERS: dict[str, Callable[[str], Any]] = {
    "random": _random,
    "numpy.random": _numpy_random,
    "torch.random": _torch_random,
    "os.environ": _environment,
    "cwd": _directory,
    "sys.path": _path,
    "pandas.options": _pandas,
    "numpy.printoptions": _print_options,
    "numpy.errstate": _error_state,
    "matplotlib.rcParams": _matplotlib,
    "decimal.context": _decimal,
    "warnings.filters": _filters,
    "locale": _locale,
    "sys.recursionlimit": _recursion,
    "sklearn.config": _sklearn,
    "logging": _logging,
}
