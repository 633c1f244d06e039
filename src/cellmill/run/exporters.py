"""nbconvert's exporters, made once for all tasks: that takes longer than to convert a report."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

_free: dict[type, list[Any]] = {}
_door = threading.Lock()


@contextmanager
def lent_exporter(exporter: Any) -> Iterator[Any]:
    """Lend an exporter of this class that has its templates already, for this block alone.

    Each that is made compiles them anew; tasks that run side by side convert side by side.
    """
    if not isinstance(exporter, type):
        yield exporter
        return
    with _door:
        free = _free.setdefault(exporter, [])
        one = free.pop() if free else None
    one = one or _with_compiled_templates(exporter())
    try:
        yield one
    finally:
        with _door:
            free.append(one)


def _with_compiled_templates(exporter: Any) -> Any:
    """Let it take what Jinja has compiled before, in this process or another: six times less than to compile."""
    from jinja2 import FileSystemBytecodeCache

    environment = getattr(exporter, "environment", None)
    if environment is not None and environment.bytecode_cache is None:
        with suppress(RuntimeError, OSError):  # no folder that is this user's alone
            environment.bytecode_cache = FileSystemBytecodeCache()
    return exporter
