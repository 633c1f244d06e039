"""How a process of its own is started that does what ``cellmill WORDS`` does."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def as_process(words: Sequence[str]) -> list[str]:
    """The command line of such a process: with this Python, whatever is on the PATH."""
    # -P: the project may hold a file of the user's that is named like a library.
    return [sys.executable, "-P", "-c", "from cellmill.cli import main; main(prog_name='cellmill')", *words]
