"""Puts a folder in the place of another in one move, so that a crash leaves the old one or the new one, whole."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from cellmill.errors import CellmillError
from cellmill.locks import wait_for_lock

OUTPUT = "output"
_CACHES = frozenset({"__pycache__", ".build", ".ipynb_checkpoints", ".pytest_cache"})
_RENAME_EXCHANGE = 2


def replace_folder(folder: Path, files: Mapping[str, bytes], own: Collection[str]) -> None:
    """Make a folder that holds the given files, and what others have put into the one that stands there.

    Parameters
    ----------
    folder
        The folder; it need not exist, those above it must.
    files
        Content by path below the folder.
    own
        Paths of files in the folder that are nobody else's, and go if they are not in ``files``.

    Raises
    ------
    OSError
        If the disk refuses; the folder is as it was.
    CellmillError
        If a run is writing there.
    """
    folder = Path(os.path.realpath(folder))
    with _alone_in(folder.parent), _folder_beside(folder) as made:
        for name, content in files.items():
            _write(made / name, content)
        if folder.exists():
            _keep_others(folder, made, {*own, *files})
            _exchange(made, folder)
        else:
            _sync_tree(made)
            os.rename(made, folder)
        _sync(folder.parent)


def clean_up(folder: Path) -> None:
    """Bring back what a promotion that was killed has put aside, and remove the rest that it left."""
    folder = Path(os.path.realpath(folder))
    if not any(folder.parent.glob(f"{_prefix(folder)}*")):
        return
    with _alone_in(folder.parent):
        for place in folder.parent.glob(f"{_prefix(folder)}*"):
            aside = _aside(place / folder.name)
            if not folder.exists() and aside.exists():
                os.rename(aside, folder)
            for old in (place / folder.name, aside):
                _bring_output(old, folder)
            shutil.rmtree(place, ignore_errors=True)


def _prefix(folder: Path) -> str:
    return f".{folder.name}.promoting-"


@contextmanager
def _folder_beside(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=_prefix(folder), dir=folder.parent, ignore_cleanup_errors=True) as place:
        yield Path(place) / folder.name


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One promotion at a time; the system lets go of it even if the process is killed."""
    try:
        import fcntl
    except ImportError:  # Windows has no such lock
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # nor have some disks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _no_run_in(folder: Path) -> Iterator[None]:
    """Keep runs out of the folder: one that goes on would find half of its files changed."""
    try:
        import fcntl  # noqa: F401 - not everywhere

        handle = os.open(folder / OUTPUT / ".lock", os.O_RDWR)
    except (ImportError, OSError):  # no run was there yet
        yield
        return
    try:
        if not wait_for_lock(handle):
            remedy = "wait until it has ended or stop it, then promote again"
            raise CellmillError("a run is going on there", notebook=folder, remedy=remedy)
        yield
    finally:
        os.close(handle)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _keep_others(folder: Path, made: Path, known: Collection[str]) -> None:
    """Take over what is not promotion's own: profiles, notes, tests that an engineer added."""
    for place, folders, files in os.walk(folder):
        below = Path(place).relative_to(folder)
        folders[:] = [name for name in folders if name not in _CACHES and (below / name).as_posix() != OUTPUT]
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        if not folders and not files:
            (made / below).mkdir(parents=True, exist_ok=True)
        for name in (*files, *links):
            if (below / name).as_posix() not in known:
                (made / below).mkdir(parents=True, exist_ok=True)
                _link(Path(place) / name, made / below / name)
    if folder.is_dir():
        shutil.copymode(folder, made)


def _link(old: Path, new: Path) -> None:
    """Give a file a second name, which costs nothing; copy it where that is not possible."""
    try:
        os.link(old, new, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(old, new, follow_symlinks=False)


def _exchange(made: Path, folder: Path) -> None:
    _sync_tree(made)
    with _no_run_in(folder):
        try:
            _swap(made, folder)
        finally:
            _bring_output(made, folder)


def _bring_output(old: Path, folder: Path) -> None:
    """What runs made moves over whole."""
    if (old / OUTPUT).exists() and folder.exists() and not (folder / OUTPUT).exists():
        os.rename(old / OUTPUT, folder / OUTPUT)


def _swap(new: Path, old: Path) -> None:
    """Exchange two folders in one system call; where there is none, in two renames."""
    libc = ctypes.CDLL(None, use_errno=True)
    rename = getattr(libc, "renameat2", None)
    if rename is not None:
        if rename(-100, os.fsencode(new), -100, os.fsencode(old), _RENAME_EXCHANGE) == 0:
            return
        if ctypes.get_errno() not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(old))
    aside = _aside(new)
    os.rename(old, aside)
    os.rename(new, old)
    os.rename(aside, new)


def _aside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.old")


def _sync_tree(folder: Path) -> None:
    for place, _, _ in os.walk(folder):
        _sync(Path(place))


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk before they count."""
    with suppress(OSError):  # some systems don't let folders be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
