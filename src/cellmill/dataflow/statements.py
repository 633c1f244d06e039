"""Reads statements in the order in which they run: what each binds and may change, which names are certain then."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Sequence
from functools import partial

from cellmill.dataflow.calls import Arguments, Calls
from cellmill.dataflow.effects import Code, Effects
from cellmill.dataflow.program import Frame
from cellmill.dataflow.values import NOTHING, Value, only, union

_SUPPRESSING = ("suppress", "raises", "assertRaises", "pytest.raises", "deprecated_call", "warns")


class Walker(Calls):
    """Walks statements. `run_block` says whether the code after the block can be reached."""

    def run_block(self, body: Sequence[ast.stmt], frame: Frame) -> bool:
        """Read statements in order; False if the block certainly leaves early."""
        return all(self.run(statement, frame) for statement in body)

    def run(self, node: ast.stmt, frame: Frame) -> bool:
        """Read one statement; False if what follows it in the block is never reached."""
        handler: Callable[[ast.stmt, Frame], bool | None] | None = self.handler(node, "run")
        if handler is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.eval(child, frame)
            return True
        return handler(node, frame) is not False

    # Simple statements

    def run_Expr(self, node: ast.Expr, frame: Frame) -> None:
        self.eval(node.value, frame)

    def run_Pass(self, node: ast.Pass, frame: Frame) -> None:
        return None

    def run_Return(self, node: ast.Return, frame: Frame) -> bool:
        if node.value is not None:
            frame.function.returns.append(self.eval(node.value, frame))
        return False

    def run_Raise(self, node: ast.Raise, frame: Frame) -> bool:
        for part in (node.exc, node.cause):
            if part is not None:
                self.raised |= self.eval(part, frame)
        return False

    def run_Break(self, node: ast.Break, frame: Frame) -> bool:
        self.broken = True
        return False

    def run_Continue(self, node: ast.Continue, frame: Frame) -> bool:
        return False

    def run_Global(self, node: ast.Global, frame: Frame) -> None:
        return None

    def run_Nonlocal(self, node: ast.Nonlocal, frame: Frame) -> None:
        if frame.code is not None:
            frame.code.stateful = True

    def run_Assign(self, node: ast.Assign, frame: Frame) -> None:
        named = isinstance(node.value, ast.Lambda) and all(isinstance(one, ast.Name) for one in node.targets)
        if named and isinstance(node.value, ast.Lambda):
            value, _ = self.define(node.value, "<lambda>", frame)
        else:
            value = self.eval(node.value, frame)
        for target in node.targets:
            self.assign(target, value, frame, node.value)

    def run_AnnAssign(self, node: ast.AnnAssign, frame: Frame) -> None:
        if frame.kind != "function" and not self.postponed_annotations:
            self.eval(node.annotation, frame)
        if node.value is not None:
            self.assign(node.target, self.eval(node.value, frame), frame, node.value)

    def run_AugAssign(self, node: ast.AugAssign, frame: Frame) -> None:
        added = self.eval(node.value, frame)
        if isinstance(node.target, ast.Name):
            old = self.read(node.target.id, frame, node.target)
            if old.own:
                self.mutate(old.own, frame, node.target)
                self.store(old.own, added.reach, frame)
                self.bind(node.target.id, Value(old.own, old.reach | added.reach), frame, node.target)
            else:
                self.bind(node.target.id, added, frame, node.target)
            return
        # What the target holds changes in place if it can: `rows[0] += [1]` changes the list in rows.
        held = self.eval(node.target, frame)
        number = isinstance(node.value, ast.Constant) and isinstance(node.value.value, (int, float, complex))
        changed = frozenset(one for one in held.own if not (number and one.startswith("display:")))
        self.mutate(self.without_code(changed), frame, node.target)
        self.store(changed, added.reach, frame)
        self.assign(node.target, held | added, frame, None)

    def run_Delete(self, node: ast.Delete, frame: Frame) -> None:
        for target in node.targets:
            for part in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                if isinstance(part, ast.Name):
                    self.delete(part.id, frame, part)
                else:
                    self.assign(part, NOTHING, frame, None)

    def run_Import(self, node: ast.Import, frame: Frame) -> None:
        for alias in node.names:
            if alias.name == "__main__":
                self.read_main(node, frame)
            self.read_written(alias.name, node, frame)
            name = alias.asname or alias.name.partition(".")[0]
            statement = f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
            self.bind(name, self.program.imported(alias.name if alias.asname else name), frame, node, statement)

    def run_ImportFrom(self, node: ast.ImportFrom, frame: Frame) -> None:
        module = "." * node.level + (node.module or "")
        if module == "__main__":
            self.read_main(node, frame)
        self.read_written(module, node, frame)
        for alias in node.names:
            if alias.name == "*":
                self.import_star(module, frame, node)
                continue
            name = alias.asname or alias.name
            statement = f"from {module} import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
            self.bind(name, self.program.imported(f"{module}.{alias.name}"), frame, node, statement)

    def read_written(self, module: str, node: ast.stmt, frame: Frame) -> None:
        """An import reads the file that a cell above has written (``%%writefile rules.py``)."""
        path = f"{module.partition('.')[0]}.py"
        if path in self.program.written:
            self.note_files((("read", path),), node, frame)

    def import_star(self, module: str, frame: Frame, node: ast.stmt) -> None:
        """Bind what a star import brings: exactly for the standard library, else any name that there is."""
        if module.partition(".")[0] not in sys.stdlib_module_names:
            frame.function.effects.binds_any = self.site(node)
            return
        try:
            loaded = importlib.import_module(module)
        except ImportError:
            frame.function.effects.binds_any = self.site(node)
            return
        names = getattr(loaded, "__all__", None) or [name for name in vars(loaded) if not name.startswith("_")]
        frame.function.effects.star.update(names)
        for name in names:
            self.bind(name, self.program.imported(f"{module}.{name}"), frame, node, f"from {module} import {name}")

    # Branches

    def run_If(self, node: ast.If, frame: Frame) -> bool:
        self.eval(node.test, frame)
        return self.branches([node.body, node.orelse], frame)

    def branches(self, bodies: Sequence[Sequence[ast.stmt]], frame: Frame) -> bool:
        """Read alternatives; certain afterwards is what all that go on have made certain."""
        effects = frame.function.effects
        before = set(effects.certain)
        results: list[set[str]] = []
        with self.uncertain():
            for body in bodies:
                self.leave(effects, set(before))
                if self.isolated(frame, partial(self.run_block, body, frame)):
                    results.append(effects.certain)
        self.leave(effects, set.intersection(*results) if results else before)
        return bool(results)

    def leave(self, effects: Effects, certain: set[str]) -> None:
        """Go on from a branch or a turn with the names that are certain there."""
        if not (effects.certain - certain).isdisjoint(self.program.followed):
            self.program.moves += 1
        effects.certain = certain

    def run_Match(self, node: ast.Match, frame: Frame) -> bool:
        subject = self.eval(node.subject, frame)
        effects = frame.function.effects
        before = set(effects.certain)
        results: list[set[str]] = []
        exhaustive = False
        with self.uncertain():
            for case in node.cases:
                self.leave(effects, set(before))
                self.bind_pattern(case.pattern, subject, frame)
                if case.guard is not None:
                    self.eval(case.guard, frame)
                elif isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None:
                    exhaustive = True
                if self.run_block(case.body, frame):
                    results.append(effects.certain)
        if not exhaustive:
            results.append(before)
        self.leave(effects, set.intersection(*results) if results else before)
        return bool(results)

    def bind_pattern(self, pattern: ast.pattern, subject: Value, frame: Frame) -> None:
        """Bind a pattern's captures to what they may be: the subject or part of it."""
        for node in ast.walk(pattern):
            if isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
                self.bind(node.name, subject | self.program.content(subject), frame, node)
            elif isinstance(node, ast.MatchMapping):
                for key in node.keys:
                    self.eval(key, frame)
                if node.rest:
                    self.bind(node.rest, self.program.content(subject), frame, node)
            elif isinstance(node, ast.MatchValue):
                self.eval(node.value, frame)
            elif isinstance(node, ast.MatchClass):
                self.eval(node.cls, frame)

    # Loops

    def run_For(self, node: ast.For | ast.AsyncFor, frame: Frame) -> bool:
        iterated = self.eval(node.iter, frame)
        self.use_operator([iterated], node.iter, frame)
        return self.loop(
            node, frame, lambda: self.assign(node.target, self.program.content(iterated), frame, None), forever=False
        )

    run_AsyncFor = run_For

    def run_While(self, node: ast.While, frame: Frame) -> bool:
        forever = isinstance(node.test, ast.Constant) and bool(node.test.value)
        if not forever:
            self.eval(node.test, frame)
        return self.loop(node, frame, lambda: None if forever else self.eval(node.test, frame), forever=forever)

    def loop(
        self, node: ast.For | ast.AsyncFor | ast.While, frame: Frame, start: Callable[[], object], *, forever: bool
    ) -> bool:
        """Read a loop's body twice, so that what one turn makes is seen by the next."""
        effects = frame.function.effects
        before = set(effects.certain)
        outer, self.broken = self.broken, False
        rounds = 2 if self.loops < 2 else 1
        self.loops += 1
        certain_once = set(before)
        with self.uncertain(unless=forever):
            for _ in range(rounds):
                self.leave(effects, set(before))
                self.isolated(frame, partial(self.turn, start, node.body, frame))
                certain_once = effects.certain
        self.loops -= 1
        left_early, self.broken = self.broken, outer
        if forever:
            self.leave(effects, certain_once if left_early else set(before))
            return left_early
        # What a turn deletes is not certain any more.
        self.leave(effects, before & certain_once)
        if node.orelse:
            if left_early:
                self.branches([node.orelse, []], frame)
            else:
                return self.run_block(node.orelse, frame)
        return True

    def turn(self, start: Callable[[], object], body: Sequence[ast.stmt], frame: Frame) -> bool:
        """One turn of a loop."""
        start()
        return self.run_block(body, frame)

    # Exceptions and contexts

    def run_Try(self, node: ast.Try | ast.TryStar, frame: Frame) -> bool:
        effects = frame.function.effects
        before = set(effects.certain)
        results: list[set[str]] = []
        outer, self.raised = self.raised, NOTHING
        with self.uncertain(unless=not node.handlers, weak=False):
            body = partial(self.run_block, node.body, frame)
            reached = self.isolated(frame, body) if node.handlers else body()
        after_body = effects.certain
        raised, self.raised = self.raised, outer | self.raised
        with self.uncertain():
            for handler in node.handlers:
                self.leave(effects, set(before))
                if handler.type is not None:
                    self.eval(handler.type, frame)
                if handler.name:
                    self.bind(handler.name, self.fresh(handler, raised), frame, handler)
                goes_on = self.isolated(frame, partial(self.run_block, handler.body, frame))
                if handler.name:
                    self.delete(handler.name, frame, handler)
                if goes_on:
                    results.append(effects.certain)
        if reached:
            self.leave(effects, after_body)
            if self.run_else(node.orelse, frame, always=not results):
                results.append(effects.certain)
        self.leave(effects, set.intersection(*results) if results else set(before))
        goes_on = bool(results)
        return self.run_block(node.finalbody, frame) and goes_on

    run_TryStar = run_Try

    def run_else(self, body: list[ast.stmt], frame: Frame, *, always: bool) -> bool:
        """What a ``try`` does where nothing was raised: a handler that goes on leaves it out."""
        if always:
            return self.run_block(body, frame)
        with self.uncertain():
            return self.isolated(frame, partial(self.run_block, body, frame))

    def run_With(self, node: ast.With | ast.AsyncWith, frame: Frame) -> bool:
        suppresses = False
        for item in node.items:
            value = self.eval(item.context_expr, frame)
            self.use_operator([value], item.context_expr, frame)
            maker = item.context_expr.func if isinstance(item.context_expr, ast.Call) else item.context_expr
            name = maker.attr if isinstance(maker, ast.Attribute) else getattr(maker, "id", "")
            own_class = bool(self.program.code_in(value))
            suppresses = suppresses or name in _SUPPRESSING or own_class
            if item.optional_vars is not None:
                entered = value if self.program.kinds(value) <= {"resource"} else value | self.program.content(value)
                self.assign(item.optional_vars, entered, frame, None)
        if not suppresses:
            return self.run_block(node.body, frame)
        return self.branches([node.body, []], frame)

    run_AsyncWith = run_With

    # Definitions

    def run_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
        decorators = [self.eval(one, frame) for one in node.decorator_list]
        if not self.postponed_annotations:
            args = node.args
            for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
                if arg is not None and arg.annotation is not None:
                    self.eval(arg.annotation, frame)
            if node.returns is not None:
                self.eval(node.returns, frame)
        value, code = self.define(node, node.name, frame)
        for one in node.decorator_list:
            if isinstance(one, ast.Attribute):
                self.register(one, self.eval(one.value, frame), one.attr, value, frame)
        names = [
            self.program.dotted(one) or getattr(tree, "id", "")
            for one, tree in zip(decorators, node.decorator_list, strict=True)
        ]
        value = self.decorate(value, code, decorators, names, frame)
        self.bind(node.name, value, frame, node)

    run_AsyncFunctionDef = run_FunctionDef

    def run_ClassDef(self, node: ast.ClassDef, frame: Frame) -> None:
        decorators = [self.eval(one, frame) for one in node.decorator_list]
        parts = [value for value in decorators if bool(self.program.code_in(value))]
        parts += [self.eval(one, frame) for one in (*node.bases, *(keyword.value for keyword in node.keywords))]
        code = self.new_code(node, node.name, frame)
        inner = Frame("class", frame.function.effects, frame, self.scope(node), code=code)
        depth, self.depth = self.depth, 0
        self.run_block(node.body, inner)
        self.depth = depth
        for name, value in inner.locals.items():
            for label in value.own & self.program.codes.keys():
                method = self.program.codes[label]
                if isinstance(method.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    method.owner = code.label
                    code.methods[name] = label
                    self.program.add_method(name, label)
        held = union([*inner.locals.values(), *(part for part in parts if self.program.dotted(part) is None)])
        for base in parts:
            for label in base.own & self.program.codes.keys():
                inherited = self.program.codes[label].methods
                code.methods = {**inherited, **code.methods}
        value = only(code.label)
        self.bind(node.name, Value(value.own, value.reach | held.reach), frame, node)

    def decorate(self, value: Value, code: Code, decorators: list[Value], names: list[str], frame: Frame) -> Value:
        """What stands for a function after its decorators ran."""
        from cellmill.dataflow.knowledge import CACHE_DECORATORS

        for decorator, name in zip(decorators, names, strict=True):
            if name in CACHE_DECORATORS:
                code.cached = True
                if name == "functools.cached_property":
                    # Its instance keeps what it gave, and is handed over with it.
                    continue
                kept = self.program.new("object", self.site(code.node), code.node.col_offset, f"cache of {code.name}")
                (code.kept,) = kept.own
                value = Value(value.own, value.reach | kept.reach)
            elif name in ("property", "functools.cached_property") or name.endswith(".setter"):
                code.is_property = True
            elif name in (
                "staticmethod",
                "classmethod",
                "functools.wraps",
                "contextlib.contextmanager",
            ) or name.startswith(("functools.", "numba.", "abc.", "typing.", "dataclasses.")):
                continue
            elif self.program.dotted(decorator) is None and decorator.own:
                given = Arguments((value,), {}, NOTHING)
                call = ast.copy_location(ast.Call(func=ast.Constant(None), args=[], keywords=[]), code.node)
                result = self.call_value(call, decorator, given, frame)
                made = self.program.new("object", self.site(code.node), code.node.col_offset, code.name)
                value = Value(made.own | result.own, made.own | result.reach | value.reach | decorator.reach)
            else:
                made = self.program.new("object", self.site(code.node), code.node.col_offset, code.name)
                value = Value(made.own, made.own | value.reach | decorator.reach)
        return value
