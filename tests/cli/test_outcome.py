"""How a run's end looks in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from cellmill.cli.outcome import print_outcome
from cellmill.run import Failure, RunResult, TaskResult

TRACEBACK = """---------------------------------------------------------------------------
ZeroDivisionError                         Traceback (most recent call last)
Cell In[6], line 2
      1 # the model
----> 2 score = fit(xs)
      3 print(score)

File ~/lib/helper.py:3, in call(f)
      2 def call(f):
----> 3     return f()

Cell In[5], line 3, in fit(rows)
      1 def fit(rows):
      2     rows = list(rows)
----> 3     return 1 / (len(rows) - 2)

ZeroDivisionError: division by zero"""


def shown(console: Console, result: RunResult) -> list[str]:
    with console.capture() as capture:
        print_outcome(console, result, ["-p", "label=a b"], ["MLflow: experiment churn"])
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.fixture
def terminal() -> Console:
    return Console(force_terminal=True, width=90, color_system=None, legacy_windows=False)


@pytest.fixture
def failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunResult:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.html").touch()
    failure = Failure(
        "train",
        "error",
        "a.ipynb, cell 9, line 2 (step train): ZeroDivisionError: division by zero; open train.ipynb.",
        notebook=str(tmp_path / "a.ipynb"),
        cell=9,
        line=2,
        error="ZeroDivisionError",
        traceback=TRACEBACK,
        report=str(tmp_path / "train.html"),
    )
    tasks = (
        TaskResult("load", "up-to-date"),
        TaskResult("train", "failed", 1.0, 1, report=tmp_path / "train.html", failure=failure),
        TaskResult("report", "not-run", reason="train failed"),
    )
    return RunResult("r", "failed", tasks, 61.0, failure, tmp_path / "pipelines/a", tmp_path)


def test_a_failure_shows_the_authors_own_lines(terminal: Console, failed: RunResult) -> None:
    lines = shown(terminal, failed)

    assert lines[0].startswith("╭─ step train: ZeroDivisionError ─")
    inside = [line.strip("│").rstrip()[1:] for line in lines[1 : next(i for i, x in enumerate(lines) if x[0] == "╰")]]
    assert inside[3:] == [
        "      1 # the model",
        "----> 2 score = fit(xs)",
        "      3 print(score)",
        "",
        "in fit(rows)",
        "      1 def fit(rows):",
        "      2     rows = list(rows)",
        "----> 3     return 1 / (len(rows) - 2)",
        "",
        "report  train.html",
    ]
    assert "helper" not in "\n".join(lines)


def test_the_closing_lines_say_what_to_type_next(terminal: Console, failed: RunResult) -> None:
    lines = shown(terminal, failed)

    assert lines[-7:] == [
        "Failed in 1 min 01 s: 1 step failed, 1 up to date, 1 not run.",
        "Reports: train.html",
        "Next:    correct cell 9 of a.ipynb, or the values given by -p, then",
        "         cellmill promote a.ipynb",
        "         cellmill run pipelines/a -p 'label=a b' --from train",
        "         see it fail again: %reproduce in the notebook, or cellmill reproduce r",
        "MLflow: experiment churn",
    ]


def test_metrics_of_this_run_are_shown(terminal: Console, tmp_path: Path) -> None:
    tasks = (
        TaskResult("load", "up-to-date", metrics={"rows": 3}),
        TaskResult("train", "succeeded", 1.0, 1, metrics={"accuracy": 0.9532163742, "rounds": 120}),
    )
    lines = shown(terminal, RunResult("r", "succeeded", tasks, 2.0, None, tmp_path, tmp_path))

    assert "Metrics: train: accuracy = 0.953216, rounds = 120" in lines
    assert "rows" not in "\n".join(lines)


def test_outside_a_terminal_the_sentence_goes_to_stderr(failed: RunResult, capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome(Console(), failed, [], [])

    captured = capsys.readouterr()
    assert failed.failure is not None
    assert captured.err == f"Error: {failed.failure.sentence}\n"
    assert "╭" not in captured.out


def test_a_run_in_which_nothing_was_to_do(terminal: Console, tmp_path: Path) -> None:
    tasks = (TaskResult("load", "up-to-date"), TaskResult("train", "up-to-date"))
    result = RunResult("r", "succeeded", tasks, 0.5, None, tmp_path, tmp_path)

    assert shown(terminal, result) == ["Succeeded in 0.5 s: 2 steps up to date.", "MLflow: experiment churn"]
