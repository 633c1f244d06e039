"""What a pipeline's cellmill.yaml says under ``slo:``, checked whole before any of it counts."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cellmill.errors import CellmillError
from cellmill.run.settings import FILE_NAME, read_yaml
from cellmill.schedule.durations import Duration

_DAY = 86400.0


def _share(value: Any) -> float:
    """A share of one, of a number or of a text such as ``99.5%``."""
    what = "a share between 0 and 1 is written as in 0.99 or 99%"
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            share = round(float(value.strip()[:-1]) / 100, 12)
        except ValueError:
            raise ValueError(what) from None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        share = float(value)
    else:
        raise ValueError(what)
    if share == 1:
        # The error budget is what is left to 1; of nothing there is no rate.
        raise ValueError("1 leaves no error budget: the first failure would break it for ever; say 0.999 or less")
    if not 0 < share < 1:
        raise ValueError(what)
    return share


class SloSettings(BaseModel):
    """What a pipeline promises.

    Attributes
    ----------
    success_rate
        The share of its scheduled runs that succeed, over the window.
    freshness
        How old its last good product may become, in seconds.
    window
        Seconds back from now over which the success rate is taken.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    success_rate: Annotated[float, BeforeValidator(_share)] | None = None
    freshness: Annotated[Duration, Field(gt=0)] | None = None
    window: Annotated[Duration, Field(ge=3600)] = 30 * _DAY

    @model_validator(mode="after")
    def _promises(self) -> Self:
        if self.success_rate is None and self.freshness is None:
            raise ValueError("it promises nothing; it takes success_rate, freshness or both")
        return self


def read_slo(folder: Path) -> SloSettings | None:
    """Read what a folder promises; None where there is no ``slo:``.

    Raises
    ------
    CellmillError
        If it is wrong; names the file, the key and the reason.
    """
    path = folder.resolve() / FILE_NAME
    if not path.exists():
        return None
    return parse_slo(read_yaml(path).get("slo"), path)


def parse_slo(content: Any, path: Path) -> SloSettings | None:
    """Check what stands under ``slo:``.

    Raises
    ------
    CellmillError
        As :func:`read_slo`.
    """
    if content is None:
        return None
    if not isinstance(content, dict):
        raise CellmillError("slo: is a mapping (`success_rate: 0.99` lines)", notebook=path)
    try:
        return SloSettings.model_validate(content)
    except ValidationError as error:
        raise _complaint(path, error) from None
    except RecursionError:
        raise CellmillError("slo: is nested too deeply", notebook=path) from None


def problems_of(folders: Sequence[Path]) -> list[CellmillError]:
    """What is wrong with what some folders promise."""
    found = []
    for folder in folders:
        try:
            read_slo(folder)
        except CellmillError as error:
            found.append(error)
    return found


def _complaint(path: Path, error: ValidationError) -> CellmillError:
    first = error.errors()[0]
    # Pydantic names the parts of a union and its validators as well.
    key = ".".join(["slo", *(str(part) for part in first["loc"][:1])])
    if first["type"] == "extra_forbidden":
        accepted = list(SloSettings.model_fields)
        close = get_close_matches(str(first["loc"][-1]), accepted, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"accepted here: {', '.join(accepted)}"
        return CellmillError(f"there is no key {key}", notebook=path, remedy=remedy)
    if first["type"] == "value_error":
        return CellmillError(f"{key}: {first['msg'].removeprefix('Value error, ')}", notebook=path)
    if first["type"].startswith("greater_than"):
        least = "1h" if key == "slo.window" else "more than 0s"
        return CellmillError(f"{key}: it is too short; it is at least {least}", notebook=path)
    text = repr(first["input"])
    return CellmillError(f"{key}: {first['msg']}, not {text if len(text) <= 60 else f'{text[:57]}...'}", notebook=path)
