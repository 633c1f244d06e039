"""``%metric`` and ``%criteria``: numbers that a step reports, and conditions that they must meet."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand

from cellmill.errors import CellmillError
from cellmill.magics.session import Session
from cellmill.magics.told import tells_in_one_line, without_traceback
from cellmill.notebook.measures import parse_criterion, parse_metric


@magics_class
class MeasureMagics(Magics):
    """Measure and judge, in the notebook as in the pipeline."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self._session = session

    @no_var_expand
    @line_magic
    @tells_in_one_line
    def metric(self, line: str) -> None:
        """Record a number.

            %metric NAME VALUE

        VALUE is any Python expression. While experimenting it is logged to the MLflow experiment ``poc/<notebook>``;
        in the pipeline, to the run of the task.

        Example::

            %metric accuracy model.score(X_test, y_test)
        """
        from cellmill.track import log_poc_metric

        metric = parse_metric(line)
        value = eval(metric.expression, self._session.namespace)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise CellmillError(
                f"%metric {metric.name}: {metric.expression} is a {type(value).__name__}, not a number",
                remedy=f"write %metric {metric.name} with an expression that gives one number",
            ) from None
        self._session.metrics[metric.name] = number
        notice = log_poc_metric(metric.name, number)
        if notice:
            self._session.tell(notice)

    @no_var_expand
    @line_magic
    @tells_in_one_line
    def criteria(self, line: str) -> None:
        """State what must be true.

            %criteria "CONDITION"

        Names in the condition are variables and metrics. If it is not met, the cell fails and says what was measured;
        in the pipeline, the run and its tests fail.

        Example::

            %criteria "accuracy >= 0.9"
        """
        criterion = parse_criterion(line)
        met, measured = judge(criterion, {**self._session.metrics, **self._session.namespace})
        if not met:
            text = f"criteria not met: {criterion}" + (f", measured {measured}" if measured else "")
            raise without_traceback(AssertionError(text), f"AssertionError: {text}")


def judge(criterion: str, names: Mapping[str, Any]) -> tuple[bool, str]:
    """Evaluate a condition.

    Returns
    -------
    tuple
        Whether it is met, and what was measured, as in ``accuracy = 0.85, loss = 0.3``.

    Raises
    ------
    CellmillError
        If it uses an unknown name, can't be evaluated, or is neither true nor false.

    Examples
    --------
    >>> judge("accuracy >= 0.9", {"accuracy": 0.85})
    (False, 'accuracy = 0.85')
    """
    measured: dict[str, Any] = {}

    def note(text: str, value: Any) -> Any:
        measured[text] = value
        return value

    tree = ast.fix_missing_locations(_NoteOperands().visit(ast.parse(criterion, mode="eval")))
    try:
        met = bool(eval(compile(tree, "<criteria>", "eval"), {**names, _NOTE: note}))
    except NameError as error:
        raise CellmillError(
            f"%criteria {criterion}: nothing is named {error.name}", remedy=f"write %metric {error.name} VALUE above it"
        ) from error
    except Exception as error:
        raise CellmillError(f"%criteria {criterion}: {type(error).__name__}: {error}", remedy="mend it") from error
    return met, ", ".join(f"{text} = {_short(value)}" for text, value in measured.items())


_NOTE = "__cellmill_note__"


class _NoteOperands(ast.NodeTransformer):
    """Wraps what is compared, and names that stand alone, so that their values are known after one evaluation."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        node.left = self._noted(node.left)
        node.comparators = [self._noted(one) for one in node.comparators]
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return node if hasattr(builtins, node.id) else self._noted(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return self._noted(node)

    visit_Attribute = visit_Subscript = visit_Call  # type: ignore[assignment]

    def _noted(self, node: ast.expr) -> ast.expr:
        if not any(isinstance(part, ast.Name) for part in ast.walk(node)):
            return node
        text = ast.Constant(ast.unparse(node))
        return ast.Call(ast.Name(_NOTE, ast.Load()), [text, node], [])


def _short(value: Any) -> str:
    """A value as one would write it: NumPy's numbers as Python's, long texts cut."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        value = item()
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
