"""Runs tasks that hand variables over, each in a forked process, and tells what went wrong.

A program for the tests beside it: reads cases as JSON from standard input, writes results to standard output. The
hand-over module is that of a promoted pipeline; forks of a process with the imports make hundreds of tasks cheap.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import shutil
import sys
import time
import traceback
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any


def in_fork(work: Callable[[], None]) -> str:
    """Run work in a process of its own; gives the traceback of what it raised."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        error = ""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                work()
        except BaseException as raised:
            error = "".join(traceback.format_exception(raised))
        os.write(writing, error.encode(errors="replace")[-3000:])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(pid, 0)
    return answer.decode(errors="replace") or (f"the process died with status {status}" if status else "")


def run_task(
    handover: Any, output: Path, name: str, source: str, loads: dict[str, list[str]], saves: list[str]
) -> None:
    """What a task's file does around its cells."""
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    namespace = main.__dict__
    handover.begin({"variables": str(output / name / "variables.json")}, namespace)
    for provider, names in loads.items():
        upstream = {"variables": str(output / provider / "variables.json")}
        namespace.update(handover.load_bound(upstream, *names))
    exec(compile(source, f"<task {name}>", "exec", dont_inherit=True), namespace)
    handover.save(**{one: namespace[one] for one in saves})


def run_case(handover: Any, case: dict[str, Any], output: Path) -> dict[str, Any]:
    shutil.rmtree(output, ignore_errors=True)
    loads: dict[str, list[str]] = {}
    began = time.monotonic()
    result: dict[str, Any] = {"error": "", "task": ""}
    for name, (source, saves) in case["tasks"].items():
        result["error"] = in_fork(
            lambda name=name, source=source, saves=saves: run_task(handover, output, name, source, loads, saves)
        )
        if result["error"]:
            return {**result, "task": name}
        loads[name] = saves
    first = output / next(iter(case["tasks"]))
    result["seconds"] = time.monotonic() - began
    result["manifest"] = json.loads((first / "variables.json").read_text(encoding="utf-8"))
    result["sizes"] = {path.name: path.stat().st_size for path in first.iterdir()}
    return result


def main() -> None:
    request = json.load(sys.stdin)
    warnings.simplefilter("ignore")
    for module in ["cloudpickle", *request["imports"]]:
        importlib.import_module(module)
    path = Path(request["module"])
    sys.path.append(str(path.parent))
    handover = importlib.import_module(path.stem)
    output = Path(request["output"])
    results = {name: run_case(handover, case, output) for name, case in request["cases"].items()}
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
