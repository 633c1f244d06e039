"""Reads calls: what a call may change, what its result may share, by who is called."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from cellmill.dataflow import figures, files, knowledge, state
from cellmill.dataflow.dynamic import Dynamic
from cellmill.dataflow.effects import Code, Effects
from cellmill.dataflow.expressions import MAKERS
from cellmill.dataflow.files import FileUse
from cellmill.dataflow.program import Frame
from cellmill.dataflow.scopes import FunctionNode
from cellmill.dataflow.values import NOTHING, Label, Value, union

_BEING_READ = -2
_ROUNDS = 6
"""How often functions that call each other are read at most; what they do only grows, and soon not any more."""


def _literal_path(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Call) and node.args and isinstance(node.func, (ast.Name, ast.Attribute)):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        return _literal_path(node.args[0]) if name == "Path" and len(node.args) == 1 else None
    return None


def _open_mode(node: ast.Call) -> str | None:
    for one in [one.value for one in node.keywords if one.arg == "mode"] or node.args[1:2]:
        return one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "w"
    return None


def _works_in_place(node: ast.Call) -> bool:
    """Whether a call says ``copy=False``, ``copy_X=False`` or the like."""
    return any(
        keyword.arg is not None
        and keyword.arg.lower() in ("copy", "copy_x")
        and not (isinstance(keyword.value, ast.Constant) and keyword.value.value)
        for keyword in node.keywords
    )


def _size(code: Code) -> tuple[int, ...]:
    """Grows whenever more is known of what the function does."""
    if code.effects is None:
        return ()
    done = code.effects
    held = sum(map(len, done.stores.values())) + sum(map(len, done.callbacks.values()))
    names = len(done.reads) + len(done.binds) + len(done.states) + len(done.draws) + len(done.files)
    flags = int(code.stateful) + int(done.impure)
    return len(done.mutated), held, len(code.returns.own), len(code.returns.reach), names, flags, len(code.made)


@dataclass(frozen=True)
class Arguments:
    """The evaluated arguments of one call."""

    positional: tuple[Value, ...]
    keywords: dict[str, Value]
    rest: Value
    node: ast.Call | None = None
    skipped: int = 0

    @property
    def paths(self) -> list[str | None]:
        """The positional arguments that are paths, where the source says which."""
        return [_literal_path(one) for one in self.node.args[self.skipped :]] if self.node is not None else []

    @property
    def mode(self) -> str | None:
        """How a file is opened, where the source says it."""
        return _open_mode(self.node) if self.node is not None and not self.skipped else None

    @property
    def all(self) -> Value:
        """Everything that the call was given."""
        return union([*self.positional, *self.keywords.values(), self.rest])


class Calls(Dynamic):
    """Calls of notebook functions (by their summaries), of libraries (by what is known of them), and of the unknown."""

    def eval_Call(self, node: ast.Call, frame: Frame) -> Value:
        special = self.eval_special(node, frame)
        if special is not None:
            return special
        if isinstance(node.func, ast.Attribute):
            receiver = self.eval(node.func.value, frame)
            dotted = self.program.dotted(receiver)
            if dotted is None and isinstance(node.func.value, ast.Name) and self.is_builtin(node.func.value.id, frame):
                dotted = node.func.value.id
            if dotted is None:
                self.read_formula(node, None, frame)
                return self.call_method(node, receiver, node.func.attr, self.arguments(node, frame), frame)
            callee = self.program.imported(f"{dotted}.{node.func.attr}")
            if self.has_modules:
                self.note_module(callee, frame, node)
        else:
            callee = self.eval(node.func, frame)
        arguments = self.arguments(node, frame)
        dotted = self.program.dotted(callee)
        self.read_formula(node, dotted, frame)
        if dotted is not None:
            return self.call_library(node, dotted, arguments, frame)
        if isinstance(node.func, ast.Name) and self.is_builtin(node.func.id, frame):
            return self.call_library(node, node.func.id, arguments, frame)
        return self.call_value(node, callee, arguments, frame)

    def is_builtin(self, name: str, frame: Frame) -> bool:
        """Whether the name is a builtin here: neither the function nor the notebook binds it."""
        at: Frame | None = frame
        while at is not None:
            if name in at.locals or (at.scope is not None and name in at.scope.locals):
                return False
            at = at.parent
        if name not in knowledge.BUILTINS:
            return False
        self.program.watched.add(name)
        return name not in self.program.env

    def arguments(self, node: ast.Call, frame: Frame) -> Arguments:
        positional: list[Value] = []
        rest = NOTHING
        for one in node.args:
            value = self.eval(one, frame)
            self.mutate_bound(one, value, frame)
            if isinstance(one, ast.Starred):
                rest |= value
            else:
                positional.append(value)
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.eval(keyword.value, frame)
            self.mutate_bound(keyword.value, value, frame)
            if keyword.arg is None:
                rest |= value | self.program.content(value)
            else:
                keywords[keyword.arg] = value
        return Arguments(tuple(positional), keywords, rest, node)

    def mutate_bound(self, node: ast.expr, value: Value, frame: Frame) -> None:
        """``map(rows.append, new)``: whoever is handed such a method may call it."""
        if isinstance(node, ast.Attribute) and node.attr in knowledge.SHALLOW_METHODS:
            self.mutate(self.without_code(value.own), frame, node)

    # Notebook functions

    def call_value(self, node: ast.Call, callee: Value, arguments: Arguments, frame: Frame) -> Value:
        """A call of something that the notebook made: known functions by their summaries, all else without trust."""
        codes = [self.program.codes[label] for label in callee.own if label in self.program.codes]
        unknown = [label for label in callee.own if self.needs_distrust(label)]
        results = [self.call_code(node, code, list(arguments.positional), arguments, callee, frame) for code in codes]
        given = frozenset(label for label in callee.own if label.startswith(("param:", "deep:param:")))
        if given and frame.function.kind == "function":
            frame.function.effects.add_callback(given, arguments.all.reach)
            results.append(self.fresh(node, callee | arguments.all))
            results.append(arguments.all)
            unknown = [label for label in unknown if label not in given]
            codes = codes or []
        if (not codes and not given) or unknown:
            self.mutate(self.inside(callee | arguments.all), frame, node)
            self.call_callbacks(node, union([callee, arguments.all]), arguments, frame)
            frame.function.effects.impure = True
            results.append(self.fresh(node, callee | arguments.all))
            results.append(self.program.content(callee))
            results.append(arguments.all)
            results.append(self.given_back(callee | arguments.all, frame))
        return union(results)

    def given_back(self, held: Value, frame: Frame) -> Value:
        """What the functions among the objects may return: whoever holds them may call them and pass it on."""
        found: frozenset[Label] = frozenset()
        for label in self.program.code_in(held):
            code = self.program.codes[label]
            if not isinstance(code.node, ast.ClassDef) and code.owner is None:
                self.summary(code)
                found |= self.reachable(code.returns.reach, {}, frame)
        real = frozenset(one for one in found if not one.startswith(("param:", "deep:param:", "class:")))
        return Value(real, real)

    def needs_distrust(self, label: Label) -> bool:
        """Whether calling what is behind the label may do anything: it is no function of the notebook."""
        if label.startswith("global:"):
            own = self.program.env.get(label[7:], NOTHING).own
            return any(self.needs_distrust(one) for one in own)
        fact = self.program.facts.get(label)
        return label not in self.program.codes and (fact is None or fact.kind != "closure")

    def call_code(
        self, node: ast.Call, code: Code, positional: list[Value], arguments: Arguments, callee: Value, frame: Frame
    ) -> Value:
        """Let a notebook function's summary happen with these arguments."""
        effects = frame.function.effects
        if isinstance(code.node, ast.ClassDef):
            return self.make_instance(node, code, arguments, callee, frame)
        done = self.summary(code)
        if frame.function.kind == "module":
            self.apply_effects(code, effects, self.site(node, via=code.name))
        else:
            effects.impure = effects.impure or done.impure
            self.merge_places(done, effects, self.site(node))
        actual = self.actuals(code, positional, arguments, callee)
        made = self.made_in_call(node, code)
        actual |= dict.fromkeys(code.made, made)
        if code.stateful:
            self.mutate(self.inside(callee), frame, node)
        self.mutate(self.replace(done.mutated, actual, frame), frame, node)
        for name, value in list(done.assigned.items()):
            real = Value(self.replace(set(value.own), actual, frame), self.reachable(value.reach, actual, frame))
            if frame.function.kind == "module":
                self.program.assign(name, real, weak=True)
            else:
                effects.add_assigned(name, real)
        for target, held in list(done.stores.items()):
            self.store(self.replace({target}, actual, frame), self.reachable(held, actual, frame), frame)
        for called, handed in list(done.callbacks.items()):
            self.call_back(node, called, self.reachable(handed, actual, frame), actual, frame)
        returned = Value(
            self.replace(set(code.returns.own), actual, frame),
            self.reachable(code.returns.reach, actual, frame),
        )
        if code.kept is not None and returned.own:
            # The cache gives the same object again.
            returned = Value(returned.own | {code.kept}, returned.reach | {code.kept})
        if code.generator:
            return self.fresh(node, returned | arguments.all, "resource", "a generator")
        return returned

    def made_in_call(self, node: ast.Call, code: Code) -> Value:
        """One label for all that a function makes in this call: two calls make two objects."""
        if not code.made:
            return NOTHING
        kinds = {self.program.facts[label].kind for label in code.returns.own & code.made}
        details = {self.program.facts[label].detail for label in code.returns.own & code.made}
        kind = kinds.pop() if len(kinds) == 1 else "object"
        if kind == "display" and len(code.returns.reach & code.made) > 1:
            kind = "object"
        return self.fresh(node, NOTHING, kind, details.pop() if len(details) == 1 and kind != "object" else code.name)

    def call_back(
        self,
        node: ast.Call,
        symbol: Label,
        handed: frozenset[Label],
        actual: dict[Label, Value],
        frame: Frame,
    ) -> None:
        """A notebook function calls what it was given: now it is known what that is."""
        function = actual.get(symbol.removeprefix("deep:"))
        if function is not None and symbol.startswith("deep:"):
            function = Value(function.reach, function.reach)
        if function is None or any(label.startswith(("param:", "deep:param:")) for label in function.own):
            inner = function.own if function is not None else frozenset((symbol,))
            if frame.function.kind == "function":
                frame.function.effects.add_callback(inner, handed)
            return
        dotted = self.program.dotted(function)
        if dotted is not None and knowledge.is_functional(dotted) and dotted not in knowledge.MUTATING_FUNCTIONS:
            return
        codes = [self.program.codes[label] for label in function.own if label in self.program.codes]
        known = len(codes) == len(function.own) and bool(codes)
        harmless = known and not any(
            one.removeprefix("deep:").startswith(f"param:{code.label}")
            for code in codes
            for one in self.summary(code).mutated
        )
        if not harmless and function.own:
            self.mutate(self.without_code(handed | function.reach) | function.own, frame, node)
        for code in codes:
            if code.stateful:
                self.mutate(self.inside(function), frame, node)

    def actuals(self, code: Code, positional: list[Value], arguments: Arguments, callee: Value) -> dict[Label, Value]:
        """What each symbolic label of a function's parameters stands for in this call."""
        actual: dict[Label, Value] = {}
        names = code.parameters
        for at, name in enumerate(names):
            symbol = f"param:{code.label}:{name}"
            if at < len(positional):
                actual[symbol] = positional[at]
            elif name in arguments.keywords:
                actual[symbol] = arguments.keywords[name]
            elif name in code.default_labels:
                default = code.default_labels[name]
                actual[symbol] = Value(default.own | callee.own, default.reach | callee.own) if default.own else NOTHING
            else:
                actual[symbol] = NOTHING
            if arguments.rest.reach:
                actual[symbol] |= arguments.rest
        extra = union([*positional[len(names) :], arguments.rest, *arguments.keywords.values()])
        actual[f"param:{code.label}:*"] = extra
        return actual

    def replace(self, labels: set[Label], actual: dict[Label, Value], frame: Frame) -> frozenset[Label]:
        """Symbolic labels made real for one call: ``deep:x`` is what x holds, x the object itself."""
        real: set[Label] = set()
        for label in labels:
            deep = label.startswith("deep:")
            symbol = label[5:] if deep else label
            if symbol in actual:
                real |= self.inside(actual[symbol]) if deep else actual[symbol].own
            elif label.startswith("class:") and label[6:] in actual:
                given = actual[label[6:]]
                real |= self.classes_of(given.reach)
                real |= {f"class:{one}" for one in given.own if one.startswith(("param:", "global:"))}
            elif symbol.startswith("global:") and frame.function.kind == "module":
                known = self.program.env.get(symbol[7:], NOTHING)
                real |= self.inside(known) if deep else known.own
            elif label.startswith("class:global:") and frame.function.kind == "module":
                real |= self.classes_of(self.program.env.get(label[13:], NOTHING).reach)
            else:
                real.add(label)
        return frozenset(real)

    def reachable(self, labels: frozenset[Label], actual: dict[Label, Value], frame: Frame) -> frozenset[Label]:
        """All that can be reached from the labels once they are made real."""
        real: set[Label] = set()
        for label in labels:
            symbol = label.removeprefix("deep:")
            if symbol in actual:
                real |= actual[symbol].reach
            elif symbol.startswith("global:") and frame.function.kind == "module":
                real |= self.program.env.get(symbol[7:], NOTHING).reach
            else:
                real |= self.replace({label}, actual, frame)
        return frozenset(real)

    def inside(self, value: Value) -> frozenset[Label]:
        """What changing a value may change: itself and what it holds, not its class or the functions that it knows."""
        return value.own | value.reach.difference(self.program.code_in(value))

    def make_instance(self, node: ast.Call, code: Code, arguments: Arguments, callee: Value, frame: Frame) -> Value:
        """An instance holds on to its class and, unless shown otherwise, to what it was made from."""
        factories = [self.program.codes[one] for one in self.program.code_in(callee)]
        kept: set[Label] = set()
        for one in factories:
            if isinstance(one.node, ast.Lambda):
                self.summary(one)
                kept |= one.returns.reach
        given = self.reachable(frozenset(kept), {}, frame)
        held = callee | arguments.all | Value(frozenset(), given)
        made = self.fresh(node, held, "instance", code.name)
        for name in ("__new__", "__init__", "__post_init__"):
            if name in code.methods:
                method = self.program.codes[code.methods[name]]
                first = callee if name == "__new__" else made
                given_back = self.call_code(node, method, [first, *arguments.positional], arguments, callee, frame)
                if name == "__new__":
                    # It may be an object that is there already, as of a class with one instance.
                    made = Value(made.own | self.without_code(given_back.own), made.reach | given_back.reach)
        return made

    def call_callbacks(self, node: ast.Call, given: Value, arguments: Arguments, frame: Frame) -> None:
        """A function that changes its arguments, handed to another function, may change whatever else that one has."""
        for label in self.program.code_in(given):
            code = self.program.codes[label]
            done = self.summary(code)
            if code.stateful:
                self.mutate(frozenset((label,)) | self.inside(given), frame, node)
            made_by = code.owner is not None and code.name in MAKERS
            if not made_by and any(one.removeprefix("deep:").startswith(f"param:{label}") for one in done.mutated):
                self.mutate(self.inside(given), frame, node)

    # Methods

    def call_method(self, node: ast.Call, receiver: Value, name: str, arguments: Arguments, frame: Frame) -> Value:
        own_methods = self.notebook_methods(receiver, name)
        results: list[Value] = []
        for code, static in own_methods:
            positional = list(arguments.positional) if static else [receiver, *arguments.positional]
            results.append(self.call_code(node, code, positional, arguments, receiver, frame))
        certain = own_methods and bool(self.program.code_in(receiver))
        if certain:
            return union(results)
        results.append(self.call_foreign_method(node, receiver, name, arguments, frame))
        return union(results)

    def notebook_methods(self, receiver: Value, name: str) -> list[tuple[Code, bool]]:
        """Notebook methods that the call may reach: of the receiver's class, or of any class if it is not known."""
        found: list[tuple[Code, bool]] = []
        held = self.program.code_in(receiver)
        if not held and name not in self.program.methods and name in self.program.watched_methods:
            return found
        known = [self.program.codes[label] for label in held]
        classes = [code for code in known if isinstance(code.node, ast.ClassDef)]
        labels = [code.methods[name] for code in classes if name in code.methods]
        if not classes and (not receiver.own or self.program.kinds(receiver) & {"unknown", "object"}):
            self.program.watched_methods.add(name)
            labels = self.program.methods.get(name, [])
        for label in labels:
            code = self.program.codes[label]
            static = any(
                isinstance(one, ast.Name) and one.id == "staticmethod"
                for one in getattr(code.node, "decorator_list", [])
            )
            found.append((code, static))
        return found

    def call_properties(self, value: Value, node: ast.Attribute, frame: Frame) -> None:
        for label in self.program.code_in(value):
            method = self.program.codes[label].methods.get(node.attr)
            if method is not None and self.program.codes[method].is_property:
                call = ast.copy_location(ast.Call(func=node, args=[], keywords=[]), node)
                given = Arguments((), {}, NOTHING)
                self.call_code(call, self.program.codes[method], [value], given, value, frame)

    def call_foreign_method(
        self, node: ast.Call, receiver: Value, name: str, arguments: Arguments, frame: Frame
    ) -> Value:
        """A method of a library's object, judged by its name; an unknown one may change and keep everything."""
        effects = frame.function.effects
        given = arguments.all
        self.note_method_files(node, name, arguments, frame)
        for drawn in state.drawn_by_method(name):
            effects.draws.setdefault(drawn, self.site(node))
        if (changed := state.set_by_method(name)) is not None:
            effects.states.setdefault(changed, self.site(node))
        figures.note_method(name, effects, self.site(node))
        self.register(node, receiver, name, given, frame)
        if name in ("index", "remove", "count"):
            effects.compared |= self.with_identity(receiver | given)
        self.mutate_keywords(node, receiver, arguments, frame)
        self.call_callbacks(node, receiver | given, arguments, frame)
        if name in knowledge.RESOURCE_METHODS:
            self.mutate(receiver.own, frame, node)
            return self.fresh(node, receiver, "resource", knowledge.RESOURCE_METHODS[name])
        if self.program.kinds(receiver) & {"resource", "iterator"} or name in knowledge.ARGUMENT_METHODS:
            keeps_arguments = self.is_passive(receiver) and name not in knowledge.ARGUMENT_METHODS
            self.mutate(receiver.reach if keeps_arguments else receiver.reach | given.reach, frame, node)
            effects.impure = True
            return (
                self.fresh(node, receiver | given)
                if name not in ("read", "readline", "readlines")
                else self.fresh(node)
            )
        if name in knowledge.PURE_METHODS and name not in knowledge.RECEIVER_ONLY_METHODS:
            return self.pure_result(node, receiver, name, given)
        effects.impure = True
        if name in knowledge.RECEIVER_ONLY_METHODS:
            self.bind_any_in(receiver, node, frame)
            if not receiver.reach and arguments.positional and name in knowledge.SHALLOW_METHODS:
                # Perhaps a class under another name: `push = list; push.append(xs, 1)`.
                self.mutate(self.without_code(arguments.positional[0].own), frame, node)
            shallow = name in knowledge.SHALLOW_METHODS
            self.mutate(receiver.own if shallow else self.without_code(receiver.reach), frame, node)
            if name in knowledge.KEEPING_METHODS:
                self.store(receiver.own, given.reach, frame)
            if name in knowledge.SELF_METHODS:
                return receiver
            # What it gives may have been in it, or be a default that it was given (setdefault, pop).
            known = receiver.reach | given.reach
            made = self.fresh(node)
            return Value(known | made.own, known | made.reach)
        self.mutate(self.without_code(receiver.reach), frame, node)
        if not self.is_library_object(receiver):
            self.mutate(self.without_code(given.reach), frame, node)
        self.store(receiver.own, given.reach, frame)
        both = receiver | given
        made = self.fresh(node, both)
        return Value(both.reach | made.own, made.reach)

    def register(self, node: ast.AST, receiver: Value, name: str, given: Value, frame: Frame) -> None:
        """``show.register(f)``: a generic function remembers f, an abstract class its new subclass."""
        if name == "register":
            self.mutate(receiver.own & self.program.code_labels, frame, node)
            self.store(receiver.own, given.reach, frame)

    def is_passive(self, receiver: Value) -> bool:
        """Whether the receiver is a file, a connection or a figure: it takes what it is given as it is."""
        facts = [self.program.facts.get(label) for label in receiver.own]
        return all(fact is not None and fact.kind == "resource" and fact.detail != "a generator" for fact in facts)

    def pure_result(self, node: ast.Call, receiver: Value, name: str, given: Value) -> Value:
        if name in knowledge.LAZY_METHODS and receiver.own:
            return self.fresh(node, receiver, "frame")
        if self.program.kinds(receiver) <= {"frame"} and receiver.own and name not in knowledge.VIEW_METHODS:
            return self.fresh(node, kind="frame")
        if name in knowledge.FRESH_METHODS:
            kind = "frame" if name in knowledge.FRAME_METHODS else "object"
            return self.fresh(node, kind=kind) if receiver.own or given.own else NOTHING
        if not receiver.own and not given.own:
            return NOTHING
        made = self.fresh(node, receiver | given)
        if name == "copy":
            return made
        return Value(receiver.reach | given.reach | made.own, made.reach)

    def without_code(self, labels: frozenset[Label]) -> frozenset[Label]:
        """A library changes objects, not the notebook's classes and functions."""
        return labels.difference(self.program.codes)

    def is_library_object(self, receiver: Value) -> bool:
        """Whether all that the receiver may be was made by a library whose methods leave their arguments alone."""
        facts = [self.program.facts.get(label) for label in receiver.own]
        return bool(facts) and all(
            fact is not None
            and (fact.kind == "frame" or (fact.kind == "instance" and knowledge.is_functional(fact.detail)))
            for fact in facts
        )

    def mutate_keywords(self, node: ast.Call, receiver: Value, arguments: Arguments, frame: Frame) -> None:
        """``inplace=True`` changes the object, ``out=`` and ``ax=`` what they are given."""
        if not self.program.uncopied.isdisjoint(receiver.reach):
            self.mutate(self.without_code(arguments.all.reach), frame, node)
        for keyword in node.keywords:
            literal = keyword.value.value if isinstance(keyword.value, ast.Constant) else True
            if (keyword.arg == "inplace" and literal) or keyword.arg is None:
                self.mutate(receiver.own, frame, node)
            elif keyword.arg.startswith("overwrite_") and literal:
                self.mutate(arguments.all.own, frame, node)
            elif keyword.arg in knowledge.MUTATING_KEYWORDS and keyword.arg in arguments.keywords:
                self.mutate(arguments.keywords[keyword.arg].reach, frame, node)

    def mutate_uncopied(self, node: ast.Call, given: Value, frame: Frame) -> None:
        """``copy=False`` lets a function work in what it is given."""
        if _works_in_place(node):
            self.mutate(given.own, frame, node)

    def note_method_files(self, node: ast.Call, name: str, arguments: Arguments, frame: Frame) -> None:
        """What a method of this name does to files."""
        if name in files.METHODS:
            assert isinstance(node.func, ast.Attribute)
            uses = files.used_by_method(name, arguments.paths, _literal_path(node.func.value))
            self.note_files(uses, node, frame)

    # Libraries

    def call_library(self, node: ast.Call, dotted: str, arguments: Arguments, frame: Frame) -> Value:
        """A function or class of a library or a builtin, by its dotted name."""
        effects = frame.function.effects
        given = arguments.all
        owner, _, method = dotted.rpartition(".")
        if arguments.positional and knowledge.changes_first(owner, method):
            # list.append(xs, 1) is xs.append(1).
            rest = Arguments(arguments.positional[1:], arguments.keywords, arguments.rest, arguments.node, 1)
            return self.call_method(node, arguments.positional[0], method, rest, frame)
        self.note_state(node, dotted, frame)
        figures.note_call(dotted, frame.function.effects, self.site(node))
        self.note_files(files.used_by_call(dotted, arguments.paths, arguments.mode), node, frame)
        self.mutate_keywords(node, given, arguments, frame)
        self.call_callbacks(node, given, arguments, frame)
        self.use_operator([given], node, frame)
        if dotted not in knowledge.PURE_FOR_CACHE:
            effects.impure = True
        if dotted == "id":
            effects.compared |= given.reach
        if dotted == "numpy.nan_to_num" or dotted.startswith("sklearn.preprocessing."):
            self.mutate_uncopied(node, given, frame)
        if dotted in ("setattr", "delattr"):
            self.set_attribute(node, arguments, frame)
        if dotted in knowledge.MUTATING_FUNCTIONS or knowledge.changed_positions(dotted):
            for at in knowledge.changed_positions(dotted):
                if at < len(arguments.positional):
                    self.mutate(arguments.positional[at].reach, frame, node)
                    self.store(arguments.positional[at].own, given.reach, frame)
        elif not (knowledge.is_functional(dotted) or dotted in knowledge.BUILTINS):
            self.mutate(given.reach, frame, node)
        result = self.library_result(node, dotted, given)
        if dotted.startswith("sklearn.") and _works_in_place(node):
            self.program.uncopied |= result.own
        passed_on = self.given_back(given, frame)
        if not passed_on.own or dotted in knowledge.SCALAR_BUILTINS:
            return result
        return result | passed_on | self.fresh(node, passed_on)

    def set_attribute(self, node: ast.Call, arguments: Arguments, frame: Frame) -> None:
        owner = arguments.positional[0] if arguments.positional else NOTHING
        name = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], ast.Constant) else "?"
        self.change_place(owner, str(name), node, frame)

    def library_result(self, node: ast.Call, dotted: str, given: Value) -> Value:
        if dotted in knowledge.RESOURCES:
            return self.fresh(node, given, "resource", knowledge.RESOURCES[dotted])
        if dotted in knowledge.SCALAR_BUILTINS:
            return NOTHING
        if dotted in knowledge.ITERATOR_BUILTINS or dotted.startswith("itertools."):
            return self.fresh(node, given, "iterator", dotted)
        if dotted == "type":
            return self.class_of(given)
        if dotted == "getattr":
            # It may be a method, which holds its object.
            return Value(given.reach - self.program.resources, given.reach)
        if dotted in ("next", "min", "max", "anext"):
            # An element of the first argument, or one of several arguments as it is.
            return self.program.content(given) | union([given])
        if dotted.startswith(("pandas.", "polars.")):
            # Cells of a frame may be objects that others know.
            cells = Value(frozenset(), given.reach - given.own)
            return self.fresh(node, cells if knowledge.returns_fresh(dotted) else given, "frame")
        if knowledge.returns_fresh(dotted):
            return self.fresh(node, NOTHING, "instance", dotted)
        if not knowledge.is_functional(dotted) and dotted not in knowledge.BUILTINS:
            made = self.fresh(node, given, "unknown", dotted)
            return Value(made.own | given.own, made.reach)
        made = self.fresh(node, given, "instance", dotted)
        if (dotted.startswith("numpy.") or dotted in knowledge.VIEWING_CLASSES) and given.own:
            return Value(made.own | given.own, made.reach)
        return made

    def note_state(self, node: ast.Call, dotted: str, frame: Frame) -> None:
        effects = frame.function.effects
        changed = state.set_by_call(dotted)
        owner, _, method = dotted.rpartition(".")
        if changed is None and owner and method in knowledge.SHALLOW_METHODS:
            changed = state.place(owner)
            if changed is None and "." in owner and owner.rpartition(".")[2].islower():
                changed = f"patch:{owner}"
        if changed is not None:
            effects.states.setdefault(changed, self.site(node))
        for drawn in state.drawn_by_call(dotted):
            effects.draws.setdefault(drawn, self.site(node))

    def note_files(self, uses: tuple[tuple[files.Mode, str | None], ...], node: ast.AST, frame: Frame) -> None:
        for mode, path in uses:
            use = FileUse(mode, path, self.cell, getattr(node, "lineno", 1))
            if use not in frame.function.effects.files:
                frame.function.effects.files.append(use)
            if mode == "write" and path:
                self.program.written.add(path)
            if mode == "read" and path:
                frame.function.effects.path_literals.append((path, self.site(node)))

    # Summaries

    def summary(self, code: Code) -> Effects:
        """What a function does when it is called, in symbols for its parameters and the notebook's names."""
        if code.effects is not None and code.version == self.program.version:
            return code.effects
        if code.version == _BEING_READ:
            # Recursion sees what is known so far; whoever is reading it reads it again.
            self._recursed.add(code.label)
            return code.effects or Effects()
        if isinstance(code.node, ast.ClassDef):
            code.effects = code.effects or Effects()
            code.version = self.program.version
            return code.effects
        started = len(self._summarised)
        self._summarising += 1
        for _ in range(_ROUNDS):
            known = _size(code)
            self._recursed.discard(code.label)
            self._read_function(code, code.node)
            if code.label not in self._recursed or _size(code) == known:
                break
            for other in self._summarised[started:]:
                other.version = -1
        self._recursed.discard(code.label)
        self._summarising -= 1
        self._summarised.append(code)
        if not self._summarising:
            self._summarised.clear()
        assert code.effects is not None
        return code.effects

    def _read_function(self, code: Code, node: FunctionNode) -> None:
        effects = Effects()
        code.effects = code.effects or effects
        code.version = _BEING_READ
        scope = self.scope(node)
        code.generator = scope.is_generator and not isinstance(node, ast.Lambda)
        parent = code.parent if isinstance(code.parent, Frame) else None
        frame = Frame("function", effects, parent, scope, code=code)
        for name in scope.locals & set(code.parameters):
            symbol = f"param:{code.label}:{name}"
            frame.locals[name] = Value(frozenset((symbol,)), frozenset((symbol, f"deep:{symbol}")))
        for star in (node.args.vararg, node.args.kwarg):
            if star is not None:
                symbol = f"param:{code.label}:*"
                # Its tuple or dictionary is the function's own; what is in it was given.
                inside = frozenset((symbol, f"deep:{symbol}"))
                frame.locals[star.arg] = Value(inside, inside)
        self.program.made.append(set())
        self.run_body(node, frame)
        code.made = frozenset(self.program.made.pop())
        code.effects = effects
        code.returns = union(frame.returns) if frame.returns else NOTHING
        code.version = self.program.version

    def run_body(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, frame: Frame) -> None:
        saved = (self.depth, self.weak_depth, self.loops, self.broken, self.cell, self.cell_id)
        assert frame.code is not None
        self.depth, self.weak_depth, self.loops, self.broken = 0, 0, 0, False
        self.cell, self.cell_id = frame.code.site.cell, frame.code.site.cell_id
        if isinstance(node, ast.Lambda):
            frame.returns.append(self.eval(node.body, frame))
        else:
            self.run_block(node.body, frame)
        self.depth, self.weak_depth, self.loops, self.broken, self.cell, self.cell_id = saved

    def run_block(self, body: list[ast.stmt], frame: Frame) -> bool:
        """Read statements in order (see `Walker`)."""
        raise NotImplementedError
