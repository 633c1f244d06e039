"""How magics tell what went wrong: one line under the cell, never a traceback through cellmill's own code."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from IPython.core.error import UsageError

from cellmill.errors import CellmillError

Method = TypeVar("Method", bound=Callable[..., Any])


def one_line(error: CellmillError) -> str:
    """The error as a sentence without a full stop, as IPython writes its own usage errors."""
    return f"{error.message}; {error.remedy}" if error.remedy else error.message


def without_traceback(error: BaseException, text: str) -> BaseException:
    """Make IPython show an exception as one line; its type and message stay what they are."""
    error._render_traceback_ = lambda: text.splitlines()  # type: ignore[attr-defined]
    return error


def tells_in_one_line(method: Method) -> Method:
    """Wrap a magic: a `CellmillError` in it is shown as its sentence."""

    @wraps(method)
    def told(*args: Any, **options: Any) -> Any:
        try:
            return method(*args, **options)
        except CellmillError as error:
            raise without_traceback(error, f"Error: {error}") from None

    return cast(Method, told)


__all__ = ["UsageError", "one_line", "tells_in_one_line", "without_traceback"]
