"""A run as it happens: a live table in a terminal, one line for each event everywhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from cellmill.run.events import Event
from cellmill.run.words import Lines, cell_words, duration, title_of

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

State = Literal["waiting", "running", "done", "up to date", "failed", "stopped", "not run"]

_STYLES: dict[State, str] = {
    "waiting": "dim",
    "running": "bold cyan",
    "done": "green",
    "up to date": "dim green",
    "failed": "bold red",
    "stopped": "yellow",
    "not run": "dim",
}
_SIGNS: dict[State, tuple[str, str]] = {
    "waiting": ("·", "."),
    "running": ("▸", ">"),
    "done": ("✓", "+"),
    "up to date": ("✓", "="),
    "failed": ("✗", "x"),
    "stopped": ("■", "#"),
    "not run": ("–", "-"),
}
_BAR = 12
# Lines of the terminal that the table leaves free.
_MARGIN = 4


class Follower(Protocol):
    """Takes a run's events and notices, and shows them."""

    def __call__(self, event: Event) -> None:
        """Show an event."""

    def notice(self, text: str) -> None:
        """Show a sentence."""


@contextmanager
def follow(console: Console, waiting: str) -> Iterator[Follower]:
    """Show a run on the console inside the block.

    Parameters
    ----------
    console
        If it is a terminal, a table is drawn and redrawn in it.
    waiting
        What to say until the first event comes.
    """
    if not console.is_terminal or console.is_dumb_terminal:
        yield PlainProgress(console)
        return
    from rich.live import Live

    progress = LiveProgress(console, waiting)
    with Live(progress, console=console, refresh_per_second=8, transient=False):
        try:
            yield progress
        finally:
            progress.close()


@dataclass
class Row:
    """What is shown of one step."""

    name: str
    state: State = "waiting"
    cell: int = 0
    cells: int = 0
    number: int | None = None
    attempt: int = 1
    began: float | None = None
    seconds: float | None = None
    reason: str = ""

    def elapsed(self) -> float | None:
        """Seconds so far or in all; None if it has not begun."""
        if self.seconds is not None or self.began is None:
            return self.seconds
        return time.monotonic() - self.began

    def take(self, event: Event) -> None:
        """Change with an event of this step."""
        data = event.data
        match event.kind:
            case "task-started":
                self.state, self.attempt, self.cell = "running", data["attempt"], 0
                self.began = self.began or time.monotonic()
            case "cell-started":
                self.cell, self.cells, self.number = data["cell"], data["cells"], data.get("number")
            case "task-finished":
                self.state, self.seconds = "done", data["seconds"]
            case "task-skipped":
                self.state = "up to date" if data["up_to_date"] else "not run"
                self.reason = "" if data["up_to_date"] else data["reason"]
            case "task-failed":
                self.state = "stopped" if data["failure"]["kind"] == "stopped" else "failed"
                self.seconds = data["seconds"]


class LiveProgress:
    """A table of the steps, drawn anew several times a second."""

    def __init__(self, console: Console, waiting: str) -> None:
        self._console = console
        self._waiting = waiting
        self._title: tuple[str, str] = ("", "")
        self._rows: dict[str, Row] = {}
        self._closed = False
        self._plain = not console.encoding.lower().startswith("utf")

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if event.kind == "run-queued":
            self._waiting = f"Waiting until the run of {event.data['pipeline']} that goes on has ended"
        elif event.kind == "run-started":
            self._rows = {name: Row(name) for name in event.data["tasks"]}
            self._title = title_of(event)
        elif event.kind == "notice":
            self.notice(event.data["text"])
        elif event.task is not None and event.task in self._rows:
            self._rows[event.task].take(event)

    def notice(self, text: str) -> None:
        """Print a sentence above the table."""
        self._console.print(text, style="yellow", markup=False, highlight=False)

    def close(self) -> None:
        """Draw all rows from now on, however many there are: this is the table that stays."""
        self._closed = True

    def __rich__(self) -> RenderableType:
        """Draw what is now."""
        from rich.console import Group
        from rich.spinner import Spinner
        from rich.text import Text

        if not self._rows:
            return Text() if self._closed else Spinner("line" if self._plain else "dots", Text(self._waiting, "dim"))
        title = Text.assemble((self._title[0], "bold"), "  ", (self._title[1], "dim"))
        title.no_wrap, title.overflow = True, "ellipsis"
        return Group(title, self._table())

    def _table(self) -> Table:
        from rich.table import Table

        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(width=1)
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(16, self._console.width - 56))
        table.add_column(no_wrap=True, overflow="ellipsis")
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        above, rows, below = self._window()
        if above:
            table.add_row("", f"{above} more above", style="dim")
        for row in rows:
            table.add_row(*self._cells(row))
        if below:
            table.add_row("", f"{below} more below", style="dim")
        return table

    def _window(self) -> tuple[int, Sequence[Row], int]:
        """The rows around the one that runs, as many as the terminal holds."""
        rows = list(self._rows.values())
        room = max(3, self._console.height - _MARGIN)
        if self._closed or len(rows) <= room:
            return 0, rows, 0
        room -= 2
        running = [place for place, row in enumerate(rows) if row.state == "running"]
        begun = [place for place, row in enumerate(rows) if row.state != "waiting"]
        middle = running[0] if running else (begun[-1] if begun else 0)
        first = min(max(0, middle - room // 2), len(rows) - room)
        return first, rows[first : first + room], len(rows) - room - first

    def _cells(self, row: Row) -> tuple[str | Text, ...]:
        from rich.text import Text

        style = _STYLES[row.state]
        elapsed = row.elapsed()
        return (
            Text(_SIGNS[row.state][self._plain], style),
            Text(row.name, "dim" if row.state in ("waiting", "not run") else ""),
            self._state(row),
            self._detail(row),
            Text(duration(elapsed) if elapsed is not None else "", "dim" if row.state != "running" else ""),
        )

    def _state(self, row: Row) -> Text:
        from rich.text import Text

        if row.state == "waiting":
            return Text()
        words = f"attempt {row.attempt}" if row.state == "running" and row.attempt > 1 else row.state
        return Text(words, _STYLES[row.state])

    def _detail(self, row: Row) -> Text:
        """How far its cells are, or why it did not run."""
        from rich.text import Text

        if row.reason:
            return Text(row.reason, "dim", no_wrap=True, overflow="ellipsis")
        if not row.cells or row.state in ("up to date", "waiting"):
            return Text()
        if row.state != "running":
            told = f"{row.cells} cells" if row.state == "done" else cell_words(row.cell, row.cells, row.number)
            return Text(f"{told}, {row.attempt} attempts" if row.attempt > 1 else told, "dim")
        # The cell that runs counts as half done.
        full = round(_BAR * (row.cell - 0.5) / row.cells)
        line = "-" if self._plain else "━"
        told = f" {cell_words(row.cell, row.cells, row.number)}"
        return Text.assemble((line * full, "cyan"), (line * (_BAR - full), "bright_black"), told)


class PlainProgress:
    """One line for each event, for files, pipes and dumb terminals."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines = Lines()

    def __call__(self, event: Event) -> None:
        """Print the event."""
        line = self._lines(event)
        if line is not None:
            self._print(line)

    def notice(self, text: str) -> None:
        """Print a sentence."""
        self._print(text)

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._console.file.flush()
