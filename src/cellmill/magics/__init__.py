"""The IPython magics: what ``%load_ext cellmill`` brings to a notebook, and takes away again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from cellmill.magics.loaded import Loaded

_loaded: WeakKeyDictionary[InteractiveShell, Loaded] = WeakKeyDictionary()


def load(shell: InteractiveShell) -> None:
    """Bring the magics to a session; a second time changes nothing.

    Parameters
    ----------
    shell
        The running session, a notebook's kernel as a rule.
    """
    from cellmill.magics.loaded import Loaded

    if shell not in _loaded:
        _loaded[shell] = Loaded(shell)


def unload(shell: InteractiveShell) -> None:
    """Take away from the session all that `load` brought."""
    loaded = _loaded.pop(shell, None)
    if loaded is not None:
        loaded.unload()
