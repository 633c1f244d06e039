"""For all tests: signals mean what they mean in a terminal, and what takes long begins early."""

from __future__ import annotations

import signal
from typing import Any

import pytest

pytest_plugins = ["left_behind"]

# Modules that take more than half a minute, the longest first: two workers end together if none of these comes last.
LONG = (
    "corpus/test_corpus_sample.py",
    "track/test_track_cli.py",
    "browser/test_first_pipeline.py",
    "browser/test_binder.py",
    "dataflow/test_idioms.py",
    "lab/test_lab_runs.py",
    "cli/test_sweep_command.py",
    "run/test_dask.py",
    "cli/test_run_command.py",
    "browser/test_kernel_and_workspace.py",
    "verify/test_pytest_plugin.py",
    "verify/test_reference_notebooks.py",
    "bad_input/test_disk.py",
    "schedule/test_scheduler.py",
    "schedule/test_published.py",
    "faults/test_scheduler_kills.py",
)

# Under nohup or in a background job these come ignored, and each process that a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-xdist hand out modules as they come: by itself it begins with those that hold the most tests."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long modules first; the others stay in their order."""
    order = {name: at for at, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get("/".join(item.path.parts[-2:]), len(LONG)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests have to tell though they passed: the property ``told``."""
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, text in report.user_properties:
            if name == "told":
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(text)
