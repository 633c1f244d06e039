"""Dataflow: which step needs what from which, read from the source alone. No kernel, no files, milliseconds.

The way through the folder: ``source`` (cells to trees), ``walk`` (the notebook in order), ``expressions``,
``dynamic``, ``calls`` and ``statements`` (what code does), ``values`` and ``program`` (what names stand for),
``knowledge``, ``state`` and ``files`` (what is known of libraries), ``liveness`` and ``edges`` (who needs what),
``order``, ``rules`` (findings); ``evidence`` and ``observed`` (what a real run has shown, where one was observed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellmill.dataflow.model import Dataflow, Edge, Input, StepFlow
from cellmill.garbage_collection import collected_later
from cellmill.notebook.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cellmill.dataflow.evidence import Evidence

__all__ = ["Dataflow", "Edge", "Input", "StepFlow", "analyse", "ordered_steps"]


def ordered_steps(steps: Steps) -> Steps:
    """The same steps in pipeline order: the notebook's, moved only where cells lie apart or ``--after`` asks."""
    from cellmill.dataflow.order import in_order

    return in_order(steps)[0]


def analyse(steps: Steps, *, observed: Evidence | None = None, modules: Mapping[str, str] | None = None) -> Dataflow:
    """Work out the dataflow between the steps of a notebook.

    Parameters
    ----------
    steps
        The notebook's cells, grouped.
    observed
        What a real run of the notebook has shown. It adds what the source does not show, and takes away only what no
        code can do.
    modules
        The source of the modules beside the notebook, by name.

    Returns
    -------
    Dataflow
        Its ``steps`` are in pipeline order; ``findings`` say what would make the pipeline differ from the notebook.
    """
    with collected_later():
        return _analyse(steps, observed, modules)


def _analyse(steps: Steps, observed: Evidence | None, modules: Mapping[str, str] | None) -> Dataflow:
    from cellmill.dataflow.edges import join
    from cellmill.dataflow.modules import known_modules
    from cellmill.dataflow.observed import Observed
    from cellmill.dataflow.order import in_order
    from cellmill.dataflow.rules import check
    from cellmill.dataflow.walk import SHARED, walk

    ordered, order_findings = in_order(steps)
    parts, program = walk(ordered, known_modules(tuple(sorted((modules or {}).items()))))
    seen = Observed(ordered, parts, observed)
    seen.correct()
    flows, edges, live = join(ordered, parts, seen)
    found = (*check(ordered, live, flows, program), *seen.findings(live))
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
        flows,
        edges,
        findings,
        tuple(inputs),
        tuple(sorted(free - shared.binds.keys())),
        tuple(sorted(shared.certain)),
        observed.sha256 if observed is not None and observed.parts else None,
        observed.stale if observed is not None else None,
    )
