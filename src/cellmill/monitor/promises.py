"""What the pipelines of projects promise, read again only where a file has changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cellmill.errors import CellmillError
from cellmill.monitor.slo import SloSettings, read_slo
from cellmill.run.settings import FILE_NAME
from cellmill.schedule.reload import declaring_folders


class Promises:
    """The ``slo:`` of each folder of some projects."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = roots
        self._read: dict[Path, tuple[tuple[int, int], SloSettings | None]] = {}

    def of(self, root: Path) -> tuple[dict[Path, SloSettings], list[CellmillError]]:
        """By folder what is promised, and what is wrong with a file; each problem is given once."""
        found: dict[Path, SloSettings] = {}
        problems = []
        for folder in declaring_folders(root):
            try:
                facts = (folder / FILE_NAME).stat()
            except OSError:
                continue
            mark = (facts.st_mtime_ns, facts.st_size)
            if folder not in self._read or self._read[folder][0] != mark:
                self._read[folder] = mark, None
                try:
                    # Most files promise nothing, and YAML takes long to read.
                    promised = read_slo(folder) if b"slo" in (folder / FILE_NAME).read_bytes() else None
                except CellmillError as error:
                    problems.append(error)
                    continue
                except OSError:
                    continue
                self._read[folder] = mark, promised
            settings = self._read[folder][1]
            if settings is not None:
                found[folder] = settings
        return found, problems
