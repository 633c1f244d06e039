"""The HTML report of a task that failed; those of finished tasks are Ploomber's, made by the same exporter."""

from __future__ import annotations

import os
from pathlib import Path

from cellmill.run.exporters import lent_exporter


def write_report(executed: Path, report: Path) -> None:
    """Write the executed notebook as HTML, whole or not at all.

    Raises
    ------
    OSError, ValueError
        If the notebook can't be read or the report can't be written.
    """
    from nbconvert import HTMLExporter

    with lent_exporter(HTMLExporter) as exporter:
        html, _ = exporter.from_filename(str(executed))
    temporary = report.with_name(f".{report.name}.{os.getpid()}")
    try:
        temporary.write_text(html, encoding="utf-8")
        temporary.replace(report)
    finally:
        temporary.unlink(missing_ok=True)
