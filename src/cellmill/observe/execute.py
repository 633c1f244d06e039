"""Runs a notebook's promoted cells once in a fresh kernel, with the probe in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from cellmill.errors import CellmillError
from cellmill.notebook.cells import Notebook
from cellmill.notebook.steps import TaggedCell

Part = tuple[str, tuple[TaggedCell, ...]]


def run_observed(notebook: Notebook, parts: list[Part]) -> list[dict[str, Any]]:
    """Run the parts in order, in the notebook's folder; give what the probe saw after each.

    Parameters
    ----------
    notebook
        Whose kernel and folder are used; none of it is written.
    parts
        Each part's name and its cells, none of them empty.

    Raises
    ------
    CellmillError
        If a cell fails.
    """
    scratch = Path(mkdtemp(prefix="cellmill-observe-"))
    try:
        seen = scratch / "seen.jsonl"
        _execute(notebook, parts, scratch, seen)
        lines = seen.read_text(encoding="utf-8").splitlines() if seen.exists() else []
        if len(lines) != len(parts):
            raise CellmillError(
                f"the kernel told of {len(lines)} of {len(parts)} parts",
                notebook=notebook.path,
                remedy="see whether a cell removes IPython's event hooks, or clears the kernel with %reset",
            )
        return [json.loads(line) for line in lines]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _execute(notebook: Notebook, parts: list[Part], scratch: Path, seen: Path) -> None:
    from nbformat import v4
    from papermill.engines import papermill_engines

    from cellmill.run.engine import ENGINE, Execution, register
    from cellmill.run.quiet import quiet_dependencies
    from cellmill.run.stop import StopSwitch

    make: Any = v4  # published without types
    cells = [tagged for _, own in parts for tagged in own]
    counts = [len(own) for _, own in parts]
    first = _set_up(counts, seen, notebook.path.resolve().parent)
    node = make.new_notebook(cells=[make.new_code_cell(source) for source in (first, *map(_source, cells))])
    # Papermill marks the cells that it runs.
    for cell in node.cells:
        cell.metadata.setdefault("tags", [])
        cell.metadata["papermill"] = {}
    node.metadata["papermill"] = {}
    kernel = kernel_name(notebook.kernel)
    node.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    environment = {
        "CELLMILL_VERIFYING": "1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{(scratch / 'mlflow.db').as_posix()}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "JPY_SESSION_NAME": str(notebook.path.resolve()),
    }
    execution = Execution(
        step=notebook.name,
        folder=str(notebook.path.resolve().parent),
        timeout=None,
        attempts=1,
        stop=StopSwitch(),
        started=lambda _attempt: environment,
        cell=lambda _number, _cells, _cell_id: None,
        retried=lambda _attempt, _failure: None,
    )
    with quiet_dependencies():
        register()
        papermill_engines.execute_notebook_with_engine(
            ENGINE, node, kernel_name=kernel, progress_bar=False, log_output=False, execution=execution
        )
    failure = execution.failure
    if failure is not None:
        at = cells[failure.index - 1].cell.number if failure.index else None
        raise CellmillError(
            f"the notebook fails: {failure.name}: {failure.value}",
            notebook=notebook.path,
            cell=at,
            remedy="mend the cell; observing runs the tagged cells alone, in the pipeline's order",
        )


def _set_up(counts: list[int], seen: Path, folder: Path) -> str:
    """One call that leaves no name behind; the extension is for ``%metric`` and its like."""
    probe = Path(__file__).with_name("probe.py").read_text(encoding="utf-8")
    install = f"""
import importlib.util
if importlib.util.find_spec("cellmill"):
    get_ipython().run_line_magic("load_ext", "cellmill")
install(get_ipython(), {counts!r}, {str(seen)!r}, {str(folder)!r})
"""
    names = "{'__name__': 'cellmill_probe', 'get_ipython': get_ipython}"
    return f"exec({probe + install!r}, {names})"


def _source(tagged: TaggedCell) -> str:
    """The cell without cellmill's magic line; other cell magics must stand first."""
    return tagged.body.replace("\r\n", "\n").lstrip("\n")


def kernel_name(wanted: str) -> str:
    """Give the notebook's kernel, or this environment's where that one is not installed."""
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager, NoSuchKernel

    try:
        KernelSpecManager().get_kernel_spec(wanted)
    except NoSuchKernel:
        return NATIVE_KERNEL_NAME
    return wanted
