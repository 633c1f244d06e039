"""A forked kernel's end: what its code could notice of Python's end, without taking a large process apart.

To free what was there before the fork would first copy all of its memory, for nothing: a tenth of a second each time.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import io
import os
import sys
import threading
import weakref
from dataclasses import dataclass
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType, ModuleType
from typing import Any

# Libraries of the kernel itself: what their objects do when they are freed is about this process alone.
_OF_KERNEL = frozenset(
    {
        "IPython",
        "_asyncio",
        "_socket",
        "asyncio",
        "concurrent",
        "ipykernel",
        "jupyter_client",
        "subprocess",
        "tornado",
        "traitlets",
        "zmq",
    }
)
_SUSPENDED = (GeneratorType, CoroutineType, AsyncGeneratorType)


@dataclass(frozen=True)
class Loaded:
    """What a process has loaded: names of modules, and files of compiled code."""

    modules: frozenset[str]
    compiled: frozenset[str]

    @classmethod
    def now(cls) -> Loaded:
        """What this one has loaded."""
        with open("/proc/self/maps") as file:
            return cls(frozenset(sys.modules), frozenset(line.split(maxsplit=5)[-1] for line in file if ".so" in line))


def end_quickly(before: Loaded, shell: Any) -> None:
    """Do what Python does at its end, and exit; comes back where only Python can do all of it.

    Parameters
    ----------
    before
        What was loaded before the fork.
    shell
        The kernel's IPython shell.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    _forget(shell)
    _clear_modules(before.modules)
    if not _flush_files():
        return
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None and not stream.closed:
            stream.flush()
    # Other threads of Python stay where they are, as at Python's end.
    system = ctypes.PyDLL(None)
    if Loaded.now().compiled <= before.compiled:
        system.fflush(None)
        os._exit(0)
    # Libraries such as HDF5 do something at C's own exit.
    system.exit(0)


def _forget(shell: Any) -> None:
    """Let go of what the shell keeps of the last cell; its variables are gone already."""
    for name in ("last_type", "last_value", "last_traceback"):
        if hasattr(sys, name):
            delattr(sys, name)
    shell.last_execution_result = shell.displayhook.exec_result = None
    shell.InteractiveTB.tb = None


def _clear_modules(before: frozenset[str]) -> None:
    """As Python does it: modules go, the last one first; what still holds on to one finds it empty."""
    new = [name for name in sys.modules if name not in before]
    held = []
    for name in reversed(new):
        module = sys.modules.pop(name)
        if isinstance(module, ModuleType):
            held.append(weakref.ref(module))
        del module
    gc.collect()
    for reference in held:
        left = reference()
        if left is None:
            continue
        for private in (True, False):
            for name in list(vars(left)):
                if name != "__builtins__" and (name.startswith("_") and not name.startswith("__")) == private:
                    vars(left)[name] = None
    gc.collect()


def _flush_files() -> bool:
    """Write what open files hold back; False where something is left that does more when it is freed."""
    with_end: dict[type, bool] = {}
    # What was there before the fork is not among these: it is frozen.
    for found in gc.get_objects():
        kind = type(found)
        if kind not in with_end:
            with_end[kind] = _does_something(kind)
        if not with_end[kind]:
            continue
        if isinstance(found, io.IOBase):
            if not found.closed and found.writable():
                found.flush()
        elif isinstance(found, _SUSPENDED):
            if _is_of_cells(found):
                return False
        else:
            return False
    return True


def _does_something(kind: type) -> bool:
    """Whether an object of this class may do something when it is freed."""
    if issubclass(kind, (io.IOBase, *_SUSPENDED)):
        return True
    owner = next((base for base in kind.__mro__ if "__del__" in vars(base)), None)
    return owner is not None and str(owner.__module__).partition(".")[0] not in _OF_KERNEL


def _is_of_cells(suspended: Any) -> bool:
    """Whether it waits in code that was not installed."""
    frame: FrameType | None = next(
        (f for name in ("gi_frame", "cr_frame", "ag_frame") if (f := getattr(suspended, name, None)) is not None), None
    )
    if frame is None:
        return False
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _OF_KERNEL | {"contextlib"}
