"""Writes random programs in steps: names, aliases, changes, functions, classes and branches, right by construction.

A name's first letters are its kind: `n` number, `s` text, `xs` list of numbers, `ls` list of such lists, `ds`
dictionary of such lists, `ts` pair of a list and a number, `o` instance, `it` iterator, `ar` array, `df` frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
KINDS = ("n", "s", "xs", "ls", "ds", "ts")
COUNTS = {"n": 4, "s": 2, "xs": 4, "ls": 3, "ds": 2, "ts": 2, "o": 3, "it": 2, "ar": 2, "df": 2}
FIRST = {"n": "1", "s": "'a'", "xs": "[1, 2]", "ls": "[[1], [2, 3]]", "ds": "{'a': [1]}", "ts": "([4], 5)"}


@dataclass
class Function:
    """A function of the program: what it takes and gives, and the global names that it needs when it is called."""

    name: str
    takes: tuple[str, ...]
    gives: str | None
    needs: set[str] = field(default_factory=set)
    defaults: int = 0


@dataclass
class Scope:
    """Names that code may use here; `needs` collects the notebook's names that a function's body uses."""

    names: dict[str, str]
    inside: Function | None = None
    outer: Scope | None = None
    own: set[str] = field(default_factory=set)
    declared: set[str] = field(default_factory=set)
    depth: int = 0
    loops: int = 0


class Writer:
    """Writes one program; every choice is `choose(n)`, a number below n.

    Parameters
    ----------
    choose
        Where choices come from: hypothesis, or a seeded generator.
    libraries
        Whether numpy and pandas take part.
    """

    def __init__(self, choose: Callable[[int], int], *, libraries: bool = False) -> None:
        self.choose = choose
        self.libraries = libraries
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, set[str]] = {}
        self.closures: set[str] = set()
        self.maybe: dict[str, str] = {}
        self.count = 0

    def pick(self, options: Sequence[T]) -> T:
        return options[self.choose(len(options))]

    def chance(self, percent: int) -> bool:
        return self.choose(100) >= 100 - percent

    # The program

    def program(self) -> list[tuple[str, str]]:
        """Cells with their tags; the last step shows what there is, or a part of it."""
        cells: list[tuple[str, str]] = []
        scope = Scope({})
        if self.chance(15):
            cells.append(("parameters", "n0 = 3"))
            scope.names["n0"] = "n"
        if self.chance(25):
            cells.append(("shared", "\n".join(self.definitions(scope))))
        if self.libraries:
            cells.append(("shared", "import numpy as np\nimport pandas as pd"))
        lines: list[list[str]] = [self.beginning(scope)]
        for _ in range(8 + self.choose(16)):
            block = self.statement(scope)
            lines.append(block)
        cuts = 2 + self.choose(4)
        size = max(1, len(lines) // cuts)
        at = 0
        number = 0
        while at < len(lines):
            taken = 1 + self.choose(2 * size)
            source = [line for block in lines[at : at + taken] for line in block]
            cells.append((f"step:s{number}", "\n".join(source)))
            at, number = at + taken, number + 1
        cells.append((f"step:s{number}", "\n".join(self.ending(scope))))
        return cells

    def definitions(self, scope: Scope) -> list[str]:
        lines: list[str] = []
        for _ in range(1 + self.choose(2)):
            lines += self.define_class(scope) if self.chance(40) else self.define_function(scope)
        return lines

    def beginning(self, scope: Scope) -> list[str]:
        lines = []
        for kind in KINDS:
            if self.chance(60):
                lines += self.assignment(scope, kind)
        return lines or self.assignment(scope, "xs")

    def ending(self, scope: Scope) -> list[str]:
        shown = [name for name, kind in scope.names.items() if kind not in ("f", "K")]
        if self.chance(50):
            shown = [name for name in shown if self.chance(40)]
        lines = [self.show(scope, name) for name in shown]
        lists = [name for name in shown if scope.names[name] == "xs"]
        if len(lists) > 1:
            lines.append(f"print({lists[0]} is {lists[1]})")
        lines += [self.guarded(name) for name in self.maybe if name not in scope.names and self.chance(50)]
        return lines or ["print('end')"]

    def show(self, scope: Scope, name: str) -> str:
        kind = scope.names[name]
        if kind == "o":
            return f"print({name}.items, {name}.n, {name}.total())"
        if kind == "c":
            return f"print({name}())"
        if kind == "it":
            return f"print(next({name}, 0))"
        if kind == "ar":
            return f"print({name}.tolist())"
        if kind == "df":
            return f"print({name}.to_dict('list'))"
        return f"print({name})"

    def guarded(self, name: str) -> str:
        return f"try:\n    print({name})\nexcept NameError:\n    print('none')"

    # Names

    def use(self, scope: Scope, kind: str) -> str | None:
        """A name of this kind that is there."""
        found = self.visible(scope, kind)
        if not found:
            return None
        name = self.pick(sorted(found))
        self.note(scope, name)
        return name

    def visible(self, scope: Scope, kind: str) -> list[str]:
        return [name for name, its in scope.names.items() if its == kind]

    def note(self, scope: Scope, name: str) -> None:
        if scope.inside is not None and name not in scope.own:
            scope.inside.needs.add(name)

    def target(self, scope: Scope, kind: str) -> str:
        """A name to bind: in a function one of its own, or one that it declares global."""
        if scope.inside is not None:
            if scope.declared:
                same = [
                    name for name in sorted(scope.declared) if name.startswith(kind) and name[len(kind) :].isdigit()
                ]
                if same and self.chance(60):
                    return same[0]
            return f"{kind}_{self.choose(2)}"
        return f"{kind}{self.choose(COUNTS[kind])}"

    def bound(self, scope: Scope, name: str, kind: str) -> None:
        scope.names[name] = kind
        if scope.inside is not None and name not in scope.declared:
            scope.own.add(name)

    # Values

    def value(self, scope: Scope, kind: str, depth: int = 0) -> str:
        name = self.use(scope, kind) if self.chance(45) else None
        if name is not None:
            return name
        if depth > 2:
            return FIRST.get(kind, "1")
        made = self.call_for(scope, kind, depth) if self.chance(20) else None
        if made is not None:
            return made
        if self.chance(6):
            one, other = self.value(scope, kind, depth + 1), self.value(scope, kind, depth + 1)
            return f"({one} if {self.test(scope, depth + 1)} else {other})"
        if self.chance(4):
            return f"(lambda: {self.value(scope, kind, depth + 1)})()"
        return str(getattr(self, f"value_{kind}")(scope, depth + 1))

    def value_n(self, scope: Scope, depth: int) -> str:
        xs = lambda: self.value(scope, "xs", depth)  # noqa: E731
        options = [
            lambda: str(self.choose(9)),
            lambda: f"len({xs()})",
            lambda: f"sum({xs()})",
            lambda: f"({self.value(scope, 'n', depth)} + {1 + self.choose(3)})",
            lambda: f"max({xs()}, default=0)",
            lambda: f"sum(v_ + {self.value(scope, 'n', depth)} for v_ in {xs()}[:5])",
            lambda: f"{self.value(scope, 'ts', depth)}[1]",
            lambda: f"len({self.value(scope, 'ds', depth)})",
            lambda: f"len({self.value(scope, 's', depth)})",
            lambda: f"len({self.value(scope, 'ls', depth)})",
            lambda: self.attribute(scope, "n"),
            lambda: self.closure_call(scope),
        ]
        return self.pick(options)()

    def plain(self, scope: Scope) -> str:
        """A number without a call, which might lengthen what a loop goes through."""
        return self.use(scope, "n") or str(self.choose(9))

    def value_s(self, scope: Scope, depth: int) -> str:
        options = [
            lambda: f"'{self.pick('abc')}'",
            lambda: f"({self.value(scope, 's', depth)} + 'x')",
            lambda: f"str({self.value(scope, 'n', depth)})",
            lambda: f"f'{{{self.use(scope, 'n') or 1}}}'",
            lambda: f"{self.value(scope, 's', depth)}.upper()",
        ]
        return self.pick(options)()

    def value_xs(self, scope: Scope, depth: int) -> str:
        def deeper(kind: str) -> str:
            return self.value(scope, kind, depth)

        options = [
            lambda: f"[{deeper('n')}, {self.choose(5)}]",
            lambda: f"[{deeper('n')}]",
            lambda: f"{deeper('xs')}[:]",
            lambda: f"({deeper('xs')} + {deeper('xs')})",
            lambda: f"[v_ + 1 for v_ in {deeper('xs')}]",
            lambda: f"sorted({deeper('xs')})",
            lambda: f"list({deeper('xs')})",
            lambda: f"[*{deeper('xs')}, {deeper('n')}]",
            lambda: f"({deeper('ls')} or [[0]])[-1]",
            lambda: f"({deeper('ls')} or [[0]])[0]",
            lambda: f"{deeper('ds')}.get('a', [])",
            lambda: f"{deeper('ds')}.setdefault('{self.pick('abc')}', [])",
            lambda: f"{deeper('ts')}[0]",
            lambda: f"({deeper('xs')} or {deeper('xs')})",
            lambda: f"max({deeper('xs')}, {deeper('xs')}, key=len)",
            lambda: f"next(iter({deeper('ls')}), [])",
            lambda: self.attribute(scope, "items"),
            lambda: self.class_attribute(scope),
            lambda: f"list(map(lambda v_: v_ + {deeper('n')}, {deeper('xs')}[:5]))",
            lambda: f"list(filter(None, {deeper('xs')}))",
            lambda: f"[b_ for a_ in {deeper('ls')} for b_ in a_]",
            lambda: f"{deeper('xs')}.copy()",
        ]
        return self.pick(options)()

    def value_ls(self, scope: Scope, depth: int) -> str:
        def deeper(kind: str) -> str:
            return self.value(scope, kind, depth)

        options = [
            lambda: f"[{deeper('xs')}, {deeper('xs')}]",
            lambda: f"[{deeper('xs')}]",
            lambda: f"[{deeper('xs')}] * 2",
            lambda: f"list({deeper('ls')})",
            lambda: f"{deeper('ls')}[:]",
            lambda: f"({deeper('ls')} + [{deeper('xs')}])",
            lambda: f"[a_ for a_ in {deeper('ls')}]",
            lambda: f"[a_[:] for a_ in {deeper('ls')}]",
            lambda: f"list({deeper('ds')}.values())",
            lambda: f"sorted({deeper('ls')}, key=len)",
            lambda: f"[a_ for a_ in {deeper('ls')} if a_ is not {deeper('xs')}]",
            lambda: f"list(reversed({deeper('ls')}))",
            lambda: f"[a_ for a_, _ in zip({deeper('ls')}, range(2))]",
        ]
        return self.pick(options)()

    def value_ds(self, scope: Scope, depth: int) -> str:
        def deeper(kind: str) -> str:
            return self.value(scope, kind, depth)

        options = [
            lambda: f"{{'a': {deeper('xs')}}}",
            lambda: f"{{'a': {deeper('xs')}, 'b': {deeper('xs')}}}",
            lambda: f"dict({deeper('ds')})",
            lambda: f"{deeper('ds')}.copy()",
            lambda: f"{{**{deeper('ds')}, 'c': {deeper('xs')}}}",
            lambda: f"{{k_: v_ for k_, v_ in {deeper('ds')}.items()}}",
            lambda: f"dict(zip('ab', {deeper('ls')}))",
            lambda: f"({deeper('ds')} | {{'b': {deeper('xs')}}})",
            lambda: f"dict(a={deeper('xs')})",
        ]
        return self.pick(options)()

    def value_ts(self, scope: Scope, depth: int) -> str:
        return f"({self.value(scope, 'xs', depth)}, {self.value(scope, 'n', depth)})"

    def value_o(self, scope: Scope, depth: int) -> str:
        usable = [name for name in self.classes if self.usable(scope, self.classes[name])]
        if not usable:
            return "None"
        name = self.pick(usable)
        self.note(scope, name)
        self.require(scope, self.classes[name])
        return f"{name}({self.value(scope, 'xs', depth)})"

    def value_it(self, scope: Scope, depth: int) -> str:
        options = [
            lambda: f"iter({self.value(scope, 'xs', depth)})",
            lambda: f"map(lambda v_: v_ + 1, {self.value(scope, 'xs', depth)})",
            lambda: f"(lambda i_: i_)(iter({self.value(scope, 'xs', depth)}))",
            lambda: f"zip({self.value(scope, 'xs', depth)}, {self.value(scope, 'xs', depth)})",
            lambda: f"reversed({self.value(scope, 'xs', depth)})",
            lambda: f"iter({self.value(scope, 'ds', depth)}.values())",
            lambda: f"enumerate({self.value(scope, 'xs', depth)})",
        ]
        return self.pick(options)()

    def value_ar(self, scope: Scope, depth: int) -> str:
        def deeper(kind: str) -> str:
            return self.value(scope, kind, depth)

        options = [
            lambda: "np.arange(4)",
            lambda: f"{deeper('ar')}[::2]" if self.visible(scope, "ar") else "np.ones(3)",
            lambda: f"{deeper('ar')}[:2]" if self.visible(scope, "ar") else "np.ones(3)",
            lambda: f"np.asarray({deeper('ar')})" if self.visible(scope, "ar") else "np.zeros(3)",
            lambda: f"np.array({deeper('ar')})" if self.visible(scope, "ar") else "np.zeros(3)",
            lambda: f"{deeper('ar')} + 1" if self.visible(scope, "ar") else "np.zeros(3)",
            lambda: f"{deeper('ar')}.reshape(-1)" if self.visible(scope, "ar") else "np.zeros(2)",
            lambda: f"{deeper('df')}['a'].to_numpy(copy=True)" if self.visible(scope, "df") else "np.zeros(2)",
        ]
        return self.pick(options)()

    def value_df(self, scope: Scope, depth: int) -> str:
        there = self.visible(scope, "df")
        options = [lambda: f"pd.DataFrame({{'a': [{self.value(scope, 'n', depth)}, 2, 3], 'b': [1, 2, 1]}})"]
        if there:
            name = self.pick(there)
            self.note(scope, name)
            options += [
                lambda: f"{name}.copy()",
                lambda: f"{name}[{name}['a'] >= 0]",
                lambda: f"{name}.assign(b={name}['a'] * 2)",
                lambda: f"{name}.head(2)",
                lambda: f"{name}.sort_values('a')",
            ]
        return self.pick(options)()

    def attribute(self, scope: Scope, name: str) -> str:
        found = self.use(scope, "o")
        return f"{found}.{name}" if found else ("[7]" if name == "items" else "7")

    def class_attribute(self, scope: Scope) -> str:
        known = [name for name in self.classes if name in scope.names or scope.inside is None]
        if not known:
            return "[8]"
        name = self.pick(known)
        self.note(scope, name)
        return f"{name}.log"

    def closure_call(self, scope: Scope) -> str:
        name = self.use(scope, "c")
        return f"{name}()" if name else "3"

    def test(self, scope: Scope, depth: int = 0) -> str:
        options = [
            lambda: f"{self.value(scope, 'n', depth)} > {self.choose(5)}",
            lambda: f"{self.value(scope, 'xs', depth)}",
            lambda: f"len({self.value(scope, 'xs', depth)}) % 2",
            lambda: f"{self.value(scope, 'xs', depth)} is {self.value(scope, 'xs', depth)}",
            lambda: f"{self.value(scope, 'n', depth)} in {self.value(scope, 'xs', depth)}",
            lambda: f"not {self.value(scope, 'ds', depth)}",
            lambda: f"{self.value(scope, 'xs', depth)} == {self.value(scope, 'xs', depth)}",
        ]
        return self.pick(options)()

    # Calls

    def usable(self, scope: Scope, needs: set[str]) -> bool:
        if scope.inside is not None:
            return True
        return all(name in scope.names for name in self.closure_of(needs))

    def closure_of(self, needs: set[str]) -> set[str]:
        """All names that are needed, by way of functions and classes too."""
        found: set[str] = set()
        waiting = list(needs)
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            if name in self.functions:
                waiting += self.functions[name].needs
            waiting += self.classes.get(name, set())
        return found

    def require(self, scope: Scope, needs: set[str]) -> None:
        if scope.inside is not None:
            scope.inside.needs |= {name for name in needs if name != scope.inside.name}

    def call_for(self, scope: Scope, kind: str | None, depth: int = 0) -> str | None:
        """A call of a function that gives this kind of value."""
        found = [
            one
            for one in self.functions.values()
            if (kind is None or one.gives == kind)
            and (scope.inside is None or one.name != scope.inside.name)
            and (scope.inside is None or scope.inside.name not in self.closure_of(one.needs))
            and self.usable(scope, one.needs | {one.name})
        ]
        if not found:
            return None
        function = self.pick(found)
        self.note(scope, function.name)
        self.require(scope, function.needs)
        given = [self.value(scope, one, depth + 1) for one in function.takes]
        if function.defaults and self.chance(50):
            given = given[: len(given) - function.defaults]
        call = f"{function.name}({', '.join(given)})"
        if given and self.chance(8):
            return f"{function.name}(*[{', '.join(given)}])"
        if given and self.chance(8):
            return f"(lambda *a_, **k_: {function.name}(*a_, **k_))({', '.join(given)})"
        return call

    # Statements

    def statement(self, scope: Scope) -> list[str]:
        top = scope.inside is None
        options: list[tuple[int, Callable[[Scope], list[str] | None]]] = [
            (22, lambda one: self.assignment(one, self.pick(KINDS))),
            (26, self.change),
            (6, self.augmented),
            (5, self.swap),
            (6, self.called),
            (5, self.branch),
            (4, self.loop),
            (3, self.attempt),
            (4, self.matched),
            (4, self.shown),
            (3, self.of_object),
        ]
        if top:
            options += [
                (7, self.define_function),
                (4, self.define_class),
                (3, self.define_closure),
                (3, self.deleted),
                (3, self.new_object),
                (2, self.iterated),
                (2, self.maybe_bound),
            ]
            if self.libraries:
                options += [(14, self.arrays), (14, self.frames)]
        if scope.depth > 1 or scope.loops > 1:
            options = [one for one in options if one[1] not in (self.branch, self.loop, self.attempt, self.matched)]
        weights = [weight for weight, _ in options]
        for _ in range(5):
            at = self.choose(sum(weights))
            made = next(make for make, weight in self.counted(options) if at < weight)(scope)
            if made:
                return made
        return ["pass"]

    @staticmethod
    def counted(options: list[tuple[int, T]]) -> Iterator[tuple[T, int]]:
        """Each option with the weight of all up to it."""
        total = 0
        for weight, option in options:
            total += weight
            yield option, total

    def block(self, scope: Scope, size: int = 2) -> list[str]:
        """An indented block; what it binds is certain only inside."""
        before = dict(scope.names)
        own = set(scope.own)
        scope.depth += 1
        lines = [line for _ in range(1 + self.choose(size)) for line in self.statement(scope)]
        scope.depth -= 1
        if scope.inside is None:
            for name, kind in scope.names.items():
                if name not in before and kind in KINDS:
                    self.maybe[name] = kind
        scope.names.clear()
        scope.names.update(before)
        scope.own = own
        return ["    " + line for line in "\n".join(lines).split("\n")]

    def assignment(self, scope: Scope, kind: str) -> list[str]:
        value = self.value(scope, kind)
        name = self.target(scope, kind)
        form = self.choose(12)
        if form == 0 and kind in ("xs", "ls", "ds"):
            other = self.target(scope, kind)
            self.bound(scope, other, kind)
            self.bound(scope, name, kind)
            return [f"{name} = {other} = {value}"]
        if form == 1 and scope.inside is None:
            self.bound(scope, name, kind)
            return [f"{name}: object = {value}"]
        if form == 2 and kind == "xs":
            number = self.target(scope, "n")
            self.bound(scope, name, kind)
            self.bound(scope, number, "n")
            return [f"{number}, *{name} = [{self.choose(5)}, *{value}]"]
        if form == 3:
            self.bound(scope, name, kind)
            return [f"print(({name} := {value}))"] if name not in scope.declared else [f"{name} = {value}"]
        if form == 4 and kind == "xs":
            number = self.target(scope, "n")
            pair = self.value(scope, "ts")
            self.bound(scope, name, kind)
            self.bound(scope, number, "n")
            return [f"{name}, {number} = {pair}"]
        self.bound(scope, name, kind)
        return [f"{name} = {value}"]

    def swap(self, scope: Scope) -> list[str] | None:
        kind = self.pick(("xs", "ls", "n"))
        one, other = self.use(scope, kind), self.use(scope, kind)
        if one is None or other is None or one == other:
            return None
        if scope.inside is not None and not {one, other} <= (scope.own | scope.declared):
            return None
        return [f"{one}, {other} = {other}, {one}"]

    def augmented(self, scope: Scope) -> list[str] | None:
        kind = self.pick(("n", "s", "xs", "xs", "ls", "ds"))
        name = self.use(scope, kind)
        if name is None or (scope.inside is not None and name not in scope.own | scope.declared):
            return None
        if kind == "n":
            return [f"{name} += {self.value(scope, 'n')}"]
        if kind == "s":
            return [f"{name} += 'y'"]
        if kind == "ds":
            return [f"{name} |= {{'b': {self.value(scope, 'xs')}}}"]
        if kind == "ls":
            return [f"{name} += [{self.value(scope, 'xs')}]"]
        return [f"{name} += [{self.value(scope, 'n')}]"]

    def change(self, scope: Scope) -> list[str] | None:
        kind = self.pick(("xs", "xs", "xs", "ls", "ls", "ds", "ts"))
        name = self.use(scope, kind)
        if name is None:
            return None
        n = lambda: self.value(scope, "n", 1)  # noqa: E731
        xs = lambda: self.value(scope, "xs", 1)  # noqa: E731
        options = {
            "xs": [
                lambda: f"{name}.append({n()})",
                lambda: f"{name}.insert(0, {n()})",
                lambda: f"{name}.extend([{n()}])",
                lambda: f"{name}[:1] = [{n()}]",
                lambda: f"{name}.sort()",
                lambda: f"{name}.reverse()",
                lambda: f"if {name}:\n    {name}.pop()",
                lambda: f"if {name}:\n    {name}[0] = {n()}",
                lambda: f"if {name}:\n    {name}[-1] += 1",
                lambda: f"del {name}[:1]",
                lambda: f"(lambda l_: l_.append({n()}))({name})",
                lambda: f"list.append({name}, {n()})",
                lambda: f"getattr({name}, 'append')({n()})",
                lambda: f"{name}.__setitem__(slice(0, 0), [1])",
            ],
            "ls": [
                lambda: f"{name}.append({xs()})",
                lambda: f"if {name}:\n    {name}[0].append({n()})",
                lambda: f"if {name}:\n    {name}[0] = {xs()}",
                lambda: f"if {name}:\n    {name}[-1] += [{n()}]",
                lambda: f"for a_ in {name}:\n    a_.append({self.plain(scope)})",
                lambda: f"[a_.append({self.plain(scope)}) for a_ in {name}]",
                lambda: f"list(map(lambda a_: a_.append({n()}), {name}[:3]))",
                lambda: f"if {name}:\n    {name}.pop()",
                lambda: f"{name}.sort(key=len)",
                lambda: f"{name}[:] = [{xs()}]",
                lambda: f"for a_ in {name}[:1]:\n    a_ += [{n()}]",
            ],
            "ds": [
                lambda: f"{name}['{self.pick('abc')}'] = {xs()}",
                lambda: f"{name}.setdefault('a', []).append({n()})",
                lambda: f"for a_ in {name}.values():\n    a_.append({n()})",
                lambda: f"for k_, a_ in {name}.items():\n    a_.extend([1])",
                lambda: f"{name}.update(c={xs()})",
                lambda: f"{name}.pop('a', None)",
                lambda: f"{name}['b'] = {name}['a'] if 'a' in {name} else {xs()}",
            ],
            "ts": [lambda: f"{name}[0].append({n()})", lambda: f"{name}[0].clear()"],
        }
        return self.pick(options[kind])().split("\n")

    def called(self, scope: Scope) -> list[str] | None:
        call = self.call_for(scope, None)
        if call is None:
            return None
        return [call] if self.chance(70) else [f"print({call})"]

    def shown(self, scope: Scope) -> list[str]:
        if scope.inside is not None:
            return ["pass"]
        kind = self.pick(KINDS)
        form = self.choose(4)
        if form == 0:
            return [f"print({self.value(scope, 'xs')} is {self.value(scope, 'xs')})"]
        if form == 1:
            return [f"print(any(a_ is {self.value(scope, 'xs')} for a_ in {self.value(scope, 'ls')}))"]
        return [f"print({self.value(scope, kind)})"]

    def branch(self, scope: Scope) -> list[str]:
        lines = [f"if {self.test(scope)}:", *self.block(scope)]
        if self.chance(30):
            lines += [f"elif {self.test(scope)}:", *self.block(scope)]
        if self.chance(50):
            lines += ["else:", *self.block(scope)]
        return lines

    def loop(self, scope: Scope) -> list[str]:
        form = self.choose(4)
        scope.loops += 1
        if form == 0:
            head, own = f"for i_ in range({1 + self.choose(2)}):", None
        elif form == 1:
            head, own = f"for {'xs_1'} in list({self.value(scope, 'ls')})[:2]:", ("xs_1", "xs")
        elif form == 2:
            head, own = f"for n_1 in {self.value(scope, 'xs')}[:2]:", ("n_1", "n")
        else:
            head, own = "for n_1, (n_0, _) in enumerate([(1, 2), (3, 4)]):", ("n_1", "n")
        before = dict(scope.names)
        mine = set(scope.own)
        if own is not None:
            scope.names[own[0]] = own[1]
            scope.own.add(own[0])
        body = self.block(scope)
        if self.chance(20):
            body += [f"    if {self.test(scope)}:", f"        {self.pick(('break', 'continue'))}"]
            body += self.block(scope, 1)
        scope.names.clear()
        scope.names.update(before)
        scope.own = mine
        scope.loops -= 1
        lines = [head, *body]
        if self.chance(15):
            lines += ["else:", *self.block(scope, 1)]
        return lines

    def attempt(self, scope: Scope) -> list[str]:
        wrong = self.pick(("[][1]", "1 // 0", "{}['x']", "None.x", "int('3')"))
        body = self.block(scope)
        after = self.block(scope, 1)
        handler = self.block(scope, 1)
        lines = ["try:", *body, f"    {wrong}", *after, "except Exception as error_:", *handler]
        if self.chance(30):
            lines += ["else:", *self.block(scope, 1)]
        if self.chance(30):
            lines += ["finally:", *self.block(scope, 1)]
        return lines

    def matched(self, scope: Scope) -> list[str]:
        before = dict(scope.names)
        mine = set(scope.own)
        subject = self.value(scope, self.pick(("xs", "ts", "ls")))
        lines = [f"match {subject}:", "    case []:"]
        lines += ["    " + line for line in self.block(scope, 1)]
        lines += ["    case [n_0, *xs_0] if isinstance(n_0, int):"]
        scope.names |= {"n_0": "n", "xs_0": "xs"}
        scope.own |= {"n_0", "xs_0"}
        lines += ["    " + line for line in self.block(scope, 1)]
        scope.names.clear()
        scope.names.update(before)
        scope.own = set(mine)
        lines += ["    case [list() as xs_1, *_]:"]
        scope.names["xs_1"] = "xs"
        scope.own.add("xs_1")
        lines += ["    " + line for line in self.block(scope, 1)]
        scope.names.clear()
        scope.names.update(before)
        scope.own = set(mine)
        if self.chance(50):
            lines += ["    case _:", *["    " + line for line in self.block(scope, 1)]]
        return lines

    def deleted(self, scope: Scope) -> list[str] | None:
        """Delete a name; often it is bound again at once."""
        if scope.depth:
            return None
        kind = self.pick(KINDS)
        needed = {name for one in self.functions.values() for name in one.needs} | set().union(
            *self.classes.values(), set()
        )
        found = [name for name in self.visible(scope, kind) if name not in needed]
        if not found:
            return None
        name = self.pick(found)
        del scope.names[name]
        lines = [f"del {name}"]
        return lines + self.assignment(scope, kind) if self.chance(40) else lines

    def maybe_bound(self, scope: Scope) -> list[str] | None:
        found = sorted(name for name in self.maybe if name not in scope.names)
        return self.guarded(self.pick(found)).split("\n") if found else None

    # Functions and classes

    def define_function(self, scope: Scope) -> list[str]:
        name = f"f{self.choose(4)}"
        if scope.depth and name in self.functions:
            return ["pass"]
        takes = tuple(self.pick(("xs", "n", "ls", "ds", "xs")) for _ in range(self.choose(3)))
        gives = self.pick((None, "xs", "xs", "n", "ls"))
        function = Function(name, takes, gives)
        inner = Scope({}, inside=function)
        every = dict(scope.names)
        every |= {f"{kind}{at}": kind for kind in ("xs", "n", "ls", "ds") for at in range(2) if self.chance(10)}
        inner.names = {one: kind for one, kind in every.items() if kind in COUNTS and kind not in ("it",)}
        arguments = [f"{kind}_p{at}" for at, kind in enumerate(takes)]
        texts = list(arguments)
        for argument, kind in zip(arguments, takes, strict=True):
            inner.names[argument] = kind
            inner.own.add(argument)
        lines = []
        if arguments and self.chance(40):
            texts[-1] += (
                f"={(self.use(scope, takes[-1]) if self.chance(60) else None) or self.value(scope, takes[-1], 2)}"
            )
            function.defaults = 1
            if takes[-1] in ("xs", "ls") and self.chance(50):
                lines.append(f"    {arguments[-1]}.append({'1' if takes[-1] == 'xs' else '[1]'})")
        if self.chance(30):
            kind = self.pick(("xs", "n", "ls"))
            declared = f"{kind}{self.choose(2)}"
            lines.append(f"    global {declared}")
            inner.declared.add(declared)
            if declared in inner.names or not self.chance(50):
                lines.append(f"    {declared} = {self.value(inner, kind, 1)}")
            inner.names[declared] = kind
            if declared not in scope.names:
                function.needs.add(declared)
        inner.depth = 1
        for _ in range(1 + self.choose(3)):
            lines += ["    " + line for line in self.statement(inner)]
        if gives is not None:
            lines.append(f"    return {self.value(inner, gives, 1)}")
        if gives == "xs" and self.chance(8) and not inner.declared:
            lines[-1] = lines[-1].replace("return", "yield from", 1)
            function.gives = None
            lines.append("    yield 1")
            head = f"def {name}({', '.join(texts)}):"
            self.functions.pop(name, None)
            return [head.replace(name, "gen_", 1), *lines, *self.consume(scope, function)]
        self.functions[name] = function
        scope.names[name] = "f"
        decorated = []
        if self.chance(8):
            decorated = [
                "def twice_(g_):",
                "    def inner_(*a_):",
                "        g_(*a_)",
                "        return g_(*a_)",
                "    return inner_",
                "@twice_",
            ]
        return [*decorated, f"def {name}({', '.join(texts)}):", *lines]

    def consume(self, scope: Scope, function: Function) -> list[str]:
        if not self.usable(scope, {one for one in function.needs if one != function.name}):
            return ["pass"]
        given = ", ".join(self.value(scope, one, 2) for one in function.takes)
        target = self.target(scope, "xs")
        self.bound(scope, target, "xs")
        return [f"{target} = list(gen_({given}))"]

    def define_closure(self, scope: Scope) -> list[str]:
        """A counter, or a function that changes a list that it holds."""
        if scope.depth:
            return ["pass"]
        name = f"c{self.choose(2)}"
        self.count += 1
        maker = f"make{self.count}"
        form = self.choose(3)
        scope.names[name] = "c"
        if form == 0:
            body = [
                "    n_c = 0",
                "    def inner_():",
                "        nonlocal n_c",
                "        n_c += 1",
                "        return n_c",
            ]
            return [f"def {maker}():", *body, "    return inner_", f"{name} = {maker}()"]
        if form == 1:
            value = self.value(scope, "xs", 1)
            body = ["    def inner_():", "        xs_c.append(1)", "        return len(xs_c)"]
            return [f"def {maker}(xs_c):", *body, "    return inner_", f"{name} = {maker}({value})"]
        value = self.value(scope, "xs", 1)
        return [f"def {maker}(xs_c={value}):", "    xs_c.append(2)", "    return sum(xs_c)", f"{name} = {maker}"]

    def define_class(self, scope: Scope) -> list[str]:
        if scope.depth:
            return ["pass"]
        name = f"K{self.choose(2)}"
        fake = Function(name, (), None)
        inner = Scope({one: kind for one, kind in scope.names.items() if kind in KINDS or kind == "f"}, inside=fake)
        inner.names |= {"self.items": "xs", "xs_p": "xs", f"{name}.log": "xs", "self.n": "n"}
        inner.own |= {"self.items", "xs_p", "self.n"}
        inner.depth = 1

        def body(size: int) -> list[str]:
            return ["        " + line for _ in range(1 + self.choose(size)) for line in self.statement(inner)]

        log = self.value(scope, "xs", 2) if self.chance(40) else "[]"
        parent = ""
        others = [one for one in self.classes if one != name and one in scope.names]
        if others and self.chance(30):
            parent = f"({others[0]})"
        lines = [f"class {name}{parent}:", f"    log = {log}", "    count = 0"]
        inside = ["        self.items = xs_p", f"        self.n = {self.choose(3)}"]
        if self.chance(40):
            inside.append(f"        {self.pick(('self', name))}.log.append({self.choose(9)})")
        if self.chance(25):
            inside.append(f"        {name}.count += 1")
        if self.chance(25):
            inside[0] = "        self.items = list(xs_p)"
        lines += ["    def __init__(self, xs_p):", *inside]
        lines += ["    def total(self):", f"        return self.n + sum(self.items) + len(self.log) + {name}.count"]
        lines += ["    def change(self, xs_p):", *body(2)]
        lines += [
            f"        {self.pick(('self.items.append(1)', 'self.n += 1', 'self.items = xs_p', 'xs_p.append(4)'))}"
        ]
        if self.chance(30):
            lines += ["    @property", "    def twice(self):", f"        {self.pick(('self.n += 1', 'pass'))}"]
            lines += ["        return self.items"]
        else:
            lines += ["    @property", "    def twice(self):", "        return [1]"]
        fake.needs.discard(f"{name}.log")
        fake.needs.discard(name)
        self.classes[name] = {one for one in fake.needs if "." not in one}
        scope.names[name] = "K"
        return lines

    def new_object(self, scope: Scope) -> list[str] | None:
        value = self.use(scope, "o") if self.chance(25) else None
        value = value or self.value_o(scope, 1)
        if value == "None":
            return None
        name = self.target(scope, "o")
        self.bound(scope, name, "o")
        return [f"{name} = {value}"]

    def of_object(self, scope: Scope) -> list[str] | None:
        name = self.use(scope, "o")
        if name is None:
            return None
        every = set().union(*self.classes.values(), set())
        if not self.usable(scope, every):
            return None
        self.require(scope, every)
        xs = self.value(scope, "xs", 1)
        options = [
            f"{name}.items.append({self.value(scope, 'n', 1)})",
            f"{name}.n += 1",
            f"{name}.items = {xs}",
            f"{name}.change({xs})",
            f"print({name}.total())" if scope.inside is None else f"{name}.total()",
            f"setattr({name}, 'n', 5)",
            f"type({name}).log.append(3)",
            f"{name}.log.append(2)",
            f"{name}.twice.append(6)",
            f"{name}.__dict__['n'] = 4",
            f"vars({name})['n'] = 6",
        ]
        return [self.pick(options)]

    def iterated(self, scope: Scope) -> list[str]:
        name = self.use(scope, "it")
        if name is None or self.chance(40):
            value = self.value(scope, "it", 1)
            name = self.target(scope, "it")
            self.bound(scope, name, "it")
            return [f"{name} = {value}"]
        return [f"print(next({name}, 0))" if self.chance(60) else f"print(list({name}))"]

    def arrays(self, scope: Scope) -> list[str]:
        name = self.use(scope, "ar")
        if name is None or self.chance(50):
            value = self.value(scope, "ar", 1)
            name = self.target(scope, "ar")
            self.bound(scope, name, "ar")
            return [f"{name} = {value}"]
        return [
            self.pick(
                (
                    f"{name}[0] = {self.choose(9)}",
                    f"{name} += 1",
                    f"print({name}.tolist())",
                    f"{name}.sort()",
                    f"np.add({name}, 1, out={name})",
                    f"{name}.fill(2)",
                )
            )
        ]

    def frames(self, scope: Scope) -> list[str]:
        name = self.use(scope, "df")
        if name is None or self.chance(45):
            value = self.value(scope, "df", 1)
            name = self.target(scope, "df")
            self.bound(scope, name, "df")
            return [f"{name} = {value}"]
        options = (
            f"{name}['a'] = {name}['a'] + 1",
            f"{name}.loc[0, 'a'] = {self.choose(9)}",
            f"{name}.sort_values('a', inplace=True)",
            f"{name}.drop(columns='b', inplace=True, errors='ignore')",
            f"print({name}.to_dict('list'))",
            f"print({name}['a'].sum())",
            f"{name}.columns = [str(one_) for one_ in {name}.columns]",
            f"{name}.insert(0, 'z{self.choose(99)}', 1)",
        )
        return [self.pick(options)]
