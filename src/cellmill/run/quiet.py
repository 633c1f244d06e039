"""Keeps what Ploomber, Papermill and Jupyter log, warn and send off the terminal: a run tells its story in events."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("ploomber", "papermill", "traitlets", "nbclient", "jupyter_client", "nbconvert", "asyncio")


@contextmanager
def quiet_dependencies() -> Iterator[None]:
    """Silence the libraries below a run inside the block; logging is as it was before when it is left."""
    os.environ.setdefault("PLOOMBER_STATS_ENABLED", "false")
    root = logging.getLogger()
    # Ploomber sets the root logger's level in DAG.build and leaves it.
    level = root.level
    before = [(logger, logger.propagate) for logger in map(logging.getLogger, _LOGGERS)]
    nowhere = logging.NullHandler()
    for logger, _ in before:
        logger.propagate = False
        logger.addHandler(nowhere)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
        for logger, propagate in before:
            logger.propagate = propagate
            logger.removeHandler(nowhere)
