"""What was installed at promotion: packages that the notebook imports and that run it, with all that they need."""

from __future__ import annotations

import ast
import re
import sys
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec

from cellmill.dataflow.source import cell_code
from cellmill.notebook.steps import Steps

_ALWAYS = ("ploomber", "ipykernel", "cloudpickle", "pyarrow")


def requirements_lock(steps: Steps) -> str:
    """One ``name==version`` a line, sorted; plain pip installs it."""
    modules = _imported(steps)
    wanted = {_normal(name) for name in _ALWAYS}
    for module in modules:
        wanted |= {_normal(name) for name in _distributions().get(module, [])}
    lines = [f"{name}=={version}" for name, version in sorted(_with_needs(wanted).items())]
    return (
        "# Installed when the notebook was promoted: what it imports, what runs it, and what those need.\n"
        + "\n".join(lines)
        + "\n"
    )


def missing_modules(steps: Steps) -> list[tuple[str, int, int]]:
    """Imports that find no module here: (module, cell number, line)."""
    missing = []
    folder = str(steps.notebook.path.parent)
    for module, (cell, line) in _imported(steps).items():
        if module in sys.stdlib_module_names or module in _distributions():
            continue
        if (steps.notebook.path.parent / f"{module}.py").exists() or (steps.notebook.path.parent / module).is_dir():
            continue
        try:
            found = find_spec(module)
        except (ImportError, ValueError):
            found = None
        if found is None and folder:
            missing.append((module, cell, line))
    return missing


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
        if _normal(found.metadata["Name"]) == "cellmill":
            continue
        versions[_normal(found.metadata["Name"])] = found.version
        for text in found.requires or []:
            if "extra ==" in text or "extra==" in text:
                continue
            need = re.match(r"[A-Za-z0-9._-]+", text)
            if need and _normal(need[0]) not in seen:
                seen.add(_normal(need[0]))
                waiting.append(_normal(need[0]))
    return versions


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
