"""Tab completion behind cellmill's magics: options, steps and pipelines."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from cellmill.errors import CellmillError
from cellmill.magics.session import Session
from cellmill.notebook import read_notebook, read_steps

_OPTIONS = {
    "%%step": ("--after", "--outputs", "--keeps", "--retries", "--timeout"),
    "%%check": (),
    "%promote": ("--force", "--dry-run", "--diff", "--into", "--notebook"),
    "%reproduce": ("--anyway",),
    "%run_pipeline": ("-p", "--env", "--force", "--only", "--from", "--skip", "--repair", "--dry-run"),
    "%sweep": ("-p", "--random", "--seed", "--metric", "--minimize", "--maximize", "--env", "--promote-best"),
}
_STEP_FOLLOWS = ("--after", "--only", "--from", "%%check", "%%step")


class Completion:
    """Completers for the lines that begin with one of cellmill's magics.

    Parameters
    ----------
    session
        Where the notebook's steps come from.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def install(self) -> None:
        """Begin to complete."""
        for magic in _OPTIONS:
            self._session.shell.set_hook("complete_command", self._complete, str_key=magic)  # type: ignore[no-untyped-call]

    def remove(self) -> None:
        """Stop completing."""
        completers: Any = self._session.shell.Completer
        for magic in _OPTIONS:
            completers.custom_completers.strs.pop(magic, None)

    def _complete(self, _shell: InteractiveShell, event: SimpleNamespace) -> list[str]:
        words = event.line.split()
        typed = "" if event.line.endswith(" ") else words[-1]
        before = words if not typed else words[:-1]
        if not before:
            return []
        if before[-1] in _STEP_FOLLOWS:
            return self._steps()
        return [option for option in _OPTIONS.get(before[0], ()) if option.startswith(typed)]

    def _steps(self) -> list[str]:
        try:
            steps, _ = read_steps(read_notebook(self._session.notebook_path()))
        except CellmillError:
            return []
        return [step.name for step in steps.steps]
