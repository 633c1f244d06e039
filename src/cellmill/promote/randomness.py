"""What of a notebook draws random numbers, and what seeds them."""

from __future__ import annotations

import ast
import re
from typing import Any

from cellmill.dataflow.source import cell_code
from cellmill.dataflow.state import DRAWING_STATES, drawn_by_call, set_by_call
from cellmill.notebook import read_steps
from cellmill.notebook.cells import Notebook

_REMEDY = {
    "random": "random.seed(0)",
    "numpy.random": "numpy.random.seed(0)",
    "torch.random": "torch.manual_seed(0)",
}
_LOCAL = re.compile(r"numpy\.random\.(?:default_rng|RandomState)|random\.Random")


def seeds_of(notebook: Notebook) -> dict[str, Any]:
    """Find what the notebook seeds and what it leaves unseeded.

    Returns
    -------
    dict
        ``seeded``: the random generators that a cell seeds. ``unseeded``: where the first unseeded draw is, with its
        remedy, as a sentence without a full stop; ``None`` if none is seen.
    """
    seeded: set[str] = set()
    draws: list[tuple[int, int, str, str]] = []
    names: dict[str, str] = {}
    steps = read_steps(notebook)[0]
    for tagged in sorted(steps.promoted, key=lambda one: one.cell.number):
        code = cell_code(tagged)
        for node in ast.walk(code.tree) if code is not None else ():
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names |= _imported(node)
            if isinstance(node, ast.Call) and (called := _dotted(node.func, names)) is not None:
                if (state := set_by_call(called)) in DRAWING_STATES:
                    seeded.add(str(state))
                elif _LOCAL.fullmatch(called):
                    if not node.args and not node.keywords:
                        draws.append((tagged.cell.number, node.lineno, called, "local"))
                elif called.startswith(("random.", "numpy.random.", "torch.rand")):
                    draws += [(tagged.cell.number, node.lineno, called, state) for state in drawn_by_call(called)]
    for number, line, called, state in draws:
        if state not in seeded:
            remedy = f"give it a seed, as in {called}(0)" if state == "local" else f"seed it first: {_REMEDY[state]}"
            told = f"`{called}` in cell {number}, line {line}, draws random numbers that nothing seeds; {remedy}"
            return {"seeded": sorted(seeded), "unseeded": told}
    return {"seeded": sorted(seeded), "unseeded": None}


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    if isinstance(node, ast.ImportFrom):
        return {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names if node.module}
    return {
        one.asname or one.name.partition(".")[0]: one.name if one.asname else one.name.partition(".")[0]
        for one in node.names
    }


def _dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and (owner := _dotted(node.value, names)) is not None:
        return f"{owner}.{node.attr}"
    return None
