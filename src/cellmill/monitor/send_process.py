"""The process that sends one message: an order comes in as JSON, what became of it goes out as JSON.

Of what Apprise logs only an answer's number is passed on: the rest may hold parts of the address.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

_NUMBER = re.compile(r"error=(\d{3})\b")


class _Kept(logging.Handler):
    """What Apprise says of a sending that failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.texts.append(record.getMessage())


def main() -> None:
    """Do what standard input asks for."""
    order = json.load(sys.stdin)
    answer = {"sent": False, "problem": "it could not be sent"}
    try:
        problem = _send(order)
        answer = {"sent": problem is None, "problem": problem or ""}
    except Exception as error:
        answer["problem"] = f"it could not be sent ({type(error).__name__})"
    sys.stdout.write(json.dumps(answer))


def _send(order: dict[str, Any]) -> str | None:
    import apprise

    kept = _Kept()
    log = logging.getLogger("apprise")
    log.addHandler(kept)
    log.propagate = False
    services = apprise.Apprise(asset=apprise.AppriseAsset(app_id="cellmill", app_desc="cellmill"))
    if not services.add(order["address"]) or not len(services):
        return "what it holds is no address that Apprise can read"
    if len(services) > 1:
        # A second attempt after one of several failed would reach the others twice.
        return f"it holds {len(services)} addresses; give each a variable and an entry of its own"
    sent = services.notify(
        title=order["title"], body=order["body"], notify_type=order["type"], body_format=apprise.NotifyFormat.TEXT
    )
    return None if sent else _why(kept.texts)


def _why(texts: list[str]) -> str:
    for text in texts:
        if found := _NUMBER.search(text):
            return f"the service answered {found[1]}"
        if "onnection error" in text or "ocket" in text:
            return "there was no connection to the service"
    return "the service did not take it"


if __name__ == "__main__":
    main()
