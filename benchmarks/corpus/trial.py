"""One example from notebook to verdict: promote, verify; cells that differ are asked whether they repeat."""

from __future__ import annotations

import os
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conversion import NotUsable, make_notebook
from sources import Example

if TYPE_CHECKING:
    from cellmill.promote.verify import Verification


@dataclass
class Result:
    """What became of one example."""

    name: str
    package: str
    state: str = "crashed"  # equal, refused, different, crashed, not usable
    steps_from: str = ""
    steps: int = 0
    cells: int = 0
    variables: int = 0
    rules: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    volatile: list[int] = field(default_factory=list)
    notebook_seconds: float = 0.0
    processor_seconds: float = 0.0
    promote_seconds: float = 0.0
    verify_seconds: float = 0.0
    load: float = 0.0
    made_with: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def attempt(example: Example, folder: Path, *, made_with: str, seed: bool = True) -> Result:
    """Try one example in a folder of its own; whatever happens is a result."""
    result = Result(example.name, example.package, made_with=made_with, load=os.getloadavg()[0])
    os.environ.update(OMP_NUM_THREADS="1", PYTHONHASHSEED="0", SCIKIT_LEARN_DATA=str(folder / "no-data"))
    try:
        path, result.steps_from = make_notebook(example, folder, seed=seed)
        _judge(path, result)
    except NotUsable as reason:
        result.state, result.reasons = "not usable", [str(reason)]
    except Exception:
        result.state, result.reasons = "crashed", [traceback.format_exc()[-3000:]]
    return result


def _judge(path: Path, result: Result) -> None:
    from cellmill.promote import PromotionRefused, make_plan, write_plan
    from cellmill.promote.verify import verify

    began = time.monotonic()
    try:
        plan = make_plan(path)
        write_plan(plan)
    except PromotionRefused as refused:
        # Only what runs by itself is part of the corpus, refused or not.
        result.promote_seconds = time.monotonic() - began
        began = time.monotonic()
        _run(path)
        result.notebook_seconds = time.monotonic() - began
        errors = [one for one in refused.findings if one.severity == "error"]
        result.state, result.rules = "refused", sorted({f"{one.code} {one.kind}" for one in errors})
        result.reasons = [f"cell {one.cell}, line {one.line}: {one.message}" for one in errors]
        return
    result.promote_seconds = time.monotonic() - began
    result.steps = len(plan.steps.steps)
    if result.steps < 2:
        raise NotUsable("is one cell, so one step")
    began = time.monotonic()

    def notebook_ended(_event: object) -> None:
        if not marker(path.parent).exists():
            result.notebook_seconds = time.monotonic() - began
            marker(path.parent).touch()

    found = verify(plan.folder, listeners=(notebook_ended,))
    result.verify_seconds = time.monotonic() - began
    if found.notebook_failure:
        raise NotUsable(f"does not run by itself: {found.notebook_failure}"[:300])
    _weigh(path, found, result)


def _weigh(path: Path, found: Verification, result: Result) -> None:
    """Say what the verification comes to."""
    result.cells = sum(one.state in ("equal", "different") for one in found.cells)
    result.variables = sum(one.state == "equal" for one in found.variables)
    if found.run_failure:
        result.state, result.reasons = "crashed", [found.run_failure]
        return
    # What verification saw to differ between two runs of the notebook itself.
    result.volatile = [one.number for one in found.cells if one.state == "varies"]
    differing = [one for one in found.cells if one.state in ("different", "missing")]
    if differing:
        result.volatile = sorted({*result.volatile, *_volatile(path)})
    left = [one for one in differing if one.number not in result.volatile]
    # A variable that varies from run to run of the notebook itself is none of the pipeline's doing.
    handed = any(one.state in ("different", "missing") for one in found.variables)
    result.state = "different" if left or handed else "equal"
    result.reasons = [f"cell {one.number}: {one.difference[:1500]}" for one in left]
    if result.state == "different" and not left:
        result.reasons = [found.summary[-1500:]]


def marker(folder: Path) -> Path:
    """The file that says that the notebook has run to its end, and the pipeline begins."""
    return folder / "notebook-has-run"


def _run(path: Path) -> list[list[dict[str, Any]]]:
    """Run the notebook as Jupyter does; each cell's outputs."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, timeout=None, resources={"metadata": {"path": str(path.parent)}})
    try:
        client.execute()
    except (CellExecutionError, DeadKernelError) as error:
        told = f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else "its kernel died"
        raise NotUsable(f"does not run by itself: {told}"[:300]) from None
    return [[dict(one) for one in cell.get("outputs", ())] for cell in notebook.cells]


def _volatile(path: Path) -> list[int]:
    """The cells (numbered from 1) that show something else in two more runs of the notebook itself."""
    from cellmill.promote.comparison import compare_outputs

    pairs = enumerate(zip(_run(path), _run(path), strict=True), start=1)
    return [number for number, (one, two) in pairs if compare_outputs(one, two).state == "different"]
