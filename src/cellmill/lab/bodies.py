"""What requests may say, checked on arrival; what is wrong is told in one sentence that names the field."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cellmill.lab.refusal import Refused

Path = Annotated[str, Field(min_length=1, max_length=4096)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class CellBody(BaseModel):
    """One cell as it stands in the editor."""

    model_config = ConfigDict(strict=True)

    id: Annotated[str, Field(max_length=200)]
    type: Literal["code", "markdown", "raw"]
    source: str
    tags: list[str] = []
    execution_count: int | None = None


class NotebookBody(BaseModel):
    """A notebook as it stands in the editor, saved or not."""

    model_config = ConfigDict(strict=True)

    path: Path
    cells: Annotated[list[CellBody], Field(max_length=20_000)]
    kernel: Name | None = None
    language: Name | None = None


class PlanBody(BaseModel):
    """A saved notebook to promote."""

    model_config = ConfigDict(strict=True, extra="forbid")

    path: Path
    name: Name | None = None


class PromotionBody(PlanBody):
    """A saved notebook to promote, whatever stands in the way if ``force`` is on.

    ``edits`` says what becomes of edits that are in conflict with the notebook.
    """

    force: bool = False
    edits: Literal["merge", "keep", "mark", "overwrite"] = "merge"


class SweepBody(BaseModel):
    """What a sweep is to try: values by parameter as they are typed, with commas between them."""

    model_config = ConfigDict(strict=True, extra="forbid")

    values: Annotated[dict[Name, Annotated[str, Field(max_length=20_000)]], Field(max_length=1000)]
    metric: Name | None = None
    direction: Literal["minimize", "maximize"] | None = None
    draw: Annotated[int | None, Field(ge=1)] = None
    seed: int = 0


class SweepCheckBody(BaseModel):
    """A sweep to look at before it is started."""

    model_config = ConfigDict(strict=True, extra="forbid")

    pipeline: Path
    sweep: SweepBody


class RunBody(BaseModel):
    """A run to start."""

    model_config = ConfigDict(strict=True, extra="forbid")

    pipeline: Path
    kind: Literal["run", "verify", "sweep"] = "run"
    parameters: dict[str, Any] | None = None
    profile: Name | None = None
    force: bool = False
    only: Name | None = None
    from_: Annotated[Name | None, Field(alias="from")] = None
    skip: Annotated[list[Name], Field(max_length=1000)] = []
    repair: bool = False
    sweep: SweepBody | None = None


class ScheduleBody(BaseModel):
    """A schedule that is declared in a folder."""

    model_config = ConfigDict(strict=True, extra="forbid")

    folder: Path
    name: Name


class ScheduleEntryBody(BaseModel):
    """What is to stand under ``schedule:`` of a folder's cellmill.yaml.

    It takes the place of the schedule ``name``, if that is given; without an entry that one is taken away.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    folder: Path
    name: Name | None = None
    entry: Annotated[dict[Name, Any], Field(max_length=100)] | None = None


class ScheduleSaveBody(ScheduleEntryBody):
    """A change that was shown before: ``digest`` is that of the file it was shown against."""

    digest: Annotated[str, Field(max_length=200)]


Body = TypeVar("Body", bound=BaseModel)


def read_body(kind: type[Body], content: bytes) -> Body:
    """Read a request's body.

    Raises
    ------
    Refused
        If it is not JSON, or not what the route takes.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise Refused(400, "The request's body is not JSON.") from None
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        raise Refused(400, _sentence(error)) from None
    except RecursionError:
        raise Refused(400, "The request's body is nested too deep.") from None


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])[:200]
    if first["type"] == "extra_forbidden":
        return f"{field}: there is no such field."
    message = first["msg"][:1].lower() + first["msg"][1:]
    return f"{field}: {message}." if field else f"The request's body: {message}."
