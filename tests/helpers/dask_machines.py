"""An S3 server, a Dask scheduler, and workers in folders of their own: machines that share no disk, nearly."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from running import until

BIN = Path(sys.executable).parent
BUCKET = "products"


class Machines:
    """What a run finds in its network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = f"s3://{BUCKET}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        self.scheduler = ""

    def start(self, workers: int) -> None:
        server = self._start("s3", "moto_server", "-H", "127.0.0.1", "-p", "0")
        self.environment["AWS_ENDPOINT_URL"] = self._told(server, "s3", r"Running on (http://\S+)")
        make = urllib.request.Request(f"{self.environment['AWS_ENDPOINT_URL']}/{BUCKET}", method="PUT")
        urllib.request.urlopen(make, timeout=30).close()
        scheduler = self._start(
            "scheduler", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"
        )
        self.scheduler = self._told(scheduler, "scheduler", r"Scheduler at:\s+(tcp://\S+)")
        for _ in range(workers):
            self.add_worker()

    def add_worker(self, *options: str) -> subprocess.Popen[bytes]:
        name = f"worker{len(self.workers)}"
        (self.folder / name).mkdir()
        words = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder / name))
        worker = self._start(name, "dask", "worker", self.scheduler, *words, *options, within=self.folder / name)
        self.workers.append(worker)
        return worker

    def cellmill(self, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        running = self.begin(folder, *words)
        out, err = running.communicate(timeout=300)
        return subprocess.CompletedProcess(words, running.returncode, out, err)

    def begin(self, folder: Path, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(BIN / "cellmill"), *words],
            cwd=folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def objects(self) -> str:
        """The names of what is in the storage."""
        with urllib.request.urlopen(f"{self.environment['AWS_ENDPOINT_URL']}/{BUCKET}?list-type=2") as answer:
            return "\n".join(re.findall(r"<Key>(.*?)</Key>", answer.read().decode()))

    def close(self) -> None:
        # Workers first: one that loses its scheduler while it closes may wait for ever.
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, name: str, *words: str, within: Path | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(BIN / words[0]), *words[1:]],
                cwd=within or self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def _told(self, process: subprocess.Popen[bytes], name: str, pattern: str) -> str:
        log = self.folder / f"{name}.log"
        found: list[str] = []

        def is_told() -> bool:
            assert process.poll() is None, log.read_text()
            found.extend(re.findall(pattern, log.read_text()))
            return bool(found)

        until(is_told, seconds=60)
        return found[0]


@contextmanager
def machines(folder: Path, *, workers: int) -> Iterator[Machines]:
    found = Machines(folder)
    try:
        found.start(workers)
        yield found
    finally:
        found.close()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ends(pid: int, seconds: float = 20) -> bool:
    limit = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < limit:
        time.sleep(0.1)
    return not is_alive(pid)
