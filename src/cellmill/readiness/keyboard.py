"""Calls that wait for somebody at the keyboard."""

from __future__ import annotations

from collections.abc import Iterator

from cellmill.findings import Finding
from cellmill.readiness.facts import Call, Promoted
from cellmill.rules.production import KeyboardInput

_BUILTINS = {"input": "a parameter", "breakpoint": ""}
_CALLS = {
    "builtins.input": "a parameter",
    "getpass.getpass": "a variable of the environment (`os.environ`)",
    "click.prompt": "a parameter",
    "click.confirm": "a parameter",
    "pdb.set_trace": "",
    "ipdb.set_trace": "",
    "IPython.core.debugger.set_trace": "",
}


def findings(promoted: Promoted) -> Iterator[Finding]:
    """Errors where the call runs with its cell, warnings inside functions."""
    for part in promoted.parts:
        for call in part.facts.calls:
            instead = _instead(promoted, call)
            if instead is None:
                continue
            where = f" (in function {call.function})" if call.function else ""
            yield KeyboardInput.finding(
                f"`{call.name}()` waits for somebody at the keyboard{where}, and a task has none",
                f"make it {instead}" if instead else "take the line out",
                severity="warning" if call.function else "error",
                step=part.step,
                name=call.name,
                cell=part.cell.number,
                cell_id=str(part.cell.id),
                line=call.line,
            )


def _instead(promoted: Promoted, call: Call) -> str | None:
    if call.name in _BUILTINS and promoted.is_builtin(call.name):
        return _BUILTINS[call.name]
    return _CALLS.get(promoted.dotted(call))
