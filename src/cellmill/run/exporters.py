"""Looks nbconvert's exporters up once for all tasks."""

from __future__ import annotations

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
