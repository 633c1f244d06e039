"""Puts off an import that costs a second and that nothing here needs.

nbformat imports jsonschema, which imports ``rfc3987_syntax`` where that is installed (jupyter-events asks for it), for
a check of addresses that a notebook's schema does not have; that package compiles a grammar when it is imported. In the
command's own process it is imported when the check is first called, and then does what it always does.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_NAME = "rfc3987_syntax"


def put_off_slow_imports() -> None:
    """Let ``rfc3987_syntax`` be imported when it is used; where it is not installed, or loaded, all stays as it is."""
    if _NAME in sys.modules:
        return
    spec = find_spec(_NAME)
    if spec is None:
        return
    module = _Later(_NAME)
    module.__spec__ = spec
    module.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[_NAME] = module


class _Later(ModuleType):
    """Stands in for the module until it is used."""

    def is_valid_syntax(self, *arguments: Any, **named: Any) -> Any:
        """As the module's own."""
        return _loaded().is_valid_syntax(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks of any module
            raise AttributeError(name)
        return getattr(_loaded(), name)


def _loaded() -> ModuleType:
    if isinstance(sys.modules.get(_NAME), _Later):
        del sys.modules[_NAME]
    return importlib.import_module(_NAME)
