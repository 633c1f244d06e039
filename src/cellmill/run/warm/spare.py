"""A kernel that is forked before it is needed: its start then costs only what it does with its own variables."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cellmill.run.warm.process import CannotWarm, WarmKernel, WarmProcess

# As for the sockets of other kernels: their files' paths must be short.
_SHORT_FOLDER = "/tmp"


class SpareKernel:
    """Forked and waiting; its connection is its own, and told to whoever takes it.

    Parameters
    ----------
    process
        What it is forked from.
    variables, folder, command
        As for the kernel that was started last; ``{connection_file}`` stands for its file in the command.

    Raises
    ------
    CannotWarm
        If the process has ended.
    """

    def __init__(self, process: WarmProcess, variables: Mapping[str, str], folder: str, command: Sequence[str]) -> None:
        from jupyter_client.connect import write_connection_file

        self._process = process
        short = _SHORT_FOLDER if os.access(_SHORT_FOLDER, os.W_OK) else None
        self.place = Path(tempfile.mkdtemp(prefix="cellmill-", dir=short))
        file = str(self.place / "connection.json")
        _, info = write_connection_file(
            file, ip=str(self.place / "k"), key=os.urandom(16).hex().encode(), transport="ipc"
        )
        self.connection: dict[str, Any] = {**info, "key": str(info["key"]).encode()}
        self._needed, other = socket.socketpair()
        nothing, writing = os.pipe()
        os.close(writing)
        try:
            with other, (self.place / "log").open("wb") as log:
                streams = [nothing, log.fileno(), log.fileno(), other.fileno()]
                words = [word.replace("{connection_file}", file) for word in command]
                self._number = process.ask(variables, folder, words, streams)
        except BaseException:
            self.discard()
            raise
        finally:
            os.close(nothing)

    def take(self, variables: Mapping[str, str]) -> WarmKernel:
        """Let it go on, with these further variables.

        Raises
        ------
        CannotWarm
            If it has ended.
        """
        kernel = self._process.forked(self._number)
        try:
            with self._needed:
                self._needed.sendall(json.dumps(dict(variables)).encode() + b"\n")
        except OSError as error:
            raise CannotWarm("the spare kernel has ended") from error
        kernel.place = self.place
        return kernel

    def discard(self) -> None:
        """End it."""
        with suppress(OSError):
            self._needed.shutdown(socket.SHUT_RDWR)
        self._needed.close()
        shutil.rmtree(self.place, ignore_errors=True)
