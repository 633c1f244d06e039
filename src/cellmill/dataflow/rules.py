"""Readiness rules on names, hand-over and state: what would make the pipeline differ from the notebook."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from cellmill.dataflow import figures, knowledge, late_checks, left_out, shared_files, state
from cellmill.dataflow.effects import Code, Site
from cellmill.dataflow.liveness import Liveness
from cellmill.dataflow.model import StepFlow
from cellmill.dataflow.modules import PREFIX as MODULE
from cellmill.dataflow.program import Program
from cellmill.dataflow.scopes import bound_here
from cellmill.dataflow.source import CellCode, cell_code
from cellmill.dataflow.values import NOTHING, Value
from cellmill.dataflow.walk import PARAMETERS, SHARED, Walked
from cellmill.findings import Finding, Severity
from cellmill.notebook.cells import Cell, StepName
from cellmill.notebook.magic_lines import first_magic
from cellmill.notebook.setup_cells import only_defines
from cellmill.notebook.steps import Role, Steps, TaggedCell
from cellmill.rules.names import (
    DynamicNames,
    HistoryName,
    ReservedName,
    SharedAfterStep,
    SharedAgain,
    UndefinedName,
    UnknownNames,
    UnknownOutput,
    UntaggedChange,
    UntaggedName,
    UsedBeforeDefined,
)
from cellmill.rules.rule import Rule
from cellmill.rules.state import CachedFunction, FunctionState, LostSetting, ModuleState, ProcessState, Unserializable
from cellmill.rules.tags import UntaggedCells

RESERVED_PARAMETERS = frozenset(("upstream", "product", "resources_"))


def check(steps: Steps, live: Liveness, flows: tuple[StepFlow, ...], program: Program) -> tuple[Finding, ...]:
    """All findings, in notebook order."""
    found: list[Finding] = []
    found += _undefined(steps, live)
    found += _shared_order(live)
    found += _shared_again(live, program)
    found += _unserializable(live, flows, program)
    found += _function_state(live, flows, program)
    found += _cached(live, program)
    found += _process_state(live)
    found += _lost_settings(live)
    found += shared_files.findings(live)
    found += late_checks.findings(steps)
    found += _module_state(live)
    found += figures.across_steps(live)
    found += _dynamic(live)
    found += _reserved(live)
    found += _not_made(steps, live)
    unique = {(one.code, one.step, one.name): one for one in reversed(found)}
    spoken_of = {str(tagged.cell.id) for tagged, _ in _misread(steps)}
    changed = tuple(left_out.changes(steps, spoken_of))
    told = (*unique.values(), *changed, *_left_out(steps, (*unique.values(), *changed)))
    return tuple(sorted(told, key=lambda one: (one.cell or 0, one.line or 0, one.code, one.name or "")))


def _finding(
    rule: type[Rule],
    message: str,
    remedy: str,
    site: Site,
    step: str,
    name: str | None = None,
    *,
    kind: str | None = None,
    severity: Severity | None = None,
) -> Finding:
    part = {PARAMETERS: "parameters", SHARED: "shared"}.get(step, step)  # type: ignore[call-overload]
    return rule.finding(
        message,
        remedy,
        kind=kind,
        severity=severity,
        step=part,
        name=name,
        cell=site.cell,
        cell_id=site.cell_id,
        line=site.line,
    )


# Names


def _undefined(steps: Steps, live: Liveness) -> Iterator[Finding]:
    elsewhere = _defined_elsewhere(_forgotten(steps))
    excused = _defined_elsewhere(_misread(steps))
    anywhere: dict[str, Walked] = {}
    for part in live.parts:
        for name in part.effects.binds:
            anywhere.setdefault(name, part)
    guessed = False
    for at, part in enumerate(live.parts):
        for name, site in part.effects.reads.items():
            if live.producer(name, at) is not None or (name in part.effects.binds and not site.certain):
                continue
            if name in part.effects.binds and site.via:
                continue
            if name in excused and name not in anywhere:
                continue
            if name in elsewhere and name not in anywhere:
                yield _untagged(part, name, site, elsewhere[name])
            elif name in knowledge.HISTORY_NAMES or (name[:1] == "_" and name.lstrip("_i").isdigit()):
                yield _history(part, name, site)
            elif name not in knowledge.BUILTINS and not guessed:
                yield from _unknown(part, name, site, anywhere.get(name))
        guessed = guessed or part.effects.binds_any is not None


def _forgotten(steps: Steps) -> Iterator[tuple[TaggedCell, str]]:
    """Cells that are not promoted, each with what it is."""
    yield from ((TaggedCell(cell, Role("skip"), cell.source), "an untagged cell") for cell in steps.untagged)
    yield from ((tagged, "a skipped cell") for tagged in steps.skipped)


def _left_out(steps: Steps, found: Iterable[Finding]) -> Iterator[Finding]:
    """One note on all the cells without a tag that nothing above speaks of: the pipeline does not run them."""
    if not steps.steps:
        return
    needed = {one.name for one in found if one.code == UntaggedName.code}
    told = {one.cell for one in found if one.code == UntaggedChange.code}
    misread = {tagged.cell.id for tagged, _ in _misread(steps)}
    cells = []
    for cell in steps.untagged:
        code = cell_code(TaggedCell(cell, Role("skip"), cell.source))
        if cell.id in misread or cell.number in told or not _does_something(cell, code):
            continue
        names = {name for node in ast.walk(code.tree) for name in bound_here(node)} if code is not None else set()
        if not names & needed:
            cells.append(cell)
    if cells:
        numbers = ", ".join(str(cell.number) for cell in cells)
        one = len(cells) == 1
        first = cells[0]
        yield UntaggedCells.finding(
            f"{len(cells)} code cell{' has' if one else 's have'} no tag and {'is' if one else 'are'} not part of the "
            f"pipeline: cell{'' if one else 's'} {numbers}",
            f"tag what the pipeline should run, such as `step:{steps.steps[-1].name}`, and the rest `skip`",
            cell=first.number,
            cell_id=str(first.id),
        )


def _does_something(cell: Cell, code: CellCode | None) -> bool:
    """Whether a pipeline could miss the cell: not if it is empty, loads extensions, or serves the author only."""
    if code is None:
        return bool(cell.source.strip())
    return any(not _is_line_magic(statement, _FOR_THE_DESK) for statement in code.tree.body)


_FOR_THE_DESK = frozenset(
    "load_ext reload_ext autoreload matplotlib config steps readiness promote reproduce run_pipeline sweep".split()
)


def _is_line_magic(statement: ast.stmt, names: frozenset[str]) -> bool:
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    call = statement.value
    given = call.args[0] if call.args else None
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "run_line_magic"
        and isinstance(given, ast.Constant)
        and given.value in names
    )


def _misread(steps: Steps) -> Iterator[tuple[TaggedCell, str]]:
    """Cells that lack a role only because their magic line can't be read: that is said where the line is."""
    for cell in steps.untagged:
        magic = first_magic(cell.source)
        if magic is not None and (magic.is_ours or magic.meant):
            body = "\n".join("" if at + 1 == magic.line else line for at, line in enumerate(cell.source.split("\n")))
            yield TaggedCell(cell, Role("skip"), body), "a cell whose magic line can't be read"


