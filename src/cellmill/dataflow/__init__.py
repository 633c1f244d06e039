"""Dataflow: which step needs what from which, read from the source alone. No kernel, no files, milliseconds.

The way through the folder: ``source`` (cells to trees), ``walk`` (the notebook in order), ``expressions``,
``dynamic``, ``calls`` and ``statements`` (what code does), ``values`` and ``program`` (what names stand for),
``knowledge``, ``state`` and ``files`` (what is known of libraries), ``liveness`` and ``edges`` (who needs what),
``order``, ``rules`` (findings).
"""

from __future__ import annotations

from cellmill.dataflow.model import Dataflow, Edge, Input, StepFlow
from cellmill.notebook.steps import Steps

__all__ = ["Dataflow", "Edge", "Input", "StepFlow", "analyse"]


def analyse(steps: Steps) -> Dataflow:
    """Work out the dataflow between the steps of a notebook.

    Parameters
    ----------
    steps
        The notebook's cells, grouped.

    Returns
    -------
    Dataflow
        Its ``steps`` are in pipeline order; ``findings`` say what would make the pipeline differ from the notebook.
    """
    from cellmill.dataflow.edges import join
    from cellmill.dataflow.order import in_order
    from cellmill.dataflow.rules import check
    from cellmill.dataflow.walk import SHARED, walk

    ordered, order_findings = in_order(steps)
    parts, program = walk(ordered)
    flows, edges, live = join(ordered, parts)
    found = check(ordered, live, flows, program)
    if order_findings:
        # Where no order is possible, what is used too early is only that finding over again.
        found = tuple(one for one in found if one.kind != "used-before-defined")
    findings = (*order_findings, *found)
    inputs = sorted({path for part in parts for path, _ in part.effects.path_literals})
    shared = parts[1].effects
    free = set(shared.reads)
    for code in program.codes.values():
        if code.step == SHARED:
            free |= code.effects.reads.keys() if code.effects else set()
    return Dataflow(
        flows, edges, findings, tuple(inputs), tuple(sorted(free - shared.binds.keys())), tuple(sorted(shared.certain))
    )
