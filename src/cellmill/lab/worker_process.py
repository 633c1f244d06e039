"""The server's side of the worker: starts it when it is first needed, asks it one thing after another, replaces it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from logging import Logger
from pathlib import Path

Answer = tuple[int, bytes]

# The path stands first in what the panel sends: read without parsing megabytes on the server's loop.
_PATH = re.compile(rb'\s*\{\s*"path"\s*:\s*("(?:[^"\\]|\\.){1,4096}")')
_START = 60.0


@dataclass(eq=False)
class _Request:
    """One request that waits or is worked on."""

    work: str
    body: bytes
    query: Mapping[str, str]
    seconds: float
    about: bytes | None
    answer: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Worker:
    """Asks the worker process.

    A request about a notebook takes the place of an older one of the same kind that still waits. A worker that ends or
    takes too long is replaced by a new one; the request that it had gets a sentence.

    Parameters
    ----------
    root
        The server's root folder.
    log
        The server's log.
    """

    def __init__(self, root: Path, log: Logger) -> None:
        self._root = root
        self._log = log
        self._waiting: deque[_Request] = deque()
        self._busy: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - read when a worker has ended

    async def ask(
        self, work: str, body: bytes = b"", query: Mapping[str, str] | None = None, *, seconds: float = 30.0
    ) -> Answer:
        """Give the worker something to do and wait for its answer.

        Parameters
        ----------
        work
            What to do, as in :mod:`cellmill.lab.worker`.
        body
            The request's body, as it came.
        query
            What stood in the request's address.
        seconds
            How long it may take.

        Returns
        -------
        tuple of int and bytes
            The HTTP status and the body of the answer, JSON.
        """
        found = _PATH.match(body) if work in ("analyse", "suggest") else None
        request = _Request(work, body, query or {}, seconds, found[1] if found else None)
        if request.about is not None:
            self._supersede(request)
        self._waiting.append(request)
        if self._busy is None or self._busy.done():
            self._busy = asyncio.create_task(self._work())
        return await request.answer

    def warm(self) -> None:
        """Start the process ahead of the first request."""
        if self._process is None and (self._busy is None or self._busy.done()):
            self._busy = asyncio.create_task(self._work())

    async def close(self) -> None:
        """End the process."""
        await self._end()
        self._errors.close()

    def _supersede(self, newer: _Request) -> None:
        for older in [one for one in self._waiting if one.work == newer.work and one.about == newer.about]:
            self._waiting.remove(older)
            if not older.answer.done():
                older.answer.set_result(_refusal(409, "A newer request took the place of this one.", "superseded"))

    async def _work(self) -> None:
        try:
            await self._running()
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            self._log.error("cellmill: the worker can't be started: %s", error)
            await self._end()
        while self._waiting:
            request = self._waiting.popleft()
            # Whoever asked may have gone away meanwhile.
            if not request.answer.done():
                answer = await self._answer(request)
                if not request.answer.done():
                    request.answer.set_result(answer)

    async def _answer(self, request: _Request) -> Answer:
        try:
            async with asyncio.timeout(request.seconds + _START):
                process = await self._running()
            async with asyncio.timeout(request.seconds):
                return await self._exchange(process, request)
        except TimeoutError:
            await self._end()
            return _refusal(503, f"This took longer than {request.seconds:g} s and was broken off; try it again.")
        except (OSError, ValueError, asyncio.IncompleteReadError):
            await self._end()
            self._log.error("cellmill: the worker ended during %s%s", request.work, self._last_words())
            return _refusal(503, "The process that reads notebooks ended unexpectedly and was replaced; try it again.")

    async def _exchange(self, process: asyncio.subprocess.Process, request: _Request) -> Answer:
        assert process.stdin is not None
        head = {"do": request.work, "query": dict(request.query), "size": len(request.body)}
        process.stdin.write(json.dumps(head).encode() + b"\n")
        process.stdin.write(request.body)
        await process.stdin.drain()
        return await self._read(process)

    async def _read(self, process: asyncio.subprocess.Process) -> Answer:
        assert process.stdout is not None
        head = json.loads(await process.stdout.readuntil())
        return head["status"], await process.stdout.readexactly(head["size"])

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        # -P: the root may hold a file of the user's that is named like a library.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "cellmill.lab.worker",
            str(self._root),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._errors,
            cwd=self._root,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            # Ctrl-C in the server's terminal asks there whether to stop.
            start_new_session=True,
        )
        async with asyncio.timeout(_START):
            await self._read(self._process)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        self._errors.truncate(0)
        return f" ({lines[-1][:160]})" if lines else ""


def _refusal(status: int, message: str, reason: str | None = None) -> Answer:
    content = {"message": message} | ({"reason": reason} if reason else {})
    return status, json.dumps(content).encode()
