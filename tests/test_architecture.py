"""Rules that no linter holds: what a start loads, how long a function is, what may not be committed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SOURCES = sorted((ROOT / "src").rglob("*.py"))

# The linter keeps these out of module level; a call at module level could still load them.
HEAVY = set(PYPROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"])

SCREEN = 60


def _loaded(script: str) -> set[str]:
    """Top-level modules that a script has loaded in a new interpreter."""
    report = "import sys; print(' '.join(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\n{report}"], text=True, capture_output=True, check=True, timeout=60
    )
    return set(done.stderr.splitlines()[-1].split())


def _command(*arguments: str) -> str:
    return f"from cellmill.cli import main\ntry: main({list(arguments)!r})\nexcept SystemExit: pass"


def test_import_loads_nothing_heavy():
    assert _loaded("import cellmill") & HEAVY == set()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["no-such-command"]], ids=" ".join)
def test_the_bare_command_loads_nothing_heavy(arguments):
    assert _loaded(_command(*arguments)) & (HEAVY | {"pydantic", "pytest", "yaml"}) == set()


@pytest.mark.parametrize("command", ["check", "promote", "run", "tag", "track", "verify"])
def test_help_of_a_command_loads_nothing_heavy(command):
    assert _loaded(_command(command, "--help")) & HEAVY == set()


def test_the_pytest_plugin_costs_other_peoples_tests_nothing():
    assert _loaded("import pytest, cellmill.pytest_plugin") & HEAVY == set()


def test_the_magics_load_without_the_slow_libraries():
    loaded = _loaded(
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance().run_line_magic('load_ext', 'cellmill')"
    )
    assert "cellmill" in loaded
    assert loaded & {"mlflow", "ploomber", "papermill", "pandas", "nbconvert", "jupytext"} == set()


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT / "src")))
def test_a_function_fits_on_a_screen(file):
    functions = [
        node
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]

    assert [f"{node.name} has {_length(node)} lines" for node in functions if _length(node) > SCREEN] == []


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of code: without decorators, signature and docstring, which may be long."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_files_are_named_for_what_is_in_them():
    assert [file.name for file in SOURCES if file.stem in {"common", "helpers", "misc", "utils"}] == []


def test_nothing_committed_names_the_machine_it_was_written_on():
    """A saved output or a lock file easily holds a path of the author's; the documents' terminals are Ada's."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, text=True, capture_output=True, check=True).stdout
    path = re.compile(rb"(?<![\w.])/(?:root|home/(?!ada/)\w{2,}|Users/\w{2,}|work/(?:main|shared))/")
    files = [ROOT / name for name in listed.split("\0") if name]

    assert [
        f"{f.relative_to(ROOT)}: {m[0]!r}" for f in files if f.is_file() for m in path.finditer(f.read_bytes())
    ] == []
