"""Makes a tagged notebook of an example: cells by jupytext, steps by `cellmill tag`, nothing of the code changed."""

from __future__ import annotations

import ast
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

from sources import Example

from cellmill.errors import CellmillError
from cellmill.notebook import propose_tags, read_notebook, write_tags
from cellmill.notebook.parts import propose_parts

PARTS = 3
FEWEST = 2  # steps that headings have to give
# What makes numbers that come from no seed comparable: the first code cell of each notebook.
SEED = "import random\n\nimport numpy as np\n\nrandom.seed(0)\nnp.random.seed(0)"
_NETWORK = re.compile(r"\bfetch_(?!file)\w+\(|\bfetch_file\(|get_rdataset|https?://|urlopen|DataReader|read_html\(")


class NotUsable(Exception):
    """An example that can't be part of the corpus, and why."""


def make_notebook(example: Example, folder: Path, *, seed: bool = True) -> tuple[Path, str]:
    """Write ``folder/NAME.ipynb`` with tags, in a project of its own; say how its steps were found."""
    import nbformat

    notebook = _read(example.path)
    code = "\n".join(_code_only(cell.source) for cell in notebook.cells if cell.cell_type == "code")
    if _NETWORK.search(code):
        raise NotUsable("needs the network")
    if seed:
        _add_seed(notebook)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").touch()
    _copy_data(example.path.parent, folder)
    path = folder / (re.sub(r"\W+", "_", example.path.stem) + ".ipynb")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(notebook, path, version=4)  # type: ignore[no-untyped-call]
    return path, _tag(path)


def _read(path: Path) -> Any:
    """A notebook as it is; a script as sphinx-gallery would show it, long cells of those without headings cut."""
    import jupytext
    import nbformat

    if path.suffix == ".ipynb":
        notebook = nbformat.convert(nbformat.read(path, as_version=4), 4)  # type: ignore[no-untyped-call]
        notebook.nbformat_minor = 5
        for cell in notebook.cells:
            cell.metadata = {}
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        return notebook
    # jupytext's format knows sphinx-gallery's older sign for a block of text only.
    text = re.sub(r"(?m)^# ?%%.*$", "#" * 79, path.read_text(encoding="utf-8"))
    notebook = jupytext.reads(text, fmt="py:sphinx")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _markdown(cell.source)
    if sum(cell.cell_type == "code" for cell in notebook.cells) < 5:
        notebook.cells = [part for cell in notebook.cells for part in _cut(cell)]
    return notebook


def _markdown(text: str) -> str:
    """Headings of reStructuredText as those of markdown."""
    marks = {"=": "#", "-": "##", "~": "###", "^": "###", "*": "###", '"': "####"}

    def heading(found: re.Match[str]) -> str:
        return f"{marks[found[2][0]]} {found[1]}"

    text = re.sub(r'(?m)^([=\-~^*"])\1{3,}\n(?=.+\n\1{4,}$)', "", text)
    return re.sub(r'(?m)^(\S.*)\n(([=\-~^*"])\3{3,})$', heading, text)


def _cut(cell: Any) -> list[Any]:
    """A code cell for each paragraph of top-level statements; a figure is drawn and shown in one, as in notebooks."""
    import nbformat

    if cell.cell_type != "code" or cell.source.startswith("%"):
        return [cell]
    lines = cell.source.splitlines()
    cuts, drawing = [], False
    for statement in ast.parse(cell.source).body:
        start = _first_line(statement)
        if not drawing and start > 1 and (_paragraph(lines, start) != start or not lines[start - 2].strip()):
            cuts.append(start)
        text = ast.unparse(statement)
        defines = isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom))
        drawing = "plt.show(" not in text and (drawing or ("plt." in text and not defines))
    bounds = [0, *(_paragraph(lines, start) - 1 for start in cuts), len(lines)]
    texts = ["\n".join(lines[a:b]).strip("\n") for a, b in pairwise(bounds)]
    return [nbformat.v4.new_code_cell(text) for text in texts if text]  # type: ignore[no-untyped-call]


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def _paragraph(lines: list[str], start: int) -> int:
    """The line where the comment above a statement begins, if there is one."""
    while start > 1 and lines[start - 2].startswith("#"):
        start -= 1
    return start


def _code_only(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith("#"))


def _add_seed(notebook: Any) -> None:
    import nbformat

    first = next((at for at, cell in enumerate(notebook.cells) if cell.cell_type == "code"), 0)
    notebook.cells.insert(first, nbformat.v4.new_code_cell(SEED))  # type: ignore[no-untyped-call]


def _copy_data(source: Path, folder: Path) -> None:
    for path in source.iterdir():
        if path.suffix in (".csv", ".dta", ".npz", ".npy", ".zip", ".txt") and path.stat().st_size < 5e6:
            shutil.copy(path, folder)


def _tag(path: Path) -> str:
    """Take steps from headings, or equal parts where these make less than two."""
    notebook = read_notebook(path)
    try:
        proposals = propose_tags(notebook)
    except CellmillError:
        proposals = ()
    way = "headings"
    if len(_steps(proposals)) < FEWEST:
        proposals, way = propose_parts(notebook, PARTS), "equal parts"
    if not _steps(proposals):
        raise NotUsable("has no cell that does work")
    write_tags(path, proposals)
    return way


def _steps(proposals: Any) -> set[str]:
    return {tag for _, tag in proposals if tag.startswith("step:")}
