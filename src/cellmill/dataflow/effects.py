"""What a piece of code does to the names around it; collected while it is read."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from cellmill.dataflow.files import FileUse
from cellmill.dataflow.values import NOTHING, Label, Value

FigureUse = Literal["opens", "draws", "uses", "closes", "keeps"]


class Site(NamedTuple):
    """A place in the notebook. ``certain``: it runs whenever its step does; ``via``: the function that it is in."""

    cell: int
    cell_id: str
    line: int
    certain: bool = True
    via: str | None = None


@dataclass
class Effects:
    """Collected effects of a step (names are the notebook's) or of a function (labels are symbolic).

    ``assigned``: what a function makes the notebook's names stand for. ``stores``: what an object may hold on to from
    then on. ``figures``: what it does to pyplot's current figure, in order. ``callbacks``: calls of what the function
    was given, with what it gave them; judged where it is called. ``settled``: functions whose effects are in here
    already, as of ``settled_at``.
    """

    reads: dict[str, Site] = field(default_factory=dict)
    soft_reads: dict[str, Site] = field(default_factory=dict)
    mentions: dict[str, Site] = field(default_factory=dict)
    binds: dict[str, Site] = field(default_factory=dict)
    certain: set[str] = field(default_factory=set)
    deletes: dict[str, Site] = field(default_factory=dict)
    mutated: set[Label] = field(default_factory=set)
    mutated_names: dict[str, Site] = field(default_factory=dict)
    compared: set[Label] = field(default_factory=set)
    imports: dict[str, list[str]] = field(default_factory=dict)
    other_binds: set[str] = field(default_factory=set)
    star: set[str] = field(default_factory=set)
    binds_any: Site | None = None
    reads_any: Site | None = None
    states: dict[str, Site] = field(default_factory=dict)
    draws: dict[str, Site] = field(default_factory=dict)
    files: list[FileUse] = field(default_factory=list)
    session: list[tuple[str, Site]] = field(default_factory=list)
    figures: list[tuple[FigureUse, Site]] = field(default_factory=list)
    stores: dict[Label, frozenset[Label]] = field(default_factory=dict)
    assigned: dict[str, Value] = field(default_factory=dict)
    called: set[Label] = field(default_factory=set)
    callbacks: dict[Label, frozenset[Label]] = field(default_factory=dict)
    impure: bool = False
    path_literals: list[tuple[str, Site]] = field(default_factory=list)
    settled: dict[Label, frozenset[Label]] = field(default_factory=dict)
    settled_at: tuple[int, int] = (-1, -1)

    def add_store(self, targets: Iterable[Label], held: frozenset[Label]) -> None:
        """Note that each of the targets may hold on to the labels."""
        for target in targets:
            self.stores[target] = self.stores.get(target, frozenset()) | held

    def add_assigned(self, name: str, value: Value) -> None:
        """Note that a name of the notebook may stand for the value when the function has run."""
        self.assigned[name] = self.assigned.get(name, NOTHING) | value

    def add_callback(self, called: Iterable[Label], handed: frozenset[Label]) -> None:
        """Note that what was given may be called with the labels."""
        for one in called:
            self.callbacks[one] = self.callbacks.get(one, frozenset()) | handed


@dataclass
class Code:
    """A function, lambda or class of the notebook: where it stands and, once worked out, what it does."""

    label: Label
    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
    site: Site
    step: str
    parent: object = None
    methods: dict[str, Label] = field(default_factory=dict)
    owner: Label | None = None
    default_labels: dict[str, Value] = field(default_factory=dict)
    cached: bool = False
    kept: Label | None = None
    is_property: bool = False
    effects: Effects | None = None
    returns: Value = NOTHING
    version: int = -1
    stateful: bool = False
    generator: bool = False
    made: frozenset[Label] = frozenset()

    @property
    def parameters(self) -> list[str]:
        """Positional and keyword parameters, in order, without ``*args`` and ``**kwargs``."""
        if isinstance(self.node, ast.ClassDef):
            return []
        args = self.node.args
        return [one.arg for one in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
