"""Loads this folder in a kernel, whether or not cellmill is installed there; run by its path."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any

NAME = "cellmill_inside"


def load(name: str) -> Any:
    """Give a module of this folder, the same one each time."""
    if NAME not in sys.modules:
        first = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__init__.py")
        spec = importlib.util.spec_from_file_location(NAME, first)
        assert spec is not None
        assert spec.loader is not None
        package = sys.modules[NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(package)
    return importlib.import_module(f"{NAME}.{name}")
