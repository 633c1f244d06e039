"""Products that become visible when they are whole, and are on the disk before Ploomber takes them for current.

This module is imported when a run executes, never by ``import cellmill``: it knows Papermill.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from papermill.iorw import LocalHandler, papermill_io  # noqa: TID253 - see the module's docstring

from cellmill.run.exporters import lent_exporter
from cellmill.run.products import products_of

if TYPE_CHECKING:
    from ploomber.products import File
    from ploomber.tasks import NotebookRunner, Task


def aside(path: Path) -> Path:
    """Where a file is written until it is whole: beside its place, hidden."""
    return path.with_name(f".{path.stem}.partial{path.suffix}")


def write_whole(folder: Path) -> None:
    """Let Papermill write files below the folder whole or not at all, in this process."""
    scheme = f"{folder}{os.sep}"
    if all(known != scheme for known, _ in papermill_io._handlers):
        papermill_io.register(scheme, _WholeFiles())


class _WholeFiles(LocalHandler):  # type: ignore[misc] # Papermill is untyped
    """As Papermill's own way to files, but a reader, or a crash, finds the old content or the new."""

    def write(self, buf: str, path: str) -> None:
        written = aside(Path(path))
        try:
            super().write(buf, str(written))
            os.replace(written, path)
        except BaseException:
            written.unlink(missing_ok=True)
            raise


def keep_whole(task: NotebookRunner, end: Callable[[], None]) -> None:
    """Have the task's report and its marks written aside, and all of its products on the disk before they count.

    Its kernel, which ``end`` waits for, may write until it has ended.

    Ploomber copies the executed notebook to the report's place and converts it there; here it is converted first.
    """
    run = task.run
    keys = task.nb_product_key
    made = _converted(task)
    if made:
        task.nb_product_key = next(key for key in keys if Path(str(task.product[key])).suffix == ".ipynb")
        task._converter = [_Whole(one, Path(str(task.product[task.nb_product_key]))) for one in task._converter]

    def run_whole() -> None:
        run()
        end()
        settle(task)

    task.run = run_whole
    for product in _files(task):
        product.save_metadata = partial(_save_mark, product)


def _save_mark(product: File, metadata: Any) -> None:
    """Write the mark by which Ploomber knows a product; who reads it meanwhile finds none, or all of it."""
    path = Path(str(product._path_to_metadata))
    written = aside(path)
    try:
        written.write_text(json.dumps(metadata))
        os.replace(written, path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise


def settle(task: Task) -> None:
    """Wait until the products are on the disk, for which a machine that loses its power may be too late.

    Raises
    ------
    OSError
        If the disk could not take them.
    """
    files = [Path(str(product)) for product in _files(task)]
    folders = {path.parent for path in files}
    # What the hand-over has written lies beside its manifest.
    inside = [found for path in files if path.suffix == ".json" for found in path.parent.iterdir() if found.is_file()]
    for path in {*files, *inside}:
        _sync(path)
    for folder in folders:
        with suppress(OSError):  # not every system can open one
            _sync(folder)


def _files(task: Task) -> list[File]:
    from ploomber.products import File

    return [product for product in products_of(task) if isinstance(product, File)]


def _converted(task: NotebookRunner) -> bool:
    """Whether the task gives its executed notebook in other formats too, each under a key of its own."""
    from ploomber.products import MetaProduct

    return (
        isinstance(task.product, MetaProduct)
        and isinstance(task.nb_product_key, list)
        and isinstance(getattr(task, "_converter", None), list)
        and any(Path(str(task.product[key])).suffix == ".ipynb" for key in task.nb_product_key)
    )


class _Whole:
    """A converter of Ploomber's that writes aside."""

    def __init__(self, converter: Any, notebook: Path) -> None:
        self._converter = converter
        self._notebook = notebook

    def convert(self) -> None:
        """Convert the executed notebook; the place of the result is touched last."""
        path = Path(str(self._converter._path_to_output))
        if path == self._notebook:
            return
        written, kind = aside(path), self._converter._exporter
        try:
            shutil.copyfile(self._notebook, written)
            self._converter._path_to_output = str(written)
            if not self._converter._nbconvert_export_kwargs:
                with lent_exporter(kind) as self._converter._exporter:
                    self._converter.convert()
            else:
                self._converter.convert()
            os.replace(written, path)
        finally:
            self._converter._path_to_output, self._converter._exporter = str(path), kind
            written.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