def _defined_elsewhere(cells: Iterable[tuple[TaggedCell, str]]) -> dict[str, tuple[Cell, str]]:
    """Names that the given cells define, with the cell and what it is."""
    found: dict[str, tuple[Cell, str]] = {}
    for tagged, what in cells:
        code = cell_code(tagged)
        if code is None:
            continue
        waiting: list[ast.AST] = list(code.tree.body)
        while waiting:
            node = waiting.pop()
            for name in bound_here(node):
                found.setdefault(name, (tagged.cell, what))
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
                waiting.extend(ast.iter_child_nodes(node))
    return found


def _untagged(part: Walked, name: str, site: Site, where: tuple[Cell, str]) -> Finding:
    cell, what = where
    step = f"`step:{part.name if not part.name.startswith('<') else 'NAME'}`"
    # What runs at the start of every step may define, but should not work.
    tags = f"`shared` or {step}" if only_defines(cell) else step
    return _finding(
        UntaggedName,
        f"`{name}` is only defined in {what} (cell {cell.number}), which is not promoted",
        f"tag cell {cell.number} {tags}",
        site,
        part.name,
        name,
    )


def _history(part: Walked, name: str, site: Site) -> Finding:
    return _finding(
        HistoryName,
        f"`{name}` is IPython's history, which a task does not have",
        "assign the result to a name and use that",
        site,
        part.name,
        name,
    )


def _unknown(part: Walked, name: str, site: Site, later: Walked | None) -> Iterator[Finding]:
    if later is not None and later.name != part.name:
        if site.certain and not site.via:
            message = (
                f"shared cells use `{name}`, which step {later.name} defines"
                if part.name == SHARED
                else f"`{name}` is used before step {later.name} defines it"
            )
            remedy = (
                f"tag this cell `step:{later.name}`"
                if part.name == SHARED
                else f"move the cell below step {later.name}"
            )
            yield _finding(UsedBeforeDefined, message, remedy, site, part.name, name)
        return
    if later is not None and (site.via or not site.certain):
        return
    severity: Severity = "error" if site.certain and not site.via else "warning"
    inside = f" (in function {site.via})" if site.via else ""
    yield _finding(
        UndefinedName,
        f"no cell defines `{name}`{inside}",
        f"define `{name}` in a cell above, or correct its spelling",
        site,
        part.name,
        name,
        severity=severity,
    )


