"""Writes a sweep's best values into env.yaml, or the profile's: only the lines of these parameters change."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cellmill.errors import CellmillError, shown
from cellmill.files import write_bytes
from cellmill.promote.env_values import encode
from cellmill.run.folder import read_pipeline
from cellmill.run.settings import read_yaml
from cellmill.run.sweep.result import SweepResult


@dataclass(frozen=True)
class Promotion:
    """A file of values as it is and as it would be.

    Attributes
    ----------
    path
        env.yaml, or the profile's file over it.
    """

    path: Path
    before: str
    after: str

    @property
    def changes(self) -> bool:
        """Whether anything would change."""
        return self.before != self.after

    @property
    def diff(self) -> str:
        """The change as a unified diff."""
        name = shown(self.path)
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def write(self) -> None:
        """Write the file, whole or not at all.

        Raises
        ------
        CellmillError
            If it has changed since it was read, or can't be written.
        """
        if _read(self.path) != self.before:
            raise CellmillError(
                "was changed while the sweep ran, nothing was written",
                notebook=self.path,
                remedy="type the same command again: what is up to date does not run again",
            )
        write_bytes(self.path, self.after.encode())


def promotion_of(result: SweepResult) -> Promotion:
    """What it means to make the best combination's values the pipeline's own.

    Raises
    ------
    CellmillError
        If there is no best combination, or the file is written in a way that can't be edited by lines.
    """
    if result.best is None:
        raise CellmillError(
            "there is no best combination to promote",
            notebook=result.folder,
            remedy="name the metric to compare by: --metric NAME --minimize or --maximize",
        )
    keys = read_pipeline(result.folder, profile=result.profile).env_keys
    values = {keys.get(name, name): encode(value) for name, value in result.combinations[result.best].values.items()}
    path = result.folder / (f"env.{result.profile}.yaml" if result.profile is not None else "env.yaml")
    before = _read(path)
    after = with_values(before, values)
    expected = (read_yaml(path) if path.exists() else {}) | values
    if _parsed(after) != expected:
        raise CellmillError(
            "is not written a parameter a line, so the best values can't be put into it",
            notebook=path,
            remedy=f"write there {', '.join(f'{key}: {_as_yaml(value)}' for key, value in values.items())}",
        )
    return Promotion(path, before, after)


def with_values(text: str, values: Mapping[str, Any]) -> str:
    r"""A YAML file's text with some top-level values changed, and added at the end where they are not there.

    All other lines stay as they are, and so does a comment behind a value.

    Examples
    --------
    >>> with_values("# ours\nalpha: 1.0  # weak\nn: 3\n", {"alpha": 0.5, "m": "x"})
    '# ours\nalpha: 0.5  # weak\nn: 3\nm: x\n'
    """
    lines = text.splitlines(keepends=True)
    try:
        node = yaml.compose(text)
    except yaml.YAMLError:
        return text
    entries = node.value if isinstance(node, yaml.MappingNode) and not node.flow_style else []
    places = {key.value: (key.start_mark, value) for key, value in entries}
    now = _parsed(text) if entries else {}
    # From the end on, so that places further up stay what they are.
    for key in sorted(values.keys() & places.keys(), key=lambda name: -places[name][0].index):
        if type(now[key]) is not type(values[key]) or now[key] != values[key]:
            _replace(lines, *places[key], values[key])
    changed = "".join(lines)
    missing = [key for key in values if key not in places]
    if missing and changed and not changed.endswith("\n"):
        changed += "\n"
    return changed + "".join(f"{key}: {_as_yaml(values[key])}\n" for key in missing)


def _replace(lines: list[str], key: Any, value: Any, new: Any) -> None:
    """Put a value in another one's place, which may reach over several lines."""
    first, last = key.line, value.end_mark.line
    end = value.end_mark.column
    if last > first and end == 0:
        # A block's end is where the next entry begins; comments before that one are not the block's.
        last -= 1
        while last > first and (not lines[last].strip() or lines[last].lstrip().startswith("#")):
            last -= 1
        end = len(lines[last].rstrip("\r\n"))
    head = lines[first][: lines[first].index(":", key.column) + 1]
    lines[first : last + 1] = [f"{head} {_as_yaml(new)}{lines[last][end:]}"]


def _as_yaml(value: Any) -> str:
    """A value on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=float("inf"), sort_keys=False)
    return str(text).removesuffix("\n").removesuffix("\n...")


def _parsed(text: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) else {}


def _read(path: Path) -> str:
    try:
        # As bytes: line endings stay what they are.
        return path.read_bytes().decode() if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise CellmillError(f"can't be read ({error})", notebook=path) from None
