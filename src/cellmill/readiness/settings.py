"""What in a pipeline's cellmill.yaml is the engineer's own and promotion keeps; of that, what ignores findings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from cellmill.readiness.ignores import Ignore

FILE_NAME = "cellmill.yaml"
OWN = ("ignore", "schedule", "slo")
"""Keys of cellmill.yaml that no notebook says: the engineer's, whatever is promoted."""

_KEY = re.compile(r"^[A-Za-z_][\w-]*\s*:")
_OWN = re.compile(rf"^(?:{'|'.join(OWN)})\s*:")


class IgnoreSettings(BaseModel):
    """A code that is ignored in the whole notebook, or in one step; why has to be said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    step: str | None = Field(default=None)


def read_ignores(folder: Path) -> tuple[list[Ignore], list[str]]:
    """What a pipeline folder's settings ignore, and a sentence on each entry that can't be read.

    Returns
    -------
    tuple
        Nothing for a folder that does not exist or has no such entries.
    """
    text = _text(folder)
    if "ignore" not in text:
        return [], []
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return [], [f"{FILE_NAME} is not valid YAML, so what it ignores is not known"]
    entries = content.get("ignore") if isinstance(content, dict) else None
    if entries is None:
        return [], []
    if not isinstance(entries, list):
        return [], [f"`ignore` in {FILE_NAME} must be a list of `code` and `reason`"]
    found, problems = [], []
    for number, entry in enumerate(entries, start=1):
        try:
            one = IgnoreSettings.model_validate(entry)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            key = ".".join(str(part) for part in first["loc"]) or "the entry"
            what = first["msg"][:1].lower() + first["msg"][1:]
            problems.append(f"entry {number} of `ignore` in {FILE_NAME} can't be read ({key}: {what})")
        else:
            found.append(Ignore(one.code, one.reason, one.step))
    return found, problems


def own_sections(folder: Path) -> str:
    """The lines of cellmill.yaml that are the engineer's own, as they stand there, with the comments above them."""
    return split_settings(_text(folder))[1]


def split_settings(text: str) -> tuple[str, str]:
    r"""Part cellmill.yaml into what promotion writes and what is the engineer's own.

    Examples
    --------
    >>> split_settings("# x\nnotebook: a\nignore:\n- code: CM501\n  reason: b\nsteps: {}\nslo: {}\n")
    ('# x\nnotebook: a\nsteps: {}\n', 'ignore:\n- code: CM501\n  reason: b\nslo: {}\n')
    """
    lines, own = text.splitlines(keepends=True), ""
    while (start := next((at for at, line in enumerate(lines) if _OWN.match(line)), None)) is not None:
        end = next((at for at in range(start + 1, len(lines)) if _KEY.match(lines[at])), len(lines))
        while end < len(lines) and end > start + 1 and lines[end - 1].strip()[:1] in ("", "#"):
            end -= 1
        while start > 1 and lines[start - 1].strip()[:1] in ("", "#"):
            start -= 1
        block = "".join(lines[start:end])
        own += block if block.endswith("\n") else f"{block}\n"
        lines = lines[:start] + lines[end:]
    return "".join(lines), own


def _text(folder: Path) -> str:
    try:
        return (folder / FILE_NAME).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
