"""All that one session was given, so that it can be taken away again."""

from __future__ import annotations

import os

from IPython.core.interactiveshell import InteractiveShell

from cellmill.magics.cell_magics import CellMagics
from cellmill.magics.completion import Completion
from cellmill.magics.measure_magics import MeasureMagics
from cellmill.magics.observe_magics import ObserveMagics
from cellmill.magics.pipeline_magics import PipelineMagics
from cellmill.magics.reading_magics import ReadingMagics
from cellmill.magics.reproduce_magics import ReproduceMagics
from cellmill.magics.session import Session
from cellmill.magics.sweep_magic import SweepMagics
from cellmill.magics.transformer import MagicLineTransformer


class Loaded:
    """The magics, the input transformer and the environment of one session.

    Parameters
    ----------
    shell
        The session; it is changed at once.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        session = Session(shell)
        observe = ObserveMagics(shell, session)
        self._parts = (MagicLineTransformer(shell), Completion(session), session, observe)
        for part in self._parts:
            part.install()
        self._magics = (
            CellMagics(shell),
            ReadingMagics(shell, session),
            PipelineMagics(shell, session),
            SweepMagics(shell, session),
            MeasureMagics(shell, session),
            ReproduceMagics(shell, session),
            observe,
        )
        for magics in self._magics:
            shell.register_magics(magics)
        self._environment = session.poc_environment()
        for name, value in self._environment.items():
            os.environ[name] = value

    def unload(self) -> None:
        """Take everything away that is still as it was given."""
        for part in self._parts:
            part.remove()
        known = self._shell.magics_manager.magics
        for magics in self._magics:
            for kind in ("line", "cell"):
                for name in magics.magics[kind]:
                    known[kind].pop(name, None)
        for name, value in self._environment.items():
            if os.environ.get(name) == value:
                del os.environ[name]
