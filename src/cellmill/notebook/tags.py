"""Cell tags to roles; tags of others (nbval's, hide-input, anybody's) are none of our business."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from cellmill.notebook.cells import StepName
from cellmill.notebook.steps import Role

_PLAIN = {"parameters", "shared", "skip"}
_NAMED = {"step", "check"}


@dataclass(frozen=True)
class TagRole:
    """A tag of ours and the role it gives."""

    tag: str
    role: Role


def roles_of(tags: tuple[str, ...]) -> tuple[TagRole, ...]:
    """The roles that a cell's tags give, in file order, without repeats.

    Examples
    --------
    >>> [found.role.name for found in roles_of(("hide-input", "step:train"))]
    ['train']
    """
    found: dict[Role, TagRole] = {}
    for tag in tags:
        role = _role(tag)
        if role is not None:
            found.setdefault(role, TagRole(tag, role))
    return tuple(found.values())


def misspelt(tags: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Tags that look like ours and are not, each with what was meant: ``Step:load``, ``steps:load``, ``step``."""
    pairs = [(tag, _meant(tag)) for tag in tags if _role(tag) is None]
    return tuple((tag, meant) for tag, meant in pairs if meant)


def _role(tag: str) -> Role | None:
    if tag == "parameters":
        return Role("parameters")
    if tag == "shared":
        return Role("shared")
    if tag == "skip":
        return Role("skip")
    kind, colon, name = tag.partition(":")
    if colon and kind == "step":
        return Role("step", StepName(name.strip()))
    if colon and kind == "check":
        return Role("check", StepName(name.strip()))
    return None


def _meant(tag: str) -> str | None:
    lowered = tag.strip().lower()
    if plain := get_close_matches(lowered, _PLAIN, n=1, cutoff=0.85):
        return plain[0]
    if lowered in _NAMED:
        return f"{lowered}:NAME"
    parts = re.fullmatch(r"(\w+?)(\s*[:;=]\s*|\s+|[-_.])(\S.*)", tag.strip())
    if parts is None:
        return None
    # A dash is in many a tag of others: there it must be the very word.
    kind = get_close_matches(parts[1].lower(), _NAMED, n=1, cutoff=0.75 if set(parts[2]) & set(":;=") else 1.0)
    return f"{kind[0]}:{parts[3]}" if kind else None
