"""Runs small programs whole and as a pipeline, all in this one process, so that thousands of them take seconds.

The analysis and the hand-over are the real ones: each step runs in a fresh `__main__` that holds what its task would
have loaded, and saves with the pipeline's own module, to files and back. What processes do not share is taken away
between the steps: classes known to cloudpickle, modules' state, the position of random generators.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import random
import shutil
import sys
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cloudpickle.cloudpickle as pickling

from cellmill.dataflow import Dataflow, StepFlow
from cellmill.notebook.read import notebook_of_cells
from cellmill.notebook.steps import Steps
from cellmill.promote.parameters import read_parameters
from cellmill.promote.plan import read_cells
from cellmill.promote.shared import shared_module

# A program: cells in order, each with its tag.
Program = list[tuple[str, str]]


@dataclass
class Outcome:
    """What became of a program: `state` is fails (the notebook itself), refused, equal, different or crashed."""

    state: str
    why: str = ""
    edges: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)


class Simulation:
    """A folder for hand-over files, with the real hand-over module in it."""

    def __init__(self, folder: Path) -> None:
        from cellmill.promote import handover

        self.folder = folder
        self.module = folder / "demo_handover.py"
        shutil.copy(Path(handover.__file__), self.module)
        spec = importlib.util.spec_from_file_location("demo_handover", self.module)
        assert spec is not None
        assert spec.loader is not None
        self.handover: Any = importlib.util.module_from_spec(spec)
        sys.modules["demo_handover"] = self.handover
        spec.loader.exec_module(self.handover)

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, *_: object) -> None:
        sys.modules.pop("demo_handover", None)

    def compare(self, program: Program) -> Outcome:
        """Run the program both ways; the steps run in the last order that the edges allow, each as a process would."""
        wanted: dict[str, str] = {}
        try:
            self._whole(program, wanted)
        except Exception as error:
            return Outcome("fails", repr(error))
        cells = [
            {"cell_type": "code", "id": f"c{at}", "metadata": {"tags": [tag]}, "source": source}
            for at, (tag, source) in enumerate(program)
        ]
        steps, dataflow, findings = read_cells(notebook_of_cells(self.folder / "demo.ipynb", cells))
        errors = sorted({one.kind for one in findings if one.severity == "error"})
        if errors:
            return Outcome("refused", " ".join(errors))
        edges = [(str(one.provider), str(one.consumer), one.variables) for one in dataflow.edges]
        self._write_shared(steps, dataflow)
        shutil.rmtree(self.folder / "output", ignore_errors=True)
        for flow in last_order(dataflow):
            try:
                printed = self._task(program, flow, dataflow)
            except Exception as error:
                return Outcome("crashed", f"step {flow.name}: {error!r}", edges)
            if printed != wanted[str(flow.name)]:
                why = f"step {flow.name}: notebook {wanted[str(flow.name)]!r}, pipeline {printed!r}"
                return Outcome("different", why, edges)
        return Outcome("equal", "", edges)

    def _whole(self, program: Program, printed: dict[str, str]) -> None:
        with fresh_process() as namespace:
            for at, (tag, source) in enumerate(program):
                text = run(source, namespace, f"<cell {at}>")
                step = tag.removeprefix("step:")
                printed[step] = printed.get(step, "") + text

    def _write_shared(self, steps: Steps, dataflow: Dataflow) -> None:
        path = self.folder / "demo_shared.py"
        shared = shared_module(steps, dataflow, read_parameters(steps))
        if shared is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(shared.text, encoding="utf-8")

    def _product(self, step: object) -> dict[str, str]:
        return {"variables": str(self.folder / "output" / str(step) / "variables.json")}

    def _load(self, flow: StepFlow, namespace: dict[str, Any]) -> None:
        for provider in flow.upstream:
            upstream = self._product(provider)
            own = [one for one in flow.inputs if one.provider == provider]
            if certain := [one.name for one in own if one.certain]:
                values = self.handover.load(upstream, *certain)
                namespace.update(zip(certain, [values] if len(certain) == 1 else values, strict=True))
            if maybe := [one.name for one in own if not one.certain]:
                namespace.update(self.handover.load_bound(upstream, *maybe))
        for provider, state in flow.state_in:
            self.handover.load_state(self._product(provider), state)

    def _task(self, program: Program, flow: StepFlow, dataflow: Dataflow) -> str:
        """What a task's file does around the step's cells."""
        with fresh_process() as namespace:
            for tag, source in program:
                if tag == "parameters":
                    run(source, namespace, "<parameters>")
            self.handover.begin(self._product(flow.name), namespace)
            for name in flow.shared:
                if name in dataflow.shared_names:
                    namespace[name] = getattr(sys.modules["demo_shared"], name)
            for line in flow.imports:
                exec(line, namespace)
            self._load(flow, namespace)
            printed = ""
            for at, (tag, source) in enumerate(program):
                if tag == f"step:{flow.name}":
                    printed += run(source, namespace, f"<cell {at}>")
            given = {name: namespace[name] for name, certain in flow.outputs if certain}
            maybe = [name for name, certain in flow.outputs if not certain]
            self.handover.save(*flow.state_out, **given, **self.handover.bound(namespace, *maybe))
        return printed


def last_order(dataflow: Dataflow) -> list[StepFlow]:
    """The steps in the order that the edges allow and that is farthest from the notebook's."""
    waiting = list(dataflow.steps)
    ordered: list[StepFlow] = []
    while waiting:
        needed = {name for flow in waiting for name in flow.upstream}
        at = next(at for at, flow in enumerate(waiting) if flow.name not in needed)
        ordered.insert(0, waiting.pop(at))
    return ordered


