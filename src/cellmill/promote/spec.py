"""The YAML files of a pipeline folder: Ploomber's pipeline.yaml and env files, cellmill's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from cellmill.dataflow import Dataflow
from cellmill.notebook.steps import Steps
from cellmill.promote.env_values import encode, env_key
from cellmill.promote.parameters import Parameter


def pipeline_yaml(
    pipeline: str,
    steps: Steps,
    dataflow: Dataflow,
    parameters: tuple[Parameter, ...],
    source: str,
    modules: Mapping[str, Mapping[str, str]],
) -> str:
    """Plain Ploomber: a task a step, products below output/, tasks run in the notebook's folder.

    ``modules`` are other files on which each task depends, as Ploomber's resources.
    """
    tasks = []
    for flow in dataflow.steps:
        resources = {"handover": f"{pipeline}_handover.py"}
        if steps.shared:
            resources["shared"] = f"{pipeline}_shared.py"
        resources |= modules.get(str(flow.name), {})
        task: dict[str, Any] = {
            "source": f"tasks/{flow.name}.py",
            "name": str(flow.name),
            "product": {
                "nb": f"{{{{here}}}}/output/{flow.name}.ipynb",
                "report": f"{{{{here}}}}/output/{flow.name}.html",
                "variables": f"{{{{here}}}}/output/{flow.name}/variables.json",
            },
            "nb_product_key": ["nb", "report"],
            "static_analysis": "disable",
            "executor_params": {"cwd": "{{workdir}}", "progress_bar": False, "log_output": False},
        }
        used = [one.name for one in parameters if one.name in flow.parameters]
        task["params"] = {**{name: f"{{{{{env_key(name)}}}}}" for name in used}, "resources_": resources}
        tasks.append(task)
    header = (
        f"# Ploomber pipeline {pipeline}, promoted from {source}.\n"
        "# Build it with `ploomber build` in this folder; upstream tasks are named in tasks/*.py.\n\n"
    )
    return header + _dump({"tasks": tasks})


def env_yaml(pipeline: str, parameters: tuple[Parameter, ...], workdir: str, *, profile: str | None = None) -> str:
    """Parameters' defaults, and the folder that tasks run in (the notebook's)."""
    values = {"workdir": f"{{{{here}}}}/{workdir}", **{env_key(one.name): encode(one.default) for one in parameters}}
    if profile is None:
        header = f"# Parameters of pipeline {pipeline}: the notebook's defaults. env.<profile>.yaml holds others.\n"
    else:
        header = f"# Parameters of pipeline {pipeline} for profile {profile}: pytest builds with these.\n"
    return header + _dump(values)


def cellmill_yaml(pipeline: str, steps: Steps, parameters: tuple[Parameter, ...], source: str) -> str:
    """What Ploomber has no word for."""
    settings: dict[str, Any] = {
        "notebook": source,
        "experiment": pipeline,
        "parameters": {one.name: one.as_settings() for one in parameters},
    }
    options = {}
    for step in steps.steps:
        chosen = {"retries": step.options.retries, "timeout": step.options.timeout}
        if kept := {name: value for name, value in chosen.items() if value is not None}:
            options[str(step.name)] = kept
    if options:
        settings["steps"] = options
    return "# What cellmill run needs beside pipeline.yaml.\n" + _dump(settings)


class _Dumper(yaml.SafeDumper):
    """Block style, but short lists on one line, as people write them."""


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.Node:
    flat = all(isinstance(one, (str, int, float, bool)) or one is None for one in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=flat)


_Dumper.add_representer(list, _list)


def _dump(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False
    )
    return text
