"""What the rules look at in a cell's code, read once for each text: calls, texts, imports, names.

The editor asks after every pause in typing, and from one time to the next all cells but one stay as they are.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import lru_cache

from cellmill.dataflow.scopes import bound_here
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
    reader.read(tree, None)
    return Facts(tuple(reader.calls), tuple(reader.texts), tuple(reader.imports), frozenset(reader.binds))


class _Reader:
    """Walks a tree with the function in mind that it is in."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.texts: list[tuple[str, int]] = []
        self.imports: list[tuple[str, str]] = []
        self.binds: set[str] = set()

    def read(self, tree: ast.AST, function: str | None) -> None:
        waiting: list[tuple[ast.AST, str | None]] = [(tree, function)]
        while waiting:
            node, function = waiting.pop()
            self._take(node, function)
            inside = node.name if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else function
            if isinstance(node, ast.Lambda):
                inside = inside or "<lambda>"
            document = _docstring(node)
            waiting.extend((child, inside) for child in ast.iter_child_nodes(node) if child is not document)
        self.calls.sort(key=lambda call: call.line)
        self.texts.sort(key=lambda text: text[1])

    def _take(self, node: ast.AST, function: str | None) -> None:
        if isinstance(node, ast.Call):
            self.calls.append(_call(node, function))
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                self.texts.append((node.value, node.lineno))
        elif isinstance(node, ast.Import):
            for one in node.names:
                self.imports.append((one.asname, one.name) if one.asname else (one.name.partition(".")[0],) * 2)
        elif isinstance(node, ast.ImportFrom):
            if node.module and not node.level:
                self.imports += [(one.asname or one.name, f"{node.module}.{one.name}") for one in node.names]
        else:
            self.binds.update(bound_here(node))


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
