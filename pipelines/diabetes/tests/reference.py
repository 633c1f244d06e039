"""Runs the cells of one task as a test, for the notebooks beside this file.

``pytest --nbval`` runs those notebooks; they open in Jupyter too. The first cell of each calls ``begin("STEP")``:
Ploomber builds the tasks that STEP takes from, as far as they are outdated, into ``tests/.build`` (never into
``output``), and STEP's parameters (env.yaml, then env.test.yaml) and inputs are defined as in the pipeline. From then
on a cell that begins with ``# tasks/STEP.py, cell ID`` runs what that cell of tasks/STEP.py says now, not the text that
was promoted: a change of the task that changes what it shows makes the test fail. Delete ``tests/.build`` to begin from
nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent
BUILD = FOLDER / "tests" / ".build"
# The environment variable in which a pytest session names the notebooks that it will run.
SESSION = f"REFERENCE_NOTEBOOKS_{FOLDER.name.upper()}"
MARK = re.compile(r"# tasks/(?P<step>\w+)\.py, cell (?P<cell>\S+)")


def begin(step: str) -> None:
    """Make the running kernel's namespace what the first cell of tasks/STEP.py finds in the pipeline."""
    from IPython import get_ipython

    shell = get_ipython()
    shell.user_ns.pop("run_path", None)
    texts: dict[str, str] = {}

    def current_text(lines: list[str]) -> list[str]:
        mark = MARK.match(lines[0]) if lines else None
        if mark is None or mark["step"] != step:
            return lines
        if not texts:
            return ["raise RuntimeError('the set-up of this notebook failed: see its first cell')\n"]
        if mark["cell"] not in texts:
            gone = f"tasks/{step}.py no longer has this cell: delete it here too, or promote the notebook again"
            return [f"raise LookupError({gone!r})\n"]
        return texts[mark["cell"]].splitlines(keepends=True)

    # First of all transforms: the new text may hold magics and cell magics.
    shell.input_transformer_manager.cleanup_transforms.insert(0, current_text)
    task = _prepared(step)
    sys.dont_write_bytecode = True
    # What the author's cells log in a test belongs to no experiment.
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{(BUILD / 'mlflow.db').as_posix()}"
    os.chdir(task["workdir"])
    for text in task["set-up"]:
        exec(compile(shell.transform_cell(text), f"tasks/{step}.py", "exec"), shell.user_ns)
    texts.update(task["cells"])


def changed_parameters(step: str) -> list[str]:
    """Name the parameters that env.test.yaml sets otherwise than env.yaml and that STEP or a task before it uses."""
    usual, test = _yaml("env.yaml"), _settings()
    tasks = {task["name"]: task for task in _yaml("pipeline.yaml")["tasks"]}
    reached, names = [step], set()
    for name in reached:
        names.update(re.findall(r"{{\s*(\w+)\s*}}", json.dumps(tasks.get(name, {}).get("params"))))
        reached.extend(up for up in _upstream(name) if up not in reached)
    return sorted(name for name in names if name in test and usual.get(name) != test[name])


