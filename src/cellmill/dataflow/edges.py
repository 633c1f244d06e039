"""Edges between the steps: variables, process state, and order for its own sake."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cellmill.dataflow import files, state
from cellmill.dataflow.effects import Effects
from cellmill.dataflow.liveness import Liveness
from cellmill.dataflow.model import Edge, EvidenceKind, Input, StepFlow
from cellmill.dataflow.observed import Observed
from cellmill.dataflow.walk import PARAMETERS, SHARED, Walked
from cellmill.notebook.cells import StepName
from cellmill.notebook.steps import Steps

_BEFORE_STEPS = 2  # the walk's first two parts are the parameters and the shared cells


@dataclass
class Draft:
    """A step's flow while it is worked out."""

    name: StepName
    inputs: list[Input] = field(default_factory=list)
    outputs: dict[str, bool] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    imports: list[str] = field(default_factory=list)
    state_in: list[tuple[StepName, str]] = field(default_factory=list)
    state_out: set[str] = field(default_factory=set)
    reasons: dict[StepName, list[str]] = field(default_factory=dict)
    order_only: set[StepName] = field(default_factory=set)

    def depend(self, provider: StepName, reason: str | None = None) -> None:
        """Note that the provider must run before."""
        reasons = self.reasons.setdefault(provider, [])
        if reason is not None and reason not in reasons:
            reasons.append(reason)


def join(steps: Steps, parts: list[Walked], seen: Observed) -> tuple[tuple[StepFlow, ...], tuple[Edge, ...], Liveness]:
    """Work out every step's inputs and outputs and the edges between the steps."""
    flows, edges, live = _join(steps, parts, seen)
    # Who makes a variable sees to its type, for those who rely on it; that must be a step.
    if seen.restore_needless(live):
        flows, edges, live = _join(steps, parts, seen)
        seen.restore_needless(live)
    relies = seen.relies(live)
    return tuple(replace(flow, relies=tuple(sorted(relies.get(flow.name, {}).items()))) for flow in flows), edges, live


def _join(steps: Steps, parts: list[Walked], seen: Observed) -> tuple[tuple[StepFlow, ...], tuple[Edge, ...], Liveness]:
    live = Liveness(parts, [seen.together(part.name) for part in parts], seen.fixed())
    drafts = {part.name: Draft(part.name) for part in parts[_BEFORE_STEPS:]}
    for at in range(_BEFORE_STEPS, len(parts)):
        _add_variables(at, live, drafts)
    _add_asked_for(steps, live, drafts)
    _replay_side_effect_imports(live, drafts)
    _replay_session_magics(parts, drafts)
    _add_states(parts, drafts)
    _add_after(steps, drafts)
    _add_file_order(parts, drafts)
    order = {part.name: at for at, part in enumerate(parts)}
    flows = tuple(_finish(drafts[part.name], part.effects, order) for part in parts[_BEFORE_STEPS:])
    return flows, _edges(flows, drafts, seen), live


def _add_variables(at: int, live: Liveness, drafts: dict[StepName, Draft]) -> None:
    draft = drafts[live.parts[at].name]
    for name in sorted(live.needs[at]):
        producer = live.producer(name, at)
        if producer is None:
            continue
        provider = live.parts[producer]
        if provider.name == PARAMETERS:
            draft.parameters.add(name)
        elif provider.name == SHARED:
            draft.shared.add(name)
        elif statements := _importable(name, provider.effects):
            draft.imports.extend(one for one in statements if one not in draft.imports)
        else:
            certain = live.is_certain(name, producer)
            draft.inputs.append(Input(name, provider.name, certain))
            draft.depend(provider.name)
            drafts[provider.name].outputs[name] = certain
    shared = live.parts[1].effects
    draft.parameters |= {name for name in shared.reads if name in live.touches[0]}


def _add_asked_for(steps: Steps, live: Liveness, drafts: dict[StepName, Draft]) -> None:
    """What ``--outputs`` names is saved whether a later step reads it or not."""
    place = {part.name: at for at, part in enumerate(live.parts)}
    for step in steps.steps:
        at = place[step.name]
        for name in step.options.outputs:
            if name in live.touches[at]:
                drafts[step.name].outputs.setdefault(name, live.is_certain(name, at))


def _importable(name: str, effects: Effects) -> list[str]:
    """The import statements that make the name, if nothing else does."""
    if name in effects.imports and name not in effects.other_binds and name not in effects.mutated_names:
        return effects.imports[name]
    return []


def _replay_side_effect_imports(live: Liveness, drafts: dict[StepName, Draft]) -> None:
    """An import whose name nobody uses is there for what importing does: later steps need that too."""
    used: set[str] = set()
    for part in live.parts:
        used |= part.effects.mentions.keys() | part.effects.reads.keys()
    for at, part in enumerate(live.parts[_BEFORE_STEPS:], start=_BEFORE_STEPS):
        for name, statements in part.effects.imports.items():
            if name in used or len(statements) != 1 or name in part.effects.other_binds | part.effects.star:
                continue
            for later in live.parts[at + 1 :]:
                draft = drafts[later.name]
                draft.imports.extend(one for one in statements if one not in draft.imports)


