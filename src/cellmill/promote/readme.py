"""A pipeline's README: what it does, its graph, its parameters, how to run, test and roll back."""

from __future__ import annotations

from cellmill.dataflow import Dataflow
from cellmill.notebook.steps import Steps
from cellmill.promote.parameters import Parameter


def readme(pipeline: str, steps: Steps, dataflow: Dataflow, parameters: tuple[Parameter, ...], source: str) -> str:
    """Markdown, with the graph as mermaid."""
    title = _title(steps) or pipeline
    lines = [f"# {pipeline}", ""]
    if title != pipeline:
        lines += [f"{title}.", ""]
    lines += [
        f"A Ploomber pipeline of {len(dataflow.steps)} tasks, promoted from [{source}]({source}).",
        "",
        "## The graph",
        "",
        "```mermaid",
        "flowchart TD",
        *(f"    {flow.name}" for flow in dataflow.steps),
        *(_arrow(one.provider, one.consumer, one.variables) for one in dataflow.edges),
        "```",
        "",
        "## Parameters",
        "",
        *(_parameter_table(parameters) if parameters else ["None: the notebook has no cell tagged `parameters`."]),
        "",
        "## Run",
        "",
        "```bash",
        "ploomber build                      # here; plain Ploomber, only what is outdated",
        f"cellmill run {pipeline}{_example(parameters)}   # from the project's root; recorded in MLflow",
        "```",
        "",
        "Executed notebooks, reports and variables are in `output/`. Tasks run in the notebook's own folder",
        f"(`workdir` in `env.yaml`){_inputs(dataflow)}.",
        "",
        "## Test",
        "",
        "```bash",
        "pytest --nbval tests                # each task shows what the notebook showed",
        "```",
        "",
        "## Files",
        "",
        "| file | what it is |",
        "| --- | --- |",
        "| `pipeline.yaml`, `env.yaml` | plain Ploomber |",
        '| `tasks/*.py` | the notebook\'s cells, one file a step; a mark `cell="..."` names the source cell |',
    ]
    if steps.shared:
        lines.append(f"| `{pipeline}_shared.py` | the notebook's shared cells |")
    lines += [
        f"| `{pipeline}_handover.py` | hands variables from task to task |",
        "| `cellmill.yaml` | what `cellmill run` needs beside these: parameter types, retries, time limits |",
        "| `requirements.lock` | what was installed at promotion |",
        "| `.promotion.json`, `.promotion.base.json` | where all this came from, and what promotion wrote |",
        "",
        f"Promote again after changing the notebook: `cellmill promote {source}`. Edits made here are kept and merged;",
        "`cellmill sync .` brings those of tasks back into the notebook.",
    ]
    return "\n".join(lines) + "\n"


def _title(steps: Steps) -> str | None:
    for cell in steps.notebook.cells:
        if cell.kind == "markdown":
            for line in cell.source.split("\n"):
                if line.startswith("# "):
                    return line[2:].strip().rstrip(".")
    return None


def _arrow(provider: str, consumer: str, variables: tuple[str, ...]) -> str:
    if not variables:
        return f"    {provider} -.-> {consumer}"
    shown = ", ".join(variables[:4]) + (f" and {len(variables) - 4} more" if len(variables) > 4 else "")
    return f'    {provider} -- "{shown}" --> {consumer}'


def _parameter_table(parameters: tuple[Parameter, ...]) -> list[str]:
    rows = ["| name | type | default |", "| --- | --- | --- |"]
    return rows + [f"| `{one.name}` | {_kind(one)} | `{one.default!r}` |".replace("|`", "| `") for one in parameters]


def _kind(one: Parameter) -> str:
    if one.choices:
        return "one of " + ", ".join(f"`{choice!r}`" for choice in one.choices)
    limits = [
        f"at least {one.minimum:g}" if one.minimum is not None else "",
        f"at most {one.maximum:g}" if one.maximum is not None else "",
    ]
    return ", ".join([one.type, *(limit for limit in limits if limit)])


def _example(parameters: tuple[Parameter, ...]) -> str:
    for one in parameters:
        if isinstance(one.default, (int, float)) and not isinstance(one.default, bool):
            return f" -p {one.name}={one.default}"
    return ""


def _inputs(dataflow: Dataflow) -> str:
    if not dataflow.file_inputs:
        return ""
    return ", where they read " + ", ".join(f"`{path}`" for path in dataflow.file_inputs)
