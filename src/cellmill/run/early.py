"""What a task may start from before the tasks above it have ended: their reports can still be in the making.

This module is imported when a run executes, never by ``import cellmill``: it knows Ploomber.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from ploomber.tasks import NotebookRunner  # noqa: TID253 - see the module's docstring

from cellmill.run.products import named_products

if TYPE_CHECKING:
    from ploomber.tasks import Task


@dataclass
class EarlyProducts:
    """Who has made what others start from, and who has ended.

    A task has ended when its products are on the disk and count for Ploomber. What follows a task never ends before
    it does: Ploomber takes products for outdated that are older than what they were made from.

    Attributes
    ----------
    news
        The names of tasks that have executed, or ended.
    """

    news: SimpleQueue[str] = field(default_factory=SimpleQueue)
    _executed: set[str] = field(default_factory=set)
    _ends: dict[str, threading.Event] = field(default_factory=dict)

    def begun(self, name: str) -> None:
        """Note that a task begins."""
        self._ends[name] = threading.Event()

    def executed(self, task: Task) -> None:
        """Note that a task's kernel has ended and its notebook is whole; what comes yet are other formats of it."""
        # A hook of the user's may fail, or make something else that is needed.
        if task.name in self._ends and task.on_finish is None:
            self._executed.add(task.name)
            self.news.put(task.name)

    def ended(self, name: str) -> None:
        """Note that a task has ended, well or not."""
        self._ends[name].set()

    def serves(self, upstream: Task, task: Task) -> bool:
        """Whether a task may start from what an upstream one has made so far."""
        if upstream.name not in self._executed or not isinstance(task, NotebookRunner):
            return False
        late = [key for key, path in named_products(upstream).items() if Path(path).suffix not in (".ipynb", ".json")]
        source = str(task.source)
        return all(isinstance(key, str) and not re.search(rf"""['"]{re.escape(key)}['"]""", source) for key in late)

    def wait_for(self, names: Iterable[str]) -> None:
        """Wait until those of the tasks that this run executes have ended."""
        for name in names:
            if name in self._ends:
                self._ends[name].wait()
