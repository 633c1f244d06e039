"""What a kernel gets so that MLflow calls in the author's cells land in the right run: environment variables only."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cellmill.track.sink import Place
from cellmill.track.store import ARTIFACT_ROOT_VARIABLE, URI_VARIABLE, Store, patience, read_uri
from cellmill.track.writing import PARENT

# MLflow puts this JSON object's entries on every run that a process starts.
RUN_TAGS_VARIABLE = "MLFLOW_RUN_CONTEXT"


@dataclass(frozen=True)
class AuthorsChoice:
    """What the author's own cells say about where to log.

    MLflow refuses to continue a run of another experiment or of another store, with an error in the author's cell. So
    a task whose cells choose for themselves must not be given a run to continue.
    """

    experiment: bool = False
    store: bool = False


def task_variables(place: Place, experiment: str, choice: AuthorsChoice) -> dict[str, str]:
    """Give the environment of a task's kernel.

    The first run that the cells start, or the first call that needs one, continues the task's run (``MLFLOW_RUN_ID``;
    MLflow forgets it once used); every later one becomes the task's child by ``MLFLOW_RUN_CONTEXT``.
    """
    found = {
        URI_VARIABLE: place.store.uri,
        "MLFLOW_EXPERIMENT_NAME": experiment,
        "MLFLOW_EXPERIMENT_ID": place.experiment_id,
        "MLFLOW_RUN_ID": place.run_id,
        RUN_TAGS_VARIABLE: json.dumps({**_run_tags(), PARENT: place.run_id}),
        **artifact_variables(place.store),
        **patience(),
    }
    dropped: tuple[str, ...] = ()
    if choice.store:
        # Ids mean nothing in another store; the experiment's name does.
        found[RUN_TAGS_VARIABLE] = json.dumps({**_run_tags(), "cellmill.task_run": place.run_id})
        dropped = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID")
        found.pop(ARTIFACT_ROOT_VARIABLE, None)
    elif choice.experiment:
        dropped = ("MLFLOW_RUN_ID",)
    for name in dropped:
        del found[name]
        if name in os.environ:
            found[name] = ""  # hides the one that this process was itself started with
    return found


def artifact_variables(store: Store) -> dict[str, str]:
    """Say where experiments that the cells make themselves keep their artifacts."""
    return {ARTIFACT_ROOT_VARIABLE: store.artifacts.as_uri()} if store.artifacts is not None else {}


def authors_choice(sources: Iterable[str], *, experiment: str, store: Store, workdir: Path) -> AuthorsChoice:
    """Read from the source what the cells choose: another experiment, another store.

    Parameters
    ----------
    sources
        The Python source of all that the task's kernel will run of the author's.
    experiment
        The pipeline's experiment: choosing that one is no other choice.
    store
        The pipeline's store, likewise.
    workdir
        The kernel's folder, which relative addresses start from.
    """
    found = [choice for source in sources for choice in _choices(source)]
    return AuthorsChoice(
        experiment=any(name == "set_experiment" and value != experiment for name, value in found),
        store=any(
            name == "set_tracking_uri" and (value is None or read_uri(value, workdir, workdir).uri != store.uri)
            for name, value in found
        ),
    )


def task_sources(folder: Path, task: str, workdir: Path) -> list[str]:
    """Give the source that a task's kernel runs: its cells, the shared module, and local modules that these import."""
    files = [folder / "tasks" / f"{task}.py", *sorted(folder.glob("*_shared.py"))]
    sources = [text for file in files if (text := _read(file))]
    names = {name for source in sources for name in re.findall(r"^\s*(?:import|from)\s+(\w+)", source, re.MULTILINE)}
    return sources + [text for name in sorted(names) if (text := _read(workdir / f"{name}.py"))]


def _choices(source: str) -> Iterator[tuple[str, str | None]]:
    """Give each choice with its literal value, None where it is computed."""
    if not re.search(r"set_experiment|set_tracking_uri|MLFLOW_TRACKING_URI", source):
        return
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        yield from ((name, None) for name in ("set_experiment", "set_tracking_uri") if name in source)
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(URI_VARIABLE in _texts(target) for target in node.targets):
            yield "set_tracking_uri", _text(node.value)
        elif isinstance(node, ast.Call) and (name := _called(node)) in ("set_experiment", "set_tracking_uri"):
            yield from [] if URI_VARIABLE in _texts(node) else [(name, _argument(node))]


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _argument(node: ast.Call) -> str | None:
    named = [word.value for word in node.keywords if word.arg in ("experiment_name", "uri")]
    values = node.args or named
    return _text(values[0]) if values else None


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _texts(node: ast.expr) -> set[str]:
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def _run_tags() -> Mapping[str, str]:
    """Give what the user already put on every run."""
    try:
        tags = json.loads(os.environ.get(RUN_TAGS_VARIABLE, "{}"))
    except ValueError:
        return {}
    return tags if isinstance(tags, dict) else {}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
