"""What the panel is told of the notebook in the editor, whatever that holds, and how fast."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import threading
import time
from typing import Any

import pytest
import requests

from cellmill.lab.worker_process import Worker


def _kinds(answer: dict[str, Any]) -> list[str]:
    return [finding["kind"] for finding in answer["findings"]]


def _fixes(answer: dict[str, Any], kind: str) -> list[tuple[str, str | None]]:
    """The cell and the role of each remedy of a finding."""
    found = [one for one in answer["findings"] if one["kind"] == kind]
    return [(fix["action"]["cell_id"], fix["action"]["role"]) for one in found for fix in one["fixes"]]


def test_the_notebook_as_it_stands_in_the_editor(lab: Any, body: Any) -> None:
    status, answer = lab.post("analyse", body("nowhere/unseen.ipynb"))

    assert status == 200
    assert [(step["name"], step["cells"], step["checks"]) for step in answer["steps"]] == [
        ("load", ["cell3"], []),
        ("train", ["cell4"], ["cell5"]),
    ]
    assert [(edge["provider"], edge["consumer"], edge["variables"]) for edge in answer["edges"]] == [
        ("load", "train", ["xs"])
    ]
    assert answer["roles"]["cell5"] == {"kind": "check", "name": "train", "origin": "tag"}
    assert [(one["name"], one["type"], one["default"]) for one in answer["parameters"]] == [
        ("n", "int", 3),
        ("pause", "float", 0.0),
    ]
    assert answer["pipeline"] == {
        "name": "unseen",
        "folder": "pipelines/unseen",
        "exists": False,
        "promoted_sha256": None,
        "current": None,
        "verified": None,
    }
    assert answer["ready"]
    assert answer["findings"] == []


def test_a_magic_line_is_told_from_a_tag(lab: Any, body: Any) -> None:
    answer = lab.post("analyse", body("a.ipynb", [("%%step load\nx = 1", []), ("y = 1", ["check:nothing"])]))[1]

    assert answer["roles"] == {
        "cell0": {"kind": "step", "name": "load", "origin": "magic"},
        "cell1": {"kind": "check", "name": "nothing", "origin": "tag"},
    }


def test_what_has_not_run_is_said_where_the_editor_knows(lab: Any, body: Any) -> None:
    told = body("a.ipynb", [("x = 1", ["step:load"])])
    assert _kinds(lab.post("analyse", told)[1]) == []
    told["cells"][0]["execution_count"] = None
    assert _kinds(lab.post("analyse", told)[1]) == ["no-outputs"]
    told["cells"][0]["execution_count"] = 3
    assert _kinds(lab.post("analyse", told)[1]) == []


def test_what_is_ignored_is_told_apart_with_its_reason(lab: Any, body: Any) -> None:
    path = 'rows = open("/home/ada/rows.csv")'
    told = lab.post("analyse", body("a.ipynb", [(path, ["step:a"])]))[1]
    assert _kinds(told) == ["absolute-path"]
    assert "another machine" in told["findings"][0]["why"].lower()
    assert told["ignored"] == []
    cells = [(f"{path}  # cellmill: ignore[CM501] all our machines have it", ["step:a"])]
    told = lab.post("analyse", body("a.ipynb", cells))[1]
    assert _kinds(told) == []
    assert [(one["kind"], one["reason"]) for one in told["ignored"]] == [("absolute-path", "all our machines have it")]


REMEDIES = {
    "untagged-name": [
        ([("import math", []), ("x = math.pi", ["step:a"])], [("cell0", "shared"), ("cell0", "step:a")]),
        ([("y = 1", []), ("x = y", ["step:a"])], [("cell0", "step:a")]),
        ([("y = 1", ["skip"]), ("x = y", ["step:a"])], [("cell0", "step:a")]),
        (
            [("x = 1", ["step:a"]), ("y = 1", []), ("z = x + y", ["step:b"]), ("print(y)", ["step:c"])],
            [("cell1", "step:a"), ("cell1", "step:b"), ("cell1", "step:a"), ("cell1", "step:c")],
        ),
    ],
    "two-roles": [([("x = 1", ["step:a", "shared"])], [("cell0", "step:a"), ("cell0", "shared")])],
    "misspelt-tag": [([("x = 1", ["Step:a"])], [("cell0", "step:a")])],
    "tag-on-text-cell": [([("# A", ["step:a"]), ("x = 1", ["step:a"])], [("cell0", None)])],
    "tag-and-magic-differ": [([("%%step b\nx = 1", ["step:a"])], [("cell0", "step:b")])],
    "bad-step-name": [([("x = 1", ["step:2 load it"])], [("cell0", "step:load_it")])],
    "step-name-collision": [([("x = 1", ["step:upstream"])], [("cell0", "step:upstream_step")])],
    "check-of-unknown-step": [([("x = 1", ["step:train"]), ("assert x", ["check:tarin"])], [("cell1", "check:train")])],
    "syntax-error": [([("x = 1", ["step:a"]), ("y = (", ["step:b"])], [("cell1", None)])],
    "used-before-defined": [([("y = z + 1", ["shared"]), ("z = 1", ["step:a"])], [("cell0", "step:a")])],
    "shared-await": [
        ([("import asyncio\nawait asyncio.sleep(0)", ["shared"]), ("x = 1", ["step:a"])], [("cell0", "step:a")])
    ],
    "untagged-cells": [
        ([("x = 1", ["step:a"]), ("print(x)", [])], [("cell1", "step:a"), ("cell1", "skip")]),
        ([("print(1)", []), ("x = 1", ["step:a"])], [("cell0", "skip")]),
    ],
    "raises-exception": [([("1 / 0", ["step:a", "raises-exception"])], [("cell0", "skip")])],
}


@pytest.mark.parametrize("kind", REMEDIES)
def test_a_remedy_is_a_click_away(lab: Any, body: Any, kind: str) -> None:
    for cells, wanted in REMEDIES[kind]:
        answer = lab.post("analyse", body("a.ipynb", cells))[1]
        assert _fixes(answer, kind) == wanted, answer["findings"]


def test_a_remedy_remedies(lab: Any, body: Any) -> None:
    for kind, cases in REMEDIES.items():
        for cells, _ in cases:
            told = body("a.ipynb", cells)
            found = next(one for one in lab.post("analyse", told)[1]["findings"] if one["kind"] == kind)
            action = found["fixes"][0]["action"]
            cell = next(one for one in told["cells"] if one["id"] == action["cell_id"])
            foreign = [tag for tag in cell["tags"] if tag == "raises-exception"]
            cell["tags"] = [*foreign, *([action["role"]] if action["role"] else [])]
            assert kind not in _kinds(lab.post("analyse", told)[1]), kind


def test_a_line_that_is_being_typed_is_a_finding(lab: Any, body: Any) -> None:
    cells = [("n = ", ["parameters"]), ("def f(:", ["shared"]), ("x = (", ["step:a"]), ("y = 1", ["step:b"])]

    status, answer = lab.post("analyse", body("a.ipynb", cells))

    assert status == 200
    assert _kinds(answer) == ["syntax-error"] * 3
    assert [step["name"] for step in answer["steps"]] == ["a", "b"]


def test_names_that_only_a_kernel_can_have(lab: Any, body: Any) -> None:
    cells = [("print(gone)", []), ("late", []), ("late = 1", []), ("import os\nos.getcwd()", ["step:a"])]

    answer = lab.post("analyse", body("a.ipynb", cells))[1]

    assert answer["undefined"] == [{"name": "gone", "cell_id": "cell0", "line": 1}]


def test_steps_are_suggested_from_headings(lab: Any, body: Any) -> None:
    cells = [("# Load", []), ("x = 1", []), ("# Train", []), ("y = x", []), ("assert y", [])]

    status, answer = lab.post("suggest", body("a.ipynb", cells))

    assert status == 200
    assert answer["tags"] == [
        {"cell_id": "cell1", "role": "parameters", "heading": "Load"},
        {"cell_id": "cell3", "role": "step:train", "heading": "Train"},
        {"cell_id": "cell4", "role": "check:train", "heading": "Train"},
    ]


def test_no_headings_are_told_in_one_sentence(lab: Any, body: Any) -> None:
    status, answer = lab.post("suggest", body("a.ipynb", [("print(1)", [])]))

    assert status == 400
    assert answer["message"].startswith("a.ipynb: no markdown heading stands above a code cell")


def test_a_notebook_in_another_language_is_refused(lab: Any, body: Any) -> None:
    status, answer = lab.post("analyse", body("a.ipynb") | {"language": "R"})

    assert (status, "the notebook is in R" in answer["message"]) == (400, True)


HOSTILE = {
    "script": ("<script>alert(1)</script>", ["step:<img src=x onerror=alert(1)>"]),
    "nested": ("(" * 500 + ")" * 500, ["step:a"]),
    "deep lists": ("x = " + "[" * 150 + "]" * 150, ["step:a"]),
    "deep calls": ("x = " + "f(" * 90 + ")" * 90, ["step:a"]),
    "long sum": ("x = " + "+".join(["1"] * 5000), ["step:a"]),
    "deep attributes": ("x = a" + ".b" * 3000, ["step:a"]),
    "deep minus": ("x = " + "-" * 5000 + "1", ["parameters"]),
    "elifs": ("if a:\n    pass\n" + "elif b:\n    pass\n" * 1500, ["step:a"]),
    "nul": ("x = 1\0", ["step:a"]),
    "surrogate": ("x = '\ud800'", ["step:\udfff"]),
    "line ends": ("x = 1\r\ny = 2\r\x0c\x85\u2028z", ["step:a"]),
    "long line": ("x = '" + "a" * 1_000_000 + "'", ["step:a"]),
    "shell": ("!rm -rf {x}\n%%bash\necho", ["step:a"]),
    "big number": ("x = " + "9" * 5000, ["parameters"]),
    "infinity": ("x = 1e999", ["parameters"]),
    "not python": ("%%javascript\nalert(1)", ["shared"]),
    "bytes": ("x: int = b'\\xff'", ["parameters"]),
    "import": ("import os.path as __import__, cellmill.lab.worker", ["shared"]),
    "exit": ("raise SystemExit\nexit()", ["shared"]),
}
# Python itself can't compile most of them.
TOO_DEEP = {"long sum", "deep attributes", "deep minus", "elifs"}


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_cell_holds_is_text(lab: Any, body: Any, name: str) -> None:
    source, tags = HOSTILE[name]
    before = lab.workers()

    status, answer = lab.post("analyse", body("a.ipynb", [("# Head", []), (source, tags), ("y = 1", ["step:b"])]))
    assert status == (400 if name in TOO_DEEP else 200), answer
    if name in TOO_DEEP:
        assert answer["message"].startswith("a.ipynb, cell 2: the code of this cell is nested too deep to be analysed;")
    assert lab.post("suggest", body("a.ipynb", [("# Head", []), (source, [])]))[0] in (200, 400, 422)
    if before:
        assert lab.workers() == before, "the worker died of it"


@pytest.mark.parametrize(
    "content, told",
    [
        (b"", "The request's body is not JSON."),
        (b"\xff\xfe", "The request's body is not JSON."),
        (b"[" * 100_000, "The request's body is not JSON."),
        (b"[]", "The request's body: "),
        (b"{}", "path: field required."),
        (b'{"path": "a.ipynb"}', "cells: field required."),
        (b'{"path": 1, "cells": []}', "path: input should be a valid string."),
        (b'{"path": "a.ipynb", "cells": [{"id": "a", "type": "code", "source": 1}]}', "cells.0.source: "),
        (b'{"path": "a.ipynb", "cells": [{"id": "a", "type": "x", "source": ""}]}', "cells.0.type: "),
    ],
)
def test_a_wrong_body_is_told_by_its_field(lab: Any, content: bytes, told: str) -> None:
    status, answer = lab.ask("POST", "analyse", content)

    assert status == 400
    assert answer["message"].startswith(told)


def test_a_body_that_is_too_large_is_refused(lab: Any, body: Any) -> None:
    assert lab.post("analyse", body("a.ipynb", [("x" * (17 * 2**20), [])]))[0] == 413
    assert lab.post("runs", {"pipeline": "x" * 2**17})[0] == 413


def _large(count: int) -> list[tuple[str, list[str]]]:
    cells: list[tuple[str, list[str]]] = [("import pandas as pd\nimport numpy as np", ["shared"])]
    for at in range(count):
        before = f"frame_{at - 1}" if at else "pd.DataFrame({'a': [1]})"
        text = f"frame_{at} = {before}.copy()\nframe_{at}['b{at}'] = frame_{at}['a'].map(lambda v: v + {at})\n"
        text += f"def helper_{at}(rows):\n    return [row for row in rows if row]\nhelper_{at}(frame_{at}.values)\n"
        cells.append((text, [f"step:step_{at // 10}"]))
    return cells


def test_the_server_answers_others_while_a_large_notebook_is_analysed(lab: Any, body: Any) -> None:
    told = json.dumps(body("large.ipynb", _large(300))).encode()
    lab.post("analyse", told)
    took: list[float] = []
    waits: list[float] = []

    def analyse() -> None:
        for _ in range(3):
            began = time.perf_counter()
            assert lab.post("analyse", told)[0] == 200
            took.append(time.perf_counter() - began)

    thread = threading.Thread(target=analyse)
    other = requests.Session()
    other.get(f"{lab.url}/api", timeout=30)
    thread.start()
    while thread.is_alive():
        began = time.perf_counter()
        other.get(f"{lab.url}/api", timeout=30)
        waits.append(time.perf_counter() - began)
        time.sleep(0.005)
    thread.join()

    assert len(waits) > 20
    # One in a hundred may fall into somebody else's turn on a busy machine.
    assert sorted(waits)[int(len(waits) * 0.98)] < 0.1, sorted(waits)[-5:]
    assert min(took) < 1.5


def test_a_newer_request_takes_the_place_of_one_that_waits(lab: Any, body: Any) -> None:
    large = json.dumps(body("busy.ipynb", _large(1500))).encode()
    answers: list[tuple[int, Any]] = []

    def ask(content: bytes) -> threading.Thread:
        thread = threading.Thread(target=lambda: answers.append(lab.ask("POST", "analyse", content)))
        thread.start()
        time.sleep(0.05)
        return thread

    small = json.dumps(body("a.ipynb")).encode()
    threads = [ask(large), ask(small), ask(small)]
    for thread in threads:
        thread.join()

    assert sorted(status for status, _ in answers) == [200, 200, 409]
    assert next(answer["reason"] for status, answer in answers if status == 409) == "superseded"


def test_a_worker_that_dies_is_told_and_replaced(lab: Any, body: Any) -> None:
    large = json.dumps(body("large.ipynb", _large(300))).encode()
    answers: list[tuple[int, Any]] = []
    lab.post("analyse", body("a.ipynb"))
    (worker,) = lab.workers()

    thread = threading.Thread(target=lambda: answers.append(lab.ask("POST", "analyse", large)))
    thread.start()
    time.sleep(0.1)
    os.kill(worker, signal.SIGKILL)
    thread.join()

    assert answers[0][0] == 503
    assert "was replaced; try it again." in answers[0][1]["message"]
    assert lab.post("analyse", body("a.ipynb"))[0] == 200
    assert lab.workers() != [worker]


def test_what_takes_too_long_is_broken_off(lab: Any, body: Any, tmp_path: Any) -> None:
    log = logging.getLogger("test")

    async def stop_and_ask() -> list[tuple[int, bytes]]:
        worker = Worker(tmp_path, log)
        content = json.dumps(body("a.ipynb")).encode()
        answers = [await worker.ask("analyse", content)]
        assert worker._process is not None
        worker._process.send_signal(signal.SIGSTOP)
        answers += [await worker.ask("analyse", content, seconds=0.3), await worker.ask("analyse", content)]
        await worker.close()
        return answers

    answers = asyncio.run(stop_and_ask())

    assert [status for status, _ in answers] == [200, 503, 200]
    assert "took longer than 0.3 s" in json.loads(answers[1][1])["message"]


def test_a_browser_that_goes_away_costs_nothing(own_lab: Any, body: Any) -> None:
    large = json.dumps(body("large.ipynb", _large(300))).encode()
    own_lab.post("analyse", body("a.ipynb"))
    for _ in range(3):
        with pytest.raises(requests.Timeout):
            own_lab.ask("POST", "analyse", large, timeout=0.02)
    stream = own_lab.listen()
    next(iter(stream))

    assert own_lab.post("analyse", body("a.ipynb"))[0] == 200
    began = time.monotonic()
    own_lab.stop(signal.SIGTERM)

    assert time.monotonic() - began < 5, "the open stream held the server up"
    stream.close()
    assert "Traceback" not in own_lab.log.read_text()
    assert "ERROR" not in own_lab.log.read_text()


def test_a_folder_is_no_notebook(lab: Any) -> None:
    status, answer = lab.post("analyse", {"path": ".", "cells": []})

    assert (status, answer["message"]) == (400, ".: this is a folder; name a notebook.")
