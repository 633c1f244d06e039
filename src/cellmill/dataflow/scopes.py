"""Which names a function owns: Python's scoping rules (language reference, section 4.2, Naming and binding)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Scope:
    """Names of one function or class body: its own, and those it declares ``global`` or ``nonlocal``."""

    locals: frozenset[str]
    globals: frozenset[str]
    nonlocals: frozenset[str]
    is_generator: bool = False


def scope_of(node: FunctionNode | ast.ClassDef) -> Scope:
    """The names that belong to this function or class body, nested ones not included."""
    bound: set[str] = set()
    declared_global: set[str] = set()
    declared_nonlocal: set[str] = set()
    generator = False
    if not isinstance(node, ast.ClassDef):
        args = node.args
        bound |= {one.arg for one in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
        bound |= {one.arg for one in (args.vararg, args.kwarg) if one}
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    for part in body:
        for inner in _walk_own(part):
            if isinstance(inner, ast.Global):
                declared_global.update(inner.names)
            elif isinstance(inner, ast.Nonlocal):
                declared_nonlocal.update(inner.names)
            elif isinstance(inner, (ast.Yield, ast.YieldFrom)):
                generator = True
            bound.update(bound_here(inner))
    return Scope(
        frozenset(bound - declared_global - declared_nonlocal),
        frozenset(declared_global),
        frozenset(declared_nonlocal),
        generator,
    )


def bound_here(node: ast.AST) -> Iterator[str]:
    """Names that this very node binds (not its children)."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
        yield node.id
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            if alias.name != "*":
                yield alias.asname or alias.name.partition(".")[0]
    elif (isinstance(node, ast.ExceptHandler) and node.name) or (
        isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name
    ):
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _walk_own(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a body without entering nested scopes; of comprehensions only what leaks (walrus targets)."""
    yield node
    if isinstance(node, _SCOPES):
        return
    if isinstance(node, _COMPREHENSIONS):
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                yield inner.target
            elif isinstance(inner, (ast.Yield, ast.YieldFrom)):
                yield inner
        return
    for child in ast.iter_child_nodes(node):
        yield from _walk_own(child)
