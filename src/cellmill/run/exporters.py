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


def prepare_exporter() -> None:
    """Convert a notebook of one cell in a thread: the first conversion compiles what all others use.

    That takes ten times as long as the others do, and a run has time while its first kernel works.
    """
    if not _free:
        threading.Thread(target=_convert_one_cell, name="cellmill-exporter", daemon=True).start()


def _convert_one_cell() -> None:
    from nbconvert import HTMLExporter
    from nbformat import v4

    notebook = v4.new_notebook(cells=[v4.new_code_cell("1")])  # type: ignore[no-untyped-call]
    with suppress(Exception), lent_exporter(HTMLExporter) as exporter:  # the reports themselves tell what is wrong
        exporter.from_notebook_node(notebook)


def _with_compiled_templates(exporter: Any) -> Any:
    """Let it take what Jinja has compiled before, in this process or another: six times less than to compile."""
    from jinja2 import FileSystemBytecodeCache

    environment = getattr(exporter, "environment", None)
    if environment is not None and environment.bytecode_cache is None:
        with suppress(RuntimeError, OSError):  # no folder that is this user's alone
            environment.bytecode_cache = FileSystemBytecodeCache()
    return exporter
