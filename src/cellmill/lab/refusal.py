"""Requests that are not answered: a status and one sentence, which cross from the worker to the browser."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A request that is refused.

    Parameters
    ----------
    status
        The HTTP status, 4xx; 503 where the server is at fault.
    message
        One sentence for the user.
    details
        Further fields of the answer.
    """

    def __init__(self, status: int, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details

    def as_dict(self) -> dict[str, Any]:
        """The answer's body."""
        return {"message": self.message, **self.details}
