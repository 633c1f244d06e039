"""Lines that install packages: a task leaves them out, and the pipeline's lock names what they install."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import lru_cache

from cellmill.notebook.cells import Cell
from cellmill.notebook.magic_lines import without_magic_line
from cellmill.notebook.transform import to_python

_LINE = re.compile(
    r"""^(?P<indent>\s*)
    (?:%\s*(?:pip|conda|mamba|micromamba|uv\s+pip)
      |!\s*(?:(?:\{\s*sys\.executable\s*\}|\S*python[\d.]*)\s+-m\s+)?(?:pip[\d.]*|uv\s+pip|conda|mamba|micromamba))
    \s+install\b(?P<rest>.*)$""",
    re.VERBOSE | re.DOTALL,
)
# More than the installation stands on the line.
_MORE = re.compile(r"(&&|\|\||[;|])")
_WITH_VALUE = frozenset(
    """-i --index-url --extra-index-url -f --find-links -c --constraint -t --target --prefix --root --platform
    --python-version --proxy --timeout --retries --cache-dir --log --trusted-host --channel -n --name -p""".split()
)
# Their value is what is installed, though no package can be read from it.
_ELSEWHERE = frozenset("-r --requirement -e --editable --file".split())
_PACKAGE = re.compile(r"[A-Za-z0-9][\w.-]*(\[[\w,. -]+\])?\s*((===?|~=|!=|<=?|>=?)\s*[\w.*+!-]+\s*,?\s*)*$")


@dataclass(frozen=True)
class Install:
    """One installing command.

    Attributes
    ----------
    line, lines
        Its line in the cell (from 1), and over how many it goes.
    command
        As the author wrote it, on one line.
    packages
        What it installs by name, as pip takes it: ``pandas>=2``.
    others
        What else it installs: files of requirements, folders, addresses.
    conda
        Whether the packages are conda's.
    """

    line: int
    lines: int
    indent: str
    command: str
    packages: tuple[str, ...]
    others: tuple[str, ...]
    conda: bool


def installs_in(cell: Cell) -> tuple[Install, ...]:
    """Find the installing lines of a cell as its author wrote it."""
    return installs_of(without_magic_line(cell.source)[1])


@lru_cache(maxsize=4096)
def installs_of(body: str) -> tuple[Install, ...]:
    r"""Find the installing lines of a cell that IPython would run as such.

    Examples
    --------
    >>> [(one.line, one.packages) for one in installs_of("import os\n%pip install -q 'pandas>=2' pyarrow")]
    [(2, ('pandas>=2', 'pyarrow'))]
    >>> installs_of("note = '''\n!pip install pandas\n'''")
    ()
    """
    if "install" not in body or ("!" not in body and "%" not in body):
        return ()
    lines = body.replace("\r\n", "\n").split("\n")
    python = to_python(body).split("\n")
    found = []
    for at, text in enumerate(lines):
        whole, count = _continued(lines, at)
        match = _LINE.match(whole)
        if match is None or _MORE.search(match["rest"]) or "get_ipython()" in text:
            continue
        if at < len(python) and "get_ipython()" in python[at] and "run_cell_magic" not in python[at]:
            packages, others = _installed(match["rest"])
            conda = re.match(r"\s*[%!]\s*(micro)?(conda|mamba)", whole) is not None
            found.append(Install(at + 1, count, match["indent"], whole.strip(), packages, others, conda))
    return tuple(found)


def without_installs(body: str) -> str:
    r"""The same code without its installing lines; line numbers stay.

    Examples
    --------
    >>> without_installs("if new:\n    %pip install pandas\nimport pandas")
    'if new:\n    pass\nimport pandas'
    """
    found = installs_of(body)
    if not found:
        return body
    lines = body.split("\n")
    for one in found:
        lines[one.line - 1 : one.line - 1 + one.lines] = [
            f"{one.indent}pass" if one.indent else "",
            *[""] * (one.lines - 1),
        ]
    return "\n".join(lines)


def _continued(lines: list[str], at: int) -> tuple[str, int]:
    parts = [lines[at]]
    while parts[-1].rstrip().endswith("\\") and at + len(parts) < len(lines):
        parts[-1] = parts[-1].rstrip()[:-1]
        parts.append(lines[at + len(parts)].strip())
    return " ".join(parts) if len(parts) > 1 else parts[0], len(parts)


def _installed(rest: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        words = shlex.split(rest, comments=True)
    except ValueError:
        words = rest.split()
    packages, others = [], []
    given = iter(words)
    for word in given:
        option, equals, value = word.partition("=")
        if option in _ELSEWHERE:
            others.append(value if equals else next(given, ""))
        elif option in _WITH_VALUE:
            if not equals:
                next(given, None)
        elif word.startswith("-"):
            continue
        elif _PACKAGE.match(word) and not word.endswith((".whl", ".txt", ".zip", ".gz")):
            packages.append(word)
        else:
            others.append(word)
    return tuple(packages), tuple(others)