def _replay_session_magics(parts: list[Walked], drafts: dict[StepName, Draft]) -> None:
    """``%load_ext`` and its like set up the kernel, and each task has its own."""
    seen: list[str] = []
    for part in parts[_BEFORE_STEPS:]:
        drafts[part.name].imports.extend(line for line in seen if line not in drafts[part.name].imports)
        seen.extend(line for line, _ in part.effects.session if line.startswith("%") and not line.startswith("%%"))


def _add_states(parts: list[Walked], drafts: dict[StepName, Draft]) -> None:
    """Hand process state from the last step that changed it to those that may depend on it."""
    changed: set[str] = set()
    for part in parts:
        changed |= part.effects.states.keys()
    for name in sorted(changed):
        ambient = state.carries(name) and name not in state.DRAWING_STATES
        last: StepName | None = None
        for part in parts[_BEFORE_STEPS:]:
            effects = part.effects
            touches = name in effects.states or name in effects.draws
            if last is not None and (touches or ambient):
                drafts[part.name].depend(last, f"state {name}")
                if state.carries(name):
                    drafts[part.name].state_in.append((last, name))
                    drafts[last].state_out.add(name)
            if touches:
                last = part.name


def _add_after(steps: Steps, drafts: dict[StepName, Draft]) -> None:
    for step in steps.steps:
        for before in step.options.after:
            if before in drafts and before != step.name:
                drafts[step.name].depend(before, f"--after {before}")


def _add_file_order(parts: list[Walked], drafts: dict[StepName, Draft]) -> None:
    """Steps that use the same files keep the notebook's order, where no other edge keeps it."""
    place = {part.name: at for at, part in enumerate(parts)}
    above: list[int] = [0] * len(parts)  # for each part the steps that run before it, as bits
    users: list[Walked] = []
    for at, part in enumerate(parts[_BEFORE_STEPS:], start=_BEFORE_STEPS):
        for name in drafts[part.name].reasons:
            above[at] |= above[place[name]] | 1 << place[name]
        if not part.effects.files:
            continue
        for before in reversed(users):
            there = place[before.name]
            if above[at] >> there & 1:
                continue
            found = _file_conflict(before.effects, part.effects)
            if found is not None:
                drafts[part.name].depend(before.name, found)
                above[at] |= above[there] | 1 << there
        users.append(part)


def _file_conflict(before: Effects, after: Effects) -> str | None:
    for one in before.files:
        for other in after.files:
            if files.conflict(one, other):
                path = one.path or other.path
                return f"files: {path}" if path else "files"
    return None


def _finish(draft: Draft, effects: Effects, order: dict[StepName, int]) -> StepFlow:
    return StepFlow(
        name=draft.name,
        inputs=tuple(sorted(draft.inputs, key=lambda one: (order[one.provider], one.name))),
        outputs=tuple(sorted(draft.outputs.items())),
        parameters=tuple(sorted(draft.parameters)),
        shared=tuple(sorted(draft.shared)),
        imports=tuple(draft.imports),
        state_in=tuple(sorted(draft.state_in, key=lambda one: (order[one[0]], one[1]))),
        state_out=tuple(sorted(draft.state_out)),
        upstream=tuple(sorted(draft.reasons, key=lambda name: order[name])),
        reads=tuple(sorted(effects.reads)),
        binds=tuple(sorted(effects.binds)),
        mutates=tuple(sorted(effects.mutated_names)),
    )


def _edges(flows: tuple[StepFlow, ...], drafts: dict[StepName, Draft], seen: Observed) -> tuple[Edge, ...]:
    edges = []
    for flow in flows:
        for provider in flow.upstream:
            names = tuple(one.name for one in flow.inputs if one.provider == provider)
            reasons = tuple(drafts[flow.name].reasons[provider])
            kinds = [seen.evidence_for(provider, name) for name in names]
            kinds += [seen.state_evidence(provider, name) for before, name in flow.state_in if before == provider]
            types = tuple((name, kind) for name in names if (kind := seen.type_of(provider, name)) is not None)
            edges.append(
                Edge(
                    provider,
                    flow.name,
                    names,
                    order=not names,
                    reasons=reasons,
                    evidence=_together(kinds),
                    types=types,
                    states=tuple(name for before, name in flow.state_in if before == provider),
                )
            )
    return tuple(edges)


def _together(kinds: list[EvidenceKind]) -> EvidenceKind:
    """The evidence for an edge: of both kinds as soon as each kind shows some of it."""
    found = set(kinds) or {"static"}
    return kinds[0] if len(found) == 1 and kinds else "static" if found == {"static"} else "both"
