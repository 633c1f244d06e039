"""Lines that install packages, which the pipeline leaves out."""

from __future__ import annotations

from collections.abc import Iterator

from cellmill.findings import Finding
from cellmill.notebook.installs import Install, installs_in
from cellmill.readiness.facts import Promoted
from cellmill.rules.production import InstallsPackage


def findings(promoted: Promoted) -> Iterator[Finding]:
    """One for each such line."""
    for part in promoted.parts:
        for one in installs_in(part.cell):
            yield InstallsPackage.finding(
                f"the pipeline leaves `{_shortened(one.command)}` out{_locked(one)}",
                _remedy(one),
                step=part.step,
                name=", ".join((*one.packages, *one.others)) or None,
                cell=part.cell.number,
                cell_id=str(part.cell.id),
                line=one.line,
            )


def _locked(one: Install) -> str:
    return f"; requirements.lock names {', '.join(one.packages)}" if one.packages and not one.conda else ""


def _remedy(one: Install) -> str:
    if one.others:
        return f"see that requirements.lock names what {', '.join(one.others)} would install"
    if one.conda:
        return "see that requirements.lock names it: conda's packages may be called otherwise there"
    return "move the line to a cell without a tag"


def _shortened(command: str) -> str:
    return command if len(command) <= 80 else f"{command[:77]}..."
