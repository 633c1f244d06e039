"""Promotion: from a tagged notebook to a pipeline folder, planned whole before anything is written."""

from __future__ import annotations

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
