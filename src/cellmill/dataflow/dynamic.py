"""Names that hide in text: magics and shell lines, ``eval`` and ``exec``, ``df.query("@x")``, ``globals()["x"]``."""

from __future__ import annotations

import ast
import re
import string

from cellmill.dataflow import formulas
from cellmill.dataflow.expressions import Expressions
from cellmill.dataflow.files import FileUse
from cellmill.dataflow.program import Frame
from cellmill.dataflow.values import NOTHING, Value, union
from cellmill.notebook.transform import parse, parse_expression, to_python

_DOLLAR = re.compile(r"(?<!\\)\$(\w+)")
_LONGEST_FORMULA = 500
_DEEPEST_TEXT = 10
_AT_NAME = re.compile(r"@(\w+)")
_NAMESPACES = frozenset(("globals", "locals", "vars"))
_STACK = frozenset(("sys._getframe", "inspect.currentframe", "inspect.stack", "gc.get_objects", "gc.get_referrers"))
_SHELL = frozenset(("system", "getoutput", "getoutput"))
_PROCESS_CELLS = frozenset("bash sh script perl ruby ! sx system".split())
_DISPLAY_CELLS = frozenset("html HTML markdown latex javascript js svg SVG".split())
_HARMLESS_LINES = frozenset(
    "who whos who_ls pwd ls timeit lsmagic magic pinfo pinfo2 pdoc psource pfile pdef precision xmode colors "
    "history hist recall notebook steps readiness promote reproduce run_pipeline sweep matplotlib load_ext reload_ext "
    "config autosave metric criteria reset_selective page psearch quickref conda pip mamba uv autoreload aimport "
    "alias_magic logstart logstop cellmill_observe doctest_mode pprint automagic pdb tb less more cat man".split()
)
_SESSION_LINES = frozenset(
    "load_ext reload_ext config matplotlib autoreload aimport alias_magic precision pylab".split()
)


