"""Which cells set the stage (parameters, imports and definitions) and which do the work."""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cellmill.notebook.cells import Cell
from cellmill.notebook.transform import parse, split_cell_magic, to_python

# Calls that set a library's options: harmless to repeat in each task, so they may stand with the imports.
_OPTION_CALLS = frozenset(
    """basicConfig filterwarnings rc simplefilter set_config set_context set_option set_palette set_printoptions
    set_style set_theme set_verbosity register_matplotlib_converters use""".split()
)
_SETUP_MAGICS = frozenset({"alias", "autoreload", "config", "env", "load_ext", "matplotlib", "pylab", "reload_ext"})
_MAKERS = frozenset("dict frozenset len list max min Path range set sorted tuple zip".split())
_KNOWN = frozenset(dir(builtins)) | {"get_ipython", "display", "__name__", "__file__"}


@dataclass
class Setup:
    """Cells sorted by what they do; empty cells are in none of the lists."""

    parameters: Cell | None = None
    shared: list[Cell] = field(default_factory=list)
    work: list[Cell] = field(default_factory=list)


def sort_cells(cells: Sequence[Cell], *, has_parameters: bool = False) -> Setup:
    """Sort code cells into parameters, shared cells and cells that do work.

    Parameters
    ----------
    cells
        Code cells in notebook order.
    has_parameters
        Whether the notebook has a parameters cell already.
    """
    trees = {cell.number: _tree(cell) for cell in cells}
    filled = [cell for cell in cells if trees[cell.number] is None or not _is_empty(trees[cell.number])]
    defining = [cell for cell in filled if (tree := trees[cell.number]) and _only_defines(tree)]
    parameters = None if has_parameters else _parameters(filled, trees, defining)
    known = set(_KNOWN) | _bound(trees[parameters.number] if parameters else None)
    shared = _self_contained(_defined_once(defining, trees), trees, known)
    placed = {cell.number for cell in (*shared, *([parameters] if parameters else []))}
    return Setup(parameters, shared, [cell for cell in filled if cell.number not in placed])


def only_asserts(cell: Cell) -> bool:
    """Whether a cell does nothing else than check."""
    tree = _tree(cell)
    statements = [one for one in tree.body if not _is_text(one)] if tree else []
    return bool(statements) and all(isinstance(one, ast.Assert) for one in statements)


def only_prepares(cell: Cell) -> bool:
    """Whether a cell does no more than seed random generators, set options, import and define: no step of its own."""
    tree = _tree(cell)
    return tree is not None and bool(tree.body) and _only_prepares(tree)


def only_defines(cell: Cell) -> bool:
    """Whether a cell only imports and defines, so that it may run at the start of every step."""
    tree = _tree(cell)
    return tree is not None and _only_defines(tree)


def _tree(cell: Cell) -> ast.Module | None:
    """The cell's syntax tree; None for what is no Python or stands under another cell magic."""
    if split_cell_magic(cell.source):
        return None
    try:
        return parse(to_python(cell.source))
    except SyntaxError:
        return None


def _is_empty(tree: ast.Module | None) -> bool:
    return tree is not None and all(_is_setup_magic(one) for one in tree.body)


def _parameters(cells: Sequence[Cell], trees: dict[int, ast.Module | None], defining: list[Cell]) -> Cell | None:
    """The first cell of literal constants, if only imports, definitions, options and seeds stand above it."""
    for cell in cells:
        tree = trees[cell.number]
        if tree and all(_is_constant(one) or _is_text(one) or _is_typing_import(one) for one in tree.body):
            if any(_is_constant(one) for one in tree.body):
                return cell
        elif cell not in defining and not (tree and _only_prepares(tree)):
            return None
    return None


def _only_prepares(tree: ast.Module) -> bool:
    return all(_is_seeding(one) or _is_setup(one) for one in tree.body)


