"""A store with schedules that have alerts, and a real server that takes what Apprise sends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from monitored import Inbox, Ticks


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    found = Inbox()
    monkeypatch.setenv("CHAT", found.address)
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def ticks(tmp_path: Path) -> Iterator[Ticks]:
    (tmp_path / "pyproject.toml").touch()
    found = Ticks(tmp_path)
    yield found
    found.store.close()
