"""A step's task file: the author's own lines between what loads its inputs and what saves its outputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cellmill.dataflow import Dataflow, StepFlow
from cellmill.errors import CellmillError
from cellmill.notebook.cells import Cell
from cellmill.notebook.measures import parse_criterion, parse_metric
from cellmill.notebook.steps import Step, Steps, TaggedCell
from cellmill.notebook.transform import PYTHON_BODIED, split_cell_magic, to_python
from cellmill.promote.submodules import submodule_imports

_OWN_TAGS = re.compile(r"(parameters|shared|skip|(step|check):.*)$")
_LINE_MAGIC = re.compile(
    r"^(?P<indent>\s*)%(?P<name>metric|criteria|steps|readiness|promote|reproduce|run_pipeline|sweep|cellmill_observe)\b"
    r"(?P<rest>.*)$"
)
_LOAD_EXT = re.compile(r"^(?P<indent>\s*)%(?:load_ext|reload_ext)\s+cellmill\s*$")
_CELL_MARK = re.compile(r"^#\s*%%", re.MULTILINE)
_EARLY_STATES = ("os.environ", "cwd", "sys.path", "locale", "sys.recursionlimit")


@dataclass(frozen=True)
class TaskCell:
    """A source cell in its task: ``source`` is what the task file holds, ``dropped`` the lines cut off above it."""

    tagged: TaggedCell
    source: str
    dropped: int


@dataclass(frozen=True)
class TaskFile:
    """A task file's text, and at which line each source cell begins in it."""

    text: str
    cells: tuple[TaskCell, ...]
    lines: dict[str, int]


def task_cells(step: Step, handover: str) -> tuple[TaskCell, ...]:
    """The step's cells as the task runs them, check cells last."""
    return tuple(_task_cell(tagged, handover) for tagged in (*step.cells, *step.checks))


def _task_cell(tagged: TaggedCell, handover: str) -> TaskCell:
    lines = tagged.body.replace("\r\n", "\n").split("\n")
    dropped = 0
    while dropped < len(lines) - 1 and not lines[dropped].strip():
        dropped += 1
    body = "\n".join(lines[dropped:]).rstrip()
    magic = split_cell_magic(body)
    if magic is None or magic.name in PYTHON_BODIED:
        body = _plain_lines(body, handover)
    return TaskCell(tagged, body, dropped)


def _plain_lines(body: str, handover: str) -> str:
    """Cellmill's own line magics become plain calls, so that the task runs without cellmill."""
    if "%" not in body:
        return body
    lines = body.split("\n")
    # Only lines that IPython takes for magics change: the same text inside a string stays.
    transformed = to_python(body).split("\n")
    return "\n".join(
        _plain_line(line, handover) if "run_line_magic(" in python and "run_line_magic(" not in line else line
        for line, python in zip(lines, transformed, strict=True)
    )


def _plain_line(line: str, handover: str) -> str:
    if found := _LOAD_EXT.match(line):
        return f"{found['indent']}pass" if found["indent"] else ""
    found = _LINE_MAGIC.match(line)
    if not found:
        return line
    indent, name, text = found["indent"], found["name"], found["rest"].strip()
    if name == "metric":
        metric = parse_metric(text)
        return f'{indent}{handover}.metric("{metric.name}", {metric.expression})'
    if name == "criteria":
        return f"{indent}{handover}.criteria({parse_criterion(text)!r}, globals())"
    return f"{indent}pass" if indent else ""


