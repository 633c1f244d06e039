"""Files that steps read and write: what orders two steps though no name joins them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["read", "write", "make"]
"""``make``: a folder, which may be there already."""


@dataclass(frozen=True)
class FileUse:
    """A file (``path`` None: any file) that a step reads or writes."""

    mode: Mode
    path: str | None
    cell: int = 0
    line: int = 0


_READERS = frozenset(
    "numpy.load numpy.loadtxt numpy.genfromtxt numpy.fromfile joblib.load os.listdir os.scandir os.walk os.stat "
    "os.path.exists os.path.isfile os.path.isdir os.path.getsize os.path.getmtime glob.glob glob.iglob "
    "tomllib.load".split()
)
_WRITERS = frozenset(
    "numpy.save numpy.savez numpy.savez_compressed numpy.savetxt joblib.dump os.remove os.unlink os.rename os.replace "
    "os.rmdir os.removedirs os.truncate os.link os.symlink os.chmod os.utime shutil.copy "
    "shutil.copy2 shutil.copyfile shutil.copytree shutil.move shutil.rmtree shutil.make_archive "
    "shutil.unpack_archive matplotlib.pyplot.savefig matplotlib.pyplot.imsave".split()
)
_BOTH = frozenset(
    "os.system os.popen subprocess.run subprocess.call subprocess.check_call subprocess.check_output "
    "subprocess.Popen sqlite3.connect runpy.run_path shelve.open".split()
)
_SECOND_ARGUMENT = frozenset(("joblib.dump",))
_READ_METHODS = frozenset("read_text read_bytes exists is_file is_dir iterdir glob rglob stat".split())
_WRITE_METHODS = frozenset(
    "write_text write_bytes unlink rmdir touch to_csv to_parquet to_json to_excel to_pickle to_feather "
    "to_hdf to_html to_latex to_sql to_stata savefig tofile save_model write_html write_image".split()
)


METHODS = _READ_METHODS | _WRITE_METHODS | {"mkdir"}
"""Names of methods that may read or write files."""


def used_by_call(dotted: str, paths: list[str | None], mode: str | None) -> tuple[tuple[Mode, str | None], ...]:
    """What a library function does to files; ``paths`` are its arguments where literal, ``mode`` an open mode."""
    first = paths[0] if paths else None
    if dotted in (
        "open",
        "io.open",
        "gzip.open",
        "bz2.open",
        "lzma.open",
        "zipfile.ZipFile",
        "tarfile.open",
        "h5py.File",
    ):
        if mode is not None and not set(mode) & set("wax+"):
            return (("read", first),)
        return (("write", first),) if mode is not None else (("read", first),)
    if dotted.startswith("pandas.read_") or dotted in _READERS:
        return (("read", first),)
    if dotted in _WRITERS:
        target = paths[1] if dotted in _SECOND_ARGUMENT and len(paths) > 1 else first
        return (("write", None if dotted.startswith("shutil.") or dotted in ("os.rename", "os.replace") else target),)
    if dotted in ("os.makedirs", "os.mkdir"):
        return (("make", first),)
    if dotted in _BOTH:
        return (("read", None), ("write", None))
    return ()


def used_by_method(name: str, paths: list[str | None], receiver: str | None) -> tuple[tuple[Mode, str | None], ...]:
    """What a method of this name does to files; ``receiver`` is a literal path that it is called on."""
    if name in _READ_METHODS:
        return (("read", receiver),)
    if name == "mkdir":
        return (("make", receiver),)
    if name in _WRITE_METHODS:
        if name.startswith("to_") and not paths:
            return ()
        if name.startswith(("to_", "save", "tofile", "write_html", "write_image")):
            return (("write", paths[0] if paths else None),)
        return (("write", receiver),)
    return ()


def conflict(one: FileUse, other: FileUse) -> bool:
    """Whether the two uses must keep their order: one of them writes what the other may touch."""
    if one.mode == "read" and other.mode == "read":
        return False
    return one.path is None or other.path is None or one.path == other.path
