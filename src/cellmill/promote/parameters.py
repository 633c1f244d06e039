"""The notebook's parameters with their types, taken from defaults and annotations of the `parameters` cell."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Any

from cellmill.notebook.steps import Steps
from cellmill.notebook.transform import parse, parse_expression, to_python

_TYPES = {
    "int": "int",
    "float": "float",
    "str": "str",
    "bool": "bool",
    "list": "list",
    "dict": "dict",
    "List": "list",
    "Dict": "dict",
}
_BOUNDS = {"Ge": "minimum", "ge": "minimum", "Le": "maximum", "le": "maximum"}


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, default and what values it takes."""

    name: str
    default: Any
    type: str
    nullable: bool = False
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def as_settings(self) -> dict[str, Any]:
        """The entry in cellmill.yaml."""
        settings: dict[str, Any] = {"type": self.type, "default": self.default}
        if self.nullable:
            settings["nullable"] = True
        if self.choices:
            settings["choices"] = list(self.choices)
        if self.minimum is not None:
            settings["minimum"] = self.minimum
        if self.maximum is not None:
            settings["maximum"] = self.maximum
        if isinstance(self.default, float) and not math.isfinite(self.default):
            settings["finite"] = False
        return settings


def read_parameters(steps: Steps) -> tuple[Parameter, ...]:
    """Parameters in the order of the cell: values that JSON can hold; what else the cell assigns stays code."""
    found: dict[str, Parameter] = {}
    for tagged in steps.parameters:
        try:
            statements = parse(to_python(tagged.body)).body
        except SyntaxError:  # a finding says so
            continue
        for node in statements:
            target, value, annotation = assignment(node)
            if target is None or value is None:
                continue
            try:
                default = ast.literal_eval(value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                default = ...
            if _can_be_set(default):
                found[target] = _parameter(target, default, annotation)
            else:
                found.pop(target, None)
    return tuple(found.values())


def _can_be_set(value: Any) -> bool:
    """Whether Ploomber and Papermill pass the value on as it is."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _can_be_set(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(_can_be_set(inner) for inner in value)
    return value is None or isinstance(value, (bool, int, float, str))


def assignment(node: ast.stmt) -> tuple[str | None, ast.expr | None, ast.expr | None]:
    """Name, value and annotation of a statement such as ``rows: int = 3``; None for each that is not there."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value, None
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value, node.annotation
    return None, None, None


def _parameter(name: str, default: Any, annotation: ast.expr | None) -> Parameter:
    guessed = "none" if default is None else type(default).__name__
    if annotation is None:
        return Parameter(name, default, guessed, nullable=default is None)
    kinds: set[str] = set()
    choices: list[Any] = []
    limits: dict[str, float] = {}
    try:
        nullable = _read_annotation(annotation, kinds, choices, limits)
    except (ValueError, TypeError, SyntaxError, OverflowError, RecursionError):
        # It is not a type's name, or one that needs the notebook's own names.
        return Parameter(name, default, guessed, nullable=default is None)
    kind = kinds.pop() if len(kinds) == 1 else (type(choices[0]).__name__ if choices and not kinds else "any")
    if not kinds and kind == "any" and not choices and default is not None and not isinstance(annotation, ast.Name):
        kind = guessed
    return Parameter(
        name, default, kind, nullable or default is None, tuple(choices), limits.get("minimum"), limits.get("maximum")
    )


def _read_annotation(node: ast.expr, kinds: set[str], choices: list[Any], limits: dict[str, float]) -> bool:
    """Collect what an annotation allows; True if None is allowed."""
    if isinstance(node, ast.Constant):
        if node.value is None:
            return True
        if isinstance(node.value, str):
            return _read_annotation(parse_expression(node.value), kinds, choices, limits)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        left = _read_annotation(node.left, kinds, choices, limits)
        return _read_annotation(node.right, kinds, choices, limits) or left
    if isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        name = _last(node.value)
        if name == "Literal":
            choices.extend(ast.literal_eval(one) for one in inner)
            return None in choices
        if name in ("Optional", "Union"):
            allowed = [_read_annotation(one, kinds, choices, limits) for one in inner]
            return name == "Optional" or any(allowed)
        if name == "Annotated":
            for one in inner[1:]:
                _read_limits(one, limits)
            return _read_annotation(inner[0], kinds, choices, limits)
        if name in ("Final", "ClassVar"):
            return _read_annotation(inner[0], kinds, choices, limits)
        kinds.add(_TYPES.get(name, "any"))
        return False
    kinds.add(_TYPES.get(_last(node), "any"))
    return False


def _read_limits(node: ast.expr, limits: dict[str, float]) -> None:
    """``Ge(0)``, ``Interval(ge=0, le=1)`` or ``Field(ge=0, le=1)``."""
    if not isinstance(node, ast.Call):
        return
    pairs = [(_last(node.func), node.args[0])] if node.args else []
    pairs += [(one.arg or "", one.value) for one in node.keywords]
    for name, value in pairs:
        if name in _BOUNDS:
            limits[_BOUNDS[name]] = float(ast.literal_eval(value))


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
