"""A pipeline as a file of Airflow DAGs: a DAG for each schedule, a task for each step, run by ``cellmill run --only``.

All of the file is decided here and written by a template; the same pipeline gives the same bytes.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.run.folder import PipelineFolder, accepted_parameters, read_pipeline, task_name
from cellmill.run.settings import FILE_NAME, ParameterSettings, StepSettings
from cellmill.schedule.export.digest import export_digest
from cellmill.schedule.export.timing import Timing, airflow_timing, meets_clock_changes
from cellmill.schedule.orders import values_of
from cellmill.schedule.reading import read_schedules
from cellmill.schedule.settings import Declared, ScheduleSettings
from cellmill.schedule.templates import Moment, is_template

_KEY = re.compile(r"[\w.-]+")
_LONGEST_KEY = 250
_HERE = re.compile(r"^\{\{\s*here\s*\}\}/")
_TYPES = {"int": "integer", "float": "number", "str": "string", "bool": "boolean", "list": "array", "dict": "object"}
# Seconds beyond a step's own limit: cellmill ends it with a better message, Airflow only where that does not come.
_SPARE = 300


@dataclass(frozen=True)
class Step:
    """One task of each DAG.

    Attributes
    ----------
    upstream
        The steps whose products it takes.
    records
        What Ploomber writes beside its products, from the pipeline's folder: by that a product is known again.
    timeout
        Seconds after which Airflow ends it.
    notes
        What of its settings is not Airflow's to do.
    """

    name: str
    upstream: tuple[str, ...]
    records: tuple[str, ...]
    timeout: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Dag:
    """One DAG of the file.

    Attributes
    ----------
    params
        By name, as Python source.
    templates
        Values with something to fill in, by the parameter's name.
    notes
        What Airflow does otherwise than the schedule says.
    """

    dag_id: str
    description: str
    settings: ScheduleSettings | None
    timing: Timing | None
    params: Mapping[str, str]
    templates: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def dagrun_timeout(self) -> float | None:
        """Seconds for all attempts together, as the schedule's timeout is for each."""
        settings = self.settings
        if settings is None or settings.timeout is None:
            return None
        waits: float = sum(settings.retry_delay * 2**number for number in range(settings.retries))
        return settings.timeout * (settings.retries + 1) + waits


@dataclass(frozen=True)
class Export:
    """What is to be written.

    Attributes
    ----------
    file
        The name of the file.
    text
        Its content without its header.
    dag_ids
        The DAGs in it.
    notices
        What the user should know: what Airflow does otherwise.
    """

    pipeline: str
    file: str
    text: str
    dag_ids: tuple[str, ...]
    notices: tuple[str, ...] = ()


def file_name(folder: Path) -> str:
    """The name of the DAG file of a pipeline: not the pipeline's alone, which may be that of a library.

    Airflow lets modules be imported from its DAG folder.
    """
    return f"{folder.name}_dag.py"


def airflow_export(
    folder: Path, root: Path, dags: Path, *, names: Sequence[str] = (), start: date | None = None
) -> Export:
    """Say a pipeline and its schedules as Airflow DAGs.

    Parameters
    ----------
    folder
        The pipeline's folder.
    root
        The project's root.
    dags
        Where the file will be; it finds the pipeline from there.
    names
        The schedules that are meant; all where empty.
    start
        The day from which schedules with ``misfire: all`` are made up for.

    Raises
    ------
    CellmillError
        If the folder's files are wrong, or hold what Airflow can't express.
    """
    folder, root, dags = folder.resolve(), root.resolve(), dags.resolve()
    pipeline = read_pipeline(folder)
    steps = _steps(pipeline)
    schedules = _chosen(read_schedules(folder), names, folder)
    _check_key(pipeline.name, "the pipeline's name", folder)
    for step in steps:
        _check_key(step.name, f"the step {step.name!r}", folder / "pipeline.yaml")
    built = [_scheduled(one, start) for one in schedules] or [_unscheduled(pipeline)]
    accepted = accepted_parameters(folder)
    text = _rendered(
        pipeline=pipeline.name,
        place=Path(os.path.relpath(folder, root)).as_posix(),
        project=Path(os.path.relpath(root, dags)).as_posix() if dags.is_relative_to(root) else None,
        texts=tuple(name for name, settings in accepted.items() if settings.type == "str"),
        optional=tuple(name for name, settings in accepted.items() if settings.type == "str" and settings.nullable),
        digest=export_digest(folder),
        steps=steps,
        dags=built,
        start=start,
    )
    notices = [f"{dag.dag_id}: {note}" for dag in built for note in dag.notes]
    notices += [f"step {step.name}: {note}" for step in steps for note in step.notes]
    return Export(
        pipeline.name, file_name(folder), text, tuple(dag.dag_id for dag in built), (*notices, *_beside(schedules))
    )


