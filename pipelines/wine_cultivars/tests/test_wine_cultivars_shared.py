"""Tests of the module of shared cells: it imports, defines what the tasks use, and its examples hold."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

FOLDER = Path(__file__).resolve().parent.parent
DEFINED = ("Result", "race")


@pytest.fixture(scope="module")
def shared() -> Iterator[ModuleType]:
    """Import the module as the tasks do: in the pipeline's working directory, with IPython if its cells hold magics."""
    settings = yaml.safe_load((FOLDER / "env.yaml").read_text(encoding="utf-8"))
    workdir = settings["workdir"].replace("{{here}}", str(FOLDER))
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        patch.chdir(workdir)
        patch.setattr(sys, "path", [workdir, str(FOLDER), *sys.path])
        patch.setenv("MPLBACKEND", "agg")
        if "get_ipython" in (FOLDER / "wine_cultivars_shared.py").read_text(encoding="utf-8"):
            stack.enter_context(_ipython().builtin_trap)
        yield importlib.import_module("wine_cultivars_shared")


def _ipython() -> InteractiveShell:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        """IPython without a terminal or a window."""

        def enable_gui(self, gui: str | None = None) -> None:
            """Do nothing: ``%matplotlib`` asks for it."""

    if InteractiveShell.initialized():
        return InteractiveShell.instance()
    return Shell.instance(config=Config(HistoryManager={"enabled": False}))


@pytest.mark.parametrize("name", DEFINED)
def test_defines(shared: ModuleType, name: str) -> None:
    """The function or class is there."""
    assert callable(getattr(shared, name, None)), f"wine_cultivars_shared.py does not define {name}"


def test_examples_hold(shared: ModuleType) -> None:
    """The examples in the docstrings give what they say."""
    assert doctest.testmod(shared).failed == 0
