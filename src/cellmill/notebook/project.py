"""Where a project begins: the folder that pipelines, the tracking store and relative paths hang on."""

from __future__ import annotations

from pathlib import Path

MARKS = ("pyproject.toml", ".git")


def project_root(start: Path) -> Path:
    """Find the project that a file or folder belongs to.

    Parameters
    ----------
    start
        A notebook or a folder; it need not exist.

    Returns
    -------
    Path
        The nearest folder at or above ``start`` that holds ``pyproject.toml`` or ``.git``; else the current folder.
    """
    here = start.resolve()
    for folder in (here, *here.parents):
        if any((folder / mark).exists() for mark in MARKS):
            return folder
    return Path.cwd()
