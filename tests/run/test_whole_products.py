"""What is visible of a running step: nothing that is half there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cellmill.run import Event, run_pipeline


def visible(pipeline: Any) -> set[str]:
    return {path.name for path in pipeline.output.iterdir() if path.is_file() and not path.name.startswith(".")}


def test_products_come_to_their_places_when_they_are_whole(pipeline: Any, step: Any) -> None:
    pipeline.write({"load": step(["x = 1", "1 / x"], saves=["x"])})
    seen: list[tuple[str, set[str], set[str]]] = []

    def watch(event: Event) -> None:
        aside = {path.name for path in pipeline.output.glob(".*.partial.*")}
        seen.append((event.kind, visible(pipeline), aside))

    result = run_pipeline(pipeline.folder, listeners=[watch])
    assert result.state == "succeeded"
    cells = [(there, aside) for kind, there, aside in seen if kind == "cell-started"]
    assert cells
    assert [there for there, _ in cells] == [set()] * len(cells)
    assert cells[-1][1] == {".load.partial.ipynb"}
    assert visible(pipeline) == {"load.html", "load.ipynb"}

    # What a former run has made is gone when the step runs again, not half of it.
    seen.clear()
    file: Path = pipeline.task_file("load")
    file.write_text(file.read_text().replace("1 / x", "1 / 0"))
    result = run_pipeline(pipeline.folder, listeners=[watch])
    assert result.state == "failed"
    assert all("load.ipynb" not in there for kind, there, _ in seen if kind == "cell-started")
    assert {"load.html", "load.ipynb"} <= visible(pipeline)
    assert list(pipeline.output.glob(".*.partial.*")) == []