class Dynamic(Expressions):
    """Calls whose text says what they touch."""

    texts = 0  # how many texts deep the code is that is being read

    def eval_special(self, node: ast.Call, frame: Frame) -> Value | None:
        """The value of a call that this file knows, or None."""
        func = node.func
        if isinstance(func, ast.Attribute) and _is_get_ipython(func.value):
            return self.eval_ipython(node, func.attr, frame)
        if isinstance(func, ast.Name) and self.is_builtin(func.id, frame):
            if func.id in ("eval", "exec"):
                return self.eval_text(node, func.id, frame)
            if func.id in _NAMESPACES or func.id == "dir":
                return self.eval_namespace(node, frame)
        if isinstance(func, ast.Attribute) and func.attr == "update" and self.is_namespace(func.value, frame):
            return self.update_namespace(node, frame)
        if isinstance(func, ast.Attribute) and func.attr in ("query", "eval") and node.args:
            self.read_query(node.args[0], frame)
            if func.attr == "eval":
                self.read_expression(node.args[0], func.value, frame)
        return None

    def is_builtin(self, name: str, frame: Frame) -> bool:
        """Whether the name is a builtin here (see `Calls`)."""
        raise NotImplementedError

    def read_query(self, text: ast.expr, frame: Frame) -> None:
        """``df.query("a > @limit")`` reads ``limit``."""
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            for name in _AT_NAME.findall(text.value):
                self.read(name, frame, text)

    def read_expression(self, text: ast.expr, owner: ast.expr, frame: Frame) -> None:
        """``pd.eval("df.a + k")`` reads ``df`` and ``k``; in ``df.eval("a + b")`` they are columns."""
        module = self.program.dotted(self.eval(owner, frame))
        if module not in ("pandas", "numexpr") or not isinstance(text, ast.Constant) or not isinstance(text.value, str):
            return
        try:
            tree = ast.parse(text.value.strip())
        except SyntaxError:
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self.read(node.id, frame, text)

    def eval_Constant(self, node: ast.Constant, frame: Frame) -> Value:
        """A text that is a formula reads what it names, where that is more than a column."""
        if isinstance(node.value, str) and len(node.value) < _LONGEST_FORMULA:
            names = formulas.names_in(node.value)
            self.program.words |= names
            if formulas.is_formula(node.value):
                self.read_words(names, frame, node)
        return NOTHING

    def read_formula(self, node: ast.Call, dotted: str | None, frame: Frame) -> None:
        """A model of a formula: it may have been put together from any text above."""
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if formulas.takes_formula(dotted, method, node.keywords):
            texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            known = [formulas.names_in(text) for text in texts if formulas.is_formula(text)]
            names = known[0] if known else frozenset(self.program.words)
            self.read_words(names, frame, node)
            self.program.formulas[self.program.place(self.site(node), node.col_offset)] = names

    def read_words(self, names: frozenset[str], frame: Frame, node: ast.AST) -> None:
        for name in sorted(names & self.program.env.keys()):
            self.read_soft(name, frame, node)

    # eval, exec, globals

    def eval_text(self, node: ast.Call, name: str, frame: Frame) -> Value:
        """``eval`` and ``exec`` of literal text are read like code; others may touch every name."""
        text = node.args[0] if node.args else None
        rest = [self.eval(one, frame) for one in node.args[1:]]
        if len(rest) == 0 and isinstance(text, ast.Constant) and isinstance(text.value, str):
            try:
                tree = parse(text.value.strip())
            except SyntaxError:
                return NOTHING
            for inner in ast.walk(tree):
                if hasattr(inner, "lineno"):
                    inner.lineno = node.lineno
            return self.run_text(tree, frame)
        value = self.eval(text, frame) if text is not None else NOTHING
        if len(rest) == 0:
            frame.function.effects.reads_any = frame.function.effects.reads_any or self.site(node)
            if name == "exec":
                frame.function.effects.binds_any = frame.function.effects.binds_any or self.site(node)
        return self.fresh(node, union([value, *rest]))

    def run_text(self, tree: ast.Module, frame: Frame) -> Value:
        """Read code that stood in a text; its value is that of a last expression."""
        self.texts += 1
        if self.texts > _DEEPEST_TEXT:
            raise RecursionError("code in a text in a text")
        value = NOTHING
        for statement in tree.body:
            if isinstance(statement, ast.Expr):
                value = self.eval(statement.value, frame)
            else:
                self.run(statement, frame)
        self.texts -= 1
        return value

    def run(self, node: ast.stmt, frame: Frame) -> bool:
        """Read one statement (see `Walker`)."""
        raise NotImplementedError

    def is_namespace(self, node: ast.expr, frame: Frame) -> bool:
        """Whether this is ``globals()``, or at the notebook's top level ``locals()`` or ``vars()``."""
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in _NAMESPACES
            and not node.args
            and self.is_builtin(node.func.id, frame)
            and (frame.function.kind == "module" or node.func.id == "globals")
        )

    def update_namespace(self, node: ast.Call, frame: Frame) -> Value:
        """``globals().update(x=1)`` and ``globals().update({"x": 1})`` bind x; of other arguments nobody knows."""
        pairs: list[tuple[object, ast.expr]] = [(one.arg, one.value) for one in node.keywords]
        for one in node.args:
            if isinstance(one, ast.Dict):
                keys = [key.value if isinstance(key, ast.Constant) else None for key in one.keys]
                pairs += list(zip(keys, one.values, strict=True))
            else:
                self.eval(one, frame)
                pairs.append((None, ast.Constant(value=None)))
        for name, expression in pairs:
            value = self.eval(expression, frame)
            if not isinstance(name, str):
                frame.function.effects.binds_any = frame.function.effects.binds_any or self.site(node)
            elif frame.function.kind == "module":
                self.bind(name, value, frame, node)
            else:
                frame.function.effects.binds.setdefault(name, self.site(node))
        return NOTHING

    def eval_namespace(self, node: ast.Call, frame: Frame) -> Value | None:
        """``globals()`` on its own may read every name; ``vars(x)`` is x's attributes."""
        if node.args:
            return union([self.eval(one, frame) for one in node.args])
        if frame.function.kind == "function" and getattr(node.func, "id", "") != "globals":
            return union(list(frame.locals.values())) if frame.locals else NOTHING
        effects = frame.function.effects
        effects.reads_any = effects.reads_any or self.site(node)
        if frame.function.kind != "module":
            # What it does with them is only known where it is called, and that is any of them.
            effects.binds_any = effects.binds_any or self.site(node)
        return self.fresh(node, union(list(self.program.env.values()) or [NOTHING]), detail="globals")

    def read_main(self, node: ast.AST, frame: Frame) -> None:
        """``__main__`` as a module, or a frame of the stack: any name may be read and bound by way of it."""
        effects = frame.function.effects
        effects.reads_any = effects.reads_any or self.site(node)
        effects.binds_any = effects.binds_any or self.site(node)

    def eval_Attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        value = super().eval_Attribute(node, frame)
        if self.program.dotted(value) in _STACK:
            self.read_main(node, frame)
        return value

    def namespace_key(self, node: ast.Subscript, frame: Frame) -> str | None:
        """The name in ``globals()["name"]``, if it is literal."""
        call = node.value
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id in _NAMESPACES
            and not call.args
            and (frame.function.kind == "module" or call.func.id == "globals")
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        ):
            return node.slice.value
        return None

    def eval_Subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        key = self.namespace_key(node, frame)
        if key is not None:
            return self.read(key, frame, node)
        name = node.slice
        if isinstance(node.value, ast.Attribute) and node.value.attr == "modules":
            of_main = not isinstance(name, ast.Constant) or name.value == "__main__"
            if of_main and self.program.dotted(self.eval(node.value, frame)) == "sys.modules":
                self.read_main(node, frame)
        return super().eval_Subscript(node, frame)

    def assign_subscript(self, target: ast.Subscript, value: Value, frame: Frame) -> None:
        key = self.namespace_key(target, frame)
        if key is None:
            super().assign_subscript(target, value, frame)
        elif frame.function.kind == "module":
            self.bind(key, value, frame, target)
        else:
            frame.function.effects.binds.setdefault(key, self.site(target))

    # IPython

    def eval_ipython(self, node: ast.Call, method: str, frame: Frame) -> Value:
        """``get_ipython().run_line_magic(...)`` and its like: what IPython makes of ``%magic`` and ``!shell`` lines."""
        texts = [one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "" for one in node.args]
        if method in ("system", "getoutput") and texts:
            self.read_interpolated(texts[0], frame, node)
            self.note_shell(frame, node)
            return self.fresh(node) if method == "getoutput" else NOTHING
        if method == "run_line_magic" and texts:
            return self.eval_line_magic(texts[0], texts[1] if len(texts) > 1 else "", frame, node)
        if method == "run_cell_magic" and len(texts) > 2:
            self.run_cell_magic(texts[0], texts[1], texts[2], frame, node)
            return NOTHING
        for one in node.args:
            self.eval(one, frame)
        return NOTHING

    def read_interpolated(self, text: str, frame: Frame, node: ast.AST) -> None:
        """``{expression}`` and ``$name`` as IPython's DollarFormatter expands them; unknown names stay as they are."""
        names = set(_DOLLAR.findall(text))
        try:
            fields = [field for _, field, _, _ in string.Formatter().parse(text.replace("$", "")) if field]
        except ValueError:
            fields = re.findall(r"\{([^{}]+)\}", text)
        for field in fields:
            try:
                tree = parse_expression(field)
            except SyntaxError:
                continue
            names |= {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
        for name in sorted(names):
            self.read_soft(name, frame, node)

    def read_soft(self, name: str, frame: Frame, node: ast.AST) -> None:
        """A name that is used if it exists."""
        effects = frame.function.effects
        effects.soft_reads.setdefault(name, self.site(node))
        self.program.watched.add(name)
        if name in self.program.env or frame.function.kind == "function":
            self.read(name, frame, node)

    def note_shell(self, frame: Frame, node: ast.AST) -> None:
        effects = frame.function.effects
        line = getattr(node, "lineno", 1)
        effects.files += [FileUse("read", None, self.cell, line), FileUse("write", None, self.cell, line)]
        effects.impure = True

    def eval_line_magic(self, name: str, text: str, frame: Frame, node: ast.AST) -> Value:
        """One line magic, by its name; an unknown one only reads what it interpolates."""
        if name in ("time", "prun", "memit", "debug") and text.strip():
            return self.eval_python_magic(text, frame, node)
        if name == "timeit":
            self.run_timed(_without_options(text), frame, node)
            return NOTHING
        self.read_magic_text(name, text, frame, node)
        self.note_magic(name, text, frame, node)
        return self.fresh(node)

    def read_magic_text(self, name: str, text: str, frame: Frame, node: ast.AST) -> None:
        """Names that a line magic's text reads."""
        if name in ("pinfo", "pinfo2", "pdoc", "psource", "pdef", "pfile"):
            self.read_soft(text.strip().strip("?").partition(".")[0], frame, node)
        elif name == "metric":
            # The task evaluates it as it evaluates any other expression.
            tree = _parse_at(text.strip().partition(" ")[2], node)
            if tree is not None:
                self.run_text(tree, frame)
        elif name == "criteria":
            self.read_names_in(text.strip("\"' "), frame, node)
        else:
            self.read_interpolated(text, frame, node)

    def note_magic(self, name: str, text: str, frame: Frame, node: ast.AST) -> None:
        """What a line magic does to the process, the files and the names."""
        effects = frame.function.effects
        if name in ("env", "set_env"):
            self.note_env(name, text, frame, node)
        elif name in ("cd", "pushd", "popd"):
            effects.states.setdefault("cwd", self.site(node))
        elif name in ("sx", "sc", "system"):
            self.note_shell(frame, node)
        elif name in ("run", "load", "pylab", "store", "reset", "rerun", "macro", "edit"):
            effects.binds_any = effects.binds_any or self.site(node)
        of_no_use = (name == "load_ext" and text.strip() == "cellmill") or (
            name == "matplotlib" and text.strip() in ("inline", "")
        )
        if name in _SESSION_LINES and not of_no_use:
            effects.session.append((f"%{name} {text}".strip(), self.site(node)))

    def note_env(self, name: str, text: str, frame: Frame, node: ast.AST) -> None:
        if "=" in text or name == "set_env" or len(text.split()) > 1:
            frame.function.effects.states.setdefault("os.environ", self.site(node))

    def eval_python_magic(self, text: str, frame: Frame, node: ast.AST) -> Value:
        """``%time x = f()`` runs in the notebook's own namespace."""
        tree = _parse_at(_without_options(text), node)
        return self.run_text(tree, frame) if tree is not None else NOTHING

    def run_timed(self, text: str, frame: Frame, node: ast.AST) -> None:
        """``%timeit`` runs its statement inside a function: what it assigns stays there."""
        tree = _parse_at(text, node)
        if tree is None or not tree.body:
            return
        function = ast.FunctionDef(
            name="_timed",
            args=ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[]),
            body=tree.body,
            decorator_list=[],
        )
        ast.copy_location(function, node)
        value, _ = self.define(function, "%timeit", frame)
        if frame.function.kind == "module":
            self.mention(value, frame.function.effects, self.site(node))

    def read_names_in(self, text: str, frame: Frame, node: ast.AST) -> None:
        try:
            tree = parse_expression(text)
        except SyntaxError:
            return
        for one in ast.walk(tree):
            if isinstance(one, ast.Name):
                self.read_soft(one.id, frame, node)

    def run_cell_magic(self, name: str, line: str, body: str, frame: Frame, node: ast.AST) -> None:
        """A cell magic whose body is not Python of this kernel."""
        self.read_interpolated(line, frame, node)
        effects = frame.function.effects
        if name == "writefile":
            path = line.replace("-a", "").strip()
            effects.files.append(FileUse("write", path if "{" not in path and "$" not in path else None, self.cell, 1))
            self.program.written.add(path)
            return
        if name in _DISPLAY_CELLS:
            return
        for option, target in re.findall(r"--(out|err|proc)\s+(\w+)", line):
            self.bind(target, self.fresh(node, detail=option), frame, node)
        self.note_shell(frame, node)
        if name not in _PROCESS_CELLS and name not in ("python", "python2", "python3", "pypy", "cmd"):
            effects.binds_any = effects.binds_any or self.site(node)
            effects.session.append((f"%%{name}", self.site(node)))


def _is_get_ipython(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_ipython"


def _without_options(text: str) -> str:
    """The statement after a timing magic's own options."""
    return re.sub(r"^\s*(?:-{1,2}[a-zA-Z][\w-]*(?:\s*=?\s*\d+)?\s+)+", "", text)


def _parse_at(text: str, node: ast.AST) -> ast.Module | None:
    try:
        tree = parse(to_python(text.strip()))
    except SyntaxError:
        return None
    for inner in ast.walk(tree):
        if hasattr(inner, "lineno"):
            inner.lineno = getattr(node, "lineno", 1)
    return tree
