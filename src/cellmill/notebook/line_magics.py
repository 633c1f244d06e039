"""Rules about cellmill's line magics in promoted cells: some say what a task does, others only serve the author."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from cellmill.errors import CellmillError
from cellmill.findings import Finding
from cellmill.notebook.measures import parse_criterion, parse_metric
from cellmill.notebook.roles import finding_at
from cellmill.notebook.steps import Steps, TaggedCell
from cellmill.notebook.transform import parse, to_python
from cellmill.rules.tags import AuthorOnlyMagic, BadMagicLine

# They look at the notebook or start pipelines: in a task there is no notebook to look at.
FOR_THE_AUTHOR = frozenset({"steps", "readiness", "promote", "reproduce", "run_pipeline", "sweep", "cellmill_observe"})


def findings(steps: Steps) -> list[Finding]:
    """Say which ``%metric`` and ``%criteria`` lines can't be read, and which magics have no place in a task."""
    found = []
    for tagged in steps.promoted:
        for name, text, line in _line_magics(tagged):
            if name in FOR_THE_AUTHOR:
                found.append(_misplaced(tagged, name, line))
            elif error := _problem(name, text):
                found.append(
                    finding_at(
                        tagged.cell,
                        BadMagicLine,
                        error.message,
                        error.remedy or "",
                        step=tagged.role.name,
                        name=name,
                        line=line,
                    )
                )
    return found


def _misplaced(tagged: TaggedCell, name: str, line: int) -> Finding:
    return finding_at(
        tagged.cell,
        AuthorOnlyMagic,
        f"%{name} serves the author only; the pipeline leaves it out",
        "move it to a cell without a tag",
        step=tagged.role.name,
        name=name,
        line=line,
    )


def _problem(name: str, text: str) -> CellmillError | None:
    try:
        if name == "metric":
            parse_metric(text)
        elif name == "criteria":
            parse_criterion(text)
    except CellmillError as error:
        return error
    return None


def _line_magics(tagged: TaggedCell) -> Iterator[tuple[str, str, int]]:
    """Name, text and line of each line magic."""
    if "%" not in tagged.body:
        return
    try:
        tree = parse(to_python(tagged.body))
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "run_line_magic":
            texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if len(texts) == len(node.args) == 2:
                yield texts[0], texts[1], node.lineno
