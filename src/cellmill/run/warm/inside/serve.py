"""A warm process's whole life: import, say so, then fork a kernel for each request until its owner has gone."""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import select
import signal
import socket
import struct
import sys
from dataclasses import dataclass
from typing import Any

from .effects import Import, Refused, import_all
from .hidden import HiddenLibraries
from .kernel_end import Loaded, end_quickly

# Seconds between two looks at whether the owner lives; its end of the socket closes at once when nobody else holds it.
_LOOK = 1.0
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15

# What `ps` and `top` call a kernel that waits until it is needed.
_SPARE = b"cellmill-spare"
_SIZE = struct.Struct("!I")

# Threads that take care of forks themselves: jemalloc locks everything of its own while a process forks.
_KNOWN_THREADS = frozenset({"jemalloc_bg_thd"})

# What a kernel needs that it otherwise imports after its start.
_KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.magics",
    "IPython.extensions.storemagic",
    "psutil",
)


@dataclass
class Request:
    """A kernel that shall be forked: its variables, folder and command line, and its three streams.

    A fourth descriptor is of a socket on which a spare kernel gets its variables when somebody needs it.
    """

    number: int
    variables: dict[str, str]
    folder: str
    command: list[str]
    streams: list[int]


class _Owner:
    """The socket to the process that this one works for."""

    def __init__(self, number: int) -> None:
        self.process = os.getppid()
        self.socket = socket.socket(fileno=number)

    def send(self, **message: Any) -> None:
        content = json.dumps(message).encode()
        self.socket.sendall(_SIZE.pack(len(content)) + content)

    def receive(self) -> Request | None:
        """Give the next request; None if the owner has gone."""
        head, streams, _, _ = socket.recv_fds(self.socket, _SIZE.size, 4)
        while head and len(head) < _SIZE.size:
            head += self.socket.recv(_SIZE.size - len(head))
        if not head:
            return None
        content = b""
        while len(content) < _SIZE.unpack(head)[0]:
            part = self.socket.recv(_SIZE.unpack(head)[0] - len(content))
            if not part:
                return None
            content += part
        return Request(**json.loads(content), streams=list(streams))


def main() -> None:
    """Run the process: its arguments are the socket's descriptor and, as JSON, what to import."""
    owner = _Owner(int(sys.argv[1]))
    wanted = json.loads(sys.argv[2])
    began = dict(os.environ)
    # All of what is imported stays: the collector would look through it again and again, a quarter of the time.
    gc.disable()
    before = _prepare()
    of_kernels = {name: value for name, value in os.environ.items() if began.get(name) != value}
    try:
        imports = [Import(module, tuple(names)) for module, names in wanted["imports"]]
        effects = import_all(imports, frozenset(wanted["vetted"]))
    except Refused as refused:
        owner.send(left_out=str(refused))
        return
    hidden = HiddenLibraries(before, effects)
    shadowed = _shadowed(before)
    threads = _threads_that_stay()
    if shadowed:
        owner.send(refused=f"{shadowed} is also in the working folder")
        return
    if threads:
        owner.send(refused=f"the imports leave a thread running ({threads})")
        return
    # Nothing of this is looked at again when garbage is collected: kernels share it as it is.
    loaded = Loaded.now()
    gc.collect()
    gc.freeze()
    gc.enable()
    owner.send(ready=True, folders=_folders())
    request = _serve(owner)
    if request is None:
        # Nothing of this process is worth the time that taking it apart in order takes.
        os._exit(0)
    # Here is the forked child: its stack is as short as that of a kernel that was started from its file.
    request.variables |= of_kernels
    _become_kernel(request, hidden, loaded)


def _prepare() -> frozenset[str]:
    """Import what belongs to every kernel; give the names of the modules that a kernel begins with."""
    for name in _KERNEL:
        importlib.import_module(name)
    # The kernel sets it before any cell runs, and matplotlib reads it when it is imported.
    if not os.environ.get("MPLBACKEND"):
        os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    return frozenset(sys.modules)


def _shadowed(before: frozenset[str]) -> str | None:
    """A module that the kernel would find in its working folder, which comes first there."""
    entries = {entry.partition(".")[0] for entry in os.listdir(".")}
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    return next(iter(sorted(new & entries)), None)


def _folders() -> list[list[Any]]:
    """The folders that packages are installed in, with the time of their last change."""
    return [[path, os.stat(path).st_mtime_ns] for path in sys.path if os.path.isdir(path)]


