"""What Ploomber looks up and reads again and again while it loads DAGs, remembered by the process."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

# Texts of tasks that are remembered: those of a large pipeline, with and without what was injected.
_TEXTS = 1024


@contextmanager
def quick_loading() -> Iterator[None]:
    """Inside the block, let Ploomber ask once which exporter has a name, and once which text makes which notebook.

    It asks for an exporter for each task, and each answer reads the metadata of all packages; it has each task's text
    read twice, and in a sweep for each combination. That is most of the time in which a DAG is loaded.
    """
    import nbconvert
    from ploomber.sources import notebooksource

    look_up: Any = nbconvert.get_exporter
    read: Any = notebooksource._to_nb_obj

    def get_exporter(name: str, config: Any = None) -> Any:
        return _exporter(look_up, name) if config is None else look_up(name, config)

    def to_notebook(*arguments: Any, **named: Any) -> Any:
        # A copy for each, as they are changed.
        return pickle.loads(_pickled(read, *arguments, **named))

    nbconvert.get_exporter, notebooksource._to_nb_obj = get_exporter, to_notebook
    try:
        yield
    finally:
        nbconvert.get_exporter, notebooksource._to_nb_obj = look_up, read


@lru_cache
def _exporter(look_up: Any, name: str) -> Any:
    return look_up(name)


@lru_cache(_TEXTS)
def _pickled(read: Any, *arguments: Any, **named: Any) -> bytes:
    return pickle.dumps(read(*arguments, **named))
