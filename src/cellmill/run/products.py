"""A task's products by what they are for, and what was recorded in them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ploomber.tasks import Task


@dataclass(frozen=True)
class Products:
    """A task's products by what they are for; None for what the task does not make."""

    notebook: Path | None = None
    report: Path | None = None
    variables: Path | None = None

    @property
    def metrics(self) -> Path | None:
        """Where ``%metric`` writes as it happens: beside the executed notebook."""
        return self.notebook.with_suffix(".metrics.json") if self.notebook is not None else None

    @classmethod
    def of(cls, task: Task) -> Products:
        """Find them by their keys, as promotion names them, or by their endings."""
        from ploomber.products import MetaProduct

        product = task.product
        entries = product.to_json_serializable() if isinstance(product, MetaProduct) else str(product)
        named = (
            entries
            if isinstance(entries, dict)
            else dict(enumerate([entries] if isinstance(entries, str) else entries))
        )
        paths = {key: Path(value) for key, value in named.items()}
        return cls(
            paths.get("nb") or _with_suffix(paths.values(), ".ipynb"),
            paths.get("report") or _with_suffix(paths.values(), ".html"),
            paths.get("variables"),
        )


def products_of(task: Task) -> list[Any]:
    """A task's products one by one, as Ploomber has them."""
    from ploomber.products import MetaProduct

    return list(task.product) if isinstance(task.product, MetaProduct) else [task.product]


def recorded_metrics(products: Products) -> dict[str, Any]:
    """What ``%metric`` recorded: kept beside the notebook as it happens, and in the manifest of a finished task."""
    for path in (products.variables, products.metrics):
        try:
            content = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
            found = content.get("metrics")
        except (OSError, ValueError, AttributeError):
            continue
        if isinstance(found, dict):
            return found
    return {}


def _with_suffix(paths: Iterable[Path], suffix: str) -> Path | None:
    return next((path for path in paths if path.suffix == suffix), None)
