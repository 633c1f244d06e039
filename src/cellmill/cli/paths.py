"""Which pipeline or notebook a word on the command line means."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from cellmill.errors import CellmillError
from cellmill.notebook import project_root


def find_pipeline(word: str) -> Path:
    """Find a pipeline by its folder, its pipeline.yaml, or its name under the project's ``pipelines``.

    Raises
    ------
    CellmillError
        If there is none; names the close match, or how to make one.
    """
    path = Path(word)
    if path.name == "pipeline.yaml" and path.is_file():
        path = path.parent
    if path.is_dir() and (path / "pipeline.yaml").is_file():
        return path.resolve()
    if path.suffix == ".ipynb":
        remedy = f"promote it with `cellmill promote {word}` and run the pipeline that this makes"
        raise CellmillError("this is a notebook, not a pipeline", notebook=word, remedy=remedy)
    home = project_root(Path.cwd()) / "pipelines"
    if (home / word / "pipeline.yaml").is_file():
        return (home / word).resolve()
    if path.is_dir():
        raise CellmillError("this folder is not a pipeline: it has no pipeline.yaml", notebook=word)
    names = sorted(found.parent.name for found in home.glob("*/pipeline.yaml"))
    close = get_close_matches(path.name, names, n=1)
    if close:
        remedy = f"did you mean {close[0]}?"
    elif names:
        remedy = f"the pipelines are {', '.join(names)}"
    else:
        remedy = "make one with `cellmill promote NOTEBOOK`"
    raise CellmillError(f"there is no pipeline {word}", remedy=remedy)


def find_project(word: str | None) -> tuple[Path, list[Path] | None]:
    """The root of the project, and the folder of the pipeline (or of a cellmill.yaml) that a word means.

    Returns
    -------
    Path, list or None
        None instead of folders if there is no word: then all of the project's are meant.

    Raises
    ------
    CellmillError
        As :func:`find_pipeline`.
    """
    from cellmill.run.settings import FILE_NAME

    if word is None:
        return project_root(Path.cwd()), None
    path = Path(word)
    path = path.parent if path.name == FILE_NAME else path
    folder = path.resolve() if (path / FILE_NAME).is_file() else find_pipeline(word)
    return project_root(folder), [folder]
