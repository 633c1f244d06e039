"""What the analysis finds out: for each step the names it needs, makes and may change, and the edges between steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cellmill.findings import Finding
from cellmill.notebook.cells import StepName

EvidenceKind = Literal["static", "observed", "both"]


@dataclass(frozen=True)
class Input:
    """A name that a step receives.

    ``certain`` says that the provider binds the name on every path; if not, it is handed over only if it exists.
    """

    name: str
    provider: StepName
    certain: bool = True


@dataclass(frozen=True)
class StepFlow:
    """One step's part in the dataflow.

    Attributes
    ----------
    inputs
        Variables that come from earlier steps, sorted by provider (pipeline order) and name.
    outputs
        Variables that a later step needs from this one; ``(name, certain)``.
    parameters
        Parameters that the step or the shared code that it uses reads.
    shared
        Names from shared cells that the step uses.
    imports
        Import statements of earlier steps that this step replays, as source lines.
    state_in
        Process state that comes from earlier steps, as (provider, state).
    state_out
        Process state that a later step needs from this one.
    upstream
        Steps that must have run before, in pipeline order.
    reads, binds, mutates
        Names by what the step may do to them; for display.
    relies
        Variables of the step that must have the type that they were observed to have when it ends, because later steps
        can't change an object of that type; ``(name, type)``.
    """

    name: StepName
    inputs: tuple[Input, ...] = ()
    outputs: tuple[tuple[str, bool], ...] = ()
    parameters: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    state_in: tuple[tuple[StepName, str], ...] = ()
    state_out: tuple[str, ...] = ()
    upstream: tuple[StepName, ...] = ()
    reads: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    mutates: tuple[str, ...] = ()
    relies: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Edge:
    """``consumer`` needs ``provider``: for variables, for process state, or (``order``) for its side effects alone.

    ``evidence`` says what shows it: the source (``static``), a real run (``observed``) or ``both``. ``types`` are those
    that the variables had in that run, by name. ``states`` is the process state that is handed over.
    """

    provider: StepName
    consumer: StepName
    variables: tuple[str, ...] = ()
    order: bool = False
    reasons: tuple[str, ...] = ()
    evidence: EvidenceKind = "static"
    types: tuple[tuple[str, str], ...] = ()
    states: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataflow:
    """The whole notebook's dataflow.

    Attributes
    ----------
    steps
        In pipeline order: the notebook's, moved only where needed.
    file_inputs
        Literal paths that steps read.
    shared_free, shared_names
        Names that shared code reads but does not define, and those that it certainly defines.
    observed
        The hash of the record of a run that was used, if one was.
    stale
        Why a record of a run was used only in part, or not at all.
    """

    steps: tuple[StepFlow, ...]
    edges: tuple[Edge, ...]
    findings: tuple[Finding, ...] = ()
    file_inputs: tuple[str, ...] = ()
    shared_free: tuple[str, ...] = ()
    shared_names: tuple[str, ...] = ()
    observed: str | None = None
    stale: str | None = None

    def step(self, name: str) -> StepFlow:
        """The flow of the step with this name; KeyError if there is none."""
        for flow in self.steps:
            if flow.name == name:
                return flow
        raise KeyError(name)
