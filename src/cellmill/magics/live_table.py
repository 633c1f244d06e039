"""A table under a cell that is drawn anew in place while something goes on, and stays as plain HTML when it has ended.

While it goes on it is a widget, which Lab, Notebook 7 and VS Code draw without a flicker; what stays in the saved
notebook is HTML. Outside of a notebook it is text.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython
from IPython.display import display

from cellmill.magics.tables import Table

if TYPE_CHECKING:
    import ipywidgets
    from IPython.core.display_functions import DisplayHandle

# Seconds between two updates of what changes often.
_PAUSE = 0.25


class LiveTable:
    """One display."""

    def __init__(self) -> None:
        self._widget: ipywidgets.HTML | None = None
        self._handle: DisplayHandle | None = None
        self._shown_at = 0.0

    def show(self, table: Callable[[], Table], *, at_once: bool) -> None:
        """Show a table; if not at once, only if the last one has been there for a moment."""
        now = time.monotonic()
        if at_once or now - self._shown_at >= _PAUSE:
            self._shown_at = now
            self._draw(table())

    def end(self, table: Table) -> None:
        """Show the last table, which stays."""
        if self._widget is not None:
            self._widget.close()
            self._widget = None
        self._draw(table)

    def _draw(self, table: Table) -> None:
        if self._widget is not None:
            self._widget.value = table._repr_html_()
        elif self._handle is not None:
            self._handle.update(table)  # type: ignore[no-untyped-call]
        else:
            self._widget = _widget()
            bundle: dict[str, Any] = {"text/plain": repr(table), "text/html": table._repr_html_()}
            if self._widget is not None:
                self._widget.value = bundle["text/html"]
                bundle |= self._widget._repr_mimebundle_()
                bundle["text/plain"] = repr(table)
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]


def _widget() -> ipywidgets.HTML | None:
    """The widget that shows the table; None outside of a notebook's kernel, where nothing would draw it."""
    if getattr(get_ipython(), "kernel", None) is None:
        return None
    try:
        import ipywidgets
    except ImportError:
        return None
    return ipywidgets.HTML()
