"""Modules beside the notebook that tasks import, for Ploomber: a task whose module has changed runs again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from cellmill.notebook.steps import Steps
from cellmill.observe.analysis import module_files

_WRITTEN = re.compile(r"^%%writefile\s+(?:-a\s+)?(\S+)", re.MULTILINE)


def tracked_modules(steps: Steps, folder: Path, sources: Iterable[str]) -> dict[str, str]:
    """Resources of a task, in Ploomber's sense: a name for each module file, and its path from the pipeline's folder.

    Parameters
    ----------
    steps
        The notebook; what its cells write themselves (``%%writefile``) is no input.
    folder
        The pipeline's folder.
    sources
        The texts that the task runs.
    """
    beside = steps.notebook.path.parent
    written = {beside / found for tagged in steps.promoted for found in _WRITTEN.findall(tagged.cell.source)}
    return {
        f"module:{name}": Path(os.path.relpath(path, folder)).as_posix()
        for name, path in sorted(module_files(beside, sources).items())
        if path not in written
    }