def _threads_that_stay() -> str | None:
    """Name a thread that a fork would cut off. OpenBLAS ends its own when the process forks."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    names = []
    for task in os.listdir("/proc/self/task"):
        if int(task) != os.getpid():
            with open(f"/proc/self/task/{task}/comm") as file:
                names.append(file.read().strip())
    return next((name for name in names if name not in _KNOWN_THREADS), None)


def _serve(owner: _Owner) -> Request | None:
    """Fork for each request. Gives the request in the child, and None in this process when the owner has gone."""
    kernels: dict[int, int] = {}
    while os.getppid() == owner.process:
        readable, _, _ = select.select([owner.socket.fileno(), *kernels], [], [], _LOOK)
        for watched in set(readable) & set(kernels):
            pid = kernels.pop(watched)
            os.close(watched)
            owner.send(ended=pid, code=os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        if owner.socket.fileno() in readable:
            request = owner.receive()
            if request is None:
                break
            pid = _fork(owner, kernels)
            if pid == 0:
                return request
            for stream in request.streams:
                os.close(stream)
            kernels[os.pidfd_open(pid)] = pid
            owner.send(started=pid, number=request.number)
    for pid in kernels.values():
        _kill(pid)
    return None


def _fork(owner: _Owner, kernels: dict[int, int]) -> int:
    """Fork; in this process, come back when the child leads a group of its own."""
    reading, writing = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)
        return pid
    os.close(reading)
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    owner.socket.close()
    for number in kernels:
        os.close(number)
    os.write(writing, b"1")
    os.close(writing)
    return 0


def _kill(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except OSError:
        pass


def _become_kernel(request: Request, hidden: HiddenLibraries, loaded: Loaded) -> None:
    """Be what a process would be that has just been started with the request's command line."""
    needed = socket.socket(fileno=request.streams.pop()) if request.streams[3:] else None
    with open("/proc/self/comm", "rb") as file:
        command_name = file.read().strip()
    if needed is not None:
        ctypes.CDLL(None).prctl(_PR_SET_NAME, _SPARE)
    for number, stream in enumerate(request.streams):
        os.dup2(stream, number)
        os.close(stream)
    if sys.stdout.isatty():
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.chdir(request.folder)
    for name in set(os.environ) - set(request.variables):
        del os.environ[name]
    os.environ.update(request.variables)
    launcher = importlib.util.find_spec("ipykernel_launcher")
    sys.argv[:] = [
        str(launcher.origin if launcher is not None else ""),
        *request.command[request.command.index("ipykernel_launcher") + 1 :],
    ]
    sys.orig_argv[:] = request.command
    _reseed()
    hidden.hide()
    from ipykernel.kernelapp import IPKernelApp

    app: Any = IPKernelApp.instance(parent_handle=os.getppid())
    if needed is not None:
        _wait_before_own_code(app, needed, command_name)
    app.initialize()
    atexit.register(_end_control, app)
    if "__mp_main__" in sys.modules:
        # The cells' own module, as where a cell imports multiprocessing.
        sys.modules["__mp_main__"] = sys.modules["__main__"]
    app.start()
    end_quickly(loaded, app.shell)


def _wait_before_own_code(app: Any, needed: socket.socket, name: bytes) -> None:
    """Let a spare kernel wait where it has all but what the user configured for its start, until it is needed."""
    go_on = app.init_extensions

    def wait() -> None:
        with needed, needed.makefile() as lines:
            line = lines.readline()
        if not line:
            os._exit(0)
        del app.init_extensions
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name)
        # Not all of them: the kernel has set some of its own.
        os.environ.update(json.loads(line))
        go_on()

    app.init_extensions = wait


def _end_control(app: Any) -> None:
    """End the thread that takes the request to end before ipykernel ends the one that it flushes its output to.

    Otherwise, where the other ends in the middle of that flush, both wait for 10 s.
    """
    thread = app.control_thread
    if thread is not None and thread.is_alive():
        thread.stop()
        thread.join()


def _reseed() -> None:
    """Draw anew what imports draw by chance; Python itself seeds its own generator after a fork."""
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.set_state(numpy.RandomState(numpy.MT19937()).get_state(legacy=False))
    multiprocessing: Any = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None:
        # Otherwise who is let into one kernel's managers and queues were let into those of all.
        multiprocessing.current_process().authkey = os.urandom(32)
