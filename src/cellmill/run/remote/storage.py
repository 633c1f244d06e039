"""Where products go between machines: whole attempts in a folder of their own, and one record that names the current.

Any file system that fsspec knows will do. Nothing is ever overwritten but the record, which is written last and at
once: whoever reads it finds a whole set of files, whatever was killed or runs at the same time.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cellmill.errors import CellmillError
from cellmill.files import write_bytes
from cellmill.run.remote.job import Attempt

_FORMAT = 1
_EXTRA = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}


class Storage:
    """A folder that all machines of a run reach, by its URL.

    Raises
    ------
    CellmillError
        If there is no such kind of storage, or a package for it is missing.
    """

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        self.url = url
        try:
            protocol = url.split("://", 1)[0] if "://" in url else "file"
            options = {"auto_mkdir": True} if protocol in ("file", "local") else {}
            self._files, base = url_to_fs(url, **options)
        except ImportError as error:
            package = _EXTRA.get(protocol, "its package for fsspec")
            raise CellmillError(
                f"storage: {url} needs {package} ({error})".rstrip("."), remedy=f"pip install {package}"
            ) from None
        except ValueError as error:
            raise CellmillError(
                f"storage: {url} is no address that fsspec knows ({error})", remedy="write it as in s3://bucket/prefix"
            ) from None
        self._base = base.rstrip("/")
        self._local = bool(options)

    def put(self, file: Path, name: str) -> int:
        """Write a file; give its size."""
        with self._complaining():
            self._files.put_file(str(file), self._at(name))
        return file.stat().st_size

    def get(self, name: str, file: Path, size: int | None = None) -> None:
        """Fetch a file, held to the size that it should have."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with self._complaining():
            self._files.get_file(self._at(name), str(file))
        if size is not None and file.stat().st_size != size:
            raise CellmillError(f"storage: {self.url}/{name} has {file.stat().st_size} bytes and should have {size}")

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, whole or not at all."""
        with self._complaining():
            if self._local:
                write_bytes(Path(self._at(name)), content)
            else:
                self._files.pipe_file(self._at(name), content)

    def read(self, name: str) -> bytes | None:
        """A small file's content; None if there is none."""
        with self._complaining():
            try:
                return bytes(self._files.cat_file(self._at(name)))
            except FileNotFoundError:
                return None

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        with self._complaining():
            return bool(self._files.isfile(self._at(name)))

    def names(self, folder: str) -> list[str]:
        """The names of the files in a folder; none if there is no such folder."""
        with self._complaining():
            self._files.invalidate_cache()
            try:
                found = self._files.ls(self._at(folder), detail=True)
            except FileNotFoundError:
                return []
        return [one["name"].rsplit("/", 1)[-1] for one in found if one["type"] == "file"]

    def remove(self, folder: str) -> None:
        """Take a folder away, if it can be."""
        with suppress(Exception):  # what stays is only in the way of who pays for the storage
            self._files.rm(self._at(folder), recursive=True)

    def take(self, attempt: Attempt, folder: Path) -> None:
        """Fetch all files of an attempt into a folder."""
        for name, size in attempt.files.items():
            self.get(f"{attempt.at}/{name}", folder / name, size)

    def give(self, at: str, folder: Path, names: Iterable[str]) -> Attempt:
        """Write files of a folder as an attempt."""
        return Attempt(at, {name: self.put(folder / name, f"{at}/{name}") for name in names})

    def _at(self, name: str) -> str:
        return f"{self._base}/{name}" if name else self._base

    @contextmanager
    def _complaining(self) -> Iterator[None]:
        try:
            yield
        except CellmillError:
            raise
        except Exception as error:  # each kind of storage has its own
            words = str(error).strip().splitlines()
            raise CellmillError(
                f"storage: {self.url} failed ({type(error).__name__}: {words[0] if words else ''})".replace(".)", ")"),
                remedy="check its address, and that this machine may read and write there",
            ) from error


