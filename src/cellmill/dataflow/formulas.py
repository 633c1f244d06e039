"""Model formulas in text: ``ols("y ~ np.log(x) + scale(z)", data)`` looks np and scale up where it is called."""

from __future__ import annotations

import re
from functools import lru_cache

_LIBRARIES = ("statsmodels.formula.", "patsy.", "formulaic.", "bambi.")
_NAME = re.compile(r"(?<![\w.@])[^\W\d]\w*")


def is_formula(text: str) -> bool:
    """Whether a text is a formula by itself."""
    return "~" in text and "~/" not in text and "\n" not in text.strip()


@lru_cache(maxsize=4096)
def names_in(text: str) -> frozenset[str]:
    """Names at which an expression in the text may begin: ``np`` of ``np.log(x)``, ``x``, but not ``log``."""
    return frozenset(_NAME.findall(text))


def takes_formula(dotted: str | None, method: str, keywords: frozenset[str]) -> bool:
    """Whether a call builds a model from a formula."""
    by_name = dotted is not None and dotted.startswith(_LIBRARIES)
    return by_name or method == "from_formula" or any(name.endswith("formula") for name in keywords)
