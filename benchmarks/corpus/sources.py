"""Gets source distributions from the package index that pip is set to, and lists the examples in them."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import zip_longest
from pathlib import Path

# Package, the folder of its examples in the source distribution, and which files there are examples.
PACKAGES = (
    ("scikit-learn", "examples", "**/plot_*.py"),
    ("statsmodels", "examples/notebooks", "*.ipynb"),
)


class NoIndex(Exception):
    """The package index could not be reached, or has no such source distribution."""


@dataclass(frozen=True)
class Example:
    """One example: a name that no other has, and its file in the unpacked source distribution."""

    name: str
    package: str
    path: Path


def examples(cache: Path) -> list[Example]:
    """Download and unpack what is not there yet; all examples, package by package, the shortest first."""
    return [one for package in PACKAGES for one in _of_package(cache, *package)]


def by_turns(found: Iterable[Example]) -> list[Example]:
    """The same examples, one of each package by turns."""
    packages: dict[str, list[Example]] = {}
    for one in found:
        packages.setdefault(one.package, []).append(one)
    return [one for turn in zip_longest(*packages.values()) for one in turn if one is not None]


def _of_package(cache: Path, package: str, folder: str, pattern: str) -> list[Example]:
    root = next(iter(sorted(cache.glob(f"{package.replace('-', '_')}-*/"))), None) or _get(cache, package)
    release = root.name.rpartition("-")[2]
    paths = sorted((root / folder).glob(pattern), key=lambda path: (path.stat().st_size, path.name))
    return [Example(f"{package}-{_name(path, root / folder)}", f"{package} {release}", path) for path in paths]


def _name(path: Path, folder: Path) -> str:
    return "-".join(path.relative_to(folder).with_suffix("").parts).replace("plot_", "")


def _get(cache: Path, package: str) -> Path:
    """Find the source distribution as pip would, without building it as `pip download` does."""
    archive, content = _download(package)
    cache.mkdir(parents=True, exist_ok=True)
    (cache / archive).write_bytes(content)
    with tarfile.open(cache / archive) as opened:
        opened.extractall(cache, filter="data")
    return cache / archive.removesuffix(".tar.gz")


def _download(package: str) -> tuple[str, bytes]:
    from pip._internal.commands import create_command
    from pip._vendor.packaging.specifiers import SpecifierSet

    # pip has no public way to this; its own command knows the index, mirrors, certificates and proxies that are set.
    command = create_command("download")
    options, _ = command.parse_args(["--no-deps", "--no-binary", ":all:", "--quiet", package])
    with command.main_context():
        session = command._build_session(options, retries=1, timeout=20)  # type: ignore[attr-defined]
        finder = command._build_package_finder(options, session)  # type: ignore[attr-defined]
        # Examples go with a version: that which is installed.
        wanted = SpecifierSet(f"=={version(package)}")
        candidate = finder.find_best_candidate(package, wanted).best_candidate
        if candidate is None:
            raise NoIndex(f"pip finds no source distribution of {package}: is the package index within reach?")
        try:
            answer = session.get(candidate.link.url, headers={"Accept-Encoding": "identity"})
            answer.raise_for_status()
        except OSError as error:
            raise NoIndex(f"the package index does not give the source distribution of {package}: {error}") from None
    _check(candidate.link, answer.content)
    return candidate.link.filename, answer.content


def _check(link: object, content: bytes) -> None:
    import hashlib

    name, expected = getattr(link, "hash_name", None), getattr(link, "hash", None)
    if name and hashlib.new(name, content).hexdigest() != expected:
        raise NoIndex("the source distribution that was downloaded is not the one that the index names")
