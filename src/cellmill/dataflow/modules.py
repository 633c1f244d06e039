"""Modules beside the notebook: which of their functions change or use the state that the module keeps for itself.

A variable of a module, unlike one of the notebook, is made anew in every task that imports the module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from cellmill.dataflow import knowledge, state
from cellmill.dataflow.scopes import bound_here, scope_of

PREFIX = "module:"
# What these make is used by its methods and does not change for the author.
_STEADY = frozenset("getLogger compile namedtuple TypeVar frozenset tuple Path".split())

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@lru_cache(maxsize=16)
def known_modules(sources: tuple[tuple[str, str], ...]) -> Modules:
    """What is known of these modules, by name and text; kept, since they change less often than the notebook."""
    return Modules(dict(sources))


@dataclass
class _Module:
    """One module: what its names stand for, and its functions and classes."""

    variables: set[str] = field(default_factory=set)
    imports: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Touched:
    """State that a call changes, and state that it uses."""

    states: frozenset[str] = frozenset()
    draws: frozenset[str] = frozenset()


class Modules:
    """What is known of the modules beside the notebook.

    Parameters
    ----------
    sources
        Their text by dotted name; text that is no Python is passed over, since importing it fails with a better word.
    """

    def __init__(self, sources: Mapping[str, str] | None = None) -> None:
        self._modules: dict[str, _Module] = {}
        self._known: dict[str, Touched] = {}
        for name, text in (sources or {}).items():
            try:
                tree = ast.parse(text)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            self._modules[name] = _read(tree)
        for module in self._modules.values():
            for definition in module.definitions.values():
                module.changed |= set(_changed(definition, module))

    def __bool__(self) -> bool:
        return bool(self._modules)

    def touched_by(self, dotted: str) -> Touched:
        """What calling this function, or using this class, does to state without a name."""
        if dotted not in self._known:
            self._known[dotted] = Touched()  # recursion sees nothing new
            self._known[dotted] = self._work_out(dotted)
        return self._known[dotted]

    def _work_out(self, dotted: str) -> Touched:
        owner, _, name = dotted.rpartition(".")
        module = self._modules.get(owner)
        if module is None:
            return Touched()
        if name in module.imports and name not in module.definitions:
            return self.touched_by(module.imports[name])
        definition = module.definitions.get(name)
        if definition is None:
            used = name in module.changed
            return Touched(draws=frozenset((f"{PREFIX}{owner}",))) if used else Touched()
        states: set[str] = set()
        draws: set[str] = set()
        if any(_changed(definition, module)):
            states.add(f"{PREFIX}{owner}")
        for node in ast.walk(definition):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                if node.id in module.changed:
                    draws.add(f"{PREFIX}{owner}")
                if node.id in module.definitions and node.id != name:
                    self._join(f"{owner}.{node.id}", states, draws)
            if isinstance(node, (ast.Name, ast.Attribute)) and (called := _dotted(node, module)):
                if changed := state.set_by_call(called):
                    states.add(changed)
                draws.update(state.drawn_by_call(called))
                self._join(called, states, draws)
        return Touched(frozenset(states), frozenset(draws - states))

    def _join(self, dotted: str, states: set[str], draws: set[str]) -> None:
        found = self.touched_by(dotted)
        states |= found.states
        draws |= found.draws


def _read(tree: ast.Module) -> _Module:
    module = _Module()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            module.definitions[node.name] = node
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                module.imports[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module.imports[alias.asname or alias.name] = f"{node.module or ''}.{alias.name}".lstrip(".")
        elif isinstance(node, ast.Assign) and _is_steady(node.value):
            continue
        else:
            module.variables.update(bound_here(node))
        waiting.extend(ast.iter_child_nodes(node))
    return module


def _is_steady(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
    return name in _STEADY


def _changed(definition: Definition, module: _Module) -> Iterator[str]:
    """Variables of the module that a function, or any method of a class, changes."""
    for node in ast.walk(definition):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            scope = scope_of(node)
            yield from (name for name in scope.globals if name in module.variables)
            yield from _changed_in_place(node, module, scope.locals)


def _changed_in_place(node: ast.AST, module: _Module, own: frozenset[str]) -> Iterator[str]:
    for inner in ast.walk(node):
        place: ast.expr | None = None
        if isinstance(inner, (ast.Subscript, ast.Attribute)) and isinstance(inner.ctx, (ast.Store, ast.Del)):
            place = inner.value
        elif isinstance(inner, ast.Call):
            if isinstance(inner.func, ast.Attribute) and inner.func.attr not in knowledge.PURE_METHODS:
                place = inner.func.value
            elif isinstance(inner.func, ast.Name) and inner.func.id in ("next", "setattr", "delattr") and inner.args:
                place = inner.args[0]
        while isinstance(place, (ast.Subscript, ast.Attribute)):
            place = place.value
        if isinstance(place, ast.Name) and place.id in (module.variables | module.definitions.keys()) - own:
            yield place.id


def _dotted(node: ast.Name | ast.Attribute, module: _Module) -> str | None:
    """The dotted name of an imported thing."""
    parts: list[str] = []
    at: ast.expr = node
    while isinstance(at, ast.Attribute):
        parts.append(at.attr)
        at = at.value
    if not isinstance(at, ast.Name) or at.id not in module.imports:
        return None
    return ".".join([module.imports[at.id], *reversed(parts)])
