"""The shared cells as an importable module, NAME_shared.py."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from cellmill.dataflow import Dataflow
from cellmill.notebook.steps import Steps, TaggedCell
from cellmill.notebook.transform import parse, to_python
from cellmill.promote.parameters import Parameter


@dataclass(frozen=True)
class SharedModule:
    """The module's text, the line of each cell in it, and the functions and classes that it defines."""

    text: str
    lines: dict[str, int]
    defined: tuple[str, ...]


def shared_module(steps: Steps, dataflow: Dataflow, parameters: tuple[Parameter, ...]) -> SharedModule | None:
    """Write the shared cells one after the other; None if the notebook has none."""
    if not steps.shared:
        return None
    lines = [
        f'"""Shared by the tasks of this folder: imports, functions and classes of {steps.notebook.path.name}."""',
        "",
    ]
    future, bodies = shared_bodies(steps.shared)
    lines += [*future, ""] if future else []
    if any("get_ipython()" in body for _, body in bodies):
        lines += ["from IPython import get_ipython", ""]
    needed = [one for one in parameters if one.name in dataflow.shared_free]
    if needed:
        lines.append("# Parameters that the code below reads: a task sets its own, these are the notebook's defaults.")
        lines += [f'globals().setdefault("{one.name}", {one.default!r})' for one in needed] + [""]
    starts: dict[str, int] = {}
    defined: list[str] = []
    for tagged, body in bodies:
        text = body.split("\n")
        dropped = 0
        while dropped < len(text) - 1 and not text[dropped].strip():
            dropped += 1
        # The mark tells merging, syncing and editors where each cell is, as in tasks.
        lines.append(f'# %% cell="{tagged.cell.id}"')
        starts[str(tagged.cell.id)] = len(lines) + 1 - dropped
        lines += [*text[dropped:], "", ""]
        defined += [
            node.name
            for node in parse(to_python(tagged.body)).body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        ]
    return SharedModule("\n".join(lines).rstrip() + "\n", starts, tuple(dict.fromkeys(defined)))


def shared_bodies(cells: tuple[TaggedCell, ...]) -> tuple[list[str], list[tuple[TaggedCell, str]]]:
    """The future imports, and each cell as the module has it.

    ``from __future__`` must stand first in a module; in a notebook it may stand anywhere. Lines keep their numbers.
    """
    future: list[str] = []
    bodies = []
    for tagged in cells:
        kept = []
        for line in to_python(tagged.body).rstrip().split("\n"):
            if line.startswith("from __future__ import"):
                future.append(line)
                line = ""
            kept.append(_without_cellmill(line))
        bodies.append((tagged, "\n".join(kept)))
    return future, bodies


def _without_cellmill(line: str) -> str:
    """Loading cellmill's magics is of no use in a module that must run without it."""
    if line.strip().startswith(
        (
            "get_ipython().run_line_magic('load_ext', 'cellmill')",
            "get_ipython().run_line_magic('reload_ext', 'cellmill')",
        )
    ):
        return ""
    return line
