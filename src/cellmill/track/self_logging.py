"""Which pipelines may log to MLflow by themselves: their kernels wait for their MLflow runs, others start at once."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

from cellmill.run.warm.imports import VETTED

# Part of the standard library from which other programs start, other code comes, or the environment is read.
_REACHES_OUT = frozenset({"code", "codeop", "importlib", "imp", "pkgutil", "pty", "runpy", "subprocess", "zipimport"})
_WORDS = re.compile(
    r"mlflow|environ|getenv|get_ipython|__import__|\bexec\b|\beval\b|\bsystem\b|popen|spawn|posix", re.I
)
# Magics and commands of the shell are comments in a task's file.
_MAGIC = re.compile(r"^\s*#\s*[%!]", re.M)
_CELL = re.compile(r"^# %%(?: (?!.*\blanguage=).*)?$", re.M)


def may_log(folder: Path, workdir: Path | None) -> bool:
    """Say whether a pipeline might start something that looks for the MLflow run it belongs to; True in any doubt.

    Not a task by itself: what one makes brings its class's code along to the next.

    Parameters
    ----------
    folder
        The pipeline's folder.
    workdir
        The folder that its tasks run in; modules there are read too where they are imported.
    """
    tasks = [*folder.glob("tasks/*")]
    waiting, read = [*tasks, *folder.glob("*_shared.py")], {folder / f"{folder.name}_handover.py"}
    while waiting:
        file = waiting.pop()
        if file in read:
            continue
        read.add(file)
        if file.suffix != ".py":
            return True
        try:
            source = file.read_text(encoding="utf-8")
            imported = _imports(ast.parse(source))
        except (OSError, ValueError, SyntaxError):
            return True
        if _WORDS.search(source) or _MAGIC.search(_CELL.sub("", source)):
            return True
        for name in imported:
            places = [place for place in (folder, workdir) if place is not None]
            if any((place / name).is_dir() for place in places):
                return True
            own = [path for place in places if (path := place / f"{name}.py").is_file()]
            if not own and not _is_known(name):
                return True
            waiting += own
    return not tasks


def _imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def _is_known(name: str) -> bool:
    return name in VETTED or (name in sys.stdlib_module_names and name not in _REACHES_OUT)
