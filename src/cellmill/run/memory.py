"""A limit on a step's memory: its processes are looked at while they run, and ended before the machine suffers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

# Seconds between two looks at the kernel, and at the processes that it has started, which cost more to find.
_PAUSE = 0.05
_CHILDREN = 1.0


class MemoryWatch:
    """Watches a kernel's process and those below it.

    Parameters
    ----------
    pid
        The kernel's process.
    limit
        Bytes of resident memory, of all these processes together.
    over
        Called once, from the watching thread, when they hold more.
    """

    def __init__(self, pid: int, limit: int, over: Callable[[], None]) -> None:
        self.peak = 0
        self._pid = pid
        self._limit = limit
        self._over = over
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="cellmill-memory", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Watch no longer."""
        self._ended.set()

    def _watch(self) -> None:
        import psutil

        with suppress(psutil.Error):
            kernel = psutil.Process(self._pid)
            children: list[psutil.Process] = []
            looks = 0
            while not self._ended.wait(_PAUSE):
                if looks % round(_CHILDREN / _PAUSE) == 0:
                    children = kernel.children(recursive=True)
                looks += 1
                self.peak = max(self.peak, _resident(kernel) + sum(_resident(one) for one in children))
                if self.peak > self._limit:
                    self._over()
                    return


def _resident(process: object) -> int:
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