def _steps(pipeline: PipelineFolder) -> list[Step]:
    from cellmill.run.forecast import rendered
    from cellmill.run.quiet import quiet_dependencies

    with quiet_dependencies():
        dag, order = rendered(pipeline)
    specs = {task_name(task): task for task in pipeline.spec["tasks"] if isinstance(task, dict)}
    steps = []
    for name in order:
        settings = pipeline.steps.get(name, StepSettings())
        # As the pipeline has them in order, so that the file does not depend on a set's order.
        upstream = tuple(other for other in order if other in dag[name].upstream)
        timeout = settings.timeout * (settings.retries + 1) + _SPARE if settings.timeout is not None else None
        records = tuple(_records(specs.get(name, {}).get("product")))
        steps.append(Step(name, upstream, records, timeout, tuple(_step_notes(settings))))
    return steps


def _records(product: Any) -> list[str]:
    """The records beside products whose place is known beforehand."""
    if isinstance(product, dict):
        return [record for one in product.values() for record in _records(one)]
    if not isinstance(product, str):
        return []
    path = Path(_HERE.sub("", product))
    if "{{" in str(path) or path.is_absolute():
        return []
    return [(path.parent / f".{path.name}.metadata").as_posix()]


def _step_notes(settings: StepSettings) -> list[str]:
    asked = {"cpus": settings.cpus if settings.cpus > 1 else None, "memory": settings.memory, "gpus": settings.gpus}
    words = ", ".join(f"{name} {value}" for name, value in asked.items() if value)
    return [f"Airflow reserves nothing of what it asks for ({words}); give it a pool or a queue"] if words else []


def _chosen(declared: Sequence[Declared], names: Sequence[str], folder: Path) -> list[Declared]:
    known = [one.name for one in declared]
    for name in names:
        if name not in known:
            remedy = f"there are {', '.join(known)}" if known else "none is declared"
            raise CellmillError(f"there is no schedule {name}", notebook=folder / FILE_NAME, remedy=remedy)
    return [one for one in declared if not names or one.name in names]


def _check_key(text: str, what: str, where: Path) -> None:
    if _KEY.fullmatch(text) is None or len(text) > _LONGEST_KEY:
        raise CellmillError(
            f"{what} is none for Airflow, which takes letters, digits, _, . and -, at most {_LONGEST_KEY}",
            notebook=where,
            remedy="give it another name",
        )


def _unscheduled(pipeline: PipelineFolder) -> Dag:
    accepted = accepted_parameters(pipeline.folder)
    params = {
        name: _param(name, pipeline.parameters.get(name), settings, pipeline.folder)
        for name, settings in accepted.items()
    }
    return Dag(pipeline.name, "It has no schedule: runs are started by hand.", None, None, params, {})


def _scheduled(one: Declared, start: date | None) -> Dag:
    settings, folder = one.settings, one.folder
    dag_id = f"{folder.name}__{one.name}"
    _check_key(dag_id, f"{dag_id}, as the DAG would be called,", one.file)
    try:
        timing = airflow_timing(settings)
        if settings.misfire == "all" and start is None:
            raise ValueError(
                "misfire: all makes up for all times since a day that Airflow wants to know; "
                "say it with --start YYYY-MM-DD"
            )
    except ValueError as error:
        raise CellmillError(f"schedule.{one.name}: {error}", notebook=one.file) from None
    accepted = accepted_parameters(folder)
    # Tried once, so that a template or value that can't be is told now.
    tried = values_of(settings, folder, _moment(one), accepted)
    values = read_pipeline(folder, parameters=tried, profile=settings.env).parameters
    templates = {name: value for name, value in settings.parameters.items() if is_template(value)}
    params = {
        name: _template_param(templates[name], accepted[name])
        if name in templates
        else _param(name, values.get(name), accepted[name], folder)
        for name in accepted
    }
    notes = tuple(_notes(settings))
    return Dag(dag_id, settings.words(), settings, timing if settings.enabled else None, params, templates, notes)


def _moment(one: Declared) -> Moment:
    due = datetime(2026, 1, 31, 3, tzinfo=one.settings.zone)
    return Moment(due, "scheduled__2026-01-31T03:00:00+00:00", one.name, one.folder.name, last_success=due)


