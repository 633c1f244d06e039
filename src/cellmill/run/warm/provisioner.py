"""The kernel provisioner ``cellmill-warm``: as Jupyter's own, but forks Python kernels from a warm process.

Who starts kernels without cellmill (Papermill, nbconvert, nbval) names it in ``JUPYTER_DEFAULT_PROVISIONER_NAME`` and
the libraries, separated by commas, in ``CELLMILL_WARM_IMPORTS``.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import sys
import tempfile
import time
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo  # noqa: TID253 - its base class lives there
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME  # noqa: TID253
from jupyter_client.manager import AsyncKernelManager, KernelManager  # noqa: TID253
from jupyter_client.provisioning.factory import KernelProvisionerFactory  # noqa: TID253
from jupyter_client.provisioning.local_provisioner import LocalProvisioner  # noqa: TID253
from traitlets import Any as AnyTrait

from cellmill.run.kernel_client import use_prompt_client
from cellmill.run.warm.imports import LIBRARIES, Imported
from cellmill.run.warm.pool import WarmPool
from cellmill.run.warm.process import WarmKernel

NAME = "cellmill-warm"
_PROVISIONER_VARIABLE = "JUPYTER_DEFAULT_PROVISIONER_NAME"
_IMPORTS_VARIABLE = "CELLMILL_WARM_IMPORTS"

# Seconds that a killed kernel may take to be gone before its caller looks by itself, and between two looks.
_GONE = 0.1
_LOOK = 0.002

_own_pools: list[WarmPool] = []


class WarmProvisioner(LocalProvisioner):
    """Starts each kernel from its pool, or in the ordinary way where the pool gives none."""

    pool = AnyTrait(None, allow_none=True)
    _place: Path | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare the launch; for a program without cellmill, let its manager speak to the kernel by socket files."""
        manager: Any = self.parent
        if self.pool is None and _can_choose(manager):
            self._place = Path(tempfile.mkdtemp(prefix="cellmill-", dir="/tmp"))
            # A manager that restarts its kernel gets a provisioner that does not know of it.
            atexit.register(shutil.rmtree, self._place, ignore_errors=True)
            manager.transport, manager.ip = "ipc", str(self._place / "k")
            use_prompt_client(manager)
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Launch a kernel."""
        options = self._scrub_kwargs(kwargs)
        if set(options) <= {"env", "cwd", "stdout", "stderr"}:
            found = self._fork(cmd, **options)
            if found is not None:
                kernel, connection = found
                if connection is not None:
                    self.connection_info = connection
                self.process = kernel
                self.pid = self.pgid = kernel.pid
                self.cwd = options.get("cwd") or os.getcwd()
                return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel. Who then looks whether it has ended finds that it has, and need not wait to look again."""
        await super().kill(restart=restart)
        process: Any = self.process
        end = time.monotonic() + _GONE
        while isinstance(process, WarmKernel) and process.poll() is None and time.monotonic() < end:
            await asyncio.sleep(_LOOK)

    async def cleanup(self, restart: bool = False) -> None:
        """Take the socket files away."""
        await super().cleanup(restart=restart)
        if self._place is not None and not restart:
            shutil.rmtree(self._place, ignore_errors=True)

    def _fork(
        self, cmd: list[str], env: dict[str, str] | None = None, cwd: Any = None, stdout: Any = None, stderr: Any = None
    ) -> Any:
        numbers = [_descriptor(stdout, 1), _descriptor(stderr, 2)]
        if None in numbers:
            return None
        variables = dict(os.environ if env is None else env) | {"JPY_PARENT_PID": str(os.getpid())}
        pool = self.pool or _own_pool()
        # As Jupyter does it: a pipe that is at its end.
        nothing, writing = os.pipe()
        os.close(writing)
        try:
            streams = [nothing, *[number for number in numbers if number is not None]]
            words = [os.path.expanduser(word) for word in cmd]
            found = pool.fork(words, variables, str(cwd or os.getcwd()), streams, self._connection_file())
        finally:
            os.close(nothing)
        if self.pool is None and found is not None:
            # Nobody knows how many more will be needed.
            pool.expected = 1
            pool.prepare()
        return found

    def _connection_file(self) -> str | None:
        """The manager's connection file, where another connection serves as well: through sockets that are files."""
        manager: Any = self.parent
        return os.path.realpath(manager.connection_file) if getattr(manager, "transport", None) == "ipc" else None


def use(manager: Any, pool: WarmPool) -> None:
    """Let a kernel manager start its kernel from the pool, unless its kernel names a provisioner of its own."""
    factory = KernelProvisionerFactory.instance()
    # Also where the package was installed before it had this entry point.
    factory.provisioners.setdefault(
        NAME, EntryPoint(NAME, f"{__name__}:{WarmProvisioner.__name__}", KernelProvisionerFactory.GROUP_NAME)
    )
    if "kernel_provisioner" not in manager.kernel_spec.metadata:
        manager.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": NAME, "config": {"pool": pool}}


def begin(folder: str) -> None:
    """Start the process that a program's kernels will be forked from, if it is one that asks for warm kernels.

    For programs that know before their first kernel that there will be some, and where.
    """
    if os.environ.get(_PROVISIONER_VARIABLE) == NAME:
        variables = dict(os.environ) | {"JPY_PARENT_PID": str(os.getpid())}
        _own_pool().begin(NATIVE_KERNEL_NAME, variables, folder)


def _can_choose(manager: Any) -> bool:
    """Whether a manager leaves it to us how it speaks to its kernel: nothing is set but what Jupyter sets itself."""
    return (
        sys.platform == "linux"
        and getattr(manager, "transport", None) == "tcp"
        and manager.ip in ("127.0.0.1", "localhost")
        and type(manager) in (KernelManager, AsyncKernelManager)
        and not os.path.exists(manager.connection_file or "")
        and os.access("/tmp", os.W_OK)
    )


def _own_pool() -> WarmPool:
    """The pool of a program that starts kernels without cellmill."""
    if not _own_pools or not _own_pools[0].is_own:
        names = [name.strip() for name in os.environ.get(_IMPORTS_VARIABLE, "").split(",")]
        pool = WarmPool([Imported(name) for name in names if name.partition(".")[0] in LIBRARIES])
        atexit.register(pool.close)
        _own_pools[:] = [pool]
    return _own_pools[0]


def _descriptor(stream: Any, default: int) -> int | None:
    """The stream's descriptor; None for what only ``subprocess`` can make (pipes)."""
    if stream is None:
        return default
    number = stream if isinstance(stream, int) else stream.fileno()
    return number if number >= 0 else None
