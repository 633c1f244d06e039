"""What is visible of a running step: nothing that is half there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

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


def test_what_tells_ploomber_of_a_product_is_never_half_there(
    pipeline: Any, step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.write({"load": step(["x = 1"], saves=["x"])})
    write, marks = Path.write_text, set()

    def half_first(path: Path, text: str, *arguments: Any, **named: Any) -> int:
        if path.suffix == ".metadata":
            write(path, text[: len(text) // 2])
            for mark in pipeline.output.rglob(".load.*.metadata"):
                json.loads(mark.read_text())
            marks.add(path.name)
        return write(path, text, *arguments, **named)

    monkeypatch.setattr(Path, "write_text", half_first)
    assert run_pipeline(pipeline.folder).state == "succeeded"
    assert len(marks) >= 2
    assert [json.loads(mark.read_text())["stored_source_code"] for mark in pipeline.output.glob(".load.*.metadata")]
