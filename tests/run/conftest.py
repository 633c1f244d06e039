"""Writes small pipeline folders by hand, exactly as promotion lays them out, so that running is tested alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

HANDOVER = """
import json
import pickle
from pathlib import Path

_place = {}


def begin(product, namespace):
    manifest = Path(product["variables"])
    manifest.parent.mkdir(parents=True, exist_ok=True)
    _place.update(manifest=manifest, metrics=manifest.parent.with_suffix(".metrics.json"), recorded={}, criteria=[])
    namespace.update({key: value for key, value in vars(__import__("churn_shared")).items() if key[0] != "_"})


def load(upstream, *names):
    folder = Path(upstream["variables"]).parent
    return [pickle.loads((folder / f"{name}.pkl").read_bytes()) for name in names]


def metric(name, value):
    _place["recorded"][name] = value
    _place["metrics"].write_text(json.dumps({"metrics": _place["recorded"], "criteria": _place["criteria"]}))


def criteria(text, namespace):
    name = text.split()[0]
    if not eval(text, namespace):
        raise AssertionError(f"criteria not met: {text}, measured {name} = {namespace[name]}")


def save(**values):
    for name, value in values.items():
        (_place["manifest"].parent / f"{name}.pkl").write_bytes(pickle.dumps(value))
    content = {"format": 1, "variables": {name: {} for name in values}, "metrics": _place["recorded"]}
    _place["manifest"].write_text(json.dumps(content))
"""


@dataclass
class Step:
    """One step: its cells' sources, the steps before it, the variables that it takes and gives."""

    cells: Sequence[str]
    upstream: Sequence[str] = ()
    loads: dict[str, Sequence[str]] = field(default_factory=dict)
    saves: Sequence[str] = ()
    params: Sequence[str] = ()
    tags: dict[int, list[str]] = field(default_factory=dict)


class Pipeline:
    """A pipeline folder in a project, with its source notebook."""

    def __init__(self, project: Path, name: str = "churn") -> None:
        self.project = project
        self.name = name
        self.folder = project / "pipelines" / name
        self.notebook = project / "notebooks" / f"{name}.ipynb"
        self.output = self.folder / "output"

    def write(
        self,
        steps: dict[str, Step],
        *,
        env: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        shared: str = "",
    ) -> Pipeline:
        (self.folder / "tasks").mkdir(parents=True, exist_ok=True)
        self.notebook.parent.mkdir(exist_ok=True)
        (self.folder / "churn_handover.py").write_text(HANDOVER)
        (self.folder / "churn_shared.py").write_text(shared)
        self.notebook_cells: list[Any] = [nbformat.v4.new_markdown_cell("# Churn")]
        self.cells: dict[str, Any] = {}
        if shared:
            self._add_cell(shared, "churn_shared.py", 1, None)
        tasks = [self._write_task(name, step) for name, step in steps.items()]
        self.dump("pipeline.yaml", {"tasks": tasks})
        self.dump("env.yaml", {"workdir": "{{here}}/../../notebooks", **(env or {})})
        self.dump(
            "cellmill.yaml",
            {"notebook": f"../../notebooks/{self.name}.ipynb", "experiment": self.name} | (settings or {}),
        )
        provenance = {"format": 1, "notebook": f"../../notebooks/{self.name}.ipynb", "cells": self.cells}
        (self.folder / ".promotion.json").write_text(json.dumps(provenance))
        notebook = nbformat.v4.new_notebook(cells=self.notebook_cells)
        nbformat.write(notebook, self.notebook)
        return self

    def dump(self, name: str, content: Any) -> None:
        (self.folder / name).write_text(yaml.safe_dump(content, sort_keys=False))

    def task_file(self, name: str) -> Path:
        return self.folder / "tasks" / f"{name}.py"

    def executed(self, name: str) -> Any:
        return nbformat.read(self.output / f"{name}.ipynb", as_version=4)

    def text_of(self, name: str) -> str:
        """All that the executed task printed."""
        cells = self.executed(name).cells
        return "".join(out.get("text", "") for cell in cells for out in cell.get("outputs", []))

    def _write_task(self, name: str, step: Step) -> dict[str, Any]:
        lines = [
            '# %% tags=["parameters"]',
            f"upstream = {list(step.upstream) or None!r}",
            "product = None",
            "resources_ = None",
        ]
        lines += [f"{param} = None" for param in step.params]
        lines += [
            "",
            '# %% tags=["inputs"]',
            "import sys",
            "from pathlib import Path",
            "",
            'sys.path.append(str(Path(resources_["handover"]).parent))',
            "import churn_handover",
            "",
            "churn_handover.begin(product, globals())",
        ]
        for provider, names in step.loads.items():
            quoted = ", ".join(f'"{variable}"' for variable in names)
            lines.append(f'{", ".join(names)}, = churn_handover.load(upstream["{provider}"], {quoted})')
        for number, source in enumerate(step.cells):
            tags = step.tags.get(number, [])
            cell_id = f"{name}{number}"
            lines += ["", f'# %% cell="{cell_id}"' + (f" tags={json.dumps(tags)}" if tags else "")]
            self._add_cell(source, f"tasks/{name}.py", len(lines) + 1, name, cell_id)
            lines += source.splitlines()
        lines += ["", '# %% tags=["outputs"]', f"churn_handover.save({', '.join(f'{v}={v}' for v in step.saves)})"]
        self.task_file(name).write_text("\n".join(lines) + "\n")
        return {
            "source": f"tasks/{name}.py",
            "name": name,
            "product": {
                "nb": f"{{{{here}}}}/output/{name}.ipynb",
                "report": f"{{{{here}}}}/output/{name}.html",
                "variables": f"{{{{here}}}}/output/{name}/variables.json",
            },
            "nb_product_key": ["nb", "report"],
            "static_analysis": "disable",
            "executor_params": {"cwd": "{{workdir}}", "progress_bar": False, "log_output": False},
            "params": {param: f"{{{{{param}}}}}" for param in step.params}
            | {"resources_": {"handover": "churn_handover.py", "shared": "churn_shared.py"}},
        }

    def _add_cell(self, source: str, file: str, line: int, task: str | None, cell_id: str = "shared0") -> None:
        self.notebook_cells.append(nbformat.v4.new_code_cell(source, id=cell_id))
        self.cells[cell_id] = {"number": len(self.notebook_cells), "task": task, "file": file, "line": line}


PipelineWriter = Callable[..., Pipeline]


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """An empty project to write a pipeline into."""
    (tmp_path / "pyproject.toml").write_text("")
    return Pipeline(tmp_path)


@pytest.fixture
def step() -> type[Step]:
    return Step


@pytest.fixture(scope="session")
def new_pipeline() -> type[Pipeline]:
    return Pipeline


@pytest.fixture(scope="session")
def new_step() -> type[Step]:
    return Step
