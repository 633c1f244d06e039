"""Whole runs with real kernels: what runs, what is skipped, what is told, what is left on disk."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cellmill.errors import CellmillError
from cellmill.run import Event, RunResult, run_pipeline

PARAMETERS = {"n": {"type": "int", "default": 3, "minimum": 0}}


@pytest.fixture
def churn(pipeline: Any, step: Any) -> Any:
    """Load makes xs, of which train and side each make something."""
    return pipeline.write(
        {
            "load": step(["import os\nxs = list(range(n))\nprint(os.getcwd())"], saves=["xs"], params=["n"]),
            "train": step(
                ["y = sum(xs)\nprint('sum', y)", "churn_handover.metric('acc', 0.9)"],
                ["load"],
                {"load": ["xs"]},
                ["y"],
            ),
            "side": step(["z = helper(xs)\nprint('length', z)"], ["load"], {"load": ["xs"]}, ["z"]),
        },
        env={"n": 3},
        settings={"parameters": PARAMETERS},
        shared="def helper(xs):\n    return len(xs)\n",
    )


@pytest.fixture
def single(pipeline: Any, step: Any) -> Any:
    """One step, where it does not matter that there are more."""
    cell = "import os\nxs = list(range(n))\nprint('length', len(xs))"
    return pipeline.write({"load": step([cell], params=["n"])}, env={"n": 3}, settings={"parameters": PARAMETERS})


def run(pipeline: Any, **options: Any) -> tuple[RunResult, list[Event]]:
    events: list[Event] = []
    return run_pipeline(pipeline.folder, listeners=[events.append], **options), events


def states(result: RunResult) -> dict[str, str]:
    return {task.name: task.state for task in result.tasks}


def kinds(events: list[Event], *, cells: bool = False) -> list[tuple[str, str | None]]:
    return [(event.kind, event.task) for event in events if cells or event.kind != "cell-started"]


def ploomber(folder: Path, *arguments: str) -> str:
    """What plain `ploomber build` prints, without cellmill in between."""
    command = [str(Path(sys.executable).with_name("ploomber")), "build", *arguments]
    environment = {**os.environ, "PLOOMBER_STATS_ENABLED": "false"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_executes_everything_and_the_next_one_nothing(churn: Any) -> None:
    level = logging.getLogger().level

    result, events = run(churn)

    assert result.state == "succeeded"
    assert result.failure is None
    # Ploomber sets it and leaves it.
    assert logging.getLogger().level == level
    assert states(result) == {"load": "succeeded", "train": "succeeded", "side": "succeeded"}
    assert result["train"].metrics == {"acc": 0.9}
    assert result["train"].notebook == churn.output / "train.ipynb"
    assert "<html" in result["train"].report.read_text()
    assert churn.text_of("train") == "sum 3\n"
    # The kernel's folder is the notebook's.
    assert churn.text_of("load") == f"{churn.notebook.parent}\n"
    told = kinds(events)
    assert told[:3] == [("run-started", None), ("task-started", "load"), ("task-finished", "load")]
    # These two don't need each other.
    beside = [(kind, step) for step in ("train", "side") for kind in ("task-started", "task-finished")]
    assert sorted(told[3:-1]) == sorted(beside)
    assert told[-1] == ("run-finished", None)
    assert events[0].data["tasks"] == ["load", "train", "side"]
    assert events[0].data["parameters"] == {"n": 3}
    cells = [event.data for event in events if event.kind == "cell-started" and event.task == "train"]
    assert [cell["cell"] for cell in cells] == [1, 2, 3, 4, 5, 6]
    assert {cell["cells"] for cell in cells} == {6}
    assert [cell["cell_id"] for cell in cells] == [None, None, None, "train0", "train1", None]

    result, events = run(churn)

    assert result.state == "succeeded"
    assert states(result) == dict.fromkeys(("load", "train", "side"), "up-to-date")
    assert result["train"].metrics == {"acc": 0.9}
    assert [event.data["up_to_date"] for event in events if event.kind == "task-skipped"] == [True] * 3


def test_only_what_a_change_touches_runs_again(churn: Any) -> None:
    run(churn)
    churn.task_file("train").write_text(churn.task_file("train").read_text().replace("0.9", "0.7"))

    result, _ = run(churn)

    assert states(result) == {"load": "up-to-date", "train": "succeeded", "side": "up-to-date"}
    assert result["train"].metrics == {"acc": 0.7}


def test_a_parameter_reaches_the_tasks_and_makes_them_outdated(churn: Any) -> None:
    run(churn)

    result, events = run(churn, parameters={"n": 5})

    assert states(result) == {"load": "succeeded", "train": "succeeded", "side": "succeeded"}
    assert churn.text_of("train") == "sum 10\n"
    assert events[0].data["parameters"] == {"n": 5}
    assert next(event for event in events if event.kind == "task-started").data["parameters"] == {"n": 5}


def test_a_parameter_that_no_step_takes_is_not_ignored_in_silence(churn: Any) -> None:
    churn.dump("cellmill.yaml", {"parameters": PARAMETERS | {"unused": {"type": "int", "default": 1}}})

    with pytest.raises(CellmillError, match="no step takes the parameter unused; read it in a step"):
        run(churn, parameters={"unused": 2})


def test_values_that_ploomber_would_change_reach_the_tasks_as_they_are(pipeline: Any, step: Any) -> None:
    declared = {
        "label": {"type": "str", "default": "a"},
        "grid": {"type": "dict", "default": {}},
        "path": {"type": "str", "default": "data"},
        "limit": {"type": "none"},
    }
    cell = "print(repr((label, grid, path, limit)))"
    pipeline.write(
        {"load": step([cell], params=list(declared))},
        env={"label": "a", "grid": "{}", "path_value": "data", "limit": None},
        settings={"parameters": declared},
    )
    # Ploomber makes a folder of what a key `path` ends with a slash; a pipeline may give it another key.
    file = pipeline.folder / "pipeline.yaml"
    file.write_text(file.read_text().replace("{{path}}", "{{path_value}}"))
    values = {"label": "007", "grid": {"clf__C": [1, "2"]}, "path": "new/", "limit": "{{x}}"}
    values["label"] = "1.10"

    assert run(pipeline)[0].state == "succeeded"
    assert pipeline.text_of("load") == "('a', {}, 'data', None)\n"
    assert run(pipeline, parameters=values)[0].state == "succeeded"
    assert pipeline.text_of("load") == "('1.10', {'clf__C': [1, '2']}, 'new/', '{{x}}')\n"


def test_a_text_that_ploomber_reads_as_a_number_is_told_with_how_to_write_it(pipeline: Any, step: Any) -> None:
    pipeline.write(
        {"load": step(["label"], params=["label"])},
        env={"label": "1.10"},
        settings={"parameters": {"label": {"type": "str", "default": "1.10"}}},
    )

    with pytest.raises(CellmillError) as error:
        run(pipeline)

    told, _, remedy = str(error.value).partition("; ")
    assert told == f"{pipeline.folder}/env.yaml: parameter label takes a str, not 1.1"
    line = remedy.removeprefix("write ").removesuffix(" to keep it a text.")
    (pipeline.folder / "env.yaml").write_text(f"workdir: '{{{{here}}}}'\n{line}\n")
    assert run(pipeline)[0].state == "succeeded"
    assert "'1.10'" in [
        output["data"]["text/plain"]
        for cell in pipeline.executed("load").cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]


def test_a_profile_overrides_single_keys(single: Any) -> None:
    single.dump("env.test.yaml", {"n": 2})

    result, _ = run(single, profile="test")

    assert result.state == "succeeded"
    assert single.text_of("load") == "length 2\n"


def test_ploomber_and_cellmill_take_over_each_others_products(churn: Any) -> None:
    run(churn)
    report = ploomber(churn.folder)
    assert report.count("False") == 3, report
    cells = [cell.source for cell in churn.executed("train").cells]

    report = ploomber(churn.folder, "--force")
    assert report.count("True") == 3, report
    assert [cell.source for cell in churn.executed("train").cells] == cells
    assert churn.text_of("load") == f"{churn.notebook.parent}\n"

    result, _ = run(churn)
    assert states(result) == dict.fromkeys(("load", "train", "side"), "up-to-date")


def test_force_runs_everything(single: Any) -> None:
    run(single)

    result, _ = run(single, force=True)

    assert states(result) == {"load": "succeeded"}


def test_only_runs_one_task_alone_and_needs_what_comes_before(churn: Any) -> None:
    with pytest.raises(CellmillError, match=r"step train needs what step load makes.*--from load"):
        run(churn, only="train")
    assert not (churn.output / "train.ipynb").exists()

    run(churn)
    result, events = run(churn, only="train")

    assert result.state == "succeeded"
    assert states(result) == {"load": "not-run", "train": "succeeded", "side": "not-run"}
    assert result["side"].reason == "not asked for (--only train)"
    assert ("task-started", "load") not in kinds(events)


def test_only_says_when_it_starts_from_outdated_products(churn: Any) -> None:
    run(churn)

    _, events = run(churn, only="train", parameters={"n": 5})

    assert [event.data["text"] for event in events if event.kind == "notice"] == [
        "Step load is outdated: train uses what it made with other code or parameters."
    ]
    assert churn.text_of("train") == "sum 3\n"


def test_from_runs_a_task_and_all_that_follow(churn: Any) -> None:
    run(churn)

    assert states(run(churn, from_="train")[0]) == {"load": "not-run", "train": "succeeded", "side": "not-run"}
    assert set(states(run(churn, from_="load")[0]).values()) == {"succeeded"}


def test_an_unknown_step_gets_the_close_match(churn: Any) -> None:
    with pytest.raises(CellmillError, match="there is no step trian; did you mean train"):
        run(churn, only="trian")
    with pytest.raises(CellmillError, match="there is no step x; the steps are load, train, side"):
        run(churn, from_="x")


def test_products_go_to_another_folder_when_asked(single: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"

    result, _ = run(single, output=elsewhere)

    assert result.state == "succeeded"
    assert result.output == elsewhere
    assert result["load"].notebook == elsewhere / "load.ipynb"
    assert (elsewhere / "load" / "variables.json").exists()
    assert not single.output.exists()


def test_a_kernel_gets_the_tasks_environment_and_local_sockets(single: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "an outer notebook")
    told = (
        "import json, os, ipykernel; print(os.environ['CELLMILL_TEST'], os.environ.get('JPY_SESSION_NAME'), "
        "json.loads(ipykernel.get_connection_info())['transport']); print("
    )
    single.task_file("load").write_text(single.task_file("load").read_text().replace("print(", told))

    run(single, task_environment=lambda task: {"CELLMILL_TEST": f"for {task}"})

    transport = "tcp" if sys.platform == "win32" else "ipc"
    assert single.text_of("load") == f"for load None {transport}\nlength 3\n"


def test_author_output_stays_out_of_the_terminal(single: Any, capfd: pytest.CaptureFixture[str]) -> None:
    source = single.task_file("load").read_text()
    single.task_file("load").write_text(source.replace("print(", "os.system('echo LEAK; echo LEAK >&2'); print("))

    run(single)

    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_a_listener_that_raises_does_not_break_the_run(single: Any) -> None:
    def broken(event: Event) -> None:
        raise ValueError("no more")

    events: list[Event] = []
    result = run_pipeline(single.folder, listeners=[broken, events.append])

    assert result.state == "succeeded"
    notices = [event.data["text"] for event in events if event.kind == "notice"]
    assert notices == ["broken no longer follows the run (ValueError: no more)."]


def test_two_runs_in_one_folder_exclude_each_other(single: Any) -> None:
    refused: list[str] = []

    def second(event: Event) -> None:
        if event.kind == "run-started":
            with pytest.raises(CellmillError) as error:
                run_pipeline(single.folder)
            refused.append(str(error.value))

    result = run_pipeline(single.folder, listeners=[second], only=None)

    assert result.state == "succeeded"
    remedy = "wait until it has ended (--wait) or stop it (cellmill stop)"
    assert refused == [f"{single.output}: another run is writing there; {remedy}."]


@pytest.mark.parametrize(
    "file, text, expected",
    [
        ("cellmill.yaml", "experimnt: x\n", r"cellmill\.yaml: there is no key experimnt; did you mean experiment"),
        ("cellmill.yaml", "steps: {train: {retries: -1}}\n", r"cellmill\.yaml: steps\.train\.retries: .*greater than"),
        ("cellmill.yaml", "steps: {train: {retry: 1}}\n", r"no key steps\.train\.retry; did you mean retries"),
        ("cellmill.yaml", "a: [\n", r"cellmill\.yaml, line 2: is not valid YAML"),
        ("env.yaml", "n: many\nworkdir: '{{here}}'\n", r"env\.yaml: parameter n takes an int of at least 0, not many"),
        ("env.yaml", "n: 3\nworkdir: '{{here}}/nowhere'\n", r"env\.yaml: workdir: there is no folder .*nowhere"),
        ("pipeline.yaml", "task: []\n", r"pipeline\.yaml: .*tasks"),
        ("tasks/train.py", "x = 1\n", r"train\.py: no cell is tagged parameters"),
    ],
)
def test_wrong_files_are_named_before_anything_starts(churn: Any, file: str, text: str, expected: str) -> None:
    (churn.folder / file).write_text(text)

    with pytest.raises(CellmillError, match=expected) as error:
        run(churn)

    assert "\n" not in str(error.value)
    assert not (churn.output / "load.ipynb").exists()


def test_a_folder_that_is_no_pipeline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CellmillError, match=r"is not a pipeline: it has no pipeline\.yaml; make one with"):
        run_pipeline(tmp_path)
    with pytest.raises(CellmillError, match="there is no such folder"):
        run_pipeline(tmp_path / "nowhere")


def test_an_unknown_profile_is_refused(churn: Any) -> None:
    churn.dump("env.test.yaml", {"n": 2})

    with pytest.raises(CellmillError, match="there is no profile tset; did you mean test"):
        run(churn, profile="tset")


def test_an_env_file_in_the_current_folder_is_not_mistaken_for_the_pipelines(
    single: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env.yaml").write_text("n: 40\nworkdir: /nowhere\n")
    monkeypatch.chdir(tmp_path)

    result, _ = run(single)

    assert result.state == "succeeded"
    assert single.text_of("load") == "length 3\n"
