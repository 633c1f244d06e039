"""Promotion: from a tagged notebook to a pipeline folder, planned whole before anything is written.

Its parts are imported when they are first used: a run reads a pipeline's values with one of them and needs no other.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellmill.promote.merge import last_promotion, merge_plan
    from cellmill.promote.plan import Plan, PromotionRefused, make_plan, readiness
    from cellmill.promote.write import Written, diff_plan, edited_files, write_plan

__all__ = [
    "Plan",
    "PromotionRefused",
    "Written",
    "diff_plan",
    "edited_files",
    "last_promotion",
    "make_plan",
    "merge_plan",
    "readiness",
    "write_plan",
]

_PLACES = {
    "merge": ("last_promotion", "merge_plan"),
    "plan": ("Plan", "PromotionRefused", "make_plan", "readiness"),
    "write": ("Written", "diff_plan", "edited_files", "write_plan"),
}


def __getattr__(name: str) -> Any:
    for module, names in _PLACES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
