"""What a pipeline's tasks import at top level, read from their source; nothing is imported here."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple


class Imported(NamedTuple):
    """One import statement: ``import module``, or ``from module import names``."""

    module: str
    names: tuple[str, ...] = ()


# Libraries whose import asks nothing of the kernel that it happens in. Many others do: tqdm, plotly, altair look
# whether IPython is there; torch, tensorflow own threads and devices; mlflow reads what is different for each task.
LIBRARIES = frozenset(
    {"cloudpickle", "joblib", "matplotlib", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "statsmodels"}
)

# What these import in their turn.
_NEEDED = (
    "PIL bottleneck charset_normalizer contourpy cycler dateutil fontTools formulaic interface_meta kiwisolver "
    "mpl_toolkits narwhals numexpr packaging patsy psutil pyparsing pytz rich six threadpoolctl typing_extensions "
    "tzdata wrapt"
)
VETTED = LIBRARIES | frozenset(_NEEDED.split())

# All that pyplot imports but pyplot itself, which looks for the kernel's shell.
_MATPLOTLIB = (
    Imported("matplotlib", ("figure", "axes", "image", "style", "projections", "widgets", "colorizer")),
    Imported("matplotlib.backends.backend_agg"),
)


def pipeline_imports(folder: Path, sources: Iterable[Path], workdir: Path | None) -> tuple[Imported, ...]:
    """Read which of the vetted libraries the tasks import, in their own files or in modules of the author's.

    Parameters
    ----------
    folder
        The pipeline's folder; its modules, and those in ``workdir``, are read too where the tasks import them.
    sources
        The tasks' files. Files that are no plain Python are passed over.
    """
    folders = [folder, *([workdir] if workdir is not None else [])]
    waiting, read, found = list(sources), set[Path](), dict[Imported, None]()
    while waiting:
        file = waiting.pop(0)
        if file in read:
            continue
        read.add(file)
        for statement in _statements(file):
            top = statement.module.partition(".")[0]
            own = [path for place in folders for path in (place / f"{top}.py", place / top / "__init__.py")]
            local = [path for path in own if path.is_file()]
            waiting += local
            if not local and top in LIBRARIES:
                found |= dict.fromkeys(_MATPLOTLIB if top == "matplotlib" else (statement,))
    return tuple(found)


def _statements(file: Path) -> list[Imported]:
    try:
        body = ast.parse(file.read_text(encoding="utf-8")).body
    except (OSError, ValueError, SyntaxError):
        return []
    return list(_imports(body))


def _imports(body: Sequence[ast.stmt]) -> Iterator[Imported]:
    for node in body:
        match node:
            case ast.Import(names=names):
                yield from (Imported(alias.name) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield Imported(module, tuple(alias.name for alias in names if alias.name != "*"))
            case ast.Try() | ast.If() | ast.With():
                yield from _imports(node.body)
