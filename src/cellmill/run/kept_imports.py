"""What a process that forks others has imported, and when that is out of date: packages were installed meanwhile."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def package_folders() -> list[tuple[str, int]]:
    """The folders that packages are installed in, with the time of their last change, in nanoseconds."""
    return [(path, os.stat(path).st_mtime_ns) for path in sys.path if os.path.isdir(path)]


def begin_anew(module: str, descriptor: int) -> NoReturn:
    """Become a new process of the same program, ``python -m MODULE DESCRIPTOR``, that imports what is there now.

    Raises
    ------
    OSError
        If it can't be started.
    """
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - its signature
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, str(descriptor)])
