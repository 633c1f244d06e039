"""IPython's syntax to plain Python, line for line, so that code can be read without running it."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cellmill.notebook.token_transforms import token_transforms

if TYPE_CHECKING:
    from types import CodeType

# Cell magics whose body is Python that runs in the notebook's own kernel.
PYTHON_BODIED = frozenset(
    {"capture", "debug", "memit", "prun", "pyinstrument", "scalene", "snakeviz", "time", "timeit"}
)

_CELL_MAGIC = re.compile(r"%%(?!\w+\?)(\S+)[ \t]*(.*)")


@dataclass(frozen=True)
class CellMagic:
    """A cell magic such as ``%%capture out`` taken apart.

    Attributes
    ----------
    name, line
        ``capture`` and ``out``: the magic and the rest of its line.
    body
        The lines below.
    offset
        What must be added to a line number in ``body`` to get the line number in the whole.
    """

    name: str
    line: str
    body: str
    offset: int


def split_cell_magic(body: str) -> CellMagic | None:
    r"""Take a cell apart whose first non-empty line is a cell magic.

    Examples
    --------
    >>> split_cell_magic("\n%%capture out\nprint(1)")
    CellMagic(name='capture', line='out', body='print(1)', offset=2)
    >>> split_cell_magic("x = 1") is None
    True
    """
    lines = body.replace("\r\n", "\n").split("\n")
    at, found = _first_line(lines, 0)
    return CellMagic(found[1], found[2], "\n".join(lines[at + 1 :]), at + 1) if found else None


def _first_line(lines: list[str], above: int) -> tuple[int, re.Match[str] | None]:
    """Return where the first line with text is, not counting those above, and the cell magic on it."""
    at = next((at for at in range(above, len(lines)) if lines[at].strip()), len(lines))
    return at, _CELL_MAGIC.match(lines[at].rstrip()) if at < len(lines) else None


@lru_cache(maxsize=1024)
def to_python(body: str) -> str:
    r"""Turn IPython's syntax into plain Python with the same number of lines.

    Line magics, ``!shell`` and ``?`` become the calls that IPython makes of them
    (``get_ipython().run_line_magic(...)``, ``.system(...)``, ``.getoutput(...)``). Under a cell magic that runs its
    body as Python (``PYTHON_BODIED``) the body is turned and the magic's line is left empty; other
    cell magics become one ``run_cell_magic`` call. Text that is no Python either way comes back as good as it gets:
    `parse` it to know.

    Examples
    --------
    >>> to_python("files = !ls\nx = 1")
    "files = get_ipython().getoutput('ls')\nx = 1"
    >>> to_python("%%time\nx = 1")
    '\nx = 1'
    """
    lines = body.replace("\r\n", "\n").split("\n")
    above = 0
    # A loop, as there may be any number of magics one below the other.
    while (first := _first_line(lines, above))[1] is not None and first[1][1] in PYTHON_BODIED:
        above = first[0] + 1
    at, magic = first
    if above == len(lines):
        return "\n" * (above - 1)
    below = "\n".join(lines[above if magic is None else at + 1 :])
    if magic is None:
        return "\n" * above + (below if _parses(below) else _transform(below))
    call = f"get_ipython().run_cell_magic({magic[1]!r}, {magic[2]!r}, {below!r})"
    return "\n" * at + call + "\n" * (len(lines) - 1 - at)


def parse(source: str) -> ast.Module:
    """Parse plain Python as a notebook cell: top-level ``await`` is allowed, warnings are not shown.

    Raises
    ------
    SyntaxError
        As Python's own parser; ``ValueError`` (null bytes) is turned into it.
    """
    tree = _compile(source, ast.PyCF_ONLY_AST)
    assert isinstance(tree, ast.Module)
    return tree


def parse_expression(source: str) -> ast.expr:
    """Parse one expression, which may stand in a text; whatever Python refuses is a ``SyntaxError``."""
    tree = _compile(source.strip(), ast.PyCF_ONLY_AST, "eval")
    assert isinstance(tree, ast.Expression)
    return tree.body


def check_syntax(source: str) -> None:
    """Compile plain Python fully, which also finds what parsing lets pass, such as ``return`` outside a function."""
    _compile(source, 0)


def _compile(source: str, flags: int, mode: str = "exec") -> ast.AST | CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compiled: Any = compile(source, "<cell>", mode, flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(str(error) or "too complex to parse") from error
    return compiled  # type: ignore[no-any-return]


def _parses(source: str) -> bool:
    try:
        parse(source)
    except SyntaxError:
        return False
    return True


def _transform(body: str) -> str:
    """Run IPython's own transformations; each that makes lines fewer is followed by as many empty lines."""
    from IPython.core.inputtransformer2 import classic_prompt, ipython_prompt, leading_indent

    ended = body.endswith("\n")
    lines = (body if ended else body + "\n").splitlines(keepends=True)
    empty = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    head, lines = lines[:empty], lines[empty:]
    for clean in (leading_indent, classic_prompt, ipython_prompt):
        lines = clean(lines)  # type: ignore[no-untyped-call]
    lines = token_transforms(lines)
    text = "".join(head + lines)
    text = text if ended else text.removesuffix("\n")
    # IPython ends a line at U+2028 and its like too, Python does not: a magic beside one is no code that can be placed.
    return text if text.count("\n") == body.count("\n") else body
