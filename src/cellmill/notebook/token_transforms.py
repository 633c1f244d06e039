"""IPython's token transforms (``%magic``, ``!shell``, ``name?``, ``x = !ls``), in time that grows as the cell does.

IPython reads the whole cell's tokens anew after each change, as what follows special syntax may be no Python. A change
touches nothing above its own logical line, though: here reading goes on from that line, so each line is read about as
often as it is changed.
"""

from __future__ import annotations

import tokenize
from collections.abc import Iterator
from typing import Any

# Changes to what begins on one line, one after the other. `%time?` takes one, `/f %x` two; `////////x` is no code.
_CHANGES_OF_A_LINE = 10


def token_transforms(lines: list[str]) -> list[str]:
    """Turn IPython's special syntax into calls, as IPython does, with as many lines as before.

    Parameters
    ----------
    lines
        The cell's lines, each with its line end.

    Returns
    -------
    list of str
        The lines; where a change joined some, as many empty ones follow. What IPython itself gives up on (a cell with
        more special syntax than `TRANSFORM_LOOP_LIMIT`, lines indented like nothing above them) stays as it was from
        there on.
    """
    from IPython.core.inputtransformer2 import TRANSFORM_LOOP_LIMIT, TokenTransformBase, TransformerManager

    kinds: list[Any] = TransformerManager().token_transformers  # type: ignore[no-untyped-call]
    place: Any = TokenTransformBase.sortby
    reading = _Reading(lines)
    # IPython gives up in the turn in which the limit is reached, whether or not there is more to change.
    for _ in range(TRANSFORM_LOOP_LIMIT - 1):
        for tokens in reading.logical_lines():
            found = {kind: one for kind in kinds if (one := kind.find([tokens])) is not None}
            failed = []
            for kind, one in sorted(found.items(), key=lambda item: place(item[1])):
                try:
                    changed = one.transform(reading.lines)
                except SyntaxError:
                    failed.append(kind)
                    continue
                reading.change(changed, one.start_line + 1)
                break
            else:
                # IPython tries only the first place of each kind, so one that failed keeps its kind from all below.
                kinds = [kind for kind in kinds if kind not in failed]
                continue
            break
        else:
            break
    return reading.lines


class _Reading:
    """Where reading of a cell stands: all above `start` is done, and was left indented as `indents` says."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.start = 0
        self.indents: list[str] = []
        self.changes = 0
        # No line below this one ends as help on a name does.
        self.asked = max((at for at, line in enumerate(lines) if line.rstrip().endswith("?")), default=-1)

    def change(self, lines: list[str], at: int) -> None:
        """Take over changed lines; those that were joined become empty ones before line `at`."""
        self.lines = lines[:at] + ["\n"] * (len(self.lines) - len(lines)) + lines[at:]
        self.changes += 1
        if self.changes == _CHANGES_OF_A_LINE:
            self._go_on(self.start + 1, self.indents)

    def _go_on(self, start: int, indents: list[str]) -> None:
        self.start, self.indents, self.changes = start, list(indents), 0

    def logical_lines(self) -> Iterator[list[tokenize.TokenInfo]]:
        """Tokens of each logical line from `start` on; the line that was given last is the one that may be changed."""
        from IPython.core.inputtransformer2 import ESCAPE_SINGLES

        indents = list(self.indents)
        tokens: list[tokenize.TokenInfo] = []
        depth = 0
        for token in self._tokens():
            tokens.append(token)
            if token.type == tokenize.INDENT:
                indents.append(token.string)
            elif token.type == tokenize.DEDENT:
                indents = indents[:-1]
            elif token.string in ESCAPE_SINGLES and self._first(tokens) and self.asked < self.start:
                # No need to know where it ends: a bracket in a shell command may stay open until the cell's end.
                yield tokens
            if token.type == tokenize.NEWLINE or (token.type == tokenize.NL and depth <= 0):
                yield tokens
                self._go_on(token.start[0], indents)
                tokens = []
            elif token.type == tokenize.OP and token.string in "([{":
                depth += 1
            elif token.type == tokenize.OP and token.string in ")]}":
                depth = max(depth - 1, 0)
        if tokens:
            yield tokens

    @staticmethod
    def _first(tokens: list[tokenize.TokenInfo]) -> bool:
        return all(one.type in (tokenize.INDENT, tokenize.DEDENT) for one in tokens[:-1])

    def _tokens(self) -> Iterator[tokenize.TokenInfo]:
        """Tokens from `start` on, with line numbers in the whole, until the cell ends or can't be read on."""
        from IPython.utils.tokenutil import generate_tokens_catch_errors

        # Lines that bring the tokenizer to the indentation that holds here.
        above = [f"{indent}x\n" for indent in self.indents]
        shift = self.start - len(above)
        reader = iter([*above, *self.lines[self.start :]])
        try:
            for token in generate_tokens_catch_errors(reader.__next__, ["expected EOF"]):
                if token.start[0] > len(above):
                    (line, column), (last, end) = token.start, token.end
                    yield token._replace(start=(line + shift, column), end=(last + shift, end))
        except (tokenize.TokenError, IndentationError):
            # The cell ended in an open string or bracket, or is indented as no Python is.
            return
