"""For all tests: signals mean what they mean in a terminal, and what takes long begins early."""

from __future__ import annotations

import signal
from typing import Any

import pytest

pytest_plugins = ["left_behind"]

# Modules that take more than twelve seconds, the longest first: workers end together if none of these comes last.
LONG = (
    "corpus/test_corpus_sample.py",
    "track/test_track_cli.py",
    "schedule/test_scheduler.py",
    "docs/test_first_notebook.py",
    "run/test_dask.py",
    "browser/test_first_pipeline.py",
    "schedule/test_published.py",
    "verify/test_reference_notebooks.py",
    "faults/test_scheduler_kills.py",
    "cli/test_run_command.py",
    "faults/test_kills.py",
    "browser/test_kernel_and_workspace.py",
    "run/test_warm.py",
    "browser/test_schedules_tab.py",
    "dataflow/test_idioms.py",
    "lab/test_lab_schedules.py",
    "verify/test_pytest_plugin.py",
    "lab/test_lab_runs.py",
    "browser/test_binder.py",
    "verify/test_certificate.py",
    "track/test_track_server.py",
    "dataflow/test_aliases.py",
    "browser/test_magics_view.py",
    "observe/test_observed_programs.py",
    "promote/test_handover_frames.py",
    "run/test_warm_equals_cold.py",
    "cli/test_sweep_command.py",
    "promote/test_without_cellmill.py",
    "run/test_stop.py",
    "magics/test_line_magics.py",
    "track/test_track_kernel.py",
    "dataflow/test_random_programs.py",
    "run/test_run.py",
    "bad_input/test_ctrl_c.py",
    "dataflow/test_state.py",
    "monitor/test_metrics.py",
    "schedule/test_clock.py",
    "dataflow/test_functions.py",
    "dataflow/test_notebook_shapes.py",
    "lab/test_lab_fuzz.py",
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
