"""A notebook's steps and edges as data for ``--json`` and as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cellmill.dataflow import Dataflow
from cellmill.notebook.steps import Steps

if TYPE_CHECKING:
    from rich.console import Console


def as_graph(steps: Steps, dataflow: Dataflow) -> dict[str, Any]:
    """The steps in pipeline order and the edges between them, JSON-ready."""
    cells = {step.name: step for step in steps.steps}
    return {
        "steps": [
            {
                "name": flow.name,
                "cells": [one.cell.number for one in cells[flow.name].cells],
                "checks": [one.cell.number for one in cells[flow.name].checks],
                "inputs": [one.name for one in flow.inputs],
                "outputs": [name for name, _ in flow.outputs],
                "parameters": list(flow.parameters),
                "upstream": list(flow.upstream),
            }
            for flow in dataflow.steps
        ],
        "edges": [
            {
                "provider": edge.provider,
                "consumer": edge.consumer,
                "variables": list(edge.variables),
                "order": edge.order,
                "reasons": list(edge.reasons),
                "evidence": edge.evidence,
                "types": dict(edge.types),
            }
            for edge in dataflow.edges
        ],
    }


def print_graph(console: Console, steps: Steps, dataflow: Dataflow) -> None:
    """Print each step with its cells, what it takes from which step, and what it gives."""
    from rich.text import Text

    def show(*parts: str | tuple[str, str]) -> None:
        console.print(Text.assemble(*parts), soft_wrap=True)

    numbers = {step.name: [one.cell.number for one in (*step.cells, *step.checks)] for step in steps.steps}
    for flow in dataflow.steps:
        show((flow.name, "bold cyan"), (f"  {_cells(numbers[flow.name])}", "dim"))
        for edge in dataflow.edges:
            if edge.consumer == flow.name:
                what = ", ".join(edge.variables) or f"order only: {'; '.join(edge.reasons) or 'it must run before'}"
                show(("  ← ", "green"), (edge.provider, "cyan"), f"  {what}")
        if flow.parameters:
            show("  parameters  ", ", ".join(flow.parameters))
        if flow.outputs:
            show(("  → ", "green"), ", ".join(name for name, _ in flow.outputs))


def _cells(numbers: list[int]) -> str:
    """Cell numbers in few words.

    Examples
    --------
    >>> _cells([2, 3, 4, 7]), _cells([5])
    ('cells 2-4, 7', 'cell 5')
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    return f"{'cell' if len(numbers) == 1 else 'cells'} {', '.join(parts)}"
