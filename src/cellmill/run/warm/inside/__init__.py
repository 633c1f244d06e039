"""What runs inside a warm process. It needs nothing but the standard library and ipykernel: not even cellmill."""

from __future__ import annotations
