"""The kernel provisioner ``cellmill-warm``: as Jupyter's own, but forks Python kernels from a warm process.

Who starts kernels without cellmill (Papermill, nbconvert, nbval) names it in ``JUPYTER_DEFAULT_PROVISIONER_NAME`` and
the libraries, separated by commas, in ``CELLMILL_WARM_IMPORTS``.
"""

from __future__ import annotations

import atexit
import os
from importlib.metadata import EntryPoint
from typing import Any

from jupyter_client.connect import KernelConnectionInfo  # noqa: TID253 - its base class lives there
from jupyter_client.provisioning.factory import KernelProvisionerFactory  # noqa: TID253
from jupyter_client.provisioning.local_provisioner import LocalProvisioner  # noqa: TID253
from traitlets import Any as AnyTrait

from cellmill.run.warm.imports import LIBRARIES, Imported
from cellmill.run.warm.pool import WarmPool

NAME = "cellmill-warm"
_IMPORTS_VARIABLE = "CELLMILL_WARM_IMPORTS"

_own_pools: list[WarmPool] = []


class WarmProvisioner(LocalProvisioner):
    """Starts each kernel from its pool, or in the ordinary way where the pool gives none."""

    pool = AnyTrait(None, allow_none=True)

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
            return pool.fork(words, variables, str(cwd or os.getcwd()), streams, self._connection_file())
        finally:
            os.close(nothing)

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