def task_file(
    step: Step, flow: StepFlow, steps: Steps, dataflow: Dataflow, *, pipeline: str, cells: tuple[TaskCell, ...]
) -> TaskFile:
    """Write a task: jupytext's percent format, each source cell marked with its id."""
    from nbformat import v4

    make: Any = v4  # published without types
    handover = f"{pipeline}_handover"
    notebook = make.new_notebook()
    notebook.metadata["jupytext"] = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "all"}
    parts: list[tuple[str, dict[str, Any]]] = [
        (parameters_source(flow, steps), {"tags": ["parameters"]}),
        (_inputs_source(step, flow, steps, dataflow, pipeline), {"tags": ["inputs"]}),
    ]
    notebook.cells = [make.new_code_cell(source, metadata=metadata) for source, metadata in parts]
    by_cell = {one.tagged.cell.number: one for one in cells}
    markdown = _markdown_of(step, steps)
    in_order = [*(one.cell.number for one in step.cells), *(one.cell.number for one in step.checks)]
    for number in in_order:
        for cell in markdown.get(number, []):
            notebook.cells.append(make.new_markdown_cell(cell.source))
        one = by_cell[number]
        metadata: dict[str, Any] = {"cell": str(one.tagged.cell.id)}
        tags = [tag for tag in one.tagged.cell.tags if not _OWN_TAGS.match(tag)]
        if one.tagged.role.kind == "check":
            tags.insert(0, "check")
        if tags:
            metadata["tags"] = tags
        notebook.cells.append(make.new_code_cell(one.source, metadata=metadata))
    notebook.cells.append(make.new_code_cell(_outputs_source(flow, handover), metadata={"tags": ["outputs"]}))
    text = _as_script(notebook, step, steps)
    return TaskFile(text, cells, _cell_lines(text))


def _markdown_of(step: Step, steps: Steps) -> dict[int, list[Cell]]:
    """Markdown cells right above each of the step's cells, where the notebook explains it."""
    own = {tagged.cell.number for tagged in (*step.cells, *step.checks)}
    waiting: list[Cell] = []
    found: dict[int, list[Cell]] = {}
    for cell in steps.notebook.cells:
        if cell.kind == "markdown":
            waiting.append(cell)
        elif cell.kind == "code":
            if cell.number in own:
                found[cell.number] = waiting
            waiting = []
    return found


def parameters_source(flow: StepFlow, steps: Steps) -> str:
    """Ploomber's names, then the author's own parameters cell."""
    upstream = "[" + ", ".join(f'"{name}"' for name in flow.upstream) + "]" if flow.upstream else "None"
    own = [tagged.body.strip("\n").rstrip() for tagged in steps.parameters]
    return "\n".join([f"upstream = {upstream}", "product = None", "resources_ = None", *own])


def _inputs_source(step: Step, flow: StepFlow, steps: Steps, dataflow: Dataflow, pipeline: str) -> str:
    handover = f"{pipeline}_handover"
    future = [line for line in (*_shared_future(steps), *flow.imports) if line.startswith("from __future__")]
    lines = [
        *dict.fromkeys(future),
        "import sys",
        "from pathlib import Path",
        "",
        'sys.path.append(str(Path(resources_["handover"]).parent))',
        f"import {handover}",
        "",
        f"{handover}.begin(product, globals())",
    ]
    shared = [name for name in flow.shared if name in dataflow.shared_names]
    if shared:
        lines += _wrapped(f"from {pipeline}_shared import ", shared)
    early = [(provider, name) for provider, name in flow.state_in if name in _EARLY_STATES]
    late = [(provider, name) for provider, name in flow.state_in if name not in _EARLY_STATES]
    lines += _state_lines(early, handover)
    lines += [line for line in flow.imports if line not in future]
    if step is not steps.steps[0]:
        used = [one.body for one in (*step.cells, *step.checks)]
        above = [*flow.imports, *(one.body for one in (steps.shared if shared else ()))]
        lines += submodule_imports(used, above)
    for provider in flow.upstream:
        certain = [one.name for one in flow.inputs if one.provider == provider and one.certain]
        maybe = [one.name for one in flow.inputs if one.provider == provider and not one.certain]
        if certain:
            lines += _load_lines(handover, provider, certain)
        if maybe:
            names = ", ".join(f'"{name}"' for name in maybe)
            lines.append(f'globals().update({handover}.load_bound(upstream["{provider}"], {names}))')
    lines += _state_lines(late, handover)
    return "\n".join(_keep_names(lines, flow))


def _shared_future(steps: Steps) -> list[str]:
    """In a notebook a future import holds for all cells below it."""
    lines = [line for tagged in steps.shared for line in tagged.body.split("\n")]
    return [line.strip() for line in lines if line.startswith("from __future__ import")]


