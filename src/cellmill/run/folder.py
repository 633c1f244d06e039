"""A pipeline's folder as a run reads it: pipeline.yaml, the env with its profile and parameters, cellmill.yaml."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellmill.errors import CellmillError
from cellmill.promote.env_values import decode, encode
from cellmill.promote.marks import refuse_marks
from cellmill.run.parameters import check_values
from cellmill.run.settings import ParameterSettings, Settings, StepSettings, read_settings, read_yaml

if TYPE_CHECKING:
    from ploomber import DAG

_STORAGE = "storage"
# Keys of the env that say where, not what.
_NO_PARAMETERS = ("workdir", _STORAGE)
_PLACEHOLDER = re.compile(r"^\{\{\s*(\w+)\s*\}\}$")
_OUTSIDE = re.compile(r"^(?:\{\{\s*here\s*\}\}/)?\.\.(?=/|$)")
_HERE_OUTPUT = re.compile(r"^\{\{\s*here\s*\}\}/output(?=/|$)")


@dataclass(frozen=True)
class PipelineFolder:
    """What stands in a pipeline's folder, read and checked; nothing of it has run.

    Attributes
    ----------
    folder, output
        Absolute paths of the pipeline and of its products.
    code
        Where the files are that were read: the folder itself, or a copy of it that was kept.
    env
        What Ploomber gets for its placeholders: env.yaml, then the profile, then the parameters.
    parameters
        The parameters' values as the tasks get them.
    """

    folder: Path
    output: Path
    code: Path
    spec: Mapping[str, Any]
    settings: Settings
    env: Mapping[str, Any]
    parameters: Mapping[str, Any]
    profile: str | None

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.folder.name

    @property
    def steps(self) -> Mapping[str, StepSettings]:
        """Settings of those steps that have some."""
        return self.settings.steps

    @property
    def workdir(self) -> Path | None:
        """The folder that the tasks run in, if env.yaml names one."""
        text = self.env.get("workdir")
        if not isinstance(text, str):
            return None
        return Path(os.path.normpath(self.folder / re.sub(r"\{\{\s*here\s*\}\}", str(self.folder), text)))

    @property
    def env_keys(self) -> Mapping[str, str]:
        """The env key that each task parameter stands for; mostly its own name."""
        return _env_keys(self.spec)

    @property
    def storage(self) -> str | None:
        """Where products go between machines, if the env (a profile, mostly) or cellmill.yaml names a place.

        Raises
        ------
        CellmillError
            If what the env names is no address.
        """
        named = self.env.get(_STORAGE) if _STORAGE not in self.parameters else None
        if named is not None and not isinstance(named, str):
            raise CellmillError(
                f"storage: {named!r} is no address",
                notebook=self.folder / f"env.{self.profile}.yaml" if self.profile else self.folder / "env.yaml",
                remedy="write it as in s3://bucket/prefix",
            )
        return named if named is not None else self.settings.storage

    def load(self) -> DAG:
        """Build Ploomber's DAG.

        Raises
        ------
        CellmillError
            If Ploomber refuses the folder's files.
        """
        from ploomber.spec import DAGSpec

        with self._complaining():
            # Given as a dict, Ploomber does not look for an env.yaml in the current folder first.
            return DAGSpec(dict(self.spec), env=dict(self.env), parent_path=str(self.code)).to_dag()

    def render(self, dag: DAG) -> None:
        """Let Ploomber fill in what the tasks get and find out which are outdated.

        Raises
        ------
        CellmillError
            If Ploomber can't.
        """
        with self._complaining():
            dag.render(show_progress=False)

    def with_values(self, values: Mapping[str, Any]) -> PipelineFolder:
        """The same pipeline with these parameters, which have been checked.

        Raises
        ------
        CellmillError
            If a value can't be passed to the tasks.
        """
        keys = self.env_keys
        encoded = {keys.get(name, name): _encoded(name, value, self.folder) for name, value in values.items()}
        return replace(self, env={**self.env, **encoded}, parameters={**self.parameters, **values})

    def with_products(self, places: Mapping[str, Path], output: Path) -> PipelineFolder:
        """The same pipeline with the products of some tasks, by name, in other folders than ``{{here}}/output``.

        Parameters
        ----------
        output
            The folder of what belongs to no task.
        """
        tasks = [
            {**task, "product": _moved_product(task.get("product"), place)}
            if isinstance(task, dict) and (place := places.get(task_name(task))) is not None
            else task
            for task in self.spec.get("tasks") or ()
        ]
        return replace(self, spec={**self.spec, "tasks": tasks}, output=output)

    @contextmanager
    def _complaining(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # Ploomber raises many kinds; all of them mean that the files are wrong
            raise CellmillError(_deepest(error), notebook=self.folder / "pipeline.yaml") from error


def read_pipeline(
    folder: Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    profile: str | None = None,
    output: Path | None = None,
    code: Path | None = None,
) -> PipelineFolder:
    """Read a pipeline's folder and check it together with the parameters that a run asks for.

    Parameters
    ----------
    code
        A copy of the folder's files that counts instead of them; where it names other places, those are the folder's.

    Raises
    ------
    CellmillError
        If the folder is no pipeline, a file in it is wrong or holds an undecided conflict, or a parameter is not
        accepted.
    """
    folder = Path(folder).resolve()
    if not (folder / "pipeline.yaml").is_file():
        what = "is not a pipeline: it has no pipeline.yaml" if folder.is_dir() else "there is no such folder"
        raise CellmillError(what, notebook=folder, remedy="make one with `cellmill promote NOTEBOOK`")
    home, code = folder, Path(code).resolve() if code is not None else folder
    refuse_marks(code)
    settings = read_settings(code)
    env = _read_env(code, profile)
    spec = read_yaml(code / "pipeline.yaml")
    if code != home:
        env, spec = _at_home(env, home), _at_home(spec, home)
        output = output or home / "output"
    keys = _env_keys(spec)
    accepted = _accepted(settings, env)
    given = check_values(parameters or {}, accepted, where=folder)
    _check_env(code, profile, env, accepted, keys)
    _check_taken(folder, settings, given, keys)
    for name, value in given.items():
        env[keys.get(name, name)] = _encoded(name, value, folder)
    pipeline = PipelineFolder(
        folder=folder,
        output=Path(output).resolve() if output is not None else folder / "output",
        code=code,
        spec=_moved(spec, Path(output).resolve()) if output is not None else spec,
        settings=settings,
        env=env,
        parameters={
            name: _value(env.get(keys.get(name, name), declared.default)) for name, declared in accepted.items()
        },
        profile=profile,
    )
    _check_workdir(pipeline)
    _check_sources(pipeline)
    return pipeline


def task_name(task: Mapping[str, Any]) -> str:
    """The name of a task of pipeline.yaml, which may leave it to Ploomber to take it from the source."""
    return str(task.get("name") or Path(str(task.get("source", ""))).stem)


def accepted_parameters(folder: Path) -> dict[str, ParameterSettings]:
    """The parameters that a pipeline accepts, as its cellmill.yaml declares them, or as its env.yaml has them.

    Raises
    ------
    CellmillError
        If a file in the folder is wrong or holds an undecided conflict.
    """
    refuse_marks(folder)
    return _accepted(read_settings(folder), _read_env(folder, None))


def _accepted(settings: Settings, env: Mapping[str, Any]) -> dict[str, ParameterSettings]:
    if settings.parameters is not None:
        return dict(settings.parameters)
    return {name: ParameterSettings(default=_value(value)) for name, value in env.items() if name not in _NO_PARAMETERS}


def _read_env(folder: Path, profile: str | None) -> dict[str, Any]:
    env = read_yaml(folder / "env.yaml") if (folder / "env.yaml").exists() else {}
    if profile is None:
        return env
    path = folder / f"env.{profile}.yaml"
    if not path.is_file():
        profiles = sorted(found.name.split(".")[1] for found in folder.glob("env.*.yaml"))
        close = get_close_matches(profile, profiles, n=1)
        known = f"the profiles are {', '.join(profiles)}" if profiles else f"write {path.name} beside env.yaml"
        remedy = f"did you mean {close[0]}?" if close else known
        raise CellmillError(f"there is no profile {profile}", notebook=folder, remedy=remedy)
    return env | read_yaml(path)


def _env_keys(spec: Mapping[str, Any]) -> dict[str, str]:
    """The env key that each task parameter stands for; mostly its own name."""
    keys: dict[str, str] = {}
    for task in spec.get("tasks") or ():
        for name, value in ((task.get("params") or {}) if isinstance(task, dict) else {}).items():
            match = _PLACEHOLDER.match(value) if isinstance(value, str) else None
            if match is not None:
                keys[name] = match[1]
    return keys


def _check_env(
    folder: Path,
    profile: str | None,
    env: Mapping[str, Any],
    accepted: Mapping[str, ParameterSettings],
    keys: Mapping[str, str],
) -> None:
    """Hold what the files say to the declared types too: an engineer may have edited them."""
    for name, declared in accepted.items():
        key = keys.get(name, name)
        if key not in env:
            continue
        try:
            value = decode(env[key])
        except ValueError:
            continue
        try:
            check_values({name: value}, {name: declared})
        except CellmillError as error:
            in_profile = profile is not None and key in read_yaml(folder / f"env.{profile}.yaml")
            file = folder / (f"env.{profile}.yaml" if in_profile else "env.yaml")
            text = isinstance(env[key], str) and declared.type == "str"
            remedy = f"write {key}: {_yaml_text(env[key])} to keep it a text" if text else f"correct the key {key}"
            raise CellmillError(error.message, notebook=file, remedy=remedy) from None


def _check_taken(folder: Path, settings: Settings, given: Mapping[str, Any], keys: Mapping[str, str]) -> None:
    """A value that reaches no task would be ignored in silence."""
    for name, value in given.items():
        declared = (settings.parameters or {}).get(name)
        if declared is not None and name not in keys and value != declared.default:
            raise CellmillError(
                f"no step takes the parameter {name}",
                notebook=folder / "pipeline.yaml",
                remedy="read it in a step of the notebook and promote again",
            )


def _yaml_text(value: str) -> str:
    import json

    return json.dumps(encode(value))


def _encoded(name: str, value: Any, folder: Path) -> Any:
    try:
        return encode(value)
    except ValueError as error:
        raise CellmillError(
            f"parameter {name}: {value!r} can't be passed to the tasks ({error})", notebook=folder
        ) from None


def _value(raw: Any) -> Any:
    try:
        return decode(raw)
    except ValueError:
        return raw


def _at_home(content: Any, home: Path) -> Any:
    """What a copy of a pipeline's files says of places outside of it, as seen from the pipeline's own folder."""
    if isinstance(content, dict):
        return {key: _at_home(value, home) for key, value in content.items()}
    if isinstance(content, list):
        return [_at_home(value, home) for value in content]
    return _OUTSIDE.sub(lambda _: f"{home}/..", content) if isinstance(content, str) else content


def _moved(spec: Mapping[str, Any], output: Path) -> dict[str, Any]:
    """The spec with its products in another folder than ``{{here}}/output``."""
    tasks = [
        {**task, "product": _moved_product(task.get("product"), output)} if isinstance(task, dict) else task
        for task in spec.get("tasks") or ()
    ]
    return {**spec, "tasks": tasks}


def _moved_product(product: Any, output: Path) -> Any:
    if isinstance(product, dict):
        return {key: _moved_product(value, output) for key, value in product.items()}
    return _HERE_OUTPUT.sub(lambda _: str(output), product) if isinstance(product, str) else product


def _check_workdir(pipeline: PipelineFolder) -> None:
    workdir = pipeline.workdir
    if workdir is not None and not workdir.is_dir():
        raise CellmillError(
            f"workdir: there is no folder {workdir}, in which the tasks run",
            notebook=pipeline.folder / "env.yaml",
            remedy="bring the folder along or change workdir",
        )


def _check_sources(pipeline: PipelineFolder) -> None:
    """Refuse what Ploomber would repair by writing into the engineer's file."""
    for task in pipeline.spec.get("tasks") or ():
        source = task.get("source") if isinstance(task, dict) else None
        file = pipeline.code / source if isinstance(source, str) and source.endswith(".py") else None
        if file is not None and file.is_file() and '"parameters"' not in file.read_text(encoding="utf-8"):
            raise CellmillError(
                "no cell is tagged parameters",
                notebook=file,
                remedy='write # %% tags=["parameters"] with upstream and product, or promote the notebook again',
            )


def _deepest(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
