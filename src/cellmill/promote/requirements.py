"""What was installed at promotion: packages that the notebook imports and that run it, with all that they need."""

from __future__ import annotations

import ast
import json
import re
import sys
from email.parser import HeaderParser
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec

from cellmill.dataflow.source import cell_code
from cellmill.notebook.installs import installs_in
from cellmill.notebook.steps import Steps

_ALWAYS = ("ploomber", "ipykernel", "cloudpickle", "pyarrow")


def requirements_lock(steps: Steps) -> str:
    """One ``name==version`` a line, sorted; plain pip installs it."""
    modules = _imported(steps)
    wanted = {_normal(name) for name in _ALWAYS}
    for module in modules:
        wanted |= {_normal(name) for name in _distributions().get(module, [])}
    asked = _asked_for(steps)
    versions = _with_needs(wanted | asked.keys())
    locked = {name: f"{name}=={version}" for name, version in versions.items()}
    # What a cell installs and this machine does not have is named as the cell names it.
    lines = [text for _, text in sorted((asked | locked).items())]
    return (
        "# Installed when the notebook was promoted: what it imports, what runs it, and what those need.\n"
        + "\n".join(lines)
        + "\n"
    )


def _asked_for(steps: Steps) -> dict[str, str]:
    """Packages that promoted cells install, by their normal names, as the author asked for them."""
    found: dict[str, str] = {}
    for tagged in steps.promoted:
        for one in installs_in(tagged.cell):
            for text in () if one.conda else one.packages:
                name = re.match(r"[A-Za-z0-9._-]+", text)
                if name:
                    found.setdefault(_normal(name[0]), text.replace(" ", ""))
    return found


def missing_modules(steps: Steps) -> list[tuple[str, int, int]]:
    """Imports that find no module here: (module, cell number, line)."""
    missing = []
    folder = str(steps.notebook.path.parent)
    for module, (cell, line) in _imported(steps).items():
        if module in sys.stdlib_module_names or module in _distributions():
            continue
        if (steps.notebook.path.parent / f"{module}.py").exists() or (steps.notebook.path.parent / module).is_dir():
            continue
        if not _is_found(module) and folder:
            missing.append((module, cell, line))
    return missing


def unlocked_modules(steps: Steps) -> list[tuple[str, int, int, str]]:
    """Imports that work here and that the lock can't give another machine: (module, cell number, line, why)."""
    found = []
    for module, (cell, line) in _imported(steps).items():
        beside = steps.notebook.path.parent / module
        if module in sys.stdlib_module_names or beside.with_name(f"{module}.py").exists() or beside.is_dir():
            continue
        if module == "cellmill":
            continue
        names = _distributions().get(module, [])
        if not names:
            if _is_found(module):
                found.append((module, cell, line, "it is on the import path and of no package"))
        elif all(_is_local(name) for name in names):
            found.append((module, cell, line, f"its package {names[0]} was installed from a folder"))
    return found


def _is_found(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


@lru_cache(maxsize=256)
def _is_local(distribution: str) -> bool:
    """Whether pip installed it from a folder or a file, not from an index (PEP 610)."""
    try:
        text = metadata.distribution(distribution).read_text("direct_url.json")
        url = json.loads(text or "{}").get("url", "")
    except (metadata.PackageNotFoundError, ValueError, AttributeError):
        return False
    return isinstance(url, str) and url.startswith("file:")


def _imported(steps: Steps) -> dict[str, tuple[int, int]]:
    """Top-level module names that promoted cells import, with where."""
    found: dict[str, tuple[int, int]] = {}
    promoted = [*steps.parameters, *steps.shared, *(one for step in steps.steps for one in (*step.cells, *step.checks))]
    for tagged in promoted:
        # The editor asks after every pause in typing, and few cells import.
        code = cell_code(tagged) if "import" in tagged.body else None
        if code is None:
            continue
        for node in ast.walk(code.tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], (tagged.cell.number, getattr(node, "lineno", 1)))
    return found


@lru_cache(maxsize=1)
def _distributions() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())


def _with_needs(wanted: set[str]) -> dict[str, str]:
    """Versions of the packages and of everything that they need, as installed."""
    versions: dict[str, str] = {}
    waiting = sorted(wanted)
    seen = set(waiting)
    while waiting:
        name = waiting.pop()
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        itself, version, needs = _facts(found)
        if itself == "cellmill":
            continue
        versions[itself] = version
        for text in needs:
            if "extra ==" in text or "extra==" in text:
                continue
            need = re.match(r"[A-Za-z0-9._-]+", text)
            if need and _normal(need[0]) not in seen:
                seen.add(_normal(need[0]))
                waiting.append(_normal(need[0]))
    return versions


def _facts(found: metadata.Distribution) -> tuple[str, str, tuple[str, ...]]:
    """A package's normal name, its version and what it needs."""
    text = found.read_text("METADATA")
    if text is None:  # an old kind of package, which says what it needs in another file
        return _normal(found.metadata["Name"]), found.version, tuple(found.requires or ())
    return _facts_in(text)


@lru_cache(maxsize=2048)
def _facts_in(text: str) -> tuple[str, str, tuple[str, ...]]:
    """The same of a wheel's metadata. By its text, as a server lives on when packages are installed."""
    headers = HeaderParser().parsestr(text)
    return _normal(headers["Name"]), headers["Version"], tuple(headers.get_all("Requires-Dist") or ())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
