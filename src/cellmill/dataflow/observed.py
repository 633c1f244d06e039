"""Joins both kinds of evidence: what a run showed corrects what the source let us think, never to the unsafe side."""

from __future__ import annotations

from collections.abc import Iterator

from cellmill.dataflow import knowledge, state
from cellmill.dataflow.effects import Effects, Site
from cellmill.dataflow.evidence import Evidence, PartFacts
from cellmill.dataflow.liveness import Liveness
from cellmill.dataflow.model import EvidenceKind
from cellmill.dataflow.modules import PREFIX as MODULE
from cellmill.dataflow.values import NOTHING
from cellmill.dataflow.walk import PARAMETERS, SHARED, Walked
from cellmill.findings import Finding
from cellmill.notebook.magic_lines import did_you_mean
from cellmill.notebook.steps import Steps
from cellmill.rules.rule import Rule
from cellmill.rules.state import EvidenceDiffers, NotKept, UnseenState


class Observed:
    """What one run showed of the parts that were walked.

    Parameters
    ----------
    steps
        The steps in pipeline order, with what their authors say of them (``--keeps``).
    parts
        The walk's parts; `correct` changes their effects.
    evidence
        What was observed; without it, only the authors' word counts.
    """

    def __init__(self, steps: Steps, parts: list[Walked], evidence: Evidence | None) -> None:
        self.evidence = evidence
        self._steps = steps
        self._parts = parts
        self._keeps = {step.name: step.options.keeps for step in steps.steps}
        self._added: dict[str, set[str]] = {}
        self._states: dict[str, set[str]] = {}
        self._dropped: dict[str, dict[str, tuple[Site, str]]] = {}

    def facts(self, part: str) -> PartFacts | None:
        """What was seen of a part, if it was seen."""
        return self.evidence.parts.get(part) if self.evidence is not None else None

    def correct(self) -> None:
        """Add changes that only the run showed; take suspected ones away where no code can make them."""
        for part in self._parts:
            if part.name not in (PARAMETERS, SHARED):
                self._drop(part)
            self._add(part)

    def _drop(self, part: Walked) -> None:
        effects = part.effects
        for name in self._keeps.get(part.name, ()):
            if name not in effects.binds and name not in effects.deletes:
                effects.mutated_names.pop(name, None)
        if self.evidence is None:
            return
        for name in list(effects.mutated_names):
            kind = self.evidence.may_drop(name, part.name)
            if kind is not None and name not in effects.binds and name not in effects.deletes:
                self._dropped.setdefault(part.name, {})[name] = (effects.mutated_names.pop(name), kind)

    def restore_needless(self, live: Liveness) -> bool:
        """Take back what was dropped of names that no step makes, so that nobody would see to their type.

        And of those that nobody needs any more: it changes no edge, and no task need look at a type for it.
        """
        restored = False
        for at, part in enumerate(live.parts):
            for name, (site, _) in list(self._dropped.get(part.name, {}).items()):
                if name not in live.live_out[at] or self._watcher(name, at, live) is None:
                    del self._dropped[part.name][name]
                    part.effects.mutated_names[name] = site
                    restored = True
        return restored

    def relies(self, live: Liveness) -> dict[str, dict[str, str]]:
        """For each step the names that must have the type that they were seen to have, when it ends."""
        found: dict[str, dict[str, str]] = {}
        for at, part in enumerate(live.parts):
            for name, (_, kind) in self._dropped.get(part.name, {}).items():
                watcher = self._watcher(name, at, live)
                if watcher is not None:
                    found.setdefault(watcher, {})[name] = kind
        return found

    def fixed(self) -> list[set[str]]:
        """For each part the names that stand for an object that no code can change until a later part has used it."""
        found: list[set[str]] = [set() for _ in self._parts]
        waiting: set[str] = set()
        for at in range(len(self._parts) - 1, -1, -1):
            part = self._parts[at]
            found[at] = set(waiting)
            waiting -= part.effects.binds.keys() | part.effects.deletes.keys()
            waiting |= self._dropped.get(part.name, {}).keys()
        return found

    @staticmethod
    def _watcher(name: str, at: int, live: Liveness) -> str | None:
        maker = live.producer(name, at)
        if maker is None or live.parts[maker].name in (PARAMETERS, SHARED):
            return None
        return str(live.parts[maker].name)

    def _add(self, part: Walked) -> None:
        facts = self.facts(part.name)
        if facts is None:
            return
        effects, site = part.effects, _site(part)
        known = effects.binds.keys() | effects.deletes.keys() | effects.mutated_names.keys()
        for name, change in sorted(facts.changes.items()):
            if name in known or change == "gone" or self._is_kept(part, name):
                continue
            if change in ("new", "bound"):
                if not self._wanted(name, part):
                    continue
                effects.binds[name] = site
                effects.other_binds.add(name)
            else:
                effects.mutated_names[name] = site
                effects.mutated |= part.env.get(name, NOTHING).own
            self._added.setdefault(part.name, set()).add(name)
        if part.name not in (PARAMETERS, SHARED):
            self._add_states(part.name, effects, facts, site)

    def _is_kept(self, part: Walked, name: str) -> bool:
        return name in self._keeps.get(part.name, ())

    def _wanted(self, name: str, part: Walked) -> bool:
        """Whether code mentions the name at all: names that a library puts there for itself are none of ours."""
        return any(
            name in one.effects.reads or name in one.effects.binds or name in one.effects.soft_reads
            for one in self._parts
            if one is not part
        ) and not name.startswith("__")

    def _add_states(self, part: str, effects: Effects, facts: PartFacts, site: Site) -> None:
        for seen, how in facts.states.items():
            module, _, variable = seen.removeprefix(MODULE).partition(":")
            if seen.startswith(MODULE) and f"patch:{module}.{variable}" in effects.states:
                continue  # set from outside, where all can see it: the later steps get it
            name = f"{MODULE}{module}" if seen.startswith(MODULE) else seen
            touched = name in effects.states or name in effects.draws
            if touched or not (state.carries(name) or name.startswith(MODULE)):
                continue
            if name.startswith(MODULE):
                self._use_module(name)
            if how == "set":
                effects.states[name] = site
                self._states.setdefault(part, set()).add(name)
            else:
                effects.draws[name] = site

    def _use_module(self, name: str) -> None:
        """Mark the parts that hold something of a module: they may use what it remembers."""
        module = f"import:{name.removeprefix(MODULE)}"
        for part in self._parts:
            for one, site in part.effects.reads.items():
                labels = part.env.get(one, NOTHING).own
                if any(label == module or label.startswith(f"{module}.") for label in labels):
                    part.effects.draws.setdefault(name, site)

    def added(self, part: str, name: str) -> bool:
        """Whether only the run showed that the part makes or changes the name."""
        return name in self._added.get(part, ())

    def together(self, part: str) -> tuple[tuple[str, ...], ...]:
        """Names that were seen to share an object when the part had ended."""
        facts = self.facts(part)
        return facts.together if facts is not None else ()

    def evidence_for(self, part: str, name: str) -> EvidenceKind:
        """What shows that the part makes or changes the name."""
        facts = self.facts(part)
        if self.added(part, name):
            return "observed"
        seen = facts is not None and facts.changes.get(name) in ("new", "bound", "changed")
        return "both" if seen else "static"

    def state_evidence(self, part: str, name: str) -> EvidenceKind:
        """What shows that the part changes this state of the process."""
        facts = self.facts(part)
        if name in self._states.get(part, ()):
            return "observed"
        return "both" if facts is not None and name in facts.states else "static"

    def type_of(self, part: str, name: str) -> str | None:
        """The type that a name was seen to have when the part had ended."""
        facts = self.facts(part)
        fact = facts.names.get(name) if facts is not None else None
        return fact.type if fact is not None else None

    # Findings

    def findings(self, live: Liveness) -> Iterator[Finding]:
        """Where source and run say different things."""
        for at, part in enumerate(live.parts):
            for name in sorted(self._added.get(part.name, ())):
                if name in live.live_out[at] and name not in knowledge.BUILTINS:
                    yield self._unseen_change(part, name)
            for name in sorted(self._states.get(part.name, ())):
                if part is not live.parts[-1] and state.carries(name):
                    yield self._unseen_state(part, name)
            yield from self._not_kept(part)
            yield from self._unknown(at, live)

    def _unseen_change(self, part: Walked, name: str) -> Finding:
        facts = self.facts(part.name)
        bound = facts is not None and facts.changes.get(name) in ("new", "bound")
        return _finding(
            part,
            EvidenceDiffers,
            f"the run showed that this step {'sets' if bound else 'changes'} `{name}`, which its source does not show; "
            "the later steps get it from here",
            f"make the change where it can be seen, such as `{name} = ...`, or leave it: the pipeline follows the run",
            name,
        )

    def _unseen_state(self, part: Walked, name: str) -> Finding:
        return _finding(
            part,
            UnseenState,
            f"the run showed that this step changes `{name}`, which belongs to the process and not to a name; "
            "the steps below get it too",
            "make the change in a shared cell if every step should start with it",
            name,
        )

    def _not_kept(self, part: Walked) -> Iterator[Finding]:
        facts = self.facts(part.name)
        for name in self._keeps.get(part.name, ()):
            bound = name in part.effects.binds or name in part.effects.deletes
            change = facts.changes.get(name) if facts is not None else None
            if bound or change is not None:
                seen = "its source sets it" if bound else f"the run showed that it is {_WORDS[change or 'changed']}"
                yield _finding(
                    part,
                    NotKept,
                    f"step {part.name} says --keeps {name}, but {seen}",
                    f"take `{name}` out of --keeps",
                    name,
                )

    def _unknown(self, at: int, live: Liveness) -> Iterator[Finding]:
        """Names in ``--keeps`` that nothing has made by then."""
        part, above = live.parts[at], live.parts[: at + 1]
        kept = [name for name in self._keeps.get(part.name, ()) if name not in live.touches[at]]
        if not kept or any(one.effects.binds_any is not None for one in above):
            return
        made = {name for one in above for name in one.effects.binds}
        for facts in filter(None, (self.facts(one.name) for one in above)):
            made |= facts.names.keys()
        for name in kept:
            if name not in made:
                yield _finding(
                    part,
                    NotKept,
                    f"step {part.name} says --keeps {name}, and no cell above makes `{name}`",
                    did_you_mean(name, sorted(made), f"take `{name}` out of --keeps"),
                    name,
                )


_WORDS = {"new": "made here", "bound": "set anew", "changed": "changed", "gone": "deleted"}


def _site(part: Walked) -> Site:
    first = part.cells[0] if part.cells else None
    return Site(first.number, first.id, 1, certain=False, via="the run") if first else Site(0, "", 1, certain=False)


def _finding(part: Walked, rule: type[Rule], message: str, remedy: str, name: str) -> Finding:
    site = _site(part)
    shown = {PARAMETERS: "parameters", SHARED: "shared"}.get(part.name, str(part.name))
    return rule.finding(
        message, remedy, step=shown, name=name, cell=site.cell or None, cell_id=site.cell_id or None, line=site.line
    )
