"""Remembers that Ploomber found all of a pipeline up to date, so that nothing is loaded where nothing has changed.

What Ploomber decides follows from what it reads: the files of the pipeline, the values that it is given, the records
beside the products, its own version. All of that is kept as digests when it has found every task up to date; where
every digest is the same later, its answer would be, too. Nothing of Ploomber's rules is repeated here. A pipeline that
names anything that could say otherwise (hooks, clients, other kinds of tasks, placeholders such as the date) is never
remembered, and whatever can't be read makes Ploomber decide.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.files import write_bytes
from cellmill.run.folder import PipelineFolder
from cellmill.run.products import Products, products_of

if TYPE_CHECKING:
    from ploomber import DAG
    from ploomber.tasks import Task

_FILE = ".up-to-date.json"
_FORMAT = 1
_PACKAGES = ("cellmill", "jupyter_client", "jupytext", "nbformat", "papermill", "ploomber", "ploomber-core", "jinja2")
_ENVIRONMENT = ("HOME", "JUPYTER_DATA_DIR", "JUPYTER_PATH", "JUPYTER_PREFER_ENV_PATH")
# What promotion writes, and what else is plain data.
_SPEC_KEYS = frozenset({"tasks"})
_TASK_KEYS = frozenset(
    {
        *("source", "name", "class", "product", "upstream", "params", "nb_product_key"),
        *("static_analysis", "executor_params", "kernelspec_name", "nbconvert_exporter_name"),
    }
)
_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_STATEMENT = re.compile(r"\{[%#]|\[\[|\[[%#]")
# Seconds within which a file that has changed may have been read in either state.
_JUST_NOW = 0.1


@dataclass(frozen=True)
class SettledTask:
    """A task that is up to date.

    Attributes
    ----------
    made
        When its products were made, in seconds since the epoch.
    """

    name: str
    notebook: str | None
    report: str | None
    variables: str | None
    made: float | None

    @property
    def products(self) -> Products:
        """Its products by what they are for."""
        return Products(*(Path(one) if one else None for one in (self.notebook, self.report, self.variables)))


def recall(pipeline: PipelineFolder) -> tuple[SettledTask, ...] | None:
    """The pipeline's tasks in order, if all of them are known to be up to date; None where Ploomber must decide."""
    try:
        found = json.loads((pipeline.output / _FILE).read_text(encoding="utf-8"))
        if found["circumstances"] != _circumstances(pipeline):
            return None
        if not all(os.path.exists(path) for path in found["there"]):
            return None
        if any(os.path.lexists(path) for path in found["not_there"]):
            return None
        if any(_digest(path) != digest for path, digest in found["files"].items()):
            return None
        return tuple(SettledTask(**task) for task in found["tasks"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def remember(pipeline: PipelineFolder, dag: DAG, order: Sequence[str], began: float) -> None:
    """Keep that Ploomber has found all tasks of a rendered DAG up to date, if it has and that can be kept.

    Parameters
    ----------
    began
        When the pipeline's files began to be read, in seconds since the epoch. Where one was changed since, what
        Ploomber has read of it is not known.
    """
    from ploomber.constants import TaskStatus
    from ploomber.tasks import NotebookRunner

    if any(dag[name].exec_status != TaskStatus.Skipped or type(dag[name]) is not NotebookRunner for name in order):
        return
    if not _is_plain(pipeline):
        return
    with suppress(OSError, ValueError, TypeError, AttributeError):
        tasks = [_settled(dag[name]) for name in order]
        products = [path for name in order for path in _product_paths(dag[name])]
        files = sorted({str(path) for name in order for path in _read_by(dag[name], pipeline.code)})
        if not all(os.path.isabs(path) for path in (*products, *files)):
            return
        if any(_changed(path) > began - _JUST_NOW for path in files):
            return
        # Ploomber takes a record from there, where an older version has left one.
        older = [f"{path}.source" for path in products]
        content = {
            "circumstances": _circumstances(pipeline),
            "there": products,
            "not_there": older,
            "files": {path: _digest(path) for path in files},
            "tasks": [asdict(task) for task in tasks],
        }
        if not any(os.path.lexists(path) for path in older):
            write_bytes(pipeline.output / _FILE, json.dumps(content).encode())


def _circumstances(pipeline: PipelineFolder) -> dict[str, Any]:
    """What Ploomber is given, and what it is."""
    given = json.dumps([pipeline.spec, pipeline.env], sort_keys=True, default=repr)
    return {
        "format": _FORMAT,
        "folder": str(pipeline.folder),
        "code": str(pipeline.code),
        "output": str(pipeline.output),
        "given": hashlib.sha256(given.encode()).hexdigest(),
        "python": [sys.version, sys.prefix],
        "packages": {name: _version(name) for name in _PACKAGES},
        "environment": {name: os.environ.get(name) for name in _ENVIRONMENT},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _is_plain(pipeline: PipelineFolder) -> bool:
    """Whether the pipeline's files name nothing by which Ploomber's answer depends on more than it is given."""
    spec, env = pipeline.spec, pipeline.env
    tasks = spec.get("tasks")
    if not spec.keys() <= _SPEC_KEYS or not isinstance(tasks, list):
        return False
    for task in tasks:
        if (
            not isinstance(task, dict)
            or not task.keys() <= _TASK_KEYS
            or task.get("class") not in (None, "NotebookRunner")
        ):
            return False
    known = {"here", *env}
    texts = [*_texts(spec), *_texts(env)]
    return not any(_STATEMENT.search(text) for text in texts) and all(
        name in known for text in texts for name in _PLACEHOLDER.findall(text)
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _settled(task: Task) -> SettledTask:
    from cellmill.run.reasons import made_at

    products = Products.of(task)
    notebook, report, variables = (
        str(path) if path is not None else None for path in (products.notebook, products.report, products.variables)
    )
    return SettledTask(task.name, notebook, report, variables, made_at(task))


def _product_paths(task: Task) -> list[str]:
    from ploomber.products import File

    products = products_of(task)
    if any(type(one) is not File for one in products):
        raise ValueError("not all are files")
    return [str(one) for one in products]


def _read_by(task: Task, folder: Path) -> Iterator[Path]:
    """The files from which Ploomber has its answer about a task."""
    from jupyter_client.kernelspec import get_kernel_spec

    yield folder / str(task.source.loc)
    for path in _product_paths(task):
        product = Path(path)
        yield product.with_name(f".{product.name}.metadata")
    resources = task.params.to_json_serializable(params_only=True).get("resources_") or {}
    yield from map(Path, resources.values())
    # A kernel that is not installed is refused.
    yield Path(get_kernel_spec(task.source._nb_obj_unrendered.metadata.kernelspec.name).resource_dir) / "kernel.json"


def _changed(path: str) -> float:
    """When a file's content, name or mode changed last; nobody can set that time."""
    return os.stat(path).st_ctime


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