def _is_seeding(statement: ast.stmt) -> bool:
    """``np.random.seed(0)`` and its like, with plain numbers or constants."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    called = statement.value.func
    return isinstance(called, ast.Attribute) and called.attr in ("manual_seed", "seed", "set_random_seed", "set_seed")


def _is_typing_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module in ("typing", "typing_extensions")


def _is_constant(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        named = all(isinstance(target, ast.Name) for target in statement.targets)
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        named = isinstance(statement.target, ast.Name)
    else:
        return False
    assert statement.value is not None
    try:
        ast.literal_eval(statement.value)
    except (ValueError, TypeError, RecursionError):
        return False
    return named


def _only_defines(tree: ast.Module) -> bool:
    """Whether a cell imports or defines and does nothing else than set options and name constants."""
    defines = any(isinstance(one, _DEFINITIONS) or _is_guarded_import(one) for one in tree.body)
    return defines and all(_is_setup(one) for one in tree.body)


def _is_setup(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, _DEFINITIONS)
        or _is_guarded_import(statement)
        or _is_text(statement)
        or _is_setup_magic(statement)
        or _is_option(statement)
        or _is_named_constant(statement)
    )


def _is_named_constant(statement: ast.stmt) -> bool:
    """``LIMIT = 3`` and ``LOW, HIGH = 1, 2``: names in capitals, values that need nothing but builtins to make."""
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
        return False
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    stored = [
        one for target in targets for one in ast.walk(target) if not isinstance(one, (ast.Tuple, ast.expr_context))
    ]
    return all(isinstance(one, ast.Name) and one.id.isupper() for one in stored) and all(
        isinstance(call.func, ast.Name) and call.func.id in _MAKERS
        for call in ast.walk(statement.value)
        if isinstance(call, ast.Call)
    )


_DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _is_guarded_import(statement: ast.stmt) -> bool:
    """``try: import x`` with an import, a definition, a constant or ``pass`` instead."""
    if not isinstance(statement, ast.Try) or statement.finalbody or statement.orelse:
        return False
    inside = [*statement.body, *(one for handler in statement.handlers for one in handler.body)]
    return all(isinstance(one, (*_DEFINITIONS, ast.Pass)) or _is_constant(one) for one in inside)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_setup_magic(statement: ast.stmt) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "run_line_magic"
        and isinstance(call.args[0], ast.Constant)
        and call.args[0].value in _SETUP_MAGICS
    )


def _is_option(statement: ast.stmt) -> bool:
    """``pd.set_option(...)`` and its like, or ``plt.rcParams["x"] = y``."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        called = statement.value.func
        if not isinstance(called, ast.Attribute):
            return False
        return called.attr in _OPTION_CALLS or (called.attr == "update" and "rcParams" in ast.unparse(called))
    if isinstance(statement, ast.Assign) and all(isinstance(one, ast.Subscript) for one in statement.targets):
        return all("rcParams" in ast.unparse(one) for one in statement.targets)
    return False


def _self_contained(cells: list[Cell], trees: dict[int, ast.Module | None], known: set[str]) -> list[Cell]:
    """Drop cells that need a name which none of the others, nor ``known``, has; until all that stay are complete."""
    kept = cells
    while True:
        there = known.union(*(_bound(trees[cell.number]) for cell in kept))
        complete = [cell for cell in kept if _needed(trees[cell.number]) <= there]
        if len(complete) == len(kept):
            return kept
        kept = complete


def _defined_once(defining: list[Cell], trees: dict[int, ast.Module | None]) -> list[Cell]:
    """Drop cells that define a name which another cell defines otherwise: which one is meant depends on the order."""
    meanings: dict[str, set[object]] = {}
    for number, tree in trees.items():
        for name, meaning in _meanings(tree, number):
            meanings.setdefault(name, set()).add(meaning)
    return [cell for cell in defining if all(len(meanings[name]) == 1 for name in _bound(trees[cell.number]))]


def _meanings(tree: ast.Module | None, number: int) -> Iterator[tuple[str, object]]:
    """Each name that a cell binds, with what it stands for: the thing imported, or this cell's own."""
    imported: dict[str, set[str]] = {}
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            for one in node.names:
                top = one.name.partition(".")[0]
                imported.setdefault(one.asname or top, set()).add(one.name if one.asname else top)
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                imported.setdefault(one.asname or one.name, set()).add(f"{'.' * node.level}{node.module}.{one.name}")
    for name in _bound(tree):
        yield from ((name, what) for what in imported.get(name, ()))
        if name not in imported:
            yield name, number


def _bound(tree: ast.Module | None) -> set[str]:
    """The names that a cell binds at its top level."""
    if tree is None:
        return set()
    return {symbol.get_name() for symbol in _table(tree).get_symbols() if symbol.is_assigned() or symbol.is_imported()}


def _needed(tree: ast.Module | None) -> set[str]:
    """The names that a cell reads, in functions too, and does not bind itself."""
    if tree is None:
        return set()
    top = _table(tree)
    read = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    read |= {symbol.get_name() for table in _below(top) for symbol in table.get_symbols() if symbol.is_global()}
    return read - _bound(tree)


def _table(tree: ast.Module) -> symtable.SymbolTable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return symtable.symtable(ast.unparse(tree), "<cell>", "exec")


def _below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _below(child)
