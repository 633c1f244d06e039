"""Runs small notebooks whole and as tasks, each in a forked IPython, and tells what the last step printed.

A program for the tests beside it: reads programs as JSON from standard input, writes results to standard output.
No kernels: the hand-over is real (its files, another process for each task), and forks make hundreds of tasks cheap.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import numpy  # noqa: F401 (imported before the fork, so that each task need not)
import pandas  # noqa: F401
from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from cellmill.notebook.magic_lines import without_magic_line
from cellmill.observe import observe
from cellmill.promote import Plan, PromotionRefused, make_plan, write_plan

MARK = "<last step>\n"
NO_HISTORY = Config({"HistoryManager": {"enabled": False}})


def in_fork(work: Callable[[], None]) -> dict[str, Any]:
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        printed = io.StringIO()
        error = ""
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
                work()
        except BaseException as raised:
            error = "".join(traceback.format_exception(raised))[-2000:]
        os.write(writing, json.dumps({"printed": printed.getvalue(), "error": error}).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    return dict(json.loads(answer))


def new_shell() -> InteractiveShell:
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    sys.path.insert(0, "")
    DisplayHook.write_output_prompt = lambda self: None
    shell = InteractiveShell.instance(user_module=main, config=NO_HISTORY)
    shell.ast_node_interactivity = "none"
    return shell


def run_notebook(cells: list[list[str]], folder: Path) -> dict[str, Any]:
    def work() -> None:
        os.chdir(folder)
        shell = new_shell()
        for tag, source in cells:
            if tag == cells[-1][0]:
                sys.stdout.write(MARK)
            shell.run_cell(without_magic_line(source)[1]).raise_error()

    result = in_fork(work)
    result["printed"] = "".join(result["printed"].split(MARK)[1:])
    return result


def run_task(plan: Plan, name: str, folder: Path) -> dict[str, Any]:
    flow = plan.dataflow.step(name)
    output = plan.folder / "output"
    products = {str(one.name): {"variables": f"{output}/{one.name}/variables.json"} for one in plan.dataflow.steps}

    def work() -> None:
        os.chdir(folder)
        shell = new_shell()
        for cell in jupytext.read(plan.folder / "tasks" / f"{name}.py").cells:
            if cell.cell_type != "code":
                continue
            shell.run_cell(cell.source).raise_error()
            if "parameters" in cell.metadata.get("tags", []):
                shell.user_ns["upstream"] = {str(one): products[str(one)] for one in flow.upstream} or None
                shell.user_ns["product"] = products[name]
                shell.user_ns["resources_"] = {"handover": f"{plan.folder}/{plan.name}_handover.py"}

    return in_fork(work)


def compare(program: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place).resolve()
        (root / "pyproject.toml").write_text("")
        whole, parts = root / "whole", root / "parts"
        for folder in (whole, parts):
            folder.mkdir()
            for name, text in program.get("files", {}).items():
                (folder / name).write_text(text)
        notebook = nbformat.v4.new_notebook()
        for number, (tag, source) in enumerate(program["cells"]):
            notebook.cells.append(nbformat.v4.new_code_cell(source, id=f"c{number}", metadata={"tags": [tag]}))
        nbformat.write(notebook, parts / "program.ipynb")
        wanted = run_notebook(program["cells"], whole)
        if wanted["error"]:
            return {"state": "notebook fails", "error": wanted["error"]}
        if program.get("observe"):
            observed = in_fork(lambda: observe(parts / "program.ipynb") and None)
            if observed["error"]:
                return {"state": "observing fails", "error": observed["error"]}
        try:
            plan = make_plan(parts / "program.ipynb")
        except PromotionRefused as refused:
            kinds = sorted({one.kind for one in refused.findings if one.severity == "error"})
            return {"state": "refused", "kinds": kinds}
        write_plan(plan)
        for name, text in program.get("files_then", {}).items():
            (parts / name).write_text(text)
        edges = [[str(one.provider), str(one.consumer), list(one.variables)] for one in plan.dataflow.edges]
        for flow in plan.dataflow.steps:
            done = run_task(plan, str(flow.name), parts)
            if done["error"]:
                return {"state": f"task {flow.name} fails", "error": done["error"], "edges": edges}
            if str(flow.name) == program["cells"][-1][0].removeprefix("step:"):
                printed = done["printed"]
        state = "equal" if printed == wanted["printed"] else "different"
        kinds = sorted({one.kind for one in plan.findings})
        return {"state": state, "kinds": kinds, "wanted": wanted["printed"], "printed": printed, "edges": edges}


if __name__ == "__main__":
    # What a first shell imports, each task need not import again after its fork.
    InteractiveShell(config=NO_HISTORY).run_cell("pass")
    answers = {name: compare(program) for name, program in json.load(sys.stdin).items()}
    sys.stdout.write(json.dumps(answers))
