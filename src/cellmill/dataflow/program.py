"""The notebook's names as the analysis walks through it: what each stands for now, and the code it has met."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, field

from cellmill.dataflow.effects import Code, Effects, Site
from cellmill.dataflow.modules import Modules
from cellmill.dataflow.scopes import Scope
from cellmill.dataflow.values import NOTHING, Fact, FactKind, Label, Value, only


@dataclass
class Frame:
    """One scope being read: the notebook itself, or a function, class or comprehension in it."""

    kind: str
    effects: Effects
    parent: Frame | None = None
    scope: Scope | None = None
    locals: dict[str, Value] = field(default_factory=dict)
    code: Code | None = None
    returns: list[Value] = field(default_factory=list)
    function: Frame = field(init=False, repr=False)
    """The nearest scope that owns effects: this one or the function or notebook around it."""

    def __post_init__(self) -> None:
        inner = self.kind in ("comprehension", "class") and self.parent is not None
        self.function = self.parent.function if inner and self.parent is not None else self


@dataclass
class Program:
    """Everything known at one point of the walk.

    ``holders`` is the inverse of ``env``: for each label the names from which it can be reached. ``nested`` are
    objects that may hold themselves, by whatever way; ``fleeting`` those that are no element of what holds them, of
    which ``resources`` can't be handed over. ``words`` are names in texts, of which formulas may be put together, and
    ``formulas`` the names that a model made at a place (the end of its label) may look up. ``made`` collects the
    objects that each function being read makes.
    ``modules`` are those beside the notebook.

    A function's summary holds as long as ``version`` stays, which counts changes that summaries could see: in the
    functions and classes that the names in ``watched`` stand for, and in the notebook's methods of a watched name.
    ``moves`` counts what could make a second mention of a function say more than the first: a name in ``followed``
    stands for something else, or a name is not certain any more. ``patches`` are functions that took the place of a
    library's, ``uncopied`` objects that work in what they are given, ``written`` files that cells have written.
    ``journal`` keeps, for each block being read, what the names that it rebinds stood for before.
    """

    env: dict[str, Value] = field(default_factory=dict)
    holders: defaultdict[Label, set[str]] = field(default_factory=lambda: defaultdict(set))
    facts: dict[Label, Fact] = field(default_factory=dict)
    imports: dict[Label, Value] = field(default_factory=dict)
    codes: dict[Label, Code] = field(default_factory=dict)
    code_labels: set[Label] = field(default_factory=set)
    fleeting: set[Label] = field(default_factory=set)
    resources: set[Label] = field(default_factory=set)
    methods: dict[str, list[Label]] = field(default_factory=dict)
    nested: set[Label] = field(default_factory=set)
    made: list[set[Label]] = field(default_factory=list)
    modules: Modules = field(default_factory=Modules)
    words: set[str] = field(default_factory=set)
    formulas: dict[str, frozenset[str]] = field(default_factory=dict)
    class_names: set[str] = field(default_factory=lambda: {"object"})
    patches: set[Label] = field(default_factory=set)
    uncopied: set[Label] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    watched: set[str] = field(default_factory=set)
    watched_methods: set[str] = field(default_factory=set)
    journal: list[dict[str, Value]] = field(default_factory=list)
    version: int = 0
    followed: set[str] = field(default_factory=set)
    moves: int = 0
    step: str = ""

    def assign(self, name: str, value: Value, *, weak: bool) -> None:
        """Let the name stand for the value, beside what it stood for (``weak``) or instead of it."""
        old = self.env.get(name)
        if weak and old is not None:
            value = old | value
        known = old.reach if old is not None else frozenset()
        if self.journal and old is not None:
            self.journal[-1].setdefault(name, old)
        self.env[name] = value
        if known is not value.reach:
            for label in known - value.reach:
                self.holders[label].discard(name)
            for label in value.reach - known:
                self.holders[label].add(name)
        if name in self.followed and old is not value:
            self.moves += 1
        if name in self.watched and self._seen_by_summaries(old) != self._seen_by_summaries(value):
            self.version += 1

    def _seen_by_summaries(self, value: Value | None) -> tuple[object, ...] | None:
        """What a function's summary can tell of a global name's value."""
        if value is None:
            return None
        codes = self.codes.keys()
        own = value.own & codes
        return own, value.reach & codes, self.dotted(value), len(own) < len(value.own)

    def add_method(self, name: str, label: Label) -> None:
        """Note a method of a class of the notebook."""
        self.methods.setdefault(name, []).append(label)
        if name in self.watched_methods:
            self.version += 1

    def holding(self, labels: frozenset[Label] | set[Label]) -> set[str]:
        """Names from which one of the labels can be reached."""
        holders = self.holders
        found: set[str] = set()
        for label in labels:
            if label in holders:
                found |= holders[label]
        return found

    def new(self, kind: FactKind, site: Site, column: int, detail: str = "") -> Value:
        """A value that was made here."""
        label = f"{kind}:{detail}@{self.step}:{site.cell}:{site.line}:{column}"
        if label not in self.facts:
            self.facts[label] = Fact(kind, detail, self.step, site.cell, site.line)
            if kind in ("resource", "iterator"):
                self.fleeting.add(label)
            if kind == "resource":
                self.resources.add(label)
        if self.made:
            self.made[-1].add(label)
        return only(label)

    def place(self, site: Site, column: int) -> str:
        """The end of the labels of all that is made here."""
        return f"{self.step}:{site.cell}:{site.line}:{column}"

    def imported(self, dotted: str) -> Value:
        """A module or a name in one."""
        label = f"import:{dotted}"
        if label not in self.imports:
            self.imports[label] = only(label)
            self.facts[label] = Fact("import", dotted)
        return self.imports[label]

    def content(self, value: Value) -> Value:
        """What an element or attribute of the object may be; lists, iterators and files do not hold themselves."""
        if not value.reach:
            return NOTHING
        reach = value.reach
        if len(value.own) == 1:
            (label,) = value.own
            if label.startswith("display:") and label not in self.nested:
                reach = reach - value.own
        own = reach - self.fleeting
        return Value(own, reach) if own else NOTHING

    def code_in(self, value: Value) -> tuple[Label, ...]:
        """The notebook's functions and classes that can be reached from the value, in the order of their labels."""
        if value.code is None:
            found = value.reach & self.code_labels
            value.code = tuple(sorted(found)) if found else ()
        return value.code

    def add_code(self, code: Code) -> None:
        """Register a function or class where it is defined."""
        if code.label in self.codes:
            self.version += 1
        self.codes[code.label] = code
        self.code_labels.add(code.label)
        if isinstance(code.node, ast.ClassDef):
            self.class_names.add(code.name)

    def dotted(self, value: Value) -> str | None:
        """The dotted name, if the value is certainly an imported thing."""
        if len(value.own) == 1:
            (label,) = value.own
            fact = self.facts.get(label)
            if fact is not None and fact.kind == "import":
                return fact.detail
        return None

    def kinds(self, value: Value) -> set[str]:
        """What the value itself may be."""
        facts = self.facts
        return {facts[label].kind if label in facts else "unknown" for label in value.own}
