"""The one way to write an answer: JSON that every browser reads."""

from __future__ import annotations

import json
import math
from typing import Any


def encoded(content: Any) -> bytes:
    """JSON that every reader takes: numbers that are none become texts."""
    try:
        return json.dumps(content, allow_nan=False, default=str).encode()
    except ValueError:
        return json.dumps(_finite(content), allow_nan=False, default=str).encode()


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, (list, tuple)) else value