def _notes(settings: ScheduleSettings) -> list[str]:
    """What Airflow does otherwise than this schedule says."""
    found = []
    if not settings.enabled:
        found.append("it is not enabled, so Airflow starts it by hand only")
    if settings.misfire == "skip":
        found.append("misfire: skip is not Airflow's: after a break it runs the last time that was missed")
    if settings.overlap != "queue":
        found.append(
            f"overlap: {settings.overlap} is not Airflow's: a run waits for the one before, and of more that wait "
            "only the last is run"
        )
    if settings.jitter:
        found.append("jitter is left out: Airflow has none")
    if not settings.force:
        found.append("force: false is left out: each run runs each step")
    if "snapshot" in settings.model_fields_set and settings.snapshot == "published":
        found.append("snapshot: published is left out: Airflow runs what stands in the folder on its machines")
    left = [name for name in ("alerts", "late", "keep", "grace") if name in settings.model_fields_set]
    if left:
        found.append(f"{' and '.join(left)} {'is' if len(left) == 1 else 'are'} left out: use Airflow's own")
    if settings.pool != "default":
        found.append(f"the pool {settings.pool} has to be made in Airflow, or nothing of it runs")
    return found


def _beside(schedules: Sequence[Declared]) -> list[str]:
    """What depends on the day, and so does not stand in the file."""
    found = []
    for one in schedules:
        due = meets_clock_changes(one.settings, datetime.now(UTC)) if one.settings.enabled else None
        if due is not None:
            found.append(
                f"{one.folder.name}__{one.name}: clocks change on {due:%Y-%m-%d} at about one of its times, where "
                "Airflow may differ from `cellmill schedule preview` by an hour or a run"
            )
    if len(schedules) > 1:
        found.append(
            "these DAGs write to one folder: a run between whose steps another one comes fails, so keep their times "
            "apart"
        )
    return found


def _param(name: str, value: Any, settings: ParameterSettings, folder: Path) -> str:
    """An Airflow ``Param`` as Python source, with the type and limits as JSON Schema has them."""
    said: dict[str, Any] = {}
    kind = _TYPES.get(settings.type)
    choices = list(settings.choices) if settings.choices is not None else None
    if kind is not None:
        said["type"] = ["null", kind] if settings.nullable or value is None else kind
    if choices is not None:
        said["enum"] = [*choices, None] if settings.nullable and None not in choices else choices
    said |= {
        key: given
        for key, given in (("minimum", settings.minimum), ("maximum", settings.maximum))
        if given is not None and math.isfinite(given)
    }
    if settings.description:
        said["description"] = settings.description
    for one in (value, *(choices or ())):
        _check_plain(name, one, folder)
    return _call(value, said)


def _template_param(template: Any, settings: ParameterSettings) -> str:
    written = template if isinstance(template, str) else json.dumps(template, ensure_ascii=False)
    said: dict[str, Any] = {}
    kind = _TYPES.get(settings.type)
    if kind is not None:
        said["type"] = ["null", kind]
    said["description"] = f"{settings.description or ''} Where it is empty: {written}".strip()
    return _call(None, said)


def _call(default: Any, said: Mapping[str, Any]) -> str:
    return f"Param({', '.join([_python(default), *(f'{name}={_python(value)}' for name, value in said.items())])})"


def _check_plain(name: str, value: Any, folder: Path) -> None:
    try:
        same = json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError):
        same = False
    if not same:
        raise CellmillError(
            f"parameter {name}: Airflow keeps parameters as JSON, which has no {value!r}",
            notebook=folder / FILE_NAME,
            remedy="give it another value, or leave it to the notebook",
        )


def _rendered(**facts: Any) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    environment.filters.update(python=_python, seconds=_seconds)
    source = (Path(__file__).parent / "templates" / "airflow_dag.py.txt").read_text(encoding="utf-8")
    return environment.from_string(source).render(**facts)


def _python(value: Any) -> str:
    """A value as Python source, as formatters have it: with double quotes.

    Examples
    --------
    >>> print(_python({"day": ["a", 1, None]}))
    {"day": ["a", 1, None]}
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_python(key)}: {_python(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_python, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_python, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, str) and '"' not in value:
        # With a single quote in it, repr takes double ones.
        return '"' + repr("'" + value)[2:]
    return repr(value)


def _seconds(length: float) -> str:
    return f"timedelta(seconds={int(length) if length == int(length) else length})"
