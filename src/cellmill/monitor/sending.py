"""Sends a message to an address of Apprise's, in a process of its own.

Addresses hold passwords, and the libraries below log them at some levels and put them into exceptions; a service that
hangs can't be ended in a thread. In a process of its own neither matters: it is ended when its time is up, and nothing
that it prints is kept. The address goes to it by its standard input, where no list of processes shows it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping

from cellmill.schedule.settings import AlertKind

TIMEOUT = 40.0
"""Seconds that a sending may take."""

TYPES: Mapping[AlertKind, str] = {
    "failure": "failure",
    "check": "failure",
    "recovery": "success",
    "missed": "warning",
    "late": "warning",
}
"""Apprise's type of a message, by what it tells: services show it as a colour."""


def address_in(variable: str) -> str | None:
    """The address that a variable holds here; None if it is not set or empty."""
    return os.environ.get(variable, "").strip() or None


def send(variable: str, title: str, body: str, kind: AlertKind = "failure", timeout: float = TIMEOUT) -> str | None:
    """Send a message to the address that a variable holds.

    Parameters
    ----------
    timeout
        Seconds after which it is given up.

    Returns
    -------
    str or None
        Why it was not sent, in words that hold nothing of the address; None if it was sent.
    """
    address = address_in(variable)
    if address is None:
        return f"${variable} is not set here"
    order = {"address": address, "title": title, "body": body, "type": TYPES[kind]}
    # Not the project's folder: what lies there must not be imported.
    command = [sys.executable, "-P", "-m", "cellmill.monitor.send_process"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(order).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
            # A signal to the scheduler's group must not cut off its last alert.
            start_new_session=True,
        )
        answer = json.loads(done.stdout)
        return None if answer["sent"] is True else str(answer["problem"])
    except subprocess.TimeoutExpired:
        return f"there was no answer within {timeout:g} s"
    except OSError as error:
        return f"no process could be started for it ({error.strerror})"
    except (ValueError, LookupError, TypeError):
        return "the process that sends it ended without an answer"