def _shared_order(live: Liveness) -> Iterator[Finding]:
    """Shared cells run at the start of every task: a step above one must not touch the same names."""
    shared = live.parts[1].effects
    for part in (live.parts[0], *live.parts[2:]):
        changed = {**part.effects.deletes, **part.effects.mutated_names, **part.effects.binds}
        for name, site in changed.items():
            where = shared.binds.get(name)
            if where is not None and site.cell < where.cell and not site.via and not _same_import(name, part, live):
                yield _finding(
                    SharedAfterStep,
                    f"`{name}` is set again by the shared cell {where.cell} further down, "
                    "but shared cells run first in every task",
                    f"give the name in cell {where.cell} another spelling, or tag that cell as a step",
                    site,
                    part.name,
                    name,
                )


def _same_import(name: str, part: Walked, live: Liveness) -> bool:
    """Whether the part and the shared cells both only import the name, and as the same thing."""
    both = (part, live.parts[1])
    only_imported = all(
        name in one.effects.imports and name not in one.effects.other_binds | one.effects.deletes.keys() for one in both
    )
    meant = [one.env.get(name, NOTHING).own for one in both]
    return only_imported and name not in part.effects.mutated_names and meant[0] == meant[1]


def _shared_again(live: Liveness, program: Program) -> Iterator[Finding]:
    """A shared function or class with state, whose name a step takes for another: no name is left for it to travel."""
    shared = live.parts[1]
    changed = set().union(*(part.effects.mutated for part in live.parts))
    for part in live.parts[2:]:
        for name in sorted(part.effects.binds.keys() & shared.effects.binds.keys()):
            codes = shared.env.get(name, NOTHING).own & program.codes.keys()
            if codes & changed:
                yield _finding(
                    SharedAgain,
                    f"`{name}` gets another meaning in step {part.name}, so what the shared one keeps would be lost",
                    f"give `{name}` in step {part.name} another name",
                    part.effects.binds[name],
                    part.name,
                    name,
                )


def _reserved(live: Liveness) -> Iterator[Finding]:
    for name, site in live.parts[0].effects.binds.items():
        if name in RESERVED_PARAMETERS:
            yield _finding(
                ReservedName,
                f"Ploomber itself sets `{name}` in every task, so it can't be a parameter",
                f"rename the parameter `{name}`",
                site,
                PARAMETERS,
                name,
            )


def _not_made(steps: Steps, live: Liveness) -> Iterator[Finding]:
    place = {part.name: at for at, part in enumerate(live.parts)}
    for step in steps.steps:
        for tagged in step.cells:
            for name in tagged.role.options.outputs:
                if name not in live.touches[place[step.name]]:
                    yield _finding(
                        UnknownOutput,
                        f"step {step.name} is to hand over `{name}` by --outputs, and does not make it",
                        f"correct `{name}` in --outputs, or take it out",
                        Site(tagged.cell.number, str(tagged.cell.id), 1),
                        step.name,
                        name,
                    )


# Hand-over


def _unserializable(live: Liveness, flows: tuple[StepFlow, ...], program: Program) -> Iterator[Finding]:
    parts = {part.name: part for part in live.parts}
    for flow in flows:
        for one in flow.inputs:
            value = parts[one.provider].env.get(one.name, NOTHING)
            facts = [program.facts[label] for label in value.own if label in program.facts]
            if not facts or len(facts) != len(value.own) or any(fact.kind != "resource" for fact in facts):
                continue
            fact = facts[0]
            site = Site(fact.cell, _cell_id(parts, fact.cell), fact.line)
            yield _finding(
                Unserializable,
                f"`{one.name}` is {fact.detail}, which can't be handed from step {one.provider} to step {flow.name}",
                f"tag the cells that use `{one.name}` with one step, or make it again in step {flow.name}",
                site,
                fact.step,
                one.name,
            )


def _cell_id(parts: Mapping[StepName, Walked], number: int) -> str:
    for part in parts.values():
        for cell in part.cells:
            if cell.number == number:
                return cell.id
    return ""


def _function_state(live: Liveness, flows: tuple[StepFlow, ...], program: Program) -> Iterator[Finding]:
    """Functions that remember something between calls are handed over as values, with what they remember."""
    parts = {part.name: part for part in live.parts}
    for flow in flows:
        for one in flow.inputs:
            value: Value = parts[one.provider].env.get(one.name, NOTHING)
            for label in sorted(value.own):
                code = program.codes.get(label)
                if code is not None and (kind := _memory(code)):
                    what = "a mutable default argument" if kind == "mutable-default" else "a closure"
                    yield _finding(
                        FunctionState,
                        f"function `{one.name}` keeps state in {what}; it is handed over with that state",
                        "keep the state in a variable if it should be seen",
                        code.site,
                        code.step,
                        one.name,
                        kind=kind,
                    )


