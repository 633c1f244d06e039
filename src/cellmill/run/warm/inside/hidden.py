"""Keeps libraries that are imported already out of ``sys.modules`` until a kernel's own code imports them.

So the kernel's code finds the state in which a kernel begins, and what an import changes happens when it says so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from .effects import Effects, repeat


class HiddenLibraries(MetaPathFinder):
    """Finds libraries among those that were imported before the fork; stands first in ``sys.meta_path``.

    Parameters
    ----------
    before
        The names in ``sys.modules`` before anything was imported beforehand.
    effects
        What the imports changed.
    """

    def __init__(self, before: frozenset[str], effects: Effects) -> None:
        self._effects = effects
        self._modules: dict[str, dict[str, ModuleType]] = {}
        for name in set(sys.modules) - before:
            top = name.partition(".")[0]
            if top in sys.stdlib_module_names or top in before or not _is_library(top):
                continue
            self._modules.setdefault(top, {})[name] = sys.modules[name]

    def hide(self) -> None:
        """Take them out of ``sys.modules``."""
        for modules in self._modules.values():
            for name in modules:
                sys.modules.pop(name, None)
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a hidden library by its name; Python's import calls this."""
        if fullname not in self._modules:
            return None
        libraries = self._with_needs(fullname)
        if not all(self._is_same(library) for library in libraries):
            # The folders to import from are others now: everything comes from there.
            self._modules.clear()
            return None
        return ModuleSpec(fullname, _Kept(self, libraries))

    def take(self, libraries: set[str]) -> None:
        """Put libraries back, with what their import changes."""
        for library in libraries:
            sys.modules.update(self._modules.pop(library, {}))
        repeat(self._effects, libraries)
        if not self._modules and self in sys.meta_path:
            sys.meta_path.remove(self)

    def module(self, name: str) -> ModuleType:
        """A hidden library's own module."""
        return self._modules[name][name]

    def _with_needs(self, library: str) -> set[str]:
        found: set[str] = set()
        waiting = [library]
        while waiting:
            name = waiting.pop()
            if name in self._modules and name not in found:
                found.add(name)
                waiting.extend(self._effects.needs.get(name, ()))
        return found

    def _is_same(self, library: str) -> bool:
        spec = PathFinder.find_spec(library)
        return spec is not None and _place(spec) == _place(self.module(library).__spec__)


class _Kept(Loader):
    """Loads a library by giving what is there."""

    def __init__(self, hidden: HiddenLibraries, libraries: set[str]) -> None:
        self._hidden = hidden
        self._libraries = libraries

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = self._hidden.module(spec.name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # Python's import has just given it the spec that led here.
        module.__spec__ = self._spec
        self._hidden.take(self._libraries)


def _is_library(name: str) -> bool:
    """False for what compiled modules put into ``sys.modules`` beside themselves."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return spec is not None and spec.name == name


def _place(spec: ModuleSpec | None) -> tuple[str | None, list[str]] | None:
    """Where a module comes from; a namespace package has folders only."""
    return (spec.origin, list(spec.submodule_search_locations or ())) if spec is not None else None
