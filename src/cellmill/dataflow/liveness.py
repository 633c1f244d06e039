"""Which names each step needs from before, and which step last made each: backward liveness over the steps.

For step S and a name v that S reads before it certainly binds it, the producer is the last earlier step that binds v or
may change the object that v stands for. A step that may leave v as it was needs v itself, to pass it on.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from cellmill.dataflow import knowledge
from cellmill.dataflow.effects import Effects
from cellmill.dataflow.values import NOTHING, Label
from cellmill.dataflow.walk import PARAMETERS, SHARED, Walked


@dataclass
class Liveness:
    """Names at the borders of the parts of a notebook (parameters, shared cells, steps), by position.

    ``touches``: names that the part may leave changed. ``needs``: names that it must be given. ``together``: names that
    a real run showed to share an object when the part had ended. ``fixed``: names of objects that no code can change,
    as a run showed and the task that makes them sees to.
    """

    parts: list[Walked]
    together: list[tuple[tuple[str, ...], ...]] = field(default_factory=list)
    fixed: list[set[str]] = field(default_factory=list)
    touches: list[set[str]] = field(default_factory=list)
    needs: list[set[str]] = field(default_factory=list)
    live_out: list[set[str]] = field(default_factory=list)
    _makers: dict[str, list[int]] = field(default_factory=dict)
    _defined_before: list[set[str]] = field(default_factory=list)
    _certain: dict[tuple[str, int], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        everything = self._all_names()
        self.touches = [self._touched(part.effects, everything) for part in self.parts]
        self._defined_before = self._names_before()
        self._flow_back()
        while self._keep_aliases_together() | self._keep_seen_together():
            self._flow_back()
        for at, names in enumerate(self.touches):
            for name in names:
                self._makers.setdefault(name, []).append(at)

    def _all_names(self) -> set[str]:
        names: set[str] = set()
        for part in self.parts:
            names |= part.effects.reads.keys() | part.effects.binds.keys()
        return names

    @staticmethod
    def _touched(effects: Effects, everything: set[str]) -> set[str]:
        touched = effects.binds.keys() | effects.deletes.keys() | effects.mutated_names.keys()
        if effects.binds_any is not None:
            touched |= {name for name in everything if not name.startswith("__")}
        return set(touched)

    def _flow_back(self) -> None:
        """Classical backward liveness; a part that only may bind a live name needs it from before."""
        count = len(self.parts)
        self.needs = [set() for _ in range(count)]
        self.live_out = [set() for _ in range(count)]
        live: set[str] = set()
        defined_before = self._defined_before
        for at in range(count - 1, -1, -1):
            effects = self.parts[at].effects
            self.live_out[at] = set(live)
            needed = set(effects.reads) | {name for name in effects.soft_reads if name in defined_before[at]}
            if effects.reads_any is not None:
                needed |= defined_before[at]
            passed_on = {name for name in self.touches[at] & live if name not in effects.certain}
            needed |= {name for name in passed_on if name in defined_before[at]}
            self.needs[at] = needed
            live = (live - effects.certain) | needed

    def _names_before(self) -> list[set[str]]:
        defined: set[str] = set()
        result = []
        for part in self.parts:
            result.append(set(defined))
            defined |= part.effects.binds.keys()
        return result

    def _keep_aliases_together(self) -> bool:
        """Two live names for one object that changes, or is compared, later must come from one part."""
        later: list[set[Label]] = [set() for _ in self.parts]
        compared_later: list[set[Label]] = [set() for _ in self.parts]
        changed: set[Label] = set()
        compared: set[Label] = set()
        for at in range(len(self.parts) - 1, -1, -1):
            later[at], compared_later[at] = changed | compared, set(compared)
            effects = self.parts[at].effects
            # A shared class is one object in every task anyway; what it keeps travels by its name.
            changed |= {one for one in effects.mutated if not _is_shared_code(one)}
            compared |= {one for one in effects.compared if not _is_shared_code(one)}
        grown = False
        for at, part in enumerate(self.parts):
            if part.name in (PARAMETERS, SHARED):
                continue
            made = self.touches[at] & self.live_out[at]
            shared: set[Label] = set()
            for name in made:
                shared |= part.env.get(name, NOTHING).reach & later[at]
            if not shared:
                continue
            for name in self.live_out[at] - self.touches[at]:
                # An object that nobody can change is one object only for who compares by identity.
                counting = shared & compared_later[at] if name in self._fixed_at(at) else shared
                if part.env.get(name, NOTHING).reach & counting:
                    self.touches[at].add(name)
                    grown = True
        return grown

    def _fixed_at(self, at: int) -> set[str]:
        return self.fixed[at] if at < len(self.fixed) else set()

    def _keep_seen_together(self) -> bool:
        """The same for names that a run showed to share an object, whatever the source says of them."""
        changed: set[str] = set()
        later: list[set[str]] = [set() for _ in self.parts]
        for at in range(len(self.parts) - 1, -1, -1):
            later[at] = set(changed)
            changed |= self.parts[at].effects.mutated_names.keys()
        grown = False
        for at, (part, groups) in enumerate(zip(self.parts, self.together, strict=False)):
            if part.name in (PARAMETERS, SHARED):
                continue
            for group in groups:
                alive = self.live_out[at].intersection(group)
                if alive & self.touches[at] and later[at].intersection(group) and alive - self.touches[at]:
                    self.touches[at] |= alive
                    grown = True
        return grown

    def producer(self, name: str, at: int) -> int | None:
        """Position of the part that last made the name before part ``at``; None for builtins and the unknown."""
        makers = self._makers.get(name, [])
        for place in range(bisect_left(makers, at) - 1, -1, -1):
            if not self._only_guessed(name, makers[place]):
                return makers[place]
        return None

    def _only_guessed(self, name: str, at: int) -> bool:
        """A star import may rebind any name; it does not make a changed object's name by itself."""
        effects = self.parts[at].effects
        known = effects.binds.keys() | effects.deletes.keys() | effects.mutated_names.keys()
        return name in knowledge.BUILTINS and name.startswith("__") and name not in known

    def is_certain(self, name: str, at: int) -> bool:
        """Whether the name is certainly bound when part ``at`` ends."""
        passed: list[int] = []
        certain: bool | None = None
        place: int | None = at
        while certain is None:
            if place is None:
                certain = False
            elif (name, place) in self._certain:
                certain = self._certain[name, place]
            else:
                effects = self.parts[place].effects
                passed.append(place)
                if name in effects.certain:
                    certain = True
                elif name in effects.deletes or name not in self.needs[place]:
                    certain = False
                else:
                    place = self.producer(name, place)
        self._certain.update(((name, one), certain) for one in passed)
        return certain


def _is_shared_code(label: Label) -> bool:
    return label.startswith("code:") and f"@{SHARED}:" in label
