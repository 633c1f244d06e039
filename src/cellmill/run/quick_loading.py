"""What Ploomber looks up and reads again and again while it loads DAGs, remembered for the time of a block."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def quick_loading() -> Iterator[None]:
    """Remember inside the block which exporter has which name, and which text makes which notebook.

    Ploomber asks for an exporter for each task, and each answer reads the metadata of all packages; it has each task's
    text read twice, and in a sweep for each combination. That is most of the time in which a DAG is loaded.
    """
    import nbconvert
    from ploomber.sources import notebooksource

    look_up: Any = nbconvert.get_exporter
    read: Any = notebooksource._to_nb_obj

    @cache
    def exporter(name: str) -> Any:
        return look_up(name)

    def get_exporter(name: str, config: Any = None) -> Any:
        return exporter(name) if config is None else look_up(name, config)

    @cache
    def pickled(*arguments: Any, **named: Any) -> bytes:
        return pickle.dumps(read(*arguments, **named))

    def to_notebook(*arguments: Any, **named: Any) -> Any:
        # A copy for each, as they are changed.
        return pickle.loads(pickled(*arguments, **named))

    nbconvert.get_exporter, notebooksource._to_nb_obj = get_exporter, to_notebook
    try:
        yield
    finally:
        nbconvert.get_exporter, notebooksource._to_nb_obj = look_up, read
