"""The command itself: help, names, errors, and what it imports."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from cellmill import __version__
from cellmill.cli import COMMANDS

Cellmill = Callable[..., Result]


def test_help_lists_what_each_command_says_of_itself(cellmill: Cellmill) -> None:
    listed = cellmill("-h").output
    for name, words in COMMANDS.items():
        command = getattr(importlib.import_module(f"cellmill.cli.{name}"), name)
        assert isinstance(command, click.Command)
        assert command.get_short_help_str(200) == words
        assert words in listed


def test_every_command_has_help(cellmill: Cellmill) -> None:
    for name in COMMANDS:
        result = cellmill(name, "--help")
        assert result.exit_code == 0
        assert result.output.startswith("Usage: main")


def test_version(cellmill: Cellmill) -> None:
    assert cellmill("--version").output == f"cellmill, version {__version__}\n"


def test_an_unknown_command_gets_the_close_match(cellmill: Cellmill) -> None:
    result = cellmill("promot")

    assert result.exit_code == 2
    assert "There is no command promot; did you mean promote?" in result.stderr


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from cellmill.cli import main\ntry: main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    heavy = {"ploomber", "papermill", "mlflow", "pandas", "numpy", "nbformat", "rich", "pydantic", "yaml", "IPython"}
    assert loaded & heavy == set()
    assert {name for name in loaded if name.startswith("cellmill.cli.")} == set()


def test_an_error_is_one_sentence_on_stderr(cellmill: Cellmill, project: Path) -> None:
    result = cellmill("check", "nowhere.ipynb")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: nowhere.ipynb")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("place", ["before", "after", "environment"])
def test_a_traceback_is_shown_when_asked_for(cellmill: Cellmill, project: Path, place: str) -> None:
    arguments = {"before": ["--traceback", "check"], "after": ["check", "--traceback"], "environment": ["check"]}[place]

    result = cellmill(*arguments, "nowhere.ipynb", env={"CELLMILL_TRACEBACK": "1"} if place == "environment" else {})

    assert result.exit_code == 1
    assert "Traceback (most recent call last)" in result.stderr
    assert "CellmillError: nowhere.ipynb" in result.stderr


def test_an_unexpected_exception_says_what_and_where(
    cellmill: Cellmill, write_notebook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> None:
        raise KeyError("x")

    monkeypatch.setattr("cellmill.promote.plan.examine", broken)
    result = cellmill("check", str(write_notebook()))

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: KeyError: 'x' (unexpected in check.py, line ")
    assert "run it again with --traceback" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_grammar_that_notebooks_do_not_need_is_compiled_when_it_is_asked_for() -> None:
    code = (
        "import sys\n"
        "from cellmill.lazy_imports import put_off_slow_imports\n"
        "put_off_slow_imports()\n"
        "import jsonschema\n"
        "print('rfc3987_syntax.syntax_helpers' in sys.modules)\n"
        "checker = jsonschema.Draft202012Validator.FORMAT_CHECKER\n"
        "print(checker.conforms('http://example.org/\xfc', 'iri'), checker.conforms('no iri', 'iri'))\n"
        "print('rfc3987_syntax.syntax_helpers' in sys.modules)\n"
        "import rfc3987_syntax\n"
        "print(rfc3987_syntax.is_valid_syntax('iri', 'no iri'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "False", "True", "False"]


def test_libraries_that_few_runs_need_are_imported_when_they_are_used() -> None:
    code = """
import sys
from cellmill.lazy_imports import OF_ENGINES, put_off, put_off_slow_imports
put_off_slow_imports()
with put_off(OF_ENGINES):
    import cellmill.run.executor
heavy = ("pandas", "numpy", "pyarrow", "sqlalchemy", "matplotlib", "boto3", "requests", "joblib", "jupyter_server")
print([name for name in heavy if name in sys.modules])
import papermill.engines, papermill.iorw, ploomber.clients.db, ploomber.io.unserialize
print(ploomber.io.unserialize.pd.DataFrame({"a": [1]}).shape)
import pandas
print(pandas.io.json.read_json is ploomber.io.unserialize.pd.read_json)
print(ploomber.clients.db.sqlalchemy.create_engine("sqlite://").name)
print(papermill.engines.papermill_engines.get_engine("debug").execute_managed_notebook.__module__)
try:
    papermill.iorw.HttpHandler.read("http://127.0.0.1:9/none")
except papermill.iorw.requests.exceptions.ConnectionError as error:
    print(type(error).__module__)
import boto3.session
print(boto3.session.Session.__module__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = ["[]", "(1, 1)", "True", "sqlite", "ploomber_engine.engine", "requests.exceptions", "boto3.session"]
    assert done.stdout.splitlines() == told
