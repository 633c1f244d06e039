"""Model formulas in text: ``ols("y ~ np.log(x) + scale(z)", data)`` looks np and scale up where it is called."""

from __future__ import annotations

import ast
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


def takes_formula(dotted: str | None, method: str, keywords: list[ast.keyword]) -> bool:
    """Whether a call builds a model from a formula."""
    if method == "from_formula" or (dotted is not None and dotted.startswith(_LIBRARIES)):
        return True
    return bool(keywords) and any(one.arg is not None and one.arg.endswith("formula") for one in keywords)
