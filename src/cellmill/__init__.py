"""cellmill: from notebook cells to production pipelines, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Bring cellmill's magics to an IPython session (``%load_ext cellmill``)."""
    from cellmill.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again (``%unload_ext cellmill``)."""
    from cellmill.magics import unload

    unload(shell)
