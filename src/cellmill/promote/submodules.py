"""Submodules that a step uses through their package, though only an earlier step's code has loaded them.

After ``import matplotlib as mpl``, ``mpl.pyplot`` is there once anything in the kernel has imported
``matplotlib.pyplot``: in a task's own kernel nothing may have.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from cellmill.notebook.transform import parse, to_python


def submodule_imports(own: Sequence[str], imports: Sequence[str]) -> list[str]:
    """Write imports of the submodules that code reaches through their package without importing them.

    Only what the package does not see to itself counts, so that ``np.random`` needs no line. Packages are looked up
    as installed, and nothing of them is run.

    Parameters
    ----------
    own
        The code that a task runs, cell by cell.
    imports
        Import statements that it gets from elsewhere.
    """
    trees = [tree for source in (*imports, *own) if (tree := _tree(source)) is not None]
    names: dict[str, str] = {}
    loaded: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        for name, module in _imported(node):
            names.setdefault(name, module)
        loaded.update(_loaded_by(node))
    wanted: dict[str, None] = {}
    for tree in trees:
        for chain in _chains(tree, names):
            wanted.update(dict.fromkeys(_submodules(chain)))
    return [f"import {one}" for one in sorted(wanted) if one not in loaded]


def _tree(source: str) -> ast.Module | None:
    try:
        return parse(to_python(source))
    except SyntaxError:
        return None


def _imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Names that may stand for a module, with its dotted name."""
    if isinstance(node, ast.Import):
        for one in node.names:
            top = one.name.partition(".")[0]
            yield (one.asname, one.name) if one.asname else (top, top)
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
        for one in node.names:
            yield one.asname or one.name, f"{node.module}.{one.name}"


def _loaded_by(node: ast.AST) -> Iterator[str]:
    """Modules that an import statement loads, those above them too."""
    modules: Iterable[str] = ()
    if isinstance(node, ast.Import):
        modules = [one.name for one in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
        modules = [f"{node.module}.{one.name}" for one in node.names]
    for module in modules:
        parts = module.split(".")
        yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _chains(tree: ast.Module, names: dict[str, str]) -> Iterator[str]:
    """The longest dotted names in the code that begin with a module."""
    inner: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or id(node) in inner:
            continue
        parts: list[str] = []
        at: ast.expr = node
        while isinstance(at, ast.Attribute):
            inner.add(id(at))
            parts.append(at.attr)
            at = at.value
        if isinstance(at, ast.Name) and at.id in names:
            yield ".".join([names[at.id], *reversed(parts)])


def _submodules(chain: str) -> Iterator[str]:
    """The beginnings of a dotted name that are submodules which their package does not load."""
    parts = chain.split(".")
    for end in range(2, len(parts) + 1):
        module, package = ".".join(parts[:end]), ".".join(parts[: end - 1])
        if _spec(package) is None or _spec(module) is None:
            return
        if parts[end - 1] not in _told_by(package):
            yield module


@lru_cache(maxsize=4096)
def _spec(module: str) -> ModuleSpec | None:
    package = module.rpartition(".")[0]
    if not package:
        return PathFinder.find_spec(module)
    above = _spec(package)
    if above is None or above.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(module, above.submodule_search_locations)


@lru_cache(maxsize=256)
def _told_by(package: str) -> frozenset[str]:
    """Names that a package's own code imports, or lists to load them when they are asked for."""
    spec = _spec(package)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return frozenset()
    try:
        tree = ast.parse(Path(spec.origin).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    told: set[str] = set()
    for node in _run_by_import(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            told.update(part for one in node.names for part in one.name.split("."))
            told.update((getattr(node, "module", None) or "").split("."))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            told.add(node.value)
    return frozenset(told)


def _run_by_import(tree: ast.Module) -> Iterator[ast.AST]:
    """All that runs when a package is imported, and where it is asked for a name that it does not have."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name != "__getattr__":
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))