def _upstream(step: str) -> list[str]:
    text = (FOLDER / "tasks" / f"{step}.py").read_text(encoding="utf-8")
    value = re.search(r"^upstream *= *\[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"""["'](\w+)["']""", value[1]) if value else []


def _yaml(name: str) -> dict[str, Any]:
    import yaml

    path = FOLDER / name
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def _settings() -> dict[str, Any]:
    return _yaml("env.yaml") | _yaml("env.test.yaml")


def _prepared(step: str) -> dict[str, Any]:
    """Read what tests/.build knows of STEP; have Ploomber build it in a process of its own if that is not current."""
    if not _current(step):
        # Not in this process: Ploomber's imports and settings are not what the task finds in production.
        environment = os.environ | {"PLOOMBER_STATS_ENABLED": "false", "PYTHONDONTWRITEBYTECODE": "1"}
        environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{(BUILD / 'mlflow.db').as_posix()}"
        # Importing Ploomber takes seconds: what the session's other notebooks need is built in the same process.
        others = [name for name in os.environ.get(SESSION, "").split() if name != step]
        command = [sys.executable, str(Path(__file__).resolve()), step, *others]
        done = subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the tasks before {step} could not be built:\n{done.stdout}\n{done.stderr}")
    known: dict[str, Any] = json.loads((BUILD / f"{step}.json").read_text(encoding="utf-8"))
    return known


def _current(step: str) -> bool:
    try:
        known = json.loads((BUILD / f"{step}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return known["stamp"] == _stamp() and all(os.path.exists(path) for path in known["needs"])


def _stamp() -> str:
    """Hash everything of the pipeline that a build depends on; any change lets Ploomber decide again."""
    digest = hashlib.sha256(str(FOLDER).encode())
    for path in sorted([*FOLDER.glob("*.yaml"), *FOLDER.glob("*.py"), *FOLDER.glob("tasks/*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _build(step: str, *others: str) -> None:
    """Prepare STEP; then others, as far as that works."""
    BUILD.mkdir(exist_ok=True)
    (BUILD / ".gitignore").write_text("*\n", encoding="utf-8")
    with _lock():
        if _current(step):
            return
        stamp = _stamp()
        dag, workdir = _load()
        _prepare(dag, step, stamp, workdir)
        for other in others:
            # Their own set-up says why, if it fails.
            with contextlib.suppress(Exception):
                if not _current(other):
                    _prepare(dag, other, stamp, workdir)


def _load() -> tuple[Any, str]:
    """Make the DAG of pipeline.yaml with its products below tests/.build."""
    from ploomber.spec import DAGSpec

    pipeline = _yaml("pipeline.yaml")
    for task in pipeline["tasks"]:
        products = json.dumps(task["product"]).replace("{{here}}/output", (BUILD / "output").as_posix())
        task["product"] = json.loads(products)
    spec = DAGSpec(pipeline, env=_settings(), parent_path=str(FOLDER))
    return spec.to_dag(), str(Path(spec.env["workdir"]).resolve())


def _prepare(dag: Any, step: str, stamp: str, workdir: str) -> None:
    """Build the tasks before STEP where they are outdated, and write down what a notebook needs to run STEP itself."""
    upstream = dag[step].upstream
    for name in list(upstream):
        dag.build_partially(name, show_progress=False)
    dag.render(show_progress=False)
    text = dag[step].source.nb_str_rendered
    # What the test of STEP writes is kept apart from what the tasks after STEP read.
    text = re.sub(rf"\.build/output/(?={step}[./])", ".build/tested/", text)
    (BUILD / "tested" / step).mkdir(parents=True, exist_ok=True)
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    needs = [str(path) for task in upstream.values() for path in task.product.to_json_serializable().values()]
    known = {"stamp": stamp, "workdir": workdir, "needs": needs, **_split(cells)}
    temporary = BUILD / f"{step}.json.new"
    temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")
    temporary.replace(BUILD / f"{step}.json")


def _split(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Divide a task's cells into the set-up (parameters and inputs) and the author's own, by id."""
    tags = [set(cell["metadata"].get("tags", ())) for cell in cells]
    before = {"parameters", "injected-parameters", "inputs"}
    start = 1 + max((at for at, names in enumerate(tags) if names & before), default=-1)
    texts, added = {}, ""
    for cell, names in zip(cells[start:], tags[start:], strict=True):
        text = "".join(cell["source"])
        if "outputs" in names:
            continue
        if "cell" in cell["metadata"]:
            texts[str(cell["metadata"]["cell"])] = text if text.startswith("%%") else added + text
            added = ""
        else:
            # A cell added to the task by hand has no reference: it runs in front of the next one that has.
            added += text + "\n"
    return {"set-up": ["".join(cell["source"]) for cell in cells[:start]], "cells": texts}


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """Let one process build at a time; the lock goes with its process."""
    with open(BUILD / "lock", "w") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    _build(*sys.argv[1:])
