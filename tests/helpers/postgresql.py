"""A real PostgreSQL server for tests, in a folder of its own, reached by a socket file only."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def program(name: str) -> str | None:
    """A program of PostgreSQL's; Debian keeps them out of PATH."""
    return shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[::-1]), None)


@contextmanager
def postgresql() -> Iterator[str]:
    """Give the address of an empty database for the block; skips the test where PostgreSQL is not installed."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    # It refuses to be root, and socket files have short paths.
    user = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="cellmill-pg-", dir="/tmp"))
    if user:
        shutil.chown(folder, **user)
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    subprocess.run([initdb, "-D", data, "-A", "trust", "-U", "cellmill", "--no-sync"], check=True, **quiet)
    options = f"-k {folder} -c listen_addresses='' -c max_connections=50"
    subprocess.run([pg_ctl, "-D", data, "-w", "-o", options, "start"], check=True, **quiet)
    try:
        yield f"postgresql://cellmill@/postgres?host={folder}"
    finally:
        subprocess.run([pg_ctl, "-D", data, "-m", "immediate", "-w", "stop"], check=True, **quiet)
        shutil.rmtree(folder, ignore_errors=True)
