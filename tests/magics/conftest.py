"""Real kernels: what a notebook shows when a cell is run, message by message."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


@dataclass
class Shown:
    """What one cell showed."""

    status: str = ""
    stdout: str = ""
    stderr: str = ""
    result: str | None = None
    displays: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    traceback: str = ""
    reply: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The last display as text."""
        return str(self.displays[-1]["text/plain"])

    @property
    def html(self) -> str:
        """The last display as HTML."""
        return str(self.displays[-1]["text/html"])


class Kernel:
    """One kernel, spoken to as a front-end does."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        # Sockets' paths must be short, and a TCP kernel warns of what it sends in the clear.
        self._sockets = tempfile.TemporaryDirectory(prefix="k")
        self._manager = KernelManager(kernel_name="python3", transport="ipc", ip=f"{self._sockets.name}/s")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "JPY_"))}
        self._manager.start_kernel(cwd=str(folder), env={**clean, **(environment or {})})
        self.client = self._manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=30)

    def run(self, code: str, *, cell_id: str | None = None, timeout: float = 60) -> Shown:
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        metadata = {"cellId": cell_id} if cell_id else {}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        identity = message["header"]["msg_id"]
        shown = Shown()
        while True:
            found = self.client.get_iopub_msg(timeout=timeout)
            if found["parent_header"].get("msg_id") != identity:
                continue
            if found["msg_type"] == "status" and found["content"]["execution_state"] == "idle":
                break
            _take(shown, found["msg_type"], found["content"])
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == identity:
                shown.reply = reply["content"]
                shown.status = reply["content"]["status"]
                return shown

    @staticmethod
    def plain(text: str) -> str:
        """A text without its terminal colours."""
        return _plain(text)

    def complete(self, code: str) -> list[str]:
        """What the Tab key offers at the code's end."""
        reply = self.client.complete(code, len(code), reply=True, timeout=60)
        return list(reply["content"]["matches"])

    def inspect(self, code: str) -> str:
        """What Shift-Tab shows at the code's end."""
        reply = self.client.inspect(code, len(code), reply=True, timeout=60)
        return _plain(reply["content"]["data"].get("text/plain", ""))

    def stop(self) -> None:
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        self._manager.context.destroy()
        self._sockets.cleanup()


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _take(shown: Shown, kind: str, content: dict[str, Any]) -> None:
    if kind == "stream":
        setattr(shown, content["name"], getattr(shown, content["name"]) + content["text"])
    elif kind == "execute_result":
        shown.result = content["data"]["text/plain"]
    elif kind == "display_data":
        shown.displays.append(content["data"])
    elif kind == "update_display_data":
        shown.displays[-1] = content["data"]
    elif kind == "error":
        shown.error = f"{content['ename']}: {content['evalue']}"
        shown.traceback = _plain("\n".join(content["traceback"]))


CHURN = (
    "%%parameters\nsize = 3",
    "%%step load\nnumbers = list(range(size))",
    "%%step features\ntotal = sum(numbers)",
    "%%step report\nprint(total, len(numbers))",
    "%%check report\nassert total",
    "scratch = 1",
)


def write_notebook(path: Path, *sources: str) -> Path:
    """Write a notebook whose cells have the ids ``cell-1``, ``cell-2``, ..."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [
        new_markdown_cell(source[3:], id=f"cell-{number}")
        if source.startswith("md:")
        else new_code_cell(source, id=f"cell-{number}")
        for number, source in enumerate(sources, start=1)
    ]
    kernelspec = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernelspec}), path)
    return path


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel with the magics loaded, in an empty project, shared by the tests of a file."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").touch()
    write_notebook(folder / "churn.ipynb", *CHURN)
    kernel = Kernel(folder)
    assert kernel.run("%load_ext cellmill").status == "ok"
    yield kernel
    kernel.stop()


@pytest.fixture
def start() -> Iterator[Callable[..., Kernel]]:
    """Start kernels of one's own."""
    yield from _starting()


@pytest.fixture(scope="module")
def start_module() -> Iterator[Callable[..., Kernel]]:
    """Start kernels that the tests of a file share."""
    yield from _starting()


def _starting() -> Iterator[Callable[..., Kernel]]:
    running: list[Kernel] = []

    def starting(folder: Path, environment: dict[str, str] | None = None) -> Kernel:
        running.append(Kernel(folder, environment))
        return running[-1]

    yield starting
    for kernel in running:
        kernel.stop()


@pytest.fixture(scope="session")
def churn() -> tuple[str, ...]:
    """The cells of a small notebook of three steps."""
    return CHURN


@pytest.fixture(scope="session")
def write_cells() -> Callable[..., Path]:
    """Write a notebook; see `write_notebook`."""
    return write_notebook


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one notebook of three steps, ``notebooks/churn.ipynb``."""
    (tmp_path / "pyproject.toml").touch()
    write_notebook(tmp_path / "notebooks" / "churn.ipynb", *CHURN)
    return tmp_path
