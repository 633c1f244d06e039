"""Takes cellmill's magic line off a cell before IPython sees it, so that the cell runs as if it were not there."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError
from IPython.core.inputtransformer2 import classic_prompt, ipython_prompt, leading_indent
from IPython.core.interactiveshell import InteractiveShell

from cellmill.errors import CellmillError
from cellmill.magics.told import one_line
from cellmill.notebook.magic_lines import MagicLine, first_magic, name_problem, parse_magic_line, without_magic_line


class MagicLineTransformer:
    """An input transformer of IPython's, last in the row of those that clean up.

    An empty line takes the magic line's place, so that tracebacks and breakpoints keep their line numbers. Where the
    next line is a cell magic (``%%time``), that one must be the first and nothing takes the place.

    Parameters
    ----------
    shell
        The session whose cells are to be cleaned.
    """

    # IPython asks whether input is complete by running the transformers; a wrong option must not break that.
    has_side_effects = True

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._was_one_line = False

    def install(self) -> None:
        """Begin to transform."""
        self._shell.input_transformers_cleanup.append(self)
        self._shell.input_transformers_post.append(self._as_one_line)

    def remove(self) -> None:
        """Stop transforming."""
        for transforms, own in (
            (self._shell.input_transformers_cleanup, self),
            (self._shell.input_transformers_post, self._as_one_line),
        ):
            if own in transforms:
                transforms.remove(own)

    def __call__(self, lines: list[str]) -> list[str]:
        """Transform a cell's lines; IPython has taken empty lines at its top away by now.

        Raises
        ------
        UsageError
            If the magic line can't be read: the cell does not run.
        """
        self._was_one_line = False
        magic = first_magic(lines[0]) if lines else None
        if magic is None or not magic.is_ours:
            self._refuse_misspelt(magic)
            return lines
        try:
            role = parse_magic_line(magic)
        except CellmillError as error:
            raise UsageError(one_line(error)) from None
        problem = name_problem(role.name) if role.name else None
        if problem:
            raise UsageError("; ".join(problem))
        magics, _ = without_magic_line("".join(lines))
        if len(magics) > 1:
            raise UsageError(
                f"a second magic line, %%{magics[1].name}, stands on this cell; keep one, or split the cell"
            )
        return self._cleaned(lines[1:])

    def _refuse_misspelt(self, magic: MagicLine | None) -> None:
        if magic and magic.meant and magic.name not in self._shell.magics_manager.magics["cell"]:
            raise UsageError(f"%%{magic.name} is no magic; you may have meant %%{magic.meant}")

    def _cleaned(self, below: list[str]) -> list[str]:
        """Do to the lines below what IPython would have done if the cell had begun there."""
        empty = next((at for at, line in enumerate(below) if line.strip()), len(below))
        body = below[empty:]
        for clean in (leading_indent, classic_prompt, ipython_prompt):
            body = clean(body)  # type: ignore[no-untyped-call]
        if body and body[0].startswith("%%"):
            return body
        self._was_one_line = len(body) == 1
        return ["\n"] * (1 + empty) + body

    def _as_one_line(self, lines: list[str]) -> list[str]:
        """IPython reads a cell of one line as at a prompt (``ls``, ``exit``); the empty line must not change that."""
        if not self._was_one_line:
            return lines
        self._was_one_line = False
        text = "".join(lines)
        body = text.lstrip("\n")
        prefilter: Any = self._shell.prefilter_manager
        with self._shell.builtin_trap:
            read = prefilter.prefilter_lines(body)
        return [text[: len(text) - len(body)], read.rstrip("\n") + "\n"]
