"""A run's warm process, begun as soon as the pipeline's folder is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from cellmill.run.events import Event
from cellmill.run.folder import PipelineFolder, task_name
from cellmill.run.stop import StopSwitch
from cellmill.run.warm.imports import pipeline_imports
from cellmill.run.warm.pool import WarmPool

# What Ploomber runs Python files in that name no kernel.
_KERNEL = "python3"


@contextmanager
def run_pool(
    pipeline: PipelineFolder,
    only: Sequence[str],
    inherited: Mapping[str, str],
    emit: Callable[[Event], None],
    stop: StopSwitch,
) -> Iterator[WarmPool]:
    """Give a pool of warm kernels for the block, whose process begins now.

    Parameters
    ----------
    pipeline
        What is to be run.
    only
        The tasks that are asked for; none for all of them.
    inherited
        The variables that kernels take over from this process.
    emit
        Takes the notice that kernels start in the ordinary way.
    stop
        The run's switch.
    """
    # A file that is wrong is refused when Ploomber reads it.
    found = pipeline.spec.get("tasks")
    tasks = [task for task in found if isinstance(task, dict)] if isinstance(found, list) else []
    tasks = [task for task in tasks if not only or task_name(task) in only]
    files = [pipeline.code / str(task["source"]) for task in tasks if str(task.get("source", "")).endswith(".py")]
    pool = WarmPool(
        pipeline_imports(pipeline.code, files, pipeline.workdir),
        notify=lambda text: emit(Event("notice", data={"text": text})),
        cancelled=lambda: stop.requested,
    )
    with closing(pool):
        if files:
            kernel = next((str(name) for task in tasks if (name := task.get("kernelspec_name"))), _KERNEL)
            pool.begin(kernel, inherited, str(pipeline.workdir or os.getcwd()))
        yield pool
