"""The one writer of files: whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from cellmill.errors import CellmillError, shown

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves the old content or the new.

    Raises
    ------
    CellmillError
        If the folder can't be written to, or the disk is full; the old content is untouched.
    """
    path = path.resolve()
    name = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        os.replace(name, path)
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> CellmillError:
    """Say in one sentence why a path can't be written."""
    number = error.errno
    first = "free some space or " if number in _FULL else "make it writable or " if number in _FORBIDDEN else ""
    return CellmillError(
        f"can't write {shown(path)} ({error.strerror or error}), nothing was changed",
        remedy=f"{first}choose another folder",
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
