"""Where MLflow calls in the author's own cells land, in real kernels that get nothing but environment variables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Project, Told


def names(found: list[Any]) -> list[str]:
    return sorted(run.info.run_name for run in found)


def test_every_call_lands_in_the_tasks_run_or_below_it(
    project: Project, told: Told, records: Any, cells: Any, elsewhere: Path
) -> None:
    told.start()
    environment = told.task("train", size=3, depth=2)
    printed = cells(
        environment,
        project.notebooks,
        # One cell does not end the run that another one started.
        "import mlflow\nmlflow.log_metric('early', 1, step=5)",
        "mlflow.log_param('size', 99)\nmlflow.log_metric('early', 2, step=6)",
        "with mlflow.start_run(run_name='inner', nested=True):\n    mlflow.log_metric('inner', 1)",
        "mlflow.end_run()",
        "with mlflow.start_run(run_name='later'):\n    mlflow.log_text('words', 'words.txt')",
        "run = mlflow.start_run(run_name='never ended')\nprint(mlflow.get_tracking_uri())",
    )
    told.failed("train")
    told.finish("failed")

    assert printed == f"sqlite:///{project.root}/mlflow.db\n"
    found = records()
    assert names(found.runs()) == ["churn r1", "inner", "later", "never ended", "train"]
    train = found.run("train")
    assert [metric.value for metric in found.client.get_metric_history(train.info.run_id, "early")] == [1, 2]
    # The author's value stays; the pipeline's goes beside it.
    assert train.data.params == {"size": "99", "pipeline.size": "3", "depth": "2"}
    assert [found.parent(found.run(name)) for name in ("inner", "later", "never ended")] == ["train"] * 3
    assert found.artifacts(found.run("later")) == {"words.txt": "words"}
    # MLflow's exit handler said FINISHED.
    assert train.info.status == "FAILED"
    assert "mlruns" not in {path.name for path in [*elsewhere.iterdir(), *project.notebooks.iterdir()]}


def test_the_first_of_several_runs_is_the_tasks_own_and_keeps_its_name(
    project: Project, told: Told, records: Any, cells: Any
) -> None:
    told.start()
    environment = told.task("train")
    printed = cells(
        environment,
        project.notebooks,
        "import mlflow\nmlflow.set_experiment('churn-experiment')",
        "with mlflow.start_run(run_name='grid'):\n    mlflow.log_metric('a', 1)",
        "import os\nmlflow.start_run(run_name='open')\nos._exit(3)",
    )
    told.failed("train", kind="kernel-died")
    told.finish("failed")

    assert printed == "the kernel died"
    found = records()
    assert names(found.runs()) == ["churn r1", "open", "train"]
    assert found.run("train").data.metrics["a"] == 1
    assert found.run("train").data.tags["cellmill.author_run_name"] == "grid"
    assert (found.run("open").info.status, found.parent(found.run("open"))) == ("FAILED", "train")


def test_autolog_and_log_model_land_there(project: Project, told: Told, records: Any, cells: Any) -> None:
    told.start()
    environment = told.task("train")
    printed = cells(
        environment,
        project.notebooks,
        "import mlflow\nmlflow.autolog(log_models=False, silent=True)",
        "from sklearn.linear_model import LinearRegression",
        "model = LinearRegression(fit_intercept=False).fit([[1.0], [2.0]], [1, 2])",
        "LinearRegression().fit([[1.0], [2.0]], [1, 2]);",
        "mlflow.autolog(disable=True)\nwith mlflow.start_run():\n"
        "    mlflow.sklearn.log_model(model, name='model', pip_requirements=[])",
    )
    told.done("train")
    told.finish()

    assert "Error" not in printed
    found = records()
    train = found.run("train")
    assert train.data.params["fit_intercept"] == "False"
    below = [run for run in found.runs() if found.parent(run) == "train"]
    assert len(below) == 2
    assert "True" in [run.data.params.get("fit_intercept") for run in below]
    models = found.client.search_logged_models([train.info.experiment_id])
    assert [model.name for model in models] == ["model"]
    assert models[0].artifact_location.startswith(f"{project.root}/mlartifacts") or models[
        0
    ].artifact_location.startswith(f"file://{project.root}/mlartifacts")


def test_cells_that_choose_an_experiment_get_it_with_the_task_as_parent(
    project: Project, told: Told, records: Any, cells: Any, elsewhere: Path
) -> None:
    start = "with mlflow.start_run(run_name='mine'):\n    mlflow.log_text('x', 'x.txt')"
    source = f"import mlflow\nmlflow.set_experiment('my own')\n{start}"
    project.task("train", f"# %%\n{source}\n")
    told.start()
    printed = cells(told.task("train"), project.notebooks, source)
    told.done("train")
    told.finish()

    assert printed == ""
    found = records()
    assert found.parent(found.run("mine", "my own")) == "train"
    assert list((project.root / "mlartifacts").rglob("x.txt"))
    assert [path.name for path in [*elsewhere.iterdir(), *project.notebooks.iterdir()]] == ["churn.ipynb"]


def test_cells_that_choose_a_store_log_there_undisturbed(
    project: Project, told: Told, records: Any, cells: Any
) -> None:
    (project.notebooks / "helper.py").write_text("import mlflow\nmlflow.set_tracking_uri('sqlite:///own.db')\n")
    project.task("train", "# %%\nimport helper\n")
    told.start()
    printed = cells(told.task("train"), project.notebooks, "import helper, mlflow\nmlflow.log_metric('a', 1)")
    told.done("train")
    told.finish()

    assert printed == ""
    assert records().run("train").info.status == "FINISHED"
    own = records(f"sqlite:///{project.notebooks}/own.db")
    assert [run.data.metrics for run in own.runs()] == [{"a": 1}]


def test_cells_that_choose_the_pipelines_own_store_and_experiment_log_to_the_tasks_run(
    project: Project, told: Told
) -> None:
    project.task(
        "train",
        "import mlflow, os\nmlflow.set_tracking_uri('sqlite:///../mlflow.db')\n"
        "mlflow.set_tracking_uri(os.environ['MLFLOW_TRACKING_URI'])\nmlflow.set_experiment(experiment_name='churn-experiment')\n",
    )
    project.task("load", "import os\nos.environ['MLFLOW_TRACKING_URI'] = url\n")
    told.start()
    assert "MLFLOW_RUN_ID" in told.task("train")
    assert "MLFLOW_RUN_ID" not in told.task("load")
    told.finish()
