"""Runs a notebook's own cells in a fresh kernel, for who looks at them: `observe` and `verify`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cellmill.notebook.cells import Notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from cellmill.run.engine import CellFailure

# In the metadata of an executed cell: its number in the notebook. Cells that are not the notebook's have none.
NUMBER = "cellmill_number"

Beside = Callable[[Literal["before", "after"], int | None], str | None]


def run_cells(
    notebook: Notebook, node: NotebookNode, environment: Mapping[str, str], beside: Beside
) -> tuple[NotebookNode, CellFailure | None]:
    """Run cells as a run executes tasks, in the notebook's kernel and folder.

    Parameters
    ----------
    notebook
        Whose kernel and folder are used; none of it is written.
    node
        The cells, each with its number.
    environment
        The kernel's further environment variables.
    beside
        Asked before and after each cell for code to run beside it, with the cell's number.

    Returns
    -------
    tuple
        The executed cells, and what failed.
    """
    from papermill.engines import papermill_engines

    from cellmill.run.engine import ENGINE, Execution, register
    from cellmill.run.quiet import quiet_dependencies
    from cellmill.run.stop import StopSwitch

    here = notebook.path.resolve()
    execution = Execution(
        step=notebook.name,
        folder=str(here.parent),
        timeout=None,
        attempts=1,
        stop=StopSwitch(),
        started=lambda _attempt: {**environment, "JPY_SESSION_NAME": str(here)},
        cell=lambda _number, _cells, _cell_id: None,
        retried=lambda _attempt, _failure: None,
        beside=lambda moment, cell: beside(moment, cell.metadata.get(NUMBER)),
    )
    with quiet_dependencies():
        register()
        # Not papermill.execute_notebook: it takes each error for a failure, those of cells tagged raises-exception too.
        node = papermill_engines.execute_notebook_with_engine(
            ENGINE,
            node,
            kernel_name=kernel_name(notebook.kernel),
            progress_bar=False,
            log_output=False,
            execution=execution,
        )
    return node, execution.failure


def untracked(folder: Path) -> dict[str, str]:
    """Make a kernel's environment in which what the author's cells log to MLflow goes to ``folder``."""
    return {
        "CELLMILL_VERIFYING": "1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{(folder / 'mlflow.db').as_posix()}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def kernel_name(wanted: str) -> str:
    """Give the notebook's kernel, or this environment's where that one is not installed."""
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager, NoSuchKernel

    try:
        KernelSpecManager().get_kernel_spec(wanted)
    except NoSuchKernel:
        return NATIVE_KERNEL_NAME
    return wanted
