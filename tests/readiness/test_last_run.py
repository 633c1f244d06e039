"""What a saved notebook says of its last run: order, times, sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Found = Callable[..., list[tuple[str, int | None, int | None]]]


def ran(count: int | None, *, tag: str = "step:work", minutes: float = 0, at: str = "10:00", **more: Any) -> tuple:
    hour, minute = map(int, at.split(":"))
    end = minute + minutes
    times = {
        "iopub.execute_input": f"2026-05-01T{hour:02}:{minute:02}:00.000000Z",
        "shell.execute_reply": f"2026-05-01T{hour + int(end // 60):02}:{int(end % 60):02}:00.000000Z",
    }
    metadata = {"metadata": {"execution": times}} if minutes or at != "10:00" else {}
    return ("print(1)", tag, {"execution_count": count, **metadata, **more})


def ghosts(found: Found, *cells: tuple) -> list[int | None]:
    return [cell for kind, cell, _ in found(*cells) if kind == "ghost-state"]


@pytest.mark.parametrize("counts", [(1, 2, 3), (2, 5, 9), (None, None, None)])
def test_cells_that_ran_in_order_or_never_are_left_alone(found: Found, counts: tuple[int | None, ...]):
    assert ghosts(found, *(ran(count) for count in counts)) == []


@pytest.mark.parametrize(
    "counts,first",
    [((1, 4, 3), 3), ((2, 2, 3), 2), ((1, None, 3), 2), ((None, 1, 2), 1), ((5, 4, 3), 2)],
)
def test_another_order_is_told_once_and_names_the_first_cell(found: Found, counts: tuple, first: int):
    assert ghosts(found, *(ran(count) for count in counts)) == [first]


@pytest.mark.parametrize(
    "counts,told",
    [
        (
            (1, 3, 4),
            (
                2,
                "between cell 1 and this one ran something that is not here as it ran (the ",
            ),
        ),
        ((2, 3, 6), (3, "go from 3 to 6")),
        ((1, 2), None),
    ],
)
def test_a_gap_in_the_counts_is_a_note_unless_another_cell_fills_it(check, counts: tuple, told: tuple | None):
    def notes(*cells: tuple) -> list[dict[str, Any]]:
        return [one for one in check(*cells)["findings"] if one["kind"] == "unseen-run"]

    found = notes(*(ran(count) for count in counts))
    assert [(one["cell"], one["severity"], one["code"]) for one in found] == (
        [(told[0], "info", "CM510")] if told else []
    )
    assert all(told and told[1] in one["message"] for one in found)
    scratch = [ran(count, tag="") for count in (2, 4, 5)]
    assert notes(*(ran(count) for count in counts), *scratch) == []


def test_cells_that_are_not_promoted_or_empty_do_not_count(found: Found):
    assert ghosts(found, ran(3), ran(1, tag="skip"), ("", "step:work"), ran(4)) == []


def test_an_output_of_an_earlier_run_is_told(found: Found):
    output = {"output_type": "execute_result", "execution_count": 2, "metadata": {}, "data": {"text/plain": "1"}}
    assert ghosts(found, ran(1), ran(5, outputs=[output])) == [2]
    assert ghosts(found, ran(1), ran(5, outputs=[output | {"execution_count": 5}])) == []


def test_times_tell_what_counts_of_two_kernels_hide(found: Found):
    assert ghosts(found, ran(1, at="11:00"), ran(2, at="10:30")) == [2]
    assert ghosts(found, ran(1, at="10:30"), ran(2, at="11:00")) == []


def test_a_slow_cell_beside_others_is_told(check):
    content = check(ran(1, minutes=25), ran(2, at="10:30"))
    told = [one for one in content["findings"] if one["kind"] == "slow-cell"]
    assert [(one["cell"], one["severity"]) for one in told] == [(1, "warning")]
    assert "25 minutes" in told[0]["message"]


@pytest.mark.parametrize(
    "cells",
    [
        # A step of its own: Ploomber keeps its result.
        (ran(1, minutes=25), ran(2, tag="step:show", at="10:40")),
        (ran(1, minutes=9), ran(2, at="10:40")),
        (("memory = Memory('c')\nprint(2)", *ran(1, minutes=25)[1:]), ran(2, at="10:40")),
    ],
    ids=["own-step", "nine-minutes", "cached"],
)
def test_a_slow_cell_whose_result_is_kept_is_left_alone(found: Found, cells: tuple):
    assert "slow-cell" not in [kind for kind, _, _ in found(("from joblib import Memory", "shared"), *cells)]


def test_papermills_times_count_too(found: Found):
    times = {"start_time": "2026-05-01T10:00:00.0", "end_time": "2026-05-01T10:11:00.0"}
    slow = ("print(1)", "step:work", {"metadata": {"papermill": times}})
    assert "slow-cell" in [kind for kind, _, _ in found(slow, ("print(2)", "step:work"))]


def test_an_output_of_more_than_ten_megabytes_is_told(found: Found):
    def shown(size: int) -> tuple:
        return ran(1, outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * size}])

    assert "large-output" in [kind for kind, _, _ in found(shown(10_100_000))]
    assert "large-output" not in [kind for kind, _, _ in found(shown(9_000_000))]


def test_metadata_that_is_no_time_does_no_harm(found: Found):
    odd = {"execution": {"iopub.execute_input": 7, "shell.execute_reply": "soon"}, "papermill": None}
    assert found(("print(1)", "step:work", {"metadata": odd, "execution_count": "3"})) == []
