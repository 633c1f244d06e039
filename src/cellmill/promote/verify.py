"""Proves that a pipeline gives what its notebook gives: runs both, compares what cells show and steps hand over."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from cellmill.errors import CellmillError
from cellmill.notebook import project_root, read_notebook
from cellmill.notebook.installs import installs_in
from cellmill.observe.execute import untracked
from cellmill.observe.record import read_evidence
from cellmill.promote.cause import cause_of_cell, cause_of_variable, cause_of_varying, in_words
from cellmill.promote.comparison import Comparison, compare_outputs, pictures_alike
from cellmill.promote.content import ContentVerdict, compare_content, compare_state, shares_with, type_of
from cellmill.promote.crossings import Crossing, Probes, crossings
from cellmill.promote.data_files import DataFile, data_files
from cellmill.promote.execution import (
    NotebookRun,
    executed_cells,
    hash_seed,
    run_notebook,
    run_tasks,
    values_of,
)
from cellmill.promote.observing import keep_what_was_seen, where_to_look
from cellmill.promote.reference import usual_patterns
from cellmill.promote.verification import BY_CHANCE, CellVerdict, Learned, VariableVerdict, Verification
from cellmill.promote.volatile import learn, read_learned, warnings_in, with_learned
from cellmill.readiness.facts import read_promoted
from cellmill.readiness.randomness import seeded_generators
from cellmill.rules.production import UnseededRandom

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from cellmill.notebook.cells import Notebook
    from cellmill.promote.plan import Examined
    from cellmill.run.events import Listener

__all__ = ["CellVerdict", "Verification", "executed_cells", "read_provenance", "sanitizing", "untracked", "verify"]


def verify(path: Path, *, assignments: Sequence[str] = (), listeners: Sequence[Listener] = ()) -> Verification:
    """Run a notebook whole, run its pipeline, and compare what each promoted cell shows and each step hands over.

    The notebook runs in one fresh kernel in its own folder, every cell of it; the pipeline runs forced, into a
    temporary folder. Both have the parameters that stand in the notebook, or those given, and hash texts alike. Where
    something differs, the notebook runs once more: what differs between its own two runs is not the pipeline's doing.
    Nothing of it is recorded in MLflow, and nothing in the pipeline's folder changes: `seal` does that. With the
    notebook's own parameters, its run is observed, and the record of that is written as `observe` writes it.

    Parameters
    ----------
    path
        A notebook or a pipeline's folder. A notebook whose pipeline is missing or not current is promoted to a
        temporary folder.
    assignments
        Parameters for both sides, as ``NAME=VALUE``.
    listeners
        Told of the pipeline's run as it happens.

    Raises
    ------
    CellmillError
        If ``path`` is neither, the notebook can't be promoted, or a parameter is not accepted.
    """
    began = time.monotonic()
    scratch = Path(mkdtemp(prefix="cellmill-verify-"))
    kept = False
    try:
        found = _verify(Path(path), scratch, assignments, listeners)
        # The failure's sentence names the executed notebook to open.
        kept = found.run_failure is not None
        return replace(found, seconds=time.monotonic() - began)
    finally:
        if not kept:
            shutil.rmtree(scratch, ignore_errors=True)


def _verify(path: Path, scratch: Path, assignments: Sequence[str], listeners: Sequence[Listener]) -> Verification:
    folder, notes = _pipeline_of(path, scratch)
    lasting = scratch not in folder.parents
    provenance = read_provenance(folder)
    source = Path(os.path.normpath(folder / provenance["notebook"]))
    notebook = read_notebook(source)
    if notebook.sha256 != provenance["notebook_sha256"]:
        notes.append(
            f"{source.name} has changed since it was promoted; `cellmill promote` brings the pipeline up to date."
        )
    from cellmill.promote.plan import examine
    from cellmill.promote.write import edited_files

    if edited := edited_files(folder):
        notes.append(f"Edited by hand since the promotion: {', '.join(edited)}.")
    given, told, values = values_of(folder, assignments)
    examined = examine(notebook, folder)
    seeds = {"PYTHONHASHSEED": hash_seed(), **_seeds_of(examined)}
    base = Verification(source, folder, (), lasting=lasting, parameters=values, seeds=seeds, notes=tuple(notes))
    crossing = crossings(provenance)
    # The record is of the notebook as it stands, so it has the parameters that stand there.
    looks = None if given else where_to_look(notebook, scratch)
    since = time.time()
    first = run_notebook(notebook, scratch, crossing, name="notebook", parameters=given, looks=looks)
    if first.failure is not None:
        return replace(base, notebook_failure=first.failure)
    try:
        contradicted, told_beside = keep_what_was_seen(looks, notebook)
        base = replace(base, findings=contradicted, notes=(*base.notes, *told_beside))
    except CellmillError as error:
        base = replace(base, notes=(*base.notes, f"What the run showed could not be kept: {error.message}."))
    probes, failure = run_tasks(folder, scratch, crossing, notebook=source, parameters=told, listeners=listeners)
    executed = executed_cells(scratch / "output", provenance["steps"])
    base = replace(base, files=_files_of(source, provenance, first, scratch, since))
    comparing = _Comparing(notebook, folder, provenance, first, executed, probes, crossing, examined, edited)
    cells, variables, runs = comparing.cells(comparing.patterns), comparing.variables(), 1
    learned: tuple[Learned, ...] = ()
    if "different" in {one.state for one in cells} | {one.state for one in variables}:
        second = run_notebook(notebook, scratch, crossing, name="again", parameters=given)
        runs = 2
        cells, variables, learned = comparing.against_itself(second, cells, variables)
    cells, variables = comparing.with_causes(cells, variables)
    # What is saved is what the parameters gave that stand in the notebook.
    if not given and (stale := comparing.saved_otherwise(cells, learned)):
        base = replace(base, notes=(*base.notes, told_of_saved(notebook, stale)))
    return replace(base, cells=cells, variables=variables, learned=learned, run_failure=failure, runs_of_notebook=runs)


def _seeds_of(examined: Examined) -> dict[str, Any]:
    """The random generators that the notebook seeds, and the first draw that nothing seeds, as readiness finds it."""
    findings = sorted((*examined.findings, *examined.ignored), key=lambda one: (one.cell or 0, one.line or 0))
    unseeded = next((one for one in findings if one.code == UnseededRandom.code), None)
    return {
        "seeded": sorted(seeded_generators(read_promoted(examined.steps))),
        "unseeded": in_words(unseeded) if unseeded is not None else None,
    }


def _files_of(
    notebook: Path, provenance: Mapping[str, Any], first: NotebookRun, scratch: Path, since: float
) -> tuple[DataFile, ...]:
    literals = [str(path) for path in provenance.get("file_inputs", ())]
    return data_files(notebook, project_root(notebook.parent), literals, first.opened, scratch=scratch, since=since)


def read_provenance(folder: Path) -> dict[str, Any]:
    """Read what promotion wrote down about a pipeline folder.

    Raises
    ------
    CellmillError
        If the folder is not a promoted pipeline.
    """
    try:
        provenance: dict[str, Any] = json.loads((folder / ".promotion.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CellmillError(
            "not a promoted pipeline: its .promotion.json is missing or can't be read",
            notebook=folder,
            remedy="name a notebook or a folder that `cellmill promote` wrote",
        ) from error
    return provenance


def told_of_saved(notebook: Notebook, numbers: Sequence[int]) -> str:
    """The sentence about cells whose saved outputs are of another run."""
    cells = f"cell{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
    return (
        f"{notebook.path.name}: the saved outputs of {cells} are not what the notebook gives; restart its kernel, run "
        "all cells, save and promote again, or `pytest --nbval` fails there."
    )


def sanitizing(folder: Path) -> str | None:
    """Return the pipeline's own nbval patterns, the engineer's and the learned ones, if it has a file of them."""
    path = folder / "tests" / "nbval.cfg"
    return f"{path.read_text(encoding='utf-8')}\n{read_learned(folder)}" if path.exists() else None


def _pipeline_of(path: Path, scratch: Path) -> tuple[Path, list[str]]:
    if path.is_dir():
        return path.resolve(), []
    if path.name == "pipeline.yaml":
        return path.resolve().parent, []
    from cellmill.promote import diff_plan, make_plan, write_plan

    plan = make_plan(path)
    if plan.folder.exists() and not diff_plan(plan):
        return plan.folder, []
    state = "is not what this notebook promotes to" if plan.folder.exists() else "does not exist yet"
    temporary = make_plan(path, into=scratch / "pipelines")
    write_plan(temporary)
    return temporary.folder, [f"{plan.folder.name} {state}: the notebook was promoted to a temporary folder."]


@dataclass(frozen=True)
class _Comparing:
    """Both sides' outputs and descriptions, compared."""

    notebook: Notebook
    folder: Path
    provenance: Mapping[str, Any]
    first: NotebookRun
    executed: Mapping[str, NotebookNode]
    tasks: Probes
    crossing: Sequence[Crossing]
    examined: Examined
    edited: Sequence[str]

    @property
    def patterns(self) -> str:
        return sanitizing(self.folder) or usual_patterns()

    def cells(self, patterns: str) -> tuple[CellVerdict, ...]:
        verdicts = []
        for cell in self.notebook.cells:
            if cell.kind != "code" or cell.id not in self.provenance["cells"]:
                continue
            task = self.provenance["cells"][cell.id]["task"]
            verdict = CellVerdict(cell.number, str(cell.id), task, "missing")
            if task is None:
                verdict = replace(verdict, state="ignored", reason="shared code, which runs as part of a module")
            elif cell.id in self.executed:
                found = self._compared(cell.number, self.executed[cell.id].outputs, patterns, f"task {task}")
                reason = "nbval's tags or comments leave its outputs out" if found.state == "ignored" else ""
                shown = self.first.outputs[cell.number], self.executed[cell.id].outputs
                if found.state == "equal" and not pictures_alike(*shown):
                    reason = "its picture is another, and pictures are not judged: look at both"
                verdict = replace(verdict, state=found.state, difference=found.difference, reason=reason)
            verdicts.append(verdict)
        return tuple(verdicts)

    def variables(self) -> tuple[VariableVerdict, ...]:
        return tuple(self._variable(one) for one in self.crossing)

    def against_itself(
        self, second: NotebookRun, cells: Sequence[CellVerdict], variables: Sequence[VariableVerdict]
    ) -> tuple[tuple[CellVerdict, ...], tuple[VariableVerdict, ...], tuple[Learned, ...]]:
        """Judge what differs by a second run of the notebook: learn patterns, and tell what varies by itself."""
        if second.failure is not None:
            note = f"a second run of the notebook failed: {second.failure}"
            return (
                tuple(replace(one, reason=note) if one.state == "different" else one for one in cells),
                (tuple(variables)),
                (),
            )
        learned: list[Learned] = []
        varying: dict[int, str] = {}
        for cell in cells:
            shown = second.outputs[cell.number]
            if cell.state != "different" or self._compared(cell.number, shown, self.patterns, "").state == "equal":
                continue
            lesson = learn(cell.number, cell.cell_id, self.first.outputs[cell.number], shown, self.patterns)
            learned += lesson.patterns
            if lesson.varies:
                varying[cell.number] = f"{lesson.varies} differs from run to run"
        again = {one.number: one for one in self.cells(with_learned(self.patterns, learned))} if learned else {}
        judged = tuple(
            replace(cell, state="varies", reason=varying[cell.number])
            if cell.number in varying
            else again.get(cell.number, cell)
            for cell in cells
        )
        judged = tuple(
            replace(cell, state="varies", reason=f"{by_chance} {BY_CHANCE}")
            if cell.state == "different" and (by_chance := self._by_chance(cell))
            else cell
            for cell in judged
        )
        used = {cell.number for cell in judged if cell.state == "equal"}
        return judged, self._varying(second, variables), tuple(one for one in learned if one.cell in used)

    def with_causes(
        self, cells: Sequence[CellVerdict], variables: Sequence[VariableVerdict]
    ) -> tuple[tuple[CellVerdict, ...], tuple[VariableVerdict, ...]]:
        """Add the likely cause to what differs."""
        if not {"different", "varies"} & ({one.state for one in cells} | {one.state for one in variables}):
            return tuple(cells), tuple(variables)
        # What an author chose to ignore explains a difference all the same.
        findings, edited = (*self.examined.findings, *self.examined.ignored), self.edited
        told_variables = []
        for one in variables:
            cause = ""
            if one.state == "varies":
                cause = cause_of_varying(one.cell, one.provider, findings)
            elif one.state == "different":
                way = self._changed_on_the_way(one)
                cause = cause_of_variable(one.name, one.provider, one.consumer, findings, edited, way)
            told_variables.append(replace(one, cause=cause))
        told_cells = []
        for cell in cells:
            cause = ""
            if cell.state == "varies":
                cause = cause_of_varying(cell.number, str(cell.task), findings)
                if cell.by_chance:
                    cause = "its runs happened to agree; verify again, or tag the cell nbval-ignore-output"
            elif cell.state == "different":
                received = [
                    f"`{one.name}`" if one.kind == "variable" else one.told
                    for one in variables
                    if one.consumer == cell.task and one.state == "different"
                ]
                cause = cause_of_cell(cell.number, str(cell.task), findings, edited, received)
                cause = cause or self._shown_before(cell.number)
            told_cells.append(replace(cell, cause=cause))
        return tuple(told_cells), tuple(told_variables)

    def saved_otherwise(self, cells: Sequence[CellVerdict], learned: Sequence[Learned]) -> list[int]:
        """Cells whose saved outputs are not what the notebook has just given; not those that differ by themselves."""
        patterns = with_learned(self.patterns, learned)
        judged = [cell.number for cell in cells if cell.task is not None and cell.state != "varies"]
        if not any(self.notebook.cells[number - 1].outputs for number in judged):
            return []
        return [number for number in judged if self._is_saved_otherwise(number, patterns)]

    def _is_saved_otherwise(self, number: int, patterns: str) -> bool:
        cell = self.notebook.cells[number - 1]
        if not cell.outputs and cell.execution_count is None:
            return False  # nobody knows what it showed
        return self._compared(number, cell.outputs, patterns, "as saved").state == "different"

    def _shown_before(self, number: int) -> str:
        """Whether the task shows a warning that the notebook's one process had shown already."""
        here, there = self.first.outputs[number], self.executed[self.notebook.cells[number - 1].id].outputs
        new = warnings_in(there) - warnings_in(here)
        before = (one for one in self.notebook.cells[: number - 1] if new & warnings_in(self.first.outputs[one.number]))
        first = next(before, None)
        if first is None:
            return ""
        return (
            f"Python shows such a warning once in a process, which in the notebook was in cell {first.number}; "
            "call warnings.filterwarnings in a shared cell to silence it in every task"
        )

    def _by_chance(self, cell: CellVerdict) -> str:
        """What differs, if it is only what a clock says or the like, and the notebook's runs agreed in it by chance."""
        shown = self.first.outputs[cell.number], self.executed[cell.cell_id].outputs
        lesson = learn(cell.number, cell.cell_id, *shown, self.patterns)
        kinds = dict.fromkeys(kind for one in lesson.patterns for kind in one.kinds)
        return "" if lesson.varies else " and ".join(f"a {kind}" for kind in kinds)

    def _compared(self, number: int, measured: Sequence[Any], patterns: str, title: str) -> Comparison:
        cell = self.notebook.cells[number - 1]
        return compare_outputs(
            self.first.outputs[number],
            measured,
            # What an installation says is not the pipeline's, which does without it.
            tags=(*cell.tags, "nbval-ignore-output") if installs_in(cell) else cell.tags,
            source=cell.source,
            patterns=patterns,
            titles=(f"{self.notebook.path.name}, cell {number}", title),
        )

    def _variable(self, one: Crossing) -> VariableVerdict:
        verdict = VariableVerdict(one.name, one.provider, one.consumer, one.left, None, "missing", kind=one.kind)
        here = self.first.probes.read(one.moment, one.kind)
        there = self.tasks.read(f"begin-{one.consumer}", one.kind)
        if here is None:
            return replace(verdict, state="uncompared", reason="it could not be described in the notebook's kernel")
        node = here.get(one.provider, {}).get(one.name)
        verdict = replace(verdict, type=type_of(node) if one.kind == "variable" else None)
        if there is None:
            ran = any(self.provenance["cells"][cell]["task"] == one.consumer for cell in self.executed)
            reason = "it could not be described in the task's kernel"
            return replace(verdict, state="uncompared", reason=reason) if ran else verdict
        found = self._content(one, node, there.get(one.provider, {}).get(one.name))
        if found.only_memory and not self._changed_from(one.consumer, {one.name, *shares_with(node)}):
            reason = "it shares memory with another in the notebook alone, and no step from here on changes either"
            return replace(verdict, state="equal", reason=reason)
        return replace(verdict, state=found.state, difference=found.difference, reason=found.reason)

    def _changed_from(self, step: str, names: set[str]) -> bool:
        """Whether this step or any after it changes one of the variables: as the run showed, else as it may be."""
        flows = self.examined.dataflow.steps
        evidence = read_evidence(self.examined.steps)
        for flow in flows[next(at for at, flow in enumerate(flows) if flow.name == step) :]:
            seen = evidence.parts.get(flow.name) if evidence is not None else None
            if names & {*(seen.changes if seen is not None else flow.mutates)}:
                return True
        return False

    def _varying(self, second: NotebookRun, variables: Sequence[VariableVerdict]) -> tuple[VariableVerdict, ...]:
        verdicts = []
        for one, verdict in zip(self.crossing, variables, strict=True):
            sides = [side.probes.read(one.moment, one.kind) or {} for side in (self.first, second)]
            nodes = [side.get(one.provider, {}).get(one.name) for side in sides]
            if verdict.state == "different" and self._content(one, *nodes).state == "different":
                verdict = replace(verdict, state="varies", reason="it differs from run to run")
            verdicts.append(verdict)
        return tuple(verdicts)

    def _content(self, one: Crossing, left: Any, right: Any) -> ContentVerdict:
        compare = compare_content if one.kind == "variable" else compare_state
        return compare(one.told, left, right, self.tasks.kept)

    def _changed_on_the_way(self, verdict: VariableVerdict) -> dict[str, str] | None:
        """The cells between the two steps, if the notebook's own value changes there."""
        one = next(
            one
            for one in self.crossing
            if (one.kind, one.name, one.provider, one.consumer)
            == (verdict.kind, verdict.name, verdict.provider, verdict.consumer)
        )
        probes = self.first.probes
        if one.moment == one.end:
            return None
        left, began = probes.read(one.end, one.kind) or {}, probes.read(one.moment, one.kind) or {}
        nodes = [side.get(one.provider, {}).get(one.name) for side in (left, began)]
        if self._content(one, *nodes).state != "different":
            return None
        between = [cell.number for cell in self.notebook.cells if one.left < cell.number < one.began]
        code = [number for number in between if self.notebook.cells[number - 1].kind == "code"]
        return {"cells": f"cell {', '.join(map(str, code))}" if code else "no code cell lies between them"}
