"""Cell tags to roles; tags of others (nbval's, hide-input, anybody's) are none of our business."""

from __future__ import annotations

from dataclasses import dataclass

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
    """Tags that look like ours and are not, each with what was meant: ``Step:load``, ``step load``, ``step``."""
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
    if lowered in _PLAIN:
        return lowered
    if lowered in _NAMED:
        return f"{lowered}:NAME"
    for separator in (":", "=", " "):
        kind, found, name = tag.strip().partition(separator)
        if found and name.strip() and kind.strip().lower() in _NAMED:
            return f"{kind.strip().lower()}:{name.strip()}"
    return None
