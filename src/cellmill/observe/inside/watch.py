"""What a kernel tells of its variables: looks at them between cells, and leaves everything as it was."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import random
import re
import sys
import time
import types
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from .content import PIECES, fingerprint, immutable, type_name
from .identity import groups
from .state_changes import STATES, States, differs

_HISTORY = re.compile(r"_+\d*|_i+\d*|_[ido]h|In|Out|get_ipython|exit|quit|open")

# A session's look finds what many names share only so far.
_FEW_PIECES = 300

Change = str  # "new", "bound", "changed" or "gone"


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
        self.folder = folder
        self._namespace = namespace
        self._hidden = set(hidden)
        self._known: dict[str, tuple[int, str | None, bool]] = {}
        self._sizes: dict[str, int] = {}
        self._states = States(folder)

    def move(self, folder: str) -> None:
        """Take another folder for the notebook's, as that of a session may be known late."""
        self.folder = folder
        self._states.move(folder)

    def look(self, seconds: float | None = None, *, samples: bool = False) -> dict[str, Any]:
        """Tell of every name, which share an object, and which state changed.

        Parameters
        ----------
        seconds
            Limits the time for it.
        samples
            Whether a sample of a large array will do.
        """
        deadline = None if seconds is None else time.perf_counter() + seconds
        with _unnoticed():
            names = self._names(deadline, samples=samples)
            facts = {"names": names, "changes": self._changes(names)}
            live = [name for name, fact in names.items() if not fact["immutable"]]
            facts["groups"] = groups(self._namespace, live, _FEW_PIECES if samples else PIECES, deadline)
            facts["states"] = self._states.changes()
            facts["modules"] = self._states.modules()
            facts["complete"] = deadline is None or time.perf_counter() <= deadline
        return facts

    def _names(self, deadline: float | None, *, samples: bool) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        # The largest come last, so that where time is short it is short for them alone.
        for name, value in sorted(self._namespace.items(), key=lambda one: self._sizes.get(one[0], 0)):
            if name in self._hidden or name.startswith("__") or _HISTORY.fullmatch(name):
                continue
            if isinstance(value, types.ModuleType):
                continue
            content, size, sampled = fingerprint(value, deadline, samples=samples)
            found[name] = {
                "type": type_name(type(value)),
                "bytes": size,
                "print": content,
                "sampled": sampled,
                "immutable": immutable(value),
            }
        self._sizes = {name: fact["bytes"] for name, fact in found.items()}
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
                    # An object that can't change is another one, even where the first one's place was used again.
                    in_place = known[0] == identity and not fact["immutable"]
                    changes[name] = "changed" if in_place else "bound"
                elif known[0] != identity and not (comparable and fact["immutable"]):
                    changes[name] = "bound"
            now[name] = (identity, content, fact["sampled"])
        self._known = now
        return changes


@contextlib.contextmanager
def _unnoticed() -> Iterator[None]:
    """What a pickled object's own methods print, warn of or draw does not reach the author."""
    position = random.getstate()
    numbers = STATES["numpy.random"]() if "numpy.random" in sys.modules else None
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
        if numbers is not None and differs(numbers, STATES["numpy.random"]()):
            sys.modules["numpy.random"].set_state(numbers)


_watching: list[tuple[Watch, float]] = []


def begin(namespace: dict[str, Any], folder: str, *, extension: bool) -> None:
    """Begin to watch a kernel's variables; where wanted, and installed there, with cellmill's magics loaded."""
    shell = sys.modules["IPython"].get_ipython()
    if extension and importlib.util.find_spec("cellmill"):
        shell.run_line_magic("load_ext", "cellmill")
    watch = Watch(namespace, shell.user_ns_hidden, folder)
    watch.look()
    _watching[:] = [(watch, time.perf_counter())]


def look(path: str, share: float | None) -> None:
    """Append what is seen as a line of JSON to a file; ``share`` limits the time, as a part of all that has passed."""
    watch, began = _watching[0]
    seconds = None if share is None else max(1.0, share * (time.perf_counter() - began))
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(watch.look(seconds)) + "\n")