def _memory(code: Code) -> str | None:
    if code.effects is not None:
        for name, default in code.default_labels.items():
            symbol = f"param:{code.label}:{name}"
            if default.own and not {symbol, f"deep:{symbol}"}.isdisjoint(code.effects.mutated):
                return "mutable-default"
    return "closure-state" if code.stateful else None


def _cached(live: Liveness, program: Program) -> Iterator[Finding]:
    """A cache is lost between processes: harmless for pure functions, wrong for others."""
    for code in program.codes.values():
        if not code.cached or code.effects is None:
            continue
        results_change = any(code.kept in part.effects.mutated for part in live.parts)
        if not (code.effects.impure or code.effects.mutated or code.stateful or results_change):
            continue
        callers = [part for part in live.parts[2:] if code.label in part.effects.called]
        if len(callers) > 1:
            yield _finding(
                CachedFunction,
                f"function `{code.name}` caches its results and does more than compute, but steps "
                f"{callers[0].name} and {callers[1].name} would each have a cache of their own",
                "tag the cells that call it with one step, or take the cache away",
                code.site,
                code.step,
                code.name,
            )


# State


def _process_state(live: Liveness) -> Iterator[Finding]:
    for at, part in enumerate(live.parts[2:], start=2):
        for name, site in part.effects.states.items():
            if at == len(live.parts) - 1 or not state.carries(name):
                continue
            shown = _state_shown(part, name, site)
            changed = name.removeprefix("patch:")
            who = "this line" if shown == changed else f"`{shown}`"
            yield _finding(
                ProcessState,
                f"{who} changes `{changed}`, which belongs to the process, not to a name; the steps below get it too",
                "tag the cell `shared` if every step should start with it",
                site,
                part.name,
                shown,
            )


def _lost_settings(live: Liveness) -> Iterator[Finding]:
    """A setting that is not in the later steps' processes, and that nothing can take there."""
    for part in live.parts[2:-1]:
        for name, site in part.effects.states.items():
            if not name.startswith(state.LOST):
                continue
            setter = name.removeprefix(state.LOST)
            yield _finding(
                LostSetting,
                f"`{setter}` changes what {setter.partition('.')[0]} keeps for this process; the later steps run in "
                "processes of their own and would go without",
                "tag the cell `shared`, so that every step starts with it",
                site,
                part.name,
                setter,
            )


def _module_state(live: Liveness) -> Iterator[Finding]:
    """A module beside the notebook that remembers something: every task imports it anew."""
    for at, part in enumerate(live.parts[2:], start=2):
        for name, site in part.effects.states.items():
            later = next(
                (one for one in live.parts[at + 1 :] if name in one.effects.states or name in one.effects.draws), None
            )
            if not name.startswith(MODULE) or later is None:
                continue
            module = name.removeprefix(MODULE)
            yield _finding(
                ModuleState,
                f"module `{module}` keeps variables of its own, which step {part.name} changes and step {later.name} "
                "uses; each task imports the module anew, so they would be lost between the two",
                f"tag the cells with one step, or let {module}'s functions take and return what they remember",
                site,
                part.name,
                module,
            )


def _state_shown(part: Walked, name: str, site: Site) -> str:
    """The state as the author wrote it, where that is a magic; else its name."""
    for cell in part.cells:
        if cell.number != site.cell:
            continue
        for text in cell.magics:
            if name == "os.environ" and text.startswith(("%env ", "%set_env ")):
                magic, _, rest = text.partition(" ")
                return f"{magic} {rest.partition('=')[0].split()[0]}"
            if name == "cwd" and text.startswith("%cd"):
                return text
    return name.removeprefix("patch:") if state.carries(name) else name


def _dynamic(live: Liveness) -> Iterator[Finding]:
    unknown: Walked | None = None
    for part in live.parts:
        if part.effects.reads_any is not None and unknown is not None:
            yield _finding(
                DynamicNames,
                f"code made from text, or globals() as a whole, may use any variable, and step {unknown.name} makes "
                "some under names that only a run knows, which can't be handed over",
                "keep them in a dictionary of your own, and use that",
                part.effects.reads_any,
                part.name,
                severity="error",
            )
        elif part.effects.reads_any is not None:
            yield _finding(
                DynamicNames,
                "code made from text, or globals() as a whole, may use any variable, so all of them are handed over",
                "write the names that are meant",
                part.effects.reads_any,
                part.name,
            )
        if part.effects.binds_any is not None:
            unknown = part if part.name not in (PARAMETERS, SHARED) else unknown
            yield _finding(
                UnknownNames,
                "this line may define any name (a star import, %run, exec), so every later step depends on it",
                "import or define the names one by one",
                part.effects.binds_any,
                part.name,
            )
