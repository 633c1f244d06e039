"""What the rules look at in a cell's code, read once for each text: calls, texts, imports, names.

The editor asks after every pause in typing, and from one time to the next all cells but one stay as they are.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cellmill.notebook.cells import Cell
from cellmill.notebook.steps import Steps, TaggedCell
from cellmill.notebook.transform import parse, to_python


@dataclass(frozen=True)
class Call:
    """A call as it is written.

    Attributes
    ----------
    name
        ``np.random.rand``; a method's is that of what stands before it, with ``?`` where that is no name.
    arguments
        How many there are without a keyword.
    keywords
        The keywords with a value other than None.
    first
        The first argument, where it is a text.
    function
        The function that it stands in, or None.
    """

    name: str
    line: int
    arguments: int
    keywords: frozenset[str]
    first: str | None
    function: str | None


@dataclass(frozen=True)
class Facts:
    """One cell's code, taken apart."""

    calls: tuple[Call, ...] = ()
    texts: tuple[tuple[str, int], ...] = ()
    imports: tuple[tuple[str, str], ...] = ()
    binds: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Part:
    """A promoted cell with what it belongs to: a step's name, ``parameters`` or ``shared``."""

    step: str
    tagged: TaggedCell
    facts: Facts

    @property
    def cell(self) -> Cell:
        """The cell itself."""
        return self.tagged.cell


@dataclass(frozen=True)
class Promoted:
    """All promoted cells in the order in which a task runs them, and what imported names stand for."""

    steps: Steps
    parts: tuple[Part, ...]
    imports: dict[str, str] = field(default_factory=dict)
    binds: frozenset[str] = frozenset()

    def dotted(self, call: Call) -> str:
        """The library's own name of what is called: ``numpy.random.rand`` for ``np.random.rand``."""
        first, dot, rest = call.name.partition(".")
        return f"{self.imports.get(first, first)}{dot}{rest}"

    def is_builtin(self, name: str) -> bool:
        """Whether the notebook leaves Python's own meaning to a name."""
        return name not in self.binds and name not in self.imports


def read_promoted(steps: Steps) -> Promoted:
    """Take the promoted cells' code apart."""
    cells = [
        *(("parameters", one) for one in steps.parameters),
        *(("shared", one) for one in steps.shared),
        *((str(step.name), one) for step in steps.steps for one in (*step.cells, *step.checks)),
    ]
    parts = tuple(Part(step, tagged, facts_of(tagged.body)) for step, tagged in cells)
    imports = {name: dotted for part in parts for name, dotted in part.facts.imports}
    return Promoted(steps, parts, imports, frozenset().union(*(part.facts.binds for part in parts)))


@lru_cache(maxsize=4096)
def facts_of(body: str) -> Facts:
    """Facts of a cell's code; none where it is no Python."""
    try:
        tree = parse(to_python(body))
    except SyntaxError:
        return Facts()
    reader = _Reader()
    reader.read(tree)
    return Facts(tuple(reader.calls), tuple(reader.texts), tuple(reader.imports), frozenset(reader.binds))


class _Reader:
    """Walks a tree with the function in mind that it is in."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.texts: list[tuple[str, int]] = []
        self.imports: list[tuple[str, str]] = []
        self.binds: set[str] = set()

    def read(self, tree: ast.AST) -> None:
        waiting: list[tuple[ast.AST, str | None]] = [(tree, None)]
        while waiting:
            node, function = waiting.pop()
            take = _TAKERS.get(type(node))
            document = None
            if take is not None:
                take(self, node, function)
                if isinstance(node, _SCOPES):
                    function = function or getattr(node, "name", "<lambda>")
                    document = _docstring(node)
                elif isinstance(node, ast.ClassDef):
                    document = _docstring(node)
            for name in node._fields:
                value = getattr(node, name, None)
                if isinstance(value, list):
                    waiting.extend((one, function) for one in value if isinstance(one, ast.AST) and one is not document)
                elif isinstance(value, ast.AST) and not isinstance(value, _NOTHING_IN_IT):
                    waiting.append((value, function))
        self.calls.sort(key=lambda call: call.line)
        self.texts.sort(key=lambda text: text[1])

    def take_call(self, node: ast.Call, function: str | None) -> None:
        self.calls.append(_call(node, function))

    def take_constant(self, node: ast.Constant, function: str | None) -> None:
        if isinstance(node.value, str):
            self.texts.append((node.value, node.lineno))

    def take_import(self, node: ast.Import, function: str | None) -> None:
        for one in node.names:
            self.imports.append((one.asname, one.name) if one.asname else (one.name.partition(".")[0],) * 2)

    def take_import_from(self, node: ast.ImportFrom, function: str | None) -> None:
        if node.module and not node.level:
            self.imports += [(one.asname or one.name, f"{node.module}.{one.name}") for one in node.names]

    def take_name(self, node: ast.Name, function: str | None) -> None:
        if isinstance(node.ctx, ast.Store):
            self.binds.add(node.id)

    def take_definition(self, node: ast.FunctionDef, function: str | None) -> None:
        self.binds.add(node.name)

    def take_nothing(self, node: ast.AST, function: str | None) -> None:
        """A lambda: only that it is one counts."""


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_NOTHING_IN_IT = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop)
_TAKERS: dict[type[ast.AST], Any] = {
    ast.Call: _Reader.take_call,
    ast.Constant: _Reader.take_constant,
    ast.Import: _Reader.take_import,
    ast.ImportFrom: _Reader.take_import_from,
    ast.Name: _Reader.take_name,
    ast.FunctionDef: _Reader.take_definition,
    ast.AsyncFunctionDef: _Reader.take_definition,
    ast.ClassDef: _Reader.take_definition,
    ast.Lambda: _Reader.take_nothing,
}


def _docstring(node: ast.AST) -> ast.AST | None:
    """The statement that is a text and nothing else at the top of a function or class: it is for people."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            return first
    return None


def _call(node: ast.Call, function: str | None) -> Call:
    given = frozenset(
        one.arg
        for one in node.keywords
        if one.arg is not None and not (isinstance(one.value, ast.Constant) and one.value.value is None)
    )
    if any(one.arg is None for one in node.keywords):
        given |= {"**"}
    positional = [one for one in node.args if not (isinstance(one, ast.Constant) and one.value is None)]
    first = node.args[0] if node.args else None
    text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
    return Call(_name(node.func), node.lineno, len(positional), given, text, function)


def _name(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "?")
    return ".".join(reversed(parts))
