"""Reads expressions: which names they use, and what their value may be."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cellmill.dataflow import knowledge, state
from cellmill.dataflow.effects import Code, Effects, Site
from cellmill.dataflow.program import Frame, Program
from cellmill.dataflow.scopes import FunctionNode, Scope, scope_of
from cellmill.dataflow.values import NOTHING, Fact, Label, Value, union

_UNKNOWN = Fact("unknown")
_CONSUMED = {"iterator", "resource"}
_CALLING = {"map", "filter", "itertools.starmap"}
MAKERS = frozenset(("__init__", "__new__", "__post_init__", "__init_subclass__", "__class_getitem__", "__setstate__"))


class Expressions:
    """The base of the walk: names, places and values. `Calls` adds calls, `Walker` statements."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.cell = 0
        self.cell_id = ""
        self.depth = 0
        self.weak_depth = 0
        self.loops = 0
        self.broken = False
        self.postponed_annotations = False
        self._mentioning: set[Label] = set()
        self._handlers: dict[type[ast.AST], Any] = {}
        self._recursed: set[Label] = set()
        self._summarised: list[Code] = []
        self._summarising = 0
        self.raised = NOTHING
        self._last_site = Site(0, "", 0)
        self.has_modules = bool(program.modules)

    # Places

    def site(self, node: ast.AST, *, via: str | None = None, certain: bool = True) -> Site:
        """Where the node stands."""
        line, sure = getattr(node, "lineno", 1), certain and self.depth == 0
        if via is not None:
            return Site(self.cell, self.cell_id, line, sure, via)
        # Most of what is on a line asks for the same.
        last = self._last_site
        if last.line != line or last.certain != sure or last.cell != self.cell or last.cell_id != self.cell_id:
            self._last_site = last = Site(self.cell, self.cell_id, line, sure)
        return last

    @contextmanager
    def uncertain(self, *, unless: bool = False, weak: bool = True) -> Iterator[None]:
        """Code that may not run."""
        step = 0 if unless else 1
        self.depth += step
        self.weak_depth += step if weak else 0
        try:
            yield
        finally:
            self.depth -= step
            self.weak_depth -= step if weak else 0

    def scope(self, node: FunctionNode | ast.ClassDef) -> Scope:
        """The scope of a function or class, worked out once: it stays with the tree, which is kept."""
        known = vars(node)
        if "cellmill_scope" not in known:
            known["cellmill_scope"] = scope_of(node)
        scope: Scope = known["cellmill_scope"]
        return scope

    def fresh(self, node: ast.AST, contents: Value = NOTHING, kind: str = "object", detail: str = "") -> Value:
        """A new object that may hold the contents."""
        made = self.program.new(kind, self.site(node), getattr(node, "col_offset", 0), detail)  # type: ignore[arg-type]
        held = contents.reach
        if not held:
            return made
        if not made.own.isdisjoint(held):
            self.program.nested |= held
        return Value(made.own, made.own | held)

    def isolated(self, frame: Frame, run: Callable[[], bool]) -> bool:
        """Read code that may not run: inside it names are rebound for good, after it they may be either."""
        if frame.function.kind != "module":
            return run()
        self.program.journal.append({})
        weak, self.weak_depth = self.weak_depth, 0
        try:
            result = run()
        finally:
            before = self.program.journal.pop()
        self.weak_depth = weak
        for name, value in before.items():
            if self.program.env[name] is value:
                continue
            if self.program.journal:
                self.program.journal[-1].setdefault(name, value)
            self.program.assign(name, value | self.program.env[name], weak=False)
        return result

    # Names

    def read(self, name: str, frame: Frame, node: ast.AST) -> Value:
        """What a name stands for here, and note that it is read."""
        at: Frame | None = frame
        inside_function = False
        while at is not None:
            if at.kind == "comprehension" and name in at.locals:
                return at.locals[name]
            if at.kind == "class" and not inside_function:
                if name in at.locals:
                    return at.locals[name]
            elif at.kind == "function" and at.scope is not None:
                if name in at.scope.locals:
                    return self.read_captured(name, at, frame)
                if name in at.scope.globals:
                    break
            inside_function = inside_function or at.kind == "function"
            at = at.parent
        owner = frame.function
        if owner.kind == "function":
            return self.read_symbolic(name, owner, node)
        value = self.read_global(name, owner.effects, self.site(node))
        if self.has_modules:
            self.note_module(value, owner, node)
        return value

    def note_module(self, value: Value, frame: Frame, node: ast.AST) -> None:
        """Who holds a function of a module beside the notebook may call it, and change what the module keeps."""
        effects = frame.function.effects
        for label in value.own:
            fact = self.program.facts.get(label)
            if fact is None or not fact.detail:
                continue
            touched = self.program.modules.touched_by(fact.detail)
            for name in touched.states:
                effects.states.setdefault(name, self.site(node))
            for name in touched.draws:
                effects.draws.setdefault(name, self.site(node))

    def read_captured(self, name: str, owner: Frame, frame: Frame) -> Value:
        return owner.locals.get(name, NOTHING)

    def read_symbolic(self, name: str, owner: Frame, node: ast.AST) -> Value:
        """A global name in a function's body: looked up when the function is called."""
        owner.effects.reads.setdefault(name, self.site(node, certain=False))
        self.program.watched.add(name)
        known = self.program.env.get(name, NOTHING)
        if self.program.dotted(known) is not None:
            self.note_module(known, owner, node)
            return known
        code = frozenset(label for label in known.reach if label in self.program.codes)
        own = frozenset(label for label in known.own if label in self.program.codes)
        symbol = f"global:{name}"
        value = Value(own | {symbol}, code | {symbol, f"deep:{symbol}"})
        return self.with_own_doings(value | owner.effects.assigned.get(name, NOTHING), owner.effects)

    def with_own_doings(self, value: Value, effects: Effects) -> Value:
        """A value as the function being read has left it: with all that it has stored in there itself."""
        reach = value.reach
        while more := [held for target, held in effects.stores.items() if target in reach and not held <= reach]:
            reach = reach.union(*more)
        return value if reach is value.reach else Value(value.own, reach)

    def read_global(self, name: str, effects: Effects, site: Site) -> Value:
        """A name of the notebook, read by the step itself or (``site.via``) by a function that it calls."""
        if name not in effects.certain:
            if name in effects.binds:
                # A loop or a branch above may have bound it: only who runs it knows.
                site = site._replace(certain=False)
            known = effects.reads.get(name)
            if known is None or (site.certain and not known.certain) or (known.via and not site.via):
                effects.reads[name] = site
        effects.mentions.setdefault(name, site)
        value = self.program.env.get(name, NOTHING)
        if not value.reach:
            return value
        consumed = calling = False
        for label in value.own:
            kind, detail = self.program.facts.get(label, _UNKNOWN)[:2]
            if kind == "import":
                continue
            consumed = consumed or kind in _CONSUMED or detail in knowledge.CHANGED_BY_USE
            calling = calling or (kind == "iterator" and detail in _CALLING)
        held_code = self.program.code_in(value)
        if consumed or (held_code and self.changes_by_use(value)):
            self.mutate_labels(value.own, effects, site)
        if calling:
            # What it was made with is called when it is used up.
            self.mutate_labels(value.reach.difference(self.program.code_labels), effects, site)
        if held_code:
            self.mention(value, effects, site)
        if self.program.formulas:
            self.read_formula_names(value, effects, site)
        return value

    def read_formula_names(self, value: Value, effects: Effects, site: Site) -> None:
        """A model of a formula looks its names up again where it predicts, and where it is loaded."""
        places = {label.rpartition("@")[2] for label in value.reach}
        for place in places & self.program.formulas.keys():
            for name in sorted(self.program.formulas[place] & self.program.env.keys()):
                if name not in effects.mentions:
                    self.read_global(name, effects, site._replace(certain=False))

    def changes_by_use(self, value: Value) -> bool:
        """Whether an operator, a loop or ``with`` may change the object: its class says so in a special method."""
        for label in self.program.code_in(value):
            for name, method in self.program.codes[label].methods.items():
                if name.startswith("__") and name.endswith("__") and name not in MAKERS:
                    changed = self.summary(self.program.codes[method]).mutated
                    if any(one.removeprefix("deep:").startswith(f"param:{method}:") for one in changed):
                        return True
        return False

    def mention_patches(self, frame: Frame) -> None:
        """A notebook function in a library's place may be called from anywhere."""
        for label in sorted(self.program.patches):
            self.apply_effects(self.program.codes[label], frame.function.effects, self.site(ast.Pass(lineno=1)))

    def mention(self, value: Value, effects: Effects, site: Site) -> None:
        """Whoever holds a function may call it: what it does to the notebook's names may happen here."""
        for label in self.program.code_in(value):
            self.apply_effects(self.program.codes[label], effects, site)

    def apply_effects(self, code: Code, effects: Effects, site: Site) -> None:
        """Let the effects of a function on the notebook's names happen in a step or in another function."""
        if code.label in self._mentioning or self._is_settled(code, effects):
            return
        first = not self._mentioning
        # Once is enough for all that is reached from one place, by whatever way.
        self._mentioning.add(code.label)
        try:
            self._apply(code, effects, site)
        finally:
            if first:
                self._mentioning.clear()

    def _apply(self, code: Code, effects: Effects, site: Site) -> None:
        done = self.summary(code)
        effects.called.add(code.label)
        for method in code.methods.values():
            self.apply_effects(self.program.codes[method], effects, site)
        via = Site(site.cell, site.cell_id, site.line, certain=False, via=site.via or code.name)
        for name in done.reads:
            if effects is not done and name not in done.certain:
                self.read_global(name, effects, via)
        for name, where in done.binds.items():
            effects.binds.setdefault(name, via)
            effects.other_binds.add(name)
            self.program.assign(name, self.program.new("object", where, 0, name), weak=True)
        self.mutate_labels(self.globals_in(done.mutated), effects, via)
        self.merge_places(done, effects, via)
        self._settle(code, done, effects)

    def _is_settled(self, code: Code, effects: Effects) -> bool:
        """Whether the function, with all that it calls, has had its effects here already, and they would be the same.

        Most functions of a notebook read modules, builtins, numbers and each other; each mention of one would say all
        that again, and where functions call each other in a chain, the whole chain.
        """
        now = (self.program.version, self.program.moves)
        if effects.settled_at != now:
            effects.settled.clear()
            effects.settled_at = now
            return False
        made = effects.settled.get(code.label)
        return made is not None and not (made and self.program.holding(made))

    def _settle(self, code: Code, done: Effects, effects: Effects) -> None:
        """Note that the function's effects are all there, unless something may change what they are."""
        if effects is done or done.binds or done.compared or self.program.formulas:
            return
        if effects.settled_at != (self.program.version, self.program.moves):
            return
        changed = frozenset(one for one in done.mutated if not one.startswith(("param:", "deep:param:")))
        if not changed <= code.made:
            return
        called = set(code.methods.values())
        for name in done.reads:
            value = self.program.env.get(name, NOTHING)
            if value.reach <= self.program.imports.keys():
                continue
            if not value.reach <= self.program.code_labels or self.changes_by_use(value):
                return
            called.update(self.program.code_in(value))
        called.discard(code.label)
        if called <= effects.settled.keys():
            self.program.followed.update(done.reads)
            effects.settled[code.label] = changed

    def merge_places(self, done: Effects, effects: Effects, via: Site) -> None:
        """State, files and the like pass from a function to who calls it."""
        for state_name in done.states:
            effects.states.setdefault(state_name, via)
        for state_name in done.draws:
            effects.draws.setdefault(state_name, via)
        effects.files.extend(use for use in done.files if use not in effects.files)
        effects.compared |= self.globals_in(done.compared)
        effects.figures.extend(one for one in done.figures if one not in effects.figures)
        effects.session.extend(one for one in done.session if one not in effects.session)
        effects.impure = effects.impure or done.impure
        effects.reads_any = effects.reads_any or done.reads_any
        effects.binds_any = effects.binds_any or done.binds_any
        effects.path_literals.extend(one for one in done.path_literals if one not in effects.path_literals)

    def globals_in(self, labels: set[Label]) -> frozenset[Label]:
        """Symbolic labels of globals made real; a function's own objects and arguments fall away."""
        real: set[Label] = set()
        for label in labels:
            if label.startswith("global:"):
                real |= self.program.env.get(label[7:], NOTHING).own
            elif label.startswith("deep:global:"):
                real |= self.program.env.get(label[12:], NOTHING).reach
            elif label.startswith("class:global:"):
                real |= self.classes_of(self.program.env.get(label[13:], NOTHING).reach)
            elif not label.startswith(("param:", "class:", "deep:")):
                real.add(label)
        return frozenset(real)

    def bind(self, name: str, value: Value, frame: Frame, node: ast.AST, statement: str | None = None) -> None:
        """Let a name stand for a value, in the scope that owns it."""
        at = frame
        while at.kind == "comprehension" and at.parent is not None:
            at = at.parent
        if at.kind == "class":
            at.locals[name] = value
            return
        if at.kind == "function" and at.scope is not None:
            if name in at.scope.globals:
                at.effects.binds.setdefault(name, self.site(node))
                at.effects.add_assigned(name, value)
                return
            if name in at.scope.nonlocals:
                self.bind_captured(name, value, at)
                return
            old = at.locals.get(name, NOTHING) if self.weak_depth else NOTHING
            at.locals[name] = old | value
            if not self.depth:
                at.effects.certain.add(name)
            return
        effects = at.effects
        effects.binds.setdefault(name, self.site(node))
        if statement is None:
            effects.other_binds.add(name)
        else:
            effects.imports.setdefault(name, [])
            if statement not in effects.imports[name]:
                effects.imports[name].append(statement)
            if self.depth:
                effects.other_binds.add(name)
        effects.certain.add(name)
        self.program.assign(name, value, weak=self.weak_depth > 0)

    def bind_captured(self, name: str, value: Value, frame: Frame) -> None:
        """``nonlocal``: the function around owns the name, and the closure is a value with state."""
        at = frame.parent
        while at is not None:
            if at.kind == "function" and at.scope is not None and name in at.scope.locals:
                at.locals[name] = at.locals.get(name, NOTHING) | value
                break
            at = at.parent
        if frame.code is not None:
            frame.code.stateful = True

    def delete(self, name: str, frame: Frame, node: ast.AST) -> None:
        """``del name``, also what an ``except ... as name`` does at its end."""
        if frame.function.kind == "module" and frame.kind != "class":
            effects = frame.function.effects
            value = self.program.env.get(name, NOTHING)
            if any("__del__" in self.program.codes[one].methods for one in self.program.code_in(value)):
                self.mention(value, effects, self.site(node))
            if isinstance(node, ast.Name) and name not in effects.certain:
                effects.reads.setdefault(name, self.site(node))
            if name in effects.certain:
                effects.certain.remove(name)
                self.program.moves += 1
            effects.deletes[name] = self.site(node)
            effects.other_binds.add(name)
        else:
            frame.locals.pop(name, None)

    # Changes

    def mutate(self, labels: frozenset[Label], frame: Frame, node: ast.AST) -> None:
        """Note that the objects behind the labels may change here."""
        self.mutate_labels(labels, frame.function.effects, self.site(node))
        code = frame.function.code
        if code is not None and any(self.is_captured(label, frame.function) for label in labels):
            code.stateful = True

    def is_captured(self, label: Label, frame: Frame) -> bool:
        """Whether a function's body changes something that belongs to the function around it."""
        at = frame.parent
        while at is not None:
            if at.kind == "function" and any(label in value.reach for value in at.locals.values()):
                return True
            at = at.parent
        return False

    def mutate_labels(self, labels: frozenset[Label], effects: Effects, site: Site) -> None:
        changed = labels.difference(self.program.imports)
        if not changed:
            return
        effects.mutated |= changed
        for name in self.program.holding(changed):
            effects.mutated_names.setdefault(name, site)

    def store(self, targets: frozenset[Label], held: frozenset[Label], frame: Frame) -> None:
        """Note that the target objects may hold on to the others from here on."""
        held = held.difference(self.program.imports)
        if not held or not targets:
            return
        if not targets.isdisjoint(held):
            # Whatever is between the two is in the circle.
            self.program.nested |= held
        effects = frame.function.effects
        if frame.function.kind == "function":
            effects.add_store(targets, held)
            at: Frame | None = frame.function
            while at is not None:
                for name, value in at.locals.items():
                    if not value.reach.isdisjoint(targets):
                        at.locals[name] = Value(value.own, value.reach | held)
                at = at.parent
            return
        for name in self.program.holding(targets):
            value = self.program.env[name]
            if not held <= value.reach:
                self.program.assign(name, Value(value.own, value.reach | held), weak=False)

    # Values

    def handler(self, node: ast.AST, what: str) -> Any:
        """The method that reads such nodes, if there is one."""
        kind = type(node)
        try:
            return self._handlers[kind]
        except KeyError:
            self._handlers[kind] = found = getattr(self, f"{what}_{kind.__name__}", None)
            return found

    def eval(self, node: ast.expr, frame: Frame) -> Value:
        """What an expression may stand for; notes every name that it reads."""
        handler = self.handler(node, "eval")
        if handler is not None:
            value: Value = handler(node, frame)
            return value
        parts = [self.eval(child, frame) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        return union(parts) if parts else NOTHING

    def eval_Constant(self, node: ast.Constant, frame: Frame) -> Value:
        return NOTHING

    def eval_JoinedStr(self, node: ast.JoinedStr, frame: Frame) -> Value:
        for part in node.values:
            self.eval(part, frame)
        return NOTHING

    def eval_FormattedValue(self, node: ast.FormattedValue, frame: Frame) -> Value:
        self.eval(node.value, frame)
        if node.format_spec is not None:
            self.eval(node.format_spec, frame)
        return NOTHING

    def eval_Name(self, node: ast.Name, frame: Frame) -> Value:
        return self.read(node.id, frame, node)

    def eval_Attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        value = self.eval(node.value, frame)
        dotted = self.program.dotted(value)
        if dotted is not None:
            found = self.program.imported(f"{dotted}.{node.attr}")
            if self.has_modules:
                self.note_module(found, frame, node)
            return found
        self.call_properties(value, node, frame)
        if node.attr in ("plot", "str", "dt", "style") and not self.program.code_in(value) and value.own:
            return self.fresh(node, kind="frame")
        if node.attr == "__class__":
            return self.class_of(value)
        # A bound method holds its object.
        return Value(value.reach - self.program.resources, value.reach)

    def class_of(self, value: Value) -> Value:
        """The class of an object: of a parameter it is only known where the function is called."""
        found: set[Label] = set()
        for label in value.reach:
            code = self.program.codes.get(label)
            if code is not None and isinstance(code.node, ast.ClassDef):
                found.add(label)
            elif label.startswith(("param:", "global:")):
                found.add(f"class:{label}")
        return Value(frozenset(found), frozenset(found) | value.reach)

    def classes_of(self, labels: frozenset[Label]) -> frozenset[Label]:
        """The notebook's classes among the labels."""
        codes = self.program.codes
        return frozenset(one for one in labels if one in codes and isinstance(codes[one].node, ast.ClassDef))

    def call_properties(self, value: Value, node: ast.Attribute, frame: Frame) -> None:
        """An attribute may be a property of a notebook class: a call in disguise."""

    def eval_Subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        value = self.eval(node.value, frame)
        key = self.eval(node.slice, frame)
        frame.function.effects.compared |= self.with_identity(key)
        self.read_namespace_key(node, frame)
        self.fill_default(value, node, frame)
        if isinstance(node.slice, ast.Slice) and value.own:
            # A new list of the same elements, or a view of the same array.
            made = self.fresh(node, value)
            views = frozenset(label for label in value.own if not label.startswith("display:"))
            return Value(made.own | views, made.reach)
        if isinstance(node.slice, ast.List) and value.own:
            # Selecting by a list copies, in pandas and in numpy; nothing else allows it.
            return self.fresh(node, kind="frame")
        return NOTHING if self.program.dotted(value) is not None else self.program.content(value)

    def fill_default(self, value: Value, node: ast.AST, frame: Frame) -> None:
        """Looking into a ``defaultdict`` may add to it."""
        facts = self.program.facts
        filled = frozenset(one for one in value.own if one in facts and facts[one].detail == "collections.defaultdict")
        if filled:
            self.mutate(filled, frame, node)

    def read_namespace_key(self, node: ast.Subscript, frame: Frame) -> None:
        """``globals()["x"]`` reads x."""

    def eval_BinOp(self, node: ast.BinOp, frame: Frame) -> Value:
        left, right = self.eval(node.left, frame), self.eval(node.right, frame)
        if not left.own and not right.own:
            return NOTHING
        if self.use_operator([left, right], node, frame):
            made = self.fresh(node, left | right)
            return Value(made.reach, made.reach)
        contents = (
            NOTHING if isinstance(node.op, (ast.Sub, ast.Div, ast.Pow, ast.MatMult, ast.FloorDiv)) else left | right
        )
        frames = [self.program.kinds(one) for one in (left, right) if one.own]
        if all(kinds <= {"frame"} for kinds in frames):
            return self.fresh(node, kind="frame")
        return self.fresh(node, contents)

    def use_operator(self, values: list[Value], node: ast.AST, frame: Frame) -> bool:
        """Whether a notebook class may say what the operator does; if it changes anything, that may be any operand."""
        both = union(values)
        if not self.program.code_in(both):
            return False
        if self.changes_by_use(both):
            self.mutate(frozenset(one for one in both.reach if not one.startswith("code:")), frame, node)
        return True

    def eval_UnaryOp(self, node: ast.UnaryOp, frame: Frame) -> Value:
        value = self.eval(node.operand, frame)
        return NOTHING if isinstance(node.op, ast.Not) or not value.own else self.fresh(node)

    def eval_Compare(self, node: ast.Compare, frame: Frame) -> Value:
        values = [self.eval(one, frame) for one in (node.left, *node.comparators)]
        self.use_operator(values, node, frame)
        compared: frozenset[Label] = frozenset()
        if sum(bool(one.own) for one in values) > 1:
            by_identity = any(isinstance(one, (ast.Is, ast.IsNot)) for one in node.ops)
            compared = union(values).reach if by_identity else self.with_identity(union(values))
        frame.function.effects.compared |= compared
        return self.fresh(node) if union(values).own else NOTHING

    def with_identity(self, value: Value) -> frozenset[Label]:
        """What is equal only to itself: instances of notebook classes, functions, bare objects."""
        classes = self.program.class_names
        found = set()
        for label in value.reach:
            fact = self.program.facts.get(label)
            code = self.program.codes.get(label)
            if code is not None:
                # Classes, and what shared cells define, are one object in every process.
                if not isinstance(code.node, ast.ClassDef) and code.step != "<shared>":
                    found.add(label)
            elif label.startswith(("global:", "param:", "deep:")) or (
                fact is not None
                and (fact.kind in ("unknown", "closure") or (fact.kind == "instance" and fact.detail in classes))
            ):
                found.add(label)
        return frozenset(found)

    def eval_NamedExpr(self, node: ast.NamedExpr, frame: Frame) -> Value:
        value = self.eval(node.value, frame)
        self.bind(node.target.id, value, frame, node)
        return value

    def eval_Lambda(self, node: ast.Lambda, frame: Frame) -> Value:
        value, code = self.define(node, "<lambda>", frame)
        if frame.function.kind == "module":
            # Nobody needs a name to call it: whoever it is handed to may do so at once.
            self.apply_effects(code, frame.function.effects, self.site(node))
        return value

    def eval_Starred(self, node: ast.Starred, frame: Frame) -> Value:
        return self.program.content(self.eval(node.value, frame))

    def eval_Tuple(self, node: ast.Tuple | ast.List | ast.Set, frame: Frame) -> Value:
        parts = union([self.eval(one, frame) for one in node.elts]) if node.elts else NOTHING
        if isinstance(node, ast.Tuple) and not parts.reach:
            return NOTHING
        return self.fresh(node, parts, "display")

    eval_List = eval_Set = eval_Tuple

    def eval_Dict(self, node: ast.Dict, frame: Frame) -> Value:
        parts = [self.eval(one, frame) for one in (*node.keys, *node.values) if one is not None]
        return self.fresh(node, union(parts) if parts else NOTHING, "display")

    def eval_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, frame: Frame) -> Value:
        inner = self.comprehension(node.generators, frame)
        with self.uncertain():
            element = self.eval(node.elt, inner)
        if isinstance(node, ast.GeneratorExp):
            captured = union(list(inner.locals.values())) if inner.locals else NOTHING
            return self.fresh(node, element | captured, "resource", "a generator")
        return self.fresh(node, element, "display")

    eval_SetComp = eval_GeneratorExp = eval_ListComp

    def eval_DictComp(self, node: ast.DictComp, frame: Frame) -> Value:
        inner = self.comprehension(node.generators, frame)
        with self.uncertain():
            element = self.eval(node.key, inner) | self.eval(node.value, inner)
        return self.fresh(node, element, "display")

    def comprehension(self, generators: list[ast.comprehension], frame: Frame) -> Frame:
        """A comprehension's own scope; its first iterable belongs to the scope around."""
        inner = Frame("comprehension", frame.function.effects, frame)
        for at, generator in enumerate(generators):
            with self.uncertain(unless=at == 0):
                iterated = self.eval(generator.iter, frame if at == 0 else inner)
                self.use_operator([iterated], generator.iter, frame)
            for name in ast.walk(generator.target):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    inner.locals[name.id] = self.program.content(iterated)
            with self.uncertain():
                for test in generator.ifs:
                    self.eval(test, inner)
        return inner

    def eval_Yield(self, node: ast.Yield | ast.YieldFrom, frame: Frame) -> Value:
        if node.value is not None:
            frame.function.returns.append(self.eval(node.value, frame))
        return NOTHING

    eval_YieldFrom = eval_Yield

    # Targets

    def assign(self, target: ast.expr, value: Value, frame: Frame, source: ast.expr | None) -> None:
        """Bind a target of an assignment, a loop or a ``with``."""
        if isinstance(target, ast.Name):
            self.bind(target.id, value, frame, target)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, self.fresh(target, value), frame, None)
        elif isinstance(target, (ast.Tuple, ast.List)):
            parts = source.elts if isinstance(source, (ast.Tuple, ast.List)) else []
            exact = len(parts) == len(target.elts) and not any(
                isinstance(one, ast.Starred) for one in (*parts, *target.elts)
            )
            values = [self.eval(one, frame) for one in parts] if exact else []
            for at, one in enumerate(target.elts):
                self.assign(one, values[at] if exact else self.unpacked(value), frame, parts[at] if exact else None)
        elif isinstance(target, ast.Subscript):
            self.assign_subscript(target, value, frame)
        elif isinstance(target, ast.Attribute):
            self.assign_attribute(target, value, frame)

    def unpacked(self, value: Value) -> Value:
        """An element of what is unpacked; ``fig, ax = plt.subplots()`` are both live figures."""
        facts = [self.program.facts.get(label) for label in value.own]
        if facts and all(one and one.kind == "resource" and one.detail != "a generator" for one in facts):
            return value
        return self.program.content(value)

    def assign_subscript(self, target: ast.Subscript, value: Value, frame: Frame) -> None:
        container = self.eval(target.value, frame)
        self.eval(target.slice, frame)
        self.bind_any_in(container, target, frame)
        self.change_place(container, "", target, frame)
        if self.bind_namespace_key(target, value, frame):
            return
        self.mutate(container.own, frame, target)
        self.store(container.own, value.reach, frame)

    def bind_any_in(self, container: Value, node: ast.AST, frame: Frame) -> None:
        """Setting an entry of ``globals()`` under a name that nobody can read here may bind any name."""
        if any(one.startswith("object:globals@") for one in container.own):
            frame.function.effects.binds_any = frame.function.effects.binds_any or self.site(node)

    def bind_namespace_key(self, target: ast.Subscript, value: Value, frame: Frame) -> bool:
        """``globals()["x"] = value`` binds x."""
        return False

    def assign_attribute(self, target: ast.Attribute, value: Value, frame: Frame) -> None:
        owner = self.eval(target.value, frame)
        dotted = self.program.dotted(owner)
        if dotted is not None:
            self.change_place(owner, target.attr, target, frame)
            self.program.patches.update(self.program.code_in(value))
            return
        self.call_properties(owner, target, frame)
        self.mutate(owner.own, frame, target)
        self.store(owner.own, value.reach, frame)

    def change_place(self, owner: Value, attribute: str, node: ast.AST, frame: Frame) -> None:
        """Changing an imported thing changes the state of the process."""
        dotted = self.program.dotted(owner)
        if dotted is None:
            return
        changed = state.place(f"{dotted}.{attribute}" if attribute else dotted)
        if changed is None and (attribute or "." in dotted):
            changed = f"patch:{dotted}.{attribute}" if attribute else f"patch:{dotted}"
        if changed is None and dotted == "decimal.getcontext":
            changed = "decimal.context"
        if changed is not None:
            frame.function.effects.states.setdefault(changed, self.site(node))

    # Code

    def new_code(self, node: FunctionNode | ast.ClassDef, name: str, frame: Frame) -> Code:
        """Register a function or class where it is defined."""
        label = f"code:{name}@{self.program.step}:{self.cell}:{node.lineno}:{node.col_offset}"
        known = self.program.codes.get(label)
        if known is not None and known.node is node:
            known.parent = frame
            return known
        code = Code(label, name, node, self.site(node), self.program.step, frame)
        self.program.add_code(code)
        return code

    def define(self, node: FunctionNode, name: str, frame: Frame) -> tuple[Value, Code]:
        """A function: its defaults are evaluated now, its body when it is called."""
        code = self.new_code(node, name, frame)
        args = node.args
        positional = [*args.posonlyargs, *args.args]
        pairs = list(zip(reversed(positional), reversed(args.defaults), strict=False))
        pairs += [
            (arg, default)
            for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
            if default is not None
        ]
        held = NOTHING
        for arg, default in pairs:
            value = self.eval(default, frame)
            code.default_labels[arg.arg] = value
            held |= value
        if frame.function.kind == "function":
            self.inherit(self.summary(code), frame.function)
            for outer in (frame, frame.function):
                captured = union(list(outer.locals.values())) if outer.locals else NOTHING
                held |= captured
            made = self.fresh(node, kind="closure", detail=name)
            return Value(made.own | {code.label}, made.own | {code.label} | held.reach), code
        return Value(frozenset((code.label,)), frozenset((code.label,)) | held.reach), code

    def inherit(self, done: Effects, owner: Frame) -> None:
        """What an inner function does to the notebook's names, the function around it may do."""
        for name, site in done.reads.items():
            owner.effects.reads.setdefault(name, site)
        for name, site in done.binds.items():
            owner.effects.binds.setdefault(name, site)
        owner.effects.mutated |= {
            label for label in done.mutated if label.startswith(("global:", "param:", "class:", "deep:"))
        }
        for name, value in done.assigned.items():
            owner.effects.add_assigned(name, value)
        self.merge_places(done, owner.effects, self.site(ast.Pass(lineno=1, col_offset=0)))

    def summary(self, code: Code) -> Effects:
        """What a function does when it is called."""
        raise NotImplementedError
