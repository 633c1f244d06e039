"""The environment variables that a step's kernel takes over from the process that starts it."""

from __future__ import annotations

import os

# Variables by which an outer notebook's kernel knows itself; a step's kernel is another one.
_NOT_INHERITED = ("JPY_SESSION_NAME", "JPY_PARENT_PID", "JPY_INTERRUPT_EVENT", "IPY_INTERRUPT_EVENT")


def inherited_environment() -> dict[str, str]:
    """The variables of this process, as a kernel of a step gets them."""
    # All tasks hash texts alike, in this run and the next: what one finds in a set, others find in that order.
    inherited = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
    return {"PYTHONHASHSEED": "0", **inherited}
