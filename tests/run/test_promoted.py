"""Runs of what promotion really writes: a failure is told by the cell and line of the notebook that was promoted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from cellmill.errors import CellmillError
from cellmill.promote import make_plan, write_plan
from cellmill.run import Failure, RunResult, run_pipeline

Promote = Callable[..., Path]

SHARED = ("import math\n\n\ndef inverse(x):\n    return 1 / x", ["shared"])
LOAD = ("%%step load\nxs = [1, 0]", [])


@pytest.fixture
def promote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Promote:
    """Write a notebook of (source, tags) cells below a heading, promote it, and give the pipeline's folder."""
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)

    def promoted(*cells: tuple[str, list[str]]) -> Path:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A", id="title")])
        for number, (source, tags) in enumerate(cells):
            metadata = {"tags": tags} if tags else {}
            notebook.cells.append(nbformat.v4.new_code_cell(source, id=f"cell{number}", metadata=metadata))
        path = tmp_path / "churn.ipynb"
        nbformat.write(notebook, path)
        plan = make_plan(path)
        write_plan(plan, force=True)
        return plan.folder

    return promoted


def failure_of(result: RunResult) -> Failure:
    assert result.state == "failed"
    assert result.failure is not None
    return result.failure


def test_lines_count_from_the_magic_line_and_blank_lines_of_the_cell(promote: Promote) -> None:
    folder = promote(LOAD, ("%%step train\n\n# why\ny = xs[5]", []))

    failure = failure_of(run_pipeline(folder))

    assert failure.sentence.startswith("churn.ipynb, cell 3, line 4 (step train): IndexError: list index out of range;")


def test_an_error_in_a_shared_function_names_the_cell_that_called_it(promote: Promote) -> None:
    folder = promote(SHARED, LOAD, ("%%step train\ny = inverse(xs[1])", []))

    failure = failure_of(run_pipeline(folder))

    assert failure.sentence.startswith("churn.ipynb, cell 4, line 2 (step train): ZeroDivisionError:")
    assert "return 1 / x" in failure.traceback


def test_an_error_in_a_shared_cell_itself_names_that_cell(promote: Promote) -> None:
    folder = promote(("import math\nhalf = 1 / len([])", ["shared"]), ("%%step load\nxs = [half]", []))

    failure = failure_of(run_pipeline(folder))

    assert failure.kind == "error"
    assert failure.sentence.startswith("churn.ipynb, cell 2, line 2 (step load): ZeroDivisionError:")


def test_checks_and_criteria_fail_the_run_with_what_was_measured(promote: Promote) -> None:
    folder = promote(LOAD, ("%%check load\nassert len(xs) > 2, f'{len(xs)} rows'", []))
    failure = failure_of(run_pipeline(folder))
    assert failure.kind == "check"
    assert failure.sentence.startswith("churn.ipynb, cell 3, line 2 (step load): a check failed: 2 rows;")

    folder = promote(('%%step load\nacc = 0.85\n%metric accuracy acc\n%criteria "acc >= 0.9"', []))
    result = run_pipeline(folder)
    failure = failure_of(result)
    assert failure.kind == "criteria"
    assert "cell 2, line 4 (step load): criteria not met: acc >= 0.9, measured acc = 0.85;" in failure.sentence
    assert result["load"].metrics == {"accuracy": 0.85}


def test_what_cant_be_handed_over_names_the_variable_and_the_remedy(promote: Promote) -> None:
    folder = promote(
        ("%%step load\ndef make():\n    import threading\n    return threading.Lock()\nthing = [make()]", []),
        ("%%step train\nprint(thing)", []),
    )

    failure = failure_of(run_pipeline(folder))

    assert failure.kind == "hand-over"
    assert "(step load): " in failure.sentence
    assert "thing" in failure.sentence
    assert failure.sentence.count("\n") == 0


def test_a_cell_that_may_raise_fails_its_step_by_name(promote: Promote) -> None:
    """Papermill knows no `raises-exception`; neither does plain `ploomber build`."""
    try:
        folder = promote(LOAD, ("%%step load\n1 / 0", ["raises-exception"]))
    except CellmillError:
        return

    failure = failure_of(run_pipeline(folder))

    assert "cell 3, line 2 (step load): ZeroDivisionError" in failure.sentence


def test_a_run_works_inside_a_running_event_loop(promote: Promote) -> None:
    folder = promote(LOAD)

    async def inside() -> RunResult:
        return run_pipeline(folder)

    assert asyncio.run(inside()).state == "succeeded"


def test_a_kernel_that_is_not_installed_is_one_sentence(promote: Promote) -> None:
    folder = promote(LOAD)
    file = folder / "pipeline.yaml"
    file.write_text(file.read_text().replace("- source:", "- kernelspec_name: no-such-kernel\n  source:"))

    with pytest.raises(CellmillError, match="no-such-kernel") as error:
        run_pipeline(folder)

    assert "\n" not in str(error.value)


def test_metrics_of_an_up_to_date_step_are_still_told(promote: Promote) -> None:
    folder = promote(("%%step load\nacc = 0.95\n%metric accuracy acc", []))
    run_pipeline(folder)

    result: Any = run_pipeline(folder)

    assert result["load"].state == "up-to-date"
    assert result["load"].metrics == {"accuracy": 0.95}
