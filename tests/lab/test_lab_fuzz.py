"""Whatever is sent, the answer is an answer: never a 500, always what the description says."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROUTES = {
    "analyse": ["path", "cells", "kernel", "language"],
    "suggest": ["path", "cells", "kernel"],
    "promotion/plan": ["path", "name"],
    "promotion": ["path", "name", "force"],
    "schedules": ["folder", "name", "entry", "digest"],
    "schedules/check": ["folder", "name", "entry"],
    "schedules/plan": ["folder", "name", "entry"],
    "runs": ["pipeline", "kind", "parameters", "profile", "force", "only", "from"],
}

_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_json = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
_paths = st.sampled_from(["fuzz/churn.ipynb", "fuzz", "pyproject.toml", ".", "a/../b", "pipelines/churn", "~", "//"])
_tags = st.sampled_from(["step:a", "step:b", "step:", "shared", "parameters", "check:a", "Step:a", "skip", "x"])
_sources = st.text(max_size=60) | st.sampled_from(
    ["%%step a", "x = y", "%metric x x", "def f(): return g()", "%%step b --after a\nx", "del x", "!ls", "x: int = 1"]
)
_cells = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text(max_size=8),
            "type": st.sampled_from(["code", "markdown", "raw"]),
            "source": _sources,
            "tags": st.lists(_tags | st.text(max_size=8), max_size=3),
        }
    ),
    max_size=6,
)
_keys = st.sampled_from(["name", "cron", "every", "timezone", "parameters", "retries", "alerts", "keep", "notebook"])
_entries = st.dictionaries(_keys, _json | st.sampled_from(["0 9 * * *", "1h", "x", "Europe/Berlin"]), max_size=5)
_bodies = st.sampled_from(sorted(ROUTES)).flatmap(
    lambda route: st.tuples(
        st.just(route),
        st.binary(max_size=30)
        | _json.map(lambda content: json.dumps(content).encode())
        | st.fixed_dictionaries(
            {}, optional={name: _json | _paths | _cells | st.booleans() for name in ROUTES[route]}
        ).map(lambda content: json.dumps(content).encode())
        | st.fixed_dictionaries({"folder": _paths, "entry": _entries}).map(lambda content: json.dumps(content).encode())
        | st.fixed_dictionaries({"path": _paths, "cells": _cells}).map(lambda content: json.dumps(content).encode()),
    )
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(request=_bodies)
def test_no_body_breaks_a_route(lab: Any, request: tuple[str, bytes]) -> None:
    route, content = request
    status, answer = lab.ask("POST", route, content)

    assert status in (200, 400, 403, 404, 409, 413, 422), (status, answer)
    assert "cellmill could not do this" not in str(answer.get("message")), answer


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(value=st.text(max_size=12) | st.integers().map(str))
def test_no_query_breaks_a_route(lab: Any, value: str) -> None:
    for path, name in (
        ("runs", "limit"),
        ("runs", "pipeline"),
        ("runs/20260101-000000-abcd/log", "lines"),
        ("runs/20260101-000000-abcd/events", "after"),
    ):
        answer = lab.http.get(f"{lab.url}/cellmill/api/{path}", params={name: value}, timeout=30)
        assert answer.status_code in (200, 400, 403, 404), answer.text