def _keep_names(lines: list[str], flow: StepFlow) -> list[str]:
    """A variable called ``upstream`` is loaded last: loading needs Ploomber's own until then."""
    if not {one.name for one in flow.inputs} & {"upstream", "sys", "Path"}:
        return lines
    at = next(at for at, line in enumerate(lines) if line.endswith("begin(product, globals())"))
    return [
        *lines[: at + 1],
        "_upstream = upstream",
        *(line.replace("(upstream[", "(_upstream[") for line in lines[at + 1 :]),
    ]


def _load_lines(handover: str, provider: str, names: list[str]) -> list[str]:
    quoted = ", ".join(f'"{name}"' for name in names)
    line = f'{", ".join(names)} = {handover}.load(upstream["{provider}"], {quoted})'
    # One name in brackets would unpack the value itself.
    if len(names) == 1 or len(line) <= 100:
        return [line]
    targets = [f"    {name}," for name in names]
    return ["(", *targets, f') = {handover}.load(upstream["{provider}"], {quoted})']


def _wrapped(start: str, names: list[str]) -> list[str]:
    line = start + ", ".join(names)
    return [line] if len(line) <= 100 else [start + "(", *(f"    {name}," for name in names), ")"]


def _state_lines(states: list[tuple[Any, str]], handover: str) -> list[str]:
    lines = []
    for provider in dict.fromkeys(provider for provider, _ in states):
        names = ", ".join(f'"{name}"' for at, name in states if at == provider)
        lines.append(f'{handover}.load_state(upstream["{provider}"], {names})')
    return lines


def _outputs_source(flow: StepFlow, handover: str) -> str:
    states = [f'"{name}"' for name in flow.state_out]
    certain = [f"{name}={name}" for name, sure in flow.outputs if sure]
    maybe = [f'"{name}"' for name, sure in flow.outputs if not sure]
    if maybe:
        certain.append(f"**{handover}.bound(globals(), {', '.join(maybe)})")
    relied = [f'{name}="{kind}"' for name, kind in flow.relies]
    lines = [_call(f"{handover}.rely", ["globals()", *relied])] if relied else []
    return "\n".join([*lines, _call(f"{handover}.save", [*states, *certain])])


def _call(function: str, arguments: list[str]) -> str:
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= 100:
        return line
    return "\n".join([f"{function}(", *(f"    {one}," for one in arguments), ")"])


def _as_script(notebook: Any, step: Step, steps: Steps) -> str:
    """Write the percent format and read it back: what a task runs must be what the author wrote."""
    import jupytext

    for attempt in range(2):
        text: str = jupytext.writes(notebook, fmt="py:percent")
        back = jupytext.reads(text, fmt="py:percent")
        if [_plain(cell.source) for cell in back.cells] == [_plain(cell.source) for cell in notebook.cells]:
            return text
        if attempt == 0:
            for cell in notebook.cells:
                cell.source = _CELL_MARK.sub("#  %%", cell.source)
    for written, read in zip(notebook.cells, back.cells, strict=False):
        if _plain(written.source) != _plain(read.source):
            number = _number_of(written.metadata.get("cell"), step)
            raise CellmillError(
                "this cell can't be written as a Python script and read back the same",
                notebook=steps.notebook.path,
                cell=number,
                remedy="take lines that begin like a cell mark (# %%) or a commented magic out of it",
            )
    raise CellmillError(f"step {step.name} can't be written as a Python script", notebook=steps.notebook.path)


def _plain(source: str) -> str:
    return source.strip("\n").rstrip()


def _number_of(cell_id: str | None, step: Step) -> int | None:
    return next((one.cell.number for one in (*step.cells, *step.checks) if str(one.cell.id) == cell_id), None)


def _cell_lines(text: str) -> dict[str, int]:
    """The line at which each source cell's own text begins in the file."""
    found = {}
    for at, line in enumerate(text.split("\n"), start=1):
        if line.startswith("# %% ") and (mark := re.search(r'cell="([^"]+)"', line)):
            found[mark[1]] = at + 1
    return found
