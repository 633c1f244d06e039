"""Sends the traces that the author's cells made."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def send_traces(source: MlflowClient, target: MlflowClient, experiments: dict[str, str], runs: dict[str, str]) -> None:
    """Send all traces; a trace keeps its id, so that sending it again changes nothing.

    Parameters
    ----------
    source, target
        The spool's client and the server's.
    experiments
        The server's experiment id for each of the spool's.
    runs
        The server's run id for each of the spool's.
    """
    from mlflow.entities.trace_location import TraceLocation
    from mlflow.tracing.client import TracingClient

    writer = TracingClient(target.tracking_uri)
    for here, there in experiments.items():
        token = None
        while True:
            page = source.search_traces(locations=[here], max_results=100, page_token=token)
            for trace in page:
                info = copy.copy(trace.info)
                info.trace_location = TraceLocation.from_experiment_id(there)
                info.trace_metadata = {name: runs.get(value, value) for name, value in info.trace_metadata.items()}
                info.tags = {name: value for name, value in info.tags.items() if name != "mlflow.artifactLocation"}
                writer.start_trace(info)
                if trace.data.spans:
                    writer.log_spans(there, trace.data.spans)
            token = page.token
            if not token:
                break
