"""The files that a task needs on another machine: the pipeline's own, modules beside the notebook, listed inputs."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError, shown
from cellmill.run.folder import PipelineFolder
from cellmill.run.origin import FILE_NAME
from cellmill.run.words import amount

# Bytes of all files together. They are packed in memory, and each task gets them all.
LARGEST = 256 * 2**20

_LEFT_OUT = frozenset({"output", "tests", "__pycache__", ".ipynb_checkpoints"})
# Zip files carry dates; equal content shall be equal bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """A zip of files.

    Attributes
    ----------
    root
        The folder that the names in it start from.
    missing
        Inputs that promotion lists and that are not there.
    """

    root: Path
    content: bytes
    missing: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name, which follows from its content."""
        return f"code/{hashlib.sha256(self.content).hexdigest()}.zip"


def bundle(pipeline: PipelineFolder) -> Bundle:
    """Pack what a pipeline's tasks read from the disk, but for each other's products.

    Raises
    ------
    CellmillError
        If that is more than should travel with each task.
    """
    files = {file.resolve(): file for file in _own(pipeline)}
    inputs, missing = _inputs(pipeline)
    files |= {file.resolve(): file for file in inputs}
    folders = [pipeline.folder, *([pipeline.workdir] if pipeline.workdir is not None else [])]
    root = Path(os.path.commonpath([*folders, *(file.parent for file in files.values())]))
    sizes = {file: file.stat().st_size for file in files.values()}
    if sum(sizes.values()) > LARGEST:
        largest = max(sizes, key=lambda file: sizes[file])
        raise CellmillError(
            f"the files that go to the workers hold {amount(sum(sizes.values()))} ({shown(largest)} alone "
            f"{amount(sizes[largest])}), more than {amount(LARGEST)}",
            notebook=pipeline.folder,
            remedy="read large files from an address that the workers reach, or run on workers that share this disk",
        )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for file in sorted(files.values()):
            info = zipfile.ZipInfo(file.relative_to(root).as_posix(), _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (file.stat().st_mode & 0o777) << 16
            target.writestr(info, file.read_bytes())
    return Bundle(root, packed.getvalue(), missing)


def by_files(folder: Path, due: Container[str]) -> list[str]:
    """Sentences about steps that keep an order for what no variable carries, of which files stay on one machine."""
    return [
        f"Step {edge['consumer']} follows {edge['provider']} for more than variables: a file that {edge['provider']} "
        "writes beside its products does not reach another worker."
        for edge in _provenance(folder).get("edges") or ()
        if edge.get("order") and edge["consumer"] in due
    ]


def _own(pipeline: PipelineFolder) -> Iterator[Path]:
    for at, folders, names in os.walk(pipeline.folder):
        folders[:] = [one for one in folders if one not in _LEFT_OUT and Path(at, one) != pipeline.output]
        yield from (Path(at, name) for name in names if Path(at, name).is_file())
    # Modules beside the notebook stand among the tasks' resources.
    for task in pipeline.spec.get("tasks") or ():
        given = (task.get("params") or {}).get("resources_") if isinstance(task, dict) else None
        for path in (given or {}).values() if isinstance(given, dict) else ():
            file = Path(os.path.normpath(pipeline.folder / str(path)))
            if file.is_file():
                yield file


def _inputs(pipeline: PipelineFolder) -> tuple[list[Path], tuple[str, ...]]:
    """The files that the notebook reads, as promotion lists them, and those of them that are not there."""
    found: list[Path] = []
    missing = []
    for name in _provenance(pipeline.folder).get("file_inputs") or ():
        if os.path.isabs(name) or pipeline.workdir is None:
            continue  # it means the same on every machine, or nothing
        path = Path(os.path.normpath(pipeline.workdir / name))
        if path.is_dir():
            found += [Path(at, one) for at, _, names in os.walk(path) for one in names if Path(at, one).is_file()]
        elif path.is_file():
            found.append(path)
        else:
            missing.append(name)
    return found, tuple(missing)


def _provenance(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
