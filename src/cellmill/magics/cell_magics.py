"""The cell magics as IPython lists them: help, completion, and one sentence where they do not stand first."""

from __future__ import annotations

from typing import NoReturn

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class


def _must_stand_first(name: str) -> NoReturn:
    # A magic line on a cell's first line is taken away before IPython looks for magics.
    raise UsageError(f"%%{name} has no effect here; make it the first line of a cell")


@magics_class
class CellMagics(Magics):
    """What a cell is for, said on its first line."""

    @cell_magic
    def parameters(self, _line: str, _cell: str) -> None:
        """Say that this cell holds the parameters.

            %%parameters

        The cell's assignments become the pipeline's parameters, with their defaults and types. The same as the cell
        tag ``parameters``, which is Papermill's. The cell runs as it would without this line.

        Example::

            %%parameters
            test_size = 0.2
            model_name: str = "forest"
        """
        _must_stand_first("parameters")

    @cell_magic
    def step(self, _line: str, _cell: str) -> None:
        """Put this cell in a step.

            %%step NAME [--after X[,Y]] [--outputs a,b] [--keeps a,b] [--retries N]
                        [--timeout SECONDS]

        Each step becomes a task of the pipeline; cells with one NAME join, in notebook order. The same as the cell tag
        ``step:NAME``. The cell runs as it would without this line.

        --after X[,Y]      run after these steps, though no variable says so
        --outputs a,b      hand these variables over, though no later step reads them
        --keeps a,b        this step leaves these variables as they are, whatever cellmill suspects
        --retries N        when the task fails, try it again up to N times
        --timeout SECONDS  stop the task when it takes longer

        Example::

            %%step train --retries 2
            model = fit(features)
        """
        _must_stand_first("step")

    @cell_magic
    def shared(self, _line: str, _cell: str) -> None:
        """Say that every step may use this cell.

            %%shared

        For imports, functions and classes; they become a module beside the tasks. The same as the cell tag ``shared``.
        The cell runs as it would without this line.

        Example::

            %%shared
            import pandas as pd
        """
        _must_stand_first("shared")

    @cell_magic
    def check(self, _line: str, _cell: str) -> None:
        """Check what a step made.

            %%check NAME

        The cell's assertions run after step NAME, in the notebook as in the pipeline; if one fails, the run fails. The
        same as the cell tag ``check:NAME``. The cell runs as it would without this line.

        Example::

            %%check load
            assert df.notna().all().all(), "values are missing"
        """
        _must_stand_first("check")

    @cell_magic
    def skip(self, _line: str, _cell: str) -> None:
        """Leave this cell out of the pipeline.

            %%skip

        It runs in the notebook as ever. The same as the cell tag ``skip``.

        Example::

            %%skip
            df.hist()
        """
        _must_stand_first("skip")