class SharedProducts:
    """One pipeline's products in a storage, and what is known of those in the local folder.

    Parameters
    ----------
    lasting
        Whether records of what is current are kept there, for later runs and other machines.
    """

    def __init__(self, storage: Storage, pipeline: str, output: Path, *, lasting: bool) -> None:
        self.storage = storage
        self._name = pipeline
        self._output = output
        self._lasting = lasting
        self._known: dict[str, Attempt] = {}

    def place(self, step: str) -> str:
        """Where a task's attempts go, each in a folder of its own."""
        return f"{self._name}/{step}"

    def pull(self) -> list[str]:
        """Bring products here that were made later elsewhere; give the names of their steps."""
        pulled = []
        for found in self.storage.names(self._name) if self._lasting else ():
            record = self._record(found.removesuffix(".json")) if found.endswith(".json") else None
            if record is None:
                continue
            step, attempt, marks = record
            here = {name: _text(self._output / name) for name in marks}
            if here != marks:
                if max(map(_made, marks.values())) <= max(map(_made, here.values())):
                    continue
                self.bring(attempt, marks)
                pulled.append(step)
            self._known[step] = attempt
        return pulled

    def bring(self, attempt: Attempt, marks: Mapping[str, str] | None = None) -> None:
        """Put an attempt's files into the local folder: whole, data before manifests, Ploomber's marks last."""
        aside = self._output / f".{attempt.at.rsplit('/', 1)[-1]}.partial"
        try:
            self.storage.take(attempt, aside)
            for name in marks or ():
                (self._output / name).unlink(missing_ok=True)
            folders = {Path(name).parent for name in attempt.files} - {Path()}
            # The manifest says what belongs there; it comes last.
            for name in sorted(attempt.files, key=lambda name: name.endswith(".json")):
                target = self._output / name
                target.parent.mkdir(parents=True, exist_ok=True)
                (aside / name).replace(target)
            for folder in folders:
                for file in (self._output / folder).iterdir():
                    if (
                        file.is_file()
                        and not file.name.startswith(".")
                        and str(folder / file.name) not in attempt.files
                    ):
                        file.unlink()
            for name, text in (marks or {}).items():
                write_bytes(self._output / name, text.encode())
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def made(self, step: str, attempt: Attempt) -> None:
        """Say that this run has made a task's products, and where."""
        self._known[step] = attempt

    def upstream(self, step: str, names: Callable[[], Iterable[str]]) -> Attempt:
        """A task's products in the storage; they are put there if only this machine has them."""
        if step not in self._known:
            self._known[step] = self.storage.give(f"{self.place(step)}/{uuid.uuid4().hex}", self._output, names())
        return self._known[step]

    def publish(self, step: str, products: Iterable[str], marks: Iterable[str]) -> None:
        """Name what this run has made as the current products, with what Ploomber has added to them here."""
        attempt = self._known.get(step)
        if not self._lasting or attempt is None:
            return
        old = self._record(step)
        # Ploomber writes the executed notebook in its final form.
        further = [name for name in products if name not in attempt.files or name.endswith(".ipynb")]
        added = self.storage.give(attempt.at, self._output, further)
        whole = Attempt(attempt.at, {**attempt.files, **added.files})
        content = {
            "format": _FORMAT,
            "attempt": asdict(whole),
            "marks": {name: _text(self._output / name) for name in marks},
        }
        self.storage.write(f"{self._name}/{step}.json", json.dumps(content).encode())
        self._known[step] = whole
        if old is not None and old[1].at != whole.at:
            self.storage.remove(old[1].at)

    def _record(self, step: str) -> tuple[str, Attempt, dict[str, str]] | None:
        content = self.storage.read(f"{self._name}/{step}.json")
        try:
            found: dict[str, Any] = json.loads(content or b"")
            if found["format"] != _FORMAT or not found["marks"]:
                return None
            return step, Attempt(**found["attempt"]), {str(name): str(text) for name, text in found["marks"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _made(mark: str | None) -> float:
    """When Ploomber's mark says that a product was made."""
    try:
        return float(json.loads(mark or "")["timestamp"])
    except (ValueError, KeyError, TypeError):
        return 0.0
