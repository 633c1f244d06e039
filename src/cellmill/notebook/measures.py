"""What ``%metric`` and ``%criteria`` lines say: read in one place, for the magics and for promotion."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from cellmill.errors import CellmillError

METRIC_USAGE = "%metric NAME VALUE, such as %metric accuracy model.score(X, y)"
CRITERIA_USAGE = '%criteria "accuracy >= 0.9"'

_COMPARISONS = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Call, ast.Name, ast.Attribute, ast.Subscript, ast.BinOp)


@dataclass(frozen=True)
class Metric:
    """``%metric name value``: the value is a Python expression."""

    name: str
    expression: str


def parse_metric(text: str) -> Metric:
    """Read what stands after ``%metric``.

    Raises
    ------
    CellmillError
        With a remedy that says what to type instead.

    Examples
    --------
    >>> parse_metric("accuracy model.score(X, y)")
    Metric(name='accuracy', expression='model.score(X, y)')
    """
    name, _, expression = text.strip().partition(" ")
    expression = expression.strip()
    if "=" in name:
        name, _, value = name.partition("=")
        raise CellmillError("%metric takes no = sign", remedy=f"write %metric {name} {value or 'VALUE'}")
    if not name or not expression:
        remedy = f"write %metric {name} {name}" if name.isidentifier() else f"write {METRIC_USAGE}"
        raise CellmillError("%metric needs a name and a value", remedy=remedy)
    if not re.fullmatch(r"[\w./:-]+", name):
        raise CellmillError(
            f"{name!r} can't name a metric", remedy="use letters, digits and _ . / : - only, such as accuracy"
        )
    if _parsed(expression) is None:
        raise CellmillError(f"{expression!r} is not a Python expression", remedy=f"write {METRIC_USAGE}")
    return Metric(name, expression)


def parse_criterion(text: str) -> str:
    """Read the condition that stands after ``%criteria``, with or without quotes.

    Raises
    ------
    CellmillError
        With a remedy that says what to type instead.

    Examples
    --------
    >>> parse_criterion('"accuracy >= 0.9"')
    'accuracy >= 0.9'
    """
    text = text.strip()
    quoted = _parsed(text)
    if isinstance(quoted, ast.Constant) and isinstance(quoted.value, str):
        text = quoted.value.strip()
    if not text:
        raise CellmillError("%criteria needs a condition", remedy=f"write {CRITERIA_USAGE}")
    condition = _parsed(text)
    if condition is None:
        raise CellmillError(f"{text!r} is not a Python expression", remedy=f"write {CRITERIA_USAGE}")
    if not isinstance(condition, _COMPARISONS):
        raise CellmillError(f"{text!r} is not a condition", remedy=f"write {CRITERIA_USAGE}")
    return text


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
