"""What a pipeline's cellmill.yaml may say, checked on reading; wrong files are named with the key that is wrong."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, ValidationError

from cellmill.errors import CellmillError
from cellmill.readiness.settings import IgnoreSettings
from cellmill.run.yaml_text import YamlProblem, load_yaml

ParameterType = Literal["int", "float", "str", "bool", "list", "dict", "none", "any"]

FILE_NAME = "cellmill.yaml"
# Bytes of a file; what is larger is data, and takes seconds to read.
_LARGEST = 2_000_000


class ParameterSettings(BaseModel):
    """One parameter that ``cellmill run -p`` accepts.

    ``none`` is the type of a parameter whose default is None and whose annotation says nothing: it takes any value.
    ``finite: false`` lets a float be infinite.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: ParameterType = "any"
    default: Any = None
    nullable: bool = False
    choices: tuple[Any, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    finite: bool = True
    description: str | None = None


class StepSettings(BaseModel):
    """How one step is run.

    Further attempts after a failure, seconds for the whole step, and the memory that its processes may hold (bytes,
    or a text such as ``2 GB``). ``cpus``, ``memory`` and ``gpus`` count against what the run has: steps that together
    ask for more do not run at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    retries: int = Field(default=0, ge=0)
    timeout: float | None = Field(default=None, gt=0)
    memory_limit: ByteSize | None = Field(default=None, gt=0)
    cpus: int = Field(default=1, ge=1)
    memory: ByteSize | None = Field(default=None, gt=0)
    gpus: int = Field(default=0, ge=0)


class Settings(BaseModel):
    """The whole of cellmill.yaml. ``parameters`` is None where the file does not list them.

    ``storage`` is an address of fsspec's, by which products go between the machines of a run. What stands under
    ``schedule`` and ``slo`` is not for runs: whoever uses it checks it, so that a slip there stops no run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    notebook: str | None = None
    experiment: str | None = None
    storage: str | None = None
    parameters: dict[str, ParameterSettings] | None = None
    steps: dict[str, StepSettings] = Field(default_factory=dict)
    ignore: tuple[IgnoreSettings, ...] = ()
    schedule: Any = None
    slo: Any = None


def read_settings(folder: Path) -> Settings:
    """Read the folder's cellmill.yaml; a folder without one is a plain Ploomber pipeline and has empty settings.

    Raises
    ------
    CellmillError
        If the file is not what it should be; names the file and the key.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return Settings()
    content = read_yaml(path)
    try:
        return Settings.model_validate({key: value for key, value in content.items() if value is not None})
    except ValidationError as error:
        raise _complaint(path, error) from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping; an empty file is an empty mapping."""
    try:
        if path.stat().st_size > _LARGEST:
            raise CellmillError(f"is larger than {_LARGEST // 1_000_000} MB", notebook=path)
        content = load_yaml(path.read_text(encoding="utf-8"), settings=path.name == FILE_NAME)
    except FileNotFoundError:
        raise CellmillError("there is no such file", notebook=path) from None
    except OSError as error:
        raise CellmillError(f"can't be read ({error.strerror})", notebook=path) from None
    except UnicodeDecodeError:
        raise CellmillError("is not UTF-8 text", notebook=path, remedy="save it as UTF-8") from None
    except YamlProblem as problem:
        raise CellmillError(f"is not valid YAML ({problem.message})", notebook=path, line=problem.line) from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise CellmillError("must hold names with values (`name: value` lines)", notebook=path)
    return content


def _complaint(path: Path, error: ValidationError) -> CellmillError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return CellmillError(f"{key}: {_reason(first['msg'])}, not {first['input']!r}", notebook=path)
    accepted = _accepted(first["loc"])
    close = get_close_matches(str(first["loc"][-1]), accepted, n=1)
    remedy = f"did you mean {close[0]}?" if close else f"accepted here: {', '.join(accepted)}"
    return CellmillError(f"there is no key {key}", notebook=path, remedy=remedy)


def _reason(message: str) -> str:
    return message[:1].lower() + message[1:]


def _accepted(location: tuple[int | str, ...]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "parameters": ParameterSettings,
        "steps": StepSettings,
        "ignore": IgnoreSettings,
    }
    model = models.get(str(location[0]), Settings) if len(location) > 1 else Settings
    return list(model.model_fields)
