"""The analysis with all that is known beside the cells: the record of a run, and the modules beside the notebook."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from cellmill.dataflow import Dataflow, analyse
from cellmill.notebook.steps import Steps
from cellmill.observe.record import read_evidence

_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+import|import\s+([\w., \t]+))", re.MULTILINE)
_LARGEST = 1_000_000
_MOST = 200


def analyse_notebook(steps: Steps) -> Dataflow:
    """Work out a notebook's dataflow from its cells, its modules and, if it was observed, its run."""
    return analyse(steps, observed=read_evidence(steps), modules=local_modules(steps))


def local_modules(steps: Steps) -> dict[str, str]:
    """The source of modules and packages in the notebook's folder that its cells import, by dotted name.

    Modules that those import are in it, too; a file that can't be read is not.
    """
    files = module_files(steps.notebook.path.parent, (tagged.body for tagged in steps.promoted))
    return {name: _text(path) or "" for name, path in files.items()}


def module_files(folder: Path, sources: Iterable[str]) -> dict[str, Path]:
    """The files of modules and packages in a folder that the sources import, by themselves or through each other.

    Parameters
    ----------
    folder
        Where the modules are.
    sources
        Texts of Python or of cells.
    """
    waiting = [name for source in sources for name in _imported(source)]
    found: dict[str, Path] = {}
    seen: set[str] = set()
    while waiting and len(found) < _MOST:
        root = waiting.pop().partition(".")[0]
        if root in seen or not root:
            continue
        seen.add(root)
        for path in _files(folder, root):
            if (text := _text(path)) is None:
                continue
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
            waiting += _imported(text)
    return found


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= _LARGEST else ""
    except (OSError, ValueError):
        return None


def _files(folder: Path, root: str) -> list[Path]:
    module, package = folder / f"{root}.py", folder / root
    try:
        if package.is_dir() and (package / "__init__.py").is_file():
            return sorted(package.rglob("*.py"))[:_MOST]
        return [module] if module.is_file() else []
    except OSError:  # such as a name that no file can have
        return []


def _imported(source: str) -> list[str]:
    names = []
    for found in _IMPORT.finditer(source):
        names += [found[1]] if found[1] else [part.split()[0] for part in found[2].split(",") if part.split()]
    return names
