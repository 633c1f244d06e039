"""Shared cells that read the clock or make up a name: every task does it again, and gets something else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cellmill.findings import Finding
from cellmill.readiness.facts import Promoted
from cellmill.rules.state import SharedRepeats

_VARIES = re.compile(
    r"datetime\.(datetime\.(now|utcnow|today)|date\.today)$|pandas\.Timestamp\.(now|utcnow|today)$"
    r"|time\.(time|time_ns|strftime|localtime|gmtime|ctime|asctime)$|uuid\.uuid[14]$|secrets\.\w+$"
    r"|os\.(urandom|getpid)$|tempfile\.(mkdtemp|mkstemp|mktemp)$"
)


def findings(promoted: Promoted) -> Iterator[Finding]:
    """One for each shared cell: its first such call, its own or that of a shared function that it calls."""
    shared = [part for part in promoted.parts if part.step == "shared"]
    varying = {
        call.function
        for part in shared
        for call in part.facts.calls
        if call.function and _VARIES.match(promoted.dotted(call))
    }
    for part in shared:
        for call in part.facts.calls:
            if call.function is None and (_VARIES.match(promoted.dotted(call)) or call.name in varying):
                yield SharedRepeats.finding(
                    f"`{call.name}()` gives something else each time, and a shared cell runs in every task",
                    "tag the cell as a step, which hands over what it got, or move the line to one",
                    kind="shared-varies",
                    step="shared",
                    name=call.name,
                    cell=part.cell.number,
                    cell_id=str(part.cell.id),
                    line=call.line,
                )
                break
