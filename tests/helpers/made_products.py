"""Puts a pipeline into the state that `ploomber build` leaves, without running it: products, and Ploomber's records."""

from __future__ import annotations

from pathlib import Path

from cellmill.run.folder import read_pipeline
from cellmill.run.products import products_of
from cellmill.run.quiet import quiet_dependencies


def make_products(folder: Path, *names: str) -> None:
    """Write the tasks' products, of all or of these, with the records that Ploomber writes when a task has run."""
    with quiet_dependencies():
        pipeline = read_pipeline(folder)
        dag = pipeline.load()
        pipeline.render(dag)
        for name in dag:
            task = dag[name]
            if names and name not in names:
                continue
            for product in products_of(task):
                Path(str(product)).parent.mkdir(parents=True, exist_ok=True)
                Path(str(product)).write_text("{}")
            task.product.metadata.update(
                source_code=str(task.source), params=task.params.to_json_serializable(params_only=True)
            )
