"""Whether a pipeline still is what was exported: another orchestrator goes by a file that does not follow changes."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError, shown
from cellmill.run.settings import FILE_NAME, read_yaml

_LENGTH = 16


def export_digest(folder: Path) -> str:
    """The hash of what an export is made from: steps, edges, parameters, settings and schedules, not the code.

    Comments and the order of keys do not count.

    Raises
    ------
    CellmillError
        If a file can't be read.
    """
    names = ["pipeline.yaml", "env.yaml", *sorted(path.name for path in folder.glob("env.*.yaml")), FILE_NAME]
    content: dict[str, Any] = {name: read_yaml(folder / name) for name in names if (folder / name).is_file()}
    tasks = content["pipeline.yaml"].get("tasks") or () if "pipeline.yaml" in content else ()
    sources = [task.get("source") for task in tasks if isinstance(task, dict)]
    content["upstream"] = [_upstream(folder / source) for source in sources if isinstance(source, str)]
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def check_exported(folder: Path, digest: str) -> None:
    """Refuse to run a step for a file that was exported from something else.

    Raises
    ------
    CellmillError
        If steps, edges, parameters, settings or schedules have changed since.
    """
    if export_digest(folder) != digest:
        raise CellmillError(
            "its steps, parameters or settings have changed since its Airflow DAG was written",
            notebook=folder,
            remedy=f"type `cellmill export airflow {shown(folder)}` again and deploy the file",
        )


def _upstream(source: Path) -> str | None:
    """What a task's source says of the tasks before it."""
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        # A dotted path of a function: its edges stand in code that can't be told from the rest.
        return None
    if source.suffix != ".py":
        return hashlib.sha256(text.encode()).hexdigest()
    try:
        parsed = ast.parse(text)
    except SyntaxError:
        return hashlib.sha256(text.encode()).hexdigest()
    found = [
        ast.dump(node.value)
        for node in parsed.body
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "upstream" for target in node.targets)
    ]
    return found[0] if found else None
