"""nbconvert's exporters, looked up once and made once for all tasks: both take longer than to convert a report."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def remembered_exporters() -> Iterator[None]:
    """Remember inside the block which exporter has which name.

    Ploomber asks for each task, and each answer reads the metadata of all packages: two fifths of the time in which a
    DAG is loaded.
    """
    import nbconvert

    look_up: Any = nbconvert.get_exporter

    @cache
    def remembered(name: str) -> Any:
        return look_up(name)

    def get_exporter(name: str, config: Any = None) -> Any:
        return remembered(name) if config is None else look_up(name, config)

    nbconvert.get_exporter = get_exporter
    try:
        yield
    finally:
        nbconvert.get_exporter = look_up


# Tasks that run side by side convert side by side.
_kept = threading.local()


def kept_exporter(exporter: Any) -> Any:
    """An exporter of this class that has its templates already: each that is made compiles them anew."""
    if not isinstance(exporter, type):
        return exporter
    made: dict[type, Any] = vars(_kept).setdefault("exporters", {})
    if exporter not in made:
        made[exporter] = exporter()
    return made[exporter]