def run(source: str, namespace: dict[str, Any], name: str) -> str:
    """Run a cell; returns what it printed."""
    printed = io.StringIO()
    code = compile(source, name, "exec", dont_inherit=True)
    with contextlib.redirect_stdout(printed):
        exec(code, namespace)
    return printed.getvalue()


@contextlib.contextmanager
def fresh_process() -> Iterator[dict[str, Any]]:
    """A new `__main__`; what only this process knows is forgotten."""
    pickling._DYNAMIC_CLASS_TRACKER_BY_CLASS.clear()
    pickling._DYNAMIC_CLASS_TRACKER_BY_ID.clear()
    before = sys.modules["__main__"]
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    state = random.getstate()
    random.seed(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield main.__dict__
    finally:
        sys.modules["__main__"] = before
        sys.modules.pop("demo_shared", None)
        random.setstate(state)


def smaller(program: Program, simulation: Simulation, state: str) -> Program:
    """Leave out cells, statements' blocks and lines as long as the outcome stays: for people to read."""
    changed = True
    while changed:
        changed = False
        for candidate in _cuts(program):
            if simulation.compare(candidate).state == state:
                program, changed = candidate, True
                break
    return program


def _cuts(program: Program) -> Iterator[Program]:
    for at in range(len(program)):
        yield program[:at] + program[at + 1 :]
    for at, (tag, source) in enumerate(program):
        lines = source.split("\n")
        for first in range(len(lines)):
            indent = len(lines[first]) - len(lines[first].lstrip())
            end = first + 1
            while end < len(lines) and len(lines[end]) - len(lines[end].lstrip()) > indent:
                end += 1
            for rest in (
                lines[:first] + lines[end:],
                lines[:first] + [one[4:] for one in lines[first + 1 : end]] + lines[end:],
            ):
                if rest != lines and any(rest):
                    yield [*program[:at], (tag, "\n".join(rest)), *program[at + 1 :]]
    for at in range(len(program) - 1):
        if program[at][0].startswith("step:") and program[at + 1][0].startswith("step:"):
            both = (program[at][0], program[at][1] + "\n" + program[at + 1][1])
            yield [*program[:at], both, *program[at + 2 :]]
