"""What is told of a task that does not run."""

from __future__ import annotations

from cellmill.run.events import Event
from cellmill.run.products import Products, recorded_metrics
from cellmill.run.result import TaskResult

UP_TO_DATE = "up to date"


def told_up_to_date(name: str, products: Products) -> tuple[TaskResult, Event]:
    """The result and the event of a task whose products are whole and current."""
    result = TaskResult(
        name,
        "up-to-date",
        notebook=products.notebook,
        report=products.report,
        variables=products.variables,
        metrics=recorded_metrics(products),
        reason=UP_TO_DATE,
    )
    return result, _event(result)


def told_not_run(name: str, reason: str) -> tuple[TaskResult, Event]:
    """The result and the event of a task that was not asked for, or can't run after what happened before it."""
    result = TaskResult(name, "not-run", reason=reason)
    return result, _event(result)


def _event(result: TaskResult) -> Event:
    data = {
        "reason": result.reason,
        "up_to_date": result.state == "up-to-date",
        "notebook": str(result.notebook) if result.notebook is not None else None,
        "report": str(result.report) if result.report is not None else None,
        "metrics": result.metrics,
    }
    return Event("task-skipped", result.name, data)
