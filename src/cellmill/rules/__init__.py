"""The readiness rules: one class each, documentation included. Whatever makes a finding makes it by its rule.

Where a rule is applied is the business of the part that knows its subject; here stands what all of them have to say
alike: code, kind, severity, why it matters, what to do.
"""

from __future__ import annotations

from types import ModuleType

from cellmill.rules import folder, ignoring, names, production, state, tags
from cellmill.rules.rule import Rule, RuleText

__all__ = ["GROUPS", "RULES", "Rule", "RuleText", "rule_of"]

_MODULES: dict[str, ModuleType] = {
    "Tags and magic lines": tags,
    "Names and order": names,
    "Hand-over and state": state,
    "The pipeline folder": folder,
    "Away from the author's desk": production,
    "Ignored findings": ignoring,
}


def _rules_of(module: ModuleType) -> tuple[type[Rule], ...]:
    classes = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Rule)]
    return tuple(sorted((one for one in classes if one is not Rule), key=lambda rule: rule.code))


GROUPS: dict[str, tuple[type[Rule], ...]] = {title: _rules_of(module) for title, module in _MODULES.items()}
"""The rules in groups, as the documentation's page has them."""

RULES: dict[str, type[Rule]] = {rule.code: rule for rules in GROUPS.values() for rule in rules}
"""Every rule by its code."""


def rule_of(code: str) -> type[Rule] | None:
    """The rule of a code, in any case; None if there is none."""
    return RULES.get(code.strip().upper())
