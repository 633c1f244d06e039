"""Sends what the author's cells logged and registered as models, with the metrics that belong to them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cellmill.errors import CellmillError
from cellmill.track.spool import SENT_FROM, Spool

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Metric, Run
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient


class Models:
    """The logged models of one spool.

    Parameters
    ----------
    spool
        The spool.
    source, target
        The spool's client and the server's.
    experiments
        The server's experiment id for each of the spool's.
    runs
        The server's run id for each of the spool's.
    """

    def __init__(
        self,
        spool: Spool,
        source: MlflowClient,
        target: MlflowClient,
        experiments: dict[str, str],
        runs: dict[str, str],
    ) -> None:
        self._spool = spool
        self._from = source
        self._to = target
        self._experiments = experiments
        self._runs = runs
        self._ids: dict[str, str] = {}
        self._points: dict[tuple[str | None, str, int, int], Metric] = {}

    def send(self) -> None:
        """Send each model with its files; one that arrived already is only looked up."""
        for model in self._all():
            for metric in model.metrics or []:
                self._points[metric.run_id, metric.key, metric.timestamp, metric.step] = metric
            self._ids[model.model_id] = self._send_model(model)

    def attach(self, metric: Metric, run_id: str) -> Metric:
        """Give a run's metric as the server should have it: with its model, if it was measured on one."""
        from mlflow.entities import Metric

        of_model = self._points.get((run_id, metric.key, metric.timestamp, metric.step))
        if of_model is None or of_model.model_id not in self._ids:
            return Metric(metric.key, metric.value, metric.timestamp, metric.step)
        return Metric(
            metric.key,
            metric.value,
            metric.timestamp,
            metric.step,
            model_id=self._ids[of_model.model_id],
            dataset_name=of_model.dataset_name,
            dataset_digest=of_model.dataset_digest,
        )

    def link(self, run: Run, there: Run) -> None:
        """Say on the server which data and models went into a run, and which models came out of it."""
        from mlflow.entities import LoggedModelInput, LoggedModelOutput

        known_inputs = {model.model_id for model in there.inputs.model_inputs} if there.inputs else set()
        inputs = [
            LoggedModelInput(self._ids[model.model_id])
            for model in (run.inputs.model_inputs if run.inputs else [])
            if model.model_id in self._ids and self._ids[model.model_id] not in known_inputs
        ]
        datasets = list(run.inputs.dataset_inputs) if run.inputs else []
        if datasets or inputs:
            self._to.log_inputs(there.info.run_id, datasets=datasets, models=inputs)
        known_outputs = {model.model_id for model in there.outputs.model_outputs} if there.outputs else set()
        outputs = [
            LoggedModelOutput(self._ids[model.model_id], model.step)
            for model in (run.outputs.model_outputs if run.outputs else [])
            if model.model_id in self._ids and self._ids[model.model_id] not in known_outputs
        ]
        if outputs:
            self._to.log_outputs(there.info.run_id, outputs)

    def register(self) -> None:
        """Register again what was registered in the spool; the server counts the versions on from its own."""
        from mlflow.exceptions import MlflowException

        if self._from.search_prompts(max_results=1):
            raise CellmillError(
                "the run registered prompts, which can't be sent; look at them with: "
                f'mlflow ui --backend-store-uri "{self._spool.store.uri}"'
            )
        for registered in self._from.search_registered_models(max_results=1000):
            try:
                self._to.create_registered_model(registered.name, dict(registered.tags), registered.description)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            self._register_versions(registered.name, dict(registered.aliases or {}))

    def _register_versions(self, name: str, aliases: dict[str, str]) -> None:
        there = self._to.search_model_versions(f"name = '{name}'", max_results=10000)
        known = {version.tags.get(SENT_FROM): version.version for version in there}
        here = self._from.search_model_versions(f"name = '{name}'", max_results=10000)
        for version in sorted(here, key=lambda version: int(version.version)):
            sign = f"{version.run_id}/{version.creation_timestamp}/{version.version}"
            if sign not in known:
                known[sign] = self._register_version(version, sign).version
            for alias, of_version in aliases.items():
                if str(of_version) == str(version.version):
                    self._to.set_registered_model_alias(name, alias, known[sign])

    def _register_version(self, version: ModelVersion, sign: str) -> ModelVersion:
        """Register a logged model, or a folder of a run's artifacts; the server wants its own address of either."""
        source = version.source or ""
        model_id = next((there for here, there in self._ids.items() if here in source), None)
        run_id = self._runs.get(version.run_id or "")
        if model_id is None and run_id is not None and version.run_id is not None:
            here = self._from.get_run(version.run_id).info.artifact_uri
            there = self._to.get_run(run_id).info.artifact_uri
            source = source.replace(here, there)
        return self._to.create_model_version(
            version.name,
            self._mapped(source),
            run_id=run_id,
            tags={**version.tags, SENT_FROM: sign},
            description=version.description,
            model_id=model_id,
            await_creation_for=0,
        )

    def _all(self) -> list[LoggedModel]:
        found: list[LoggedModel] = []
        for experiment_id in self._experiments:
            token = None
            while True:
                page = self._from.search_logged_models([experiment_id], max_results=100, page_token=token)
                found += page
                token = page.token
                if not token:
                    break
        return found

    def _send_model(self, model: LoggedModel) -> str:
        from mlflow.entities import LoggedModelStatus

        experiment_id = self._experiments[model.experiment_id]
        there = self._to.search_logged_models(
            [experiment_id], f"tags.`{SENT_FROM}` = '{model.model_id}'", max_results=1
        )
        if there and there[0].status == model.status:
            return str(there[0].model_id)
        made = there[0] if there else self._create(model, experiment_id)
        self._ids[model.model_id] = str(made.model_id)
        self._send_files(model, str(made.model_id))
        if model.status != LoggedModelStatus.PENDING:
            self._to.finalize_logged_model(made.model_id, model.status)
        return str(made.model_id)

    def _create(self, model: LoggedModel, experiment_id: str) -> LoggedModel:
        return self._to.create_logged_model(
            experiment_id,
            name=model.name,
            source_run_id=self._runs.get(model.source_run_id or ""),
            tags={**{name: self._mapped(value) for name, value in model.tags.items()}, SENT_FROM: model.model_id},
            params=dict(model.params),
            model_type=model.model_type,
        )

    def _send_files(self, model: LoggedModel, model_id: str) -> None:
        """Send the model's files; its MLmodel file names the model and its run and must name the server's."""
        location = self._spool.local(model.artifact_location)
        if not location.is_dir():
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "model"
            shutil.copytree(location, copy)
            for file in copy.rglob("MLmodel"):
                file.write_text(self._mapped(file.read_text(encoding="utf-8")), encoding="utf-8")
            self._to.log_model_artifacts(model_id, str(copy))

    def _mapped(self, text: str) -> str:
        for here, there in {**self._runs, **self._ids}.items():
            text = text.replace(here, there)
        return text
