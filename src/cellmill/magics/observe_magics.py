"""``%cellmill_observe``: whether this kernel is watched, so that the pipeline knows what the cells really change."""

from __future__ import annotations

import os

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class

from cellmill.magics.session import Session
from cellmill.magics.told import tells_in_one_line
from cellmill.observe.live import LiveWatch


@magics_class
class ObserveMagics(Magics):
    """Watching this kernel."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self._session = session
        self._watch = LiveWatch(shell, session.known_path)

    def install(self) -> None:
        """Begin to watch, unless this kernel is one that cellmill itself looks at."""
        if not os.environ.get("CELLMILL_VERIFYING"):
            self._watch.install()

    def remove(self) -> None:
        """Stop watching."""
        self._watch.remove()

    @line_magic
    @tells_in_one_line
    def cellmill_observe(self, line: str) -> None:
        """Say whether this kernel is watched, or switch it.

            %cellmill_observe [on|off]

        After each cell cellmill looks at the variables, for at most 20 ms or 5 % of the cell's own time: which were
        made, which were changed, and which are one object. %steps, %readiness and %promote use it where the cells ran
        in the document's order.
        """
        word = line.strip().lower()
        if word == "off":
            self._watch.remove()
        elif word == "on":
            self._watch.install()
        elif word:
            from cellmill.errors import CellmillError

            raise CellmillError(f"%cellmill_observe takes on or off, got {word}", remedy="write %cellmill_observe off")
        self._session.tell(f"This kernel is {'watched' if self._watch.on else 'not watched'}.")
