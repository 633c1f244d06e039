"""The command as users call it, in this process, with what it said and how long it took."""

from __future__ import annotations

import time
from dataclasses import dataclass

from click.testing import CliRunner


@dataclass(frozen=True)
class Told:
    """What a command said; ``seconds`` of processor time."""

    code: int
    out: str
    err: str
    seconds: float


def call(*words: str) -> Told:
    """Call a command; an exception that is no sentence goes on to the caller."""
    from cellmill.cli import main

    began = time.process_time()
    done = CliRunner().invoke(main, list(words), catch_exceptions=False)
    return Told(done.exit_code, done.stdout, done.stderr, time.process_time() - began)
