"""IPython's syntax to plain Python, line for line, so that code can be read without running it."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

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
    for at, text in enumerate(lines):
        if text.strip():
            found = _CELL_MAGIC.match(text.rstrip())
            if not found:
                return None
            return CellMagic(found[1], found[2], "\n".join(lines[at + 1 :]), at + 1)
    return None


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
    body = body.replace("\r\n", "\n")
    above = 0
    # A loop, as there may be any number of magics one below the other.
    while (magic := split_cell_magic(body)) is not None and magic.name in PYTHON_BODIED:
        if "\n" not in body:
            return "\n" * above
        above, body = above + magic.offset, magic.body
    if magic is None:
        return "\n" * above + (body if _parses(body) else _transform(body))
    call = f"get_ipython().run_cell_magic({magic.name!r}, {magic.line!r}, {magic.body!r})"
    return "\n" * (above + magic.offset - 1) + call + "\n" * (body.count("\n") - magic.offset + 1)


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


def check_syntax(source: str) -> None:
    """Compile plain Python fully, which also finds what parsing lets pass, such as ``return`` outside a function."""
    _compile(source, 0)


def _compile(source: str, flags: int) -> ast.Module | CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compiled: Any = compile(source, "<cell>", "exec", flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
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
    lines = _token_transforms(lines)
    text = "".join(head + lines)
    return text if ended else text.removesuffix("\n")


def _token_transforms(lines: list[str]) -> list[str]:
    from IPython.core.inputtransformer2 import (
        TRANSFORM_LOOP_LIMIT,
        TokenTransformBase,
        TransformerManager,
        make_tokens_by_line,
    )

    kinds: list[Any] = TransformerManager().token_transformers  # type: ignore[no-untyped-call]
    for _ in range(TRANSFORM_LOOP_LIMIT):
        tokens = make_tokens_by_line(lines)
        found = [one for one in (kind.find(tokens) for kind in kinds) if one]
        for one in sorted(found, key=TokenTransformBase.sortby):
            try:
                changed = one.transform(lines)
            except SyntaxError:
                continue
            at = one.start_line + 1
            lines = changed[:at] + ["\n"] * (len(lines) - len(changed)) + changed[at:]
            break
        else:
            break
    return lines
