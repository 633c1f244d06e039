"""The folder that the Jupyter server serves: no path of a request leads out of it, no answer tells of more."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from cellmill.lab.refusal import Refused

# What file systems take, with room for the root itself.
_LONGEST = 2000
_LONGEST_NAME = 255


class Root:
    """The server's root folder.

    Parameters
    ----------
    folder
        The folder; links in it are resolved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()

    def inside(self, text: str, *, field: str = "path") -> Path:
        """The file or folder that a request names; it need not exist.

        Parameters
        ----------
        text
            A POSIX path relative to the root.
        field
            The request's field, for the refusal.

        Raises
        ------
        Refused
            If the path is empty, absolute, or leads out of the root, by ``..`` or by a link.
        """
        parts = PurePosixPath(text).parts
        if (not parts and text != ".") or "\0" in text or "\\" in text:
            raise Refused(400, f"{field}: this is not a path below the server's root folder.")
        if text.startswith("/") or ".." in parts:
            raise Refused(403, f"{field}: the path leads out of the server's root folder; name a file below it.")
        try:
            if len(text) > _LONGEST or any(len(os.fsencode(part)) > _LONGEST_NAME for part in parts):
                raise ValueError
            path = self.folder.joinpath(*parts).resolve()
        except (OSError, ValueError, RuntimeError):  # too long, not encodable, links in a circle
            raise Refused(400, f"{field}: this is not a path below the server's root folder.") from None
        self.check(path, field=field)
        return path

    def check(self, path: Path, *, field: str = "path") -> None:
        """Refuse a resolved path that is not in the root.

        Raises
        ------
        Refused
            If it is not.
        """
        if not path.is_relative_to(self.folder):
            raise Refused(403, f"{field}: the path leads out of the server's root folder by a link.")

    def told(self, path: str | Path | None) -> str | None:
        """A path as answers have it; None if it is not in the root."""
        if not path:
            return None
        try:
            return Path(path).relative_to(self.folder).as_posix()
        except ValueError:
            pass
        try:
            return Path(path).resolve().relative_to(self.folder).as_posix()
        except (ValueError, OSError, RuntimeError):
            return None

    def project(self, path: Path) -> Path:
        """The project that a notebook or a pipeline belongs to; the root where that would begin above it."""
        from cellmill.notebook import project_root

        found = project_root(path)
        return found if found.is_relative_to(self.folder) else self.folder
