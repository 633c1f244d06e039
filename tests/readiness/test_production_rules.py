"""Rules on what works at the author's desk only: for each, what it finds, and what comes near and is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Found = Callable[..., list[tuple[str, int | None, int | None]]]


@pytest.mark.parametrize(
    "text",
    [
        "/home/ada/data/rows.csv",
        "/".join(("", "Users", "ada", "rows.csv")),
        "~/rows.csv",
        "C:\\\\data\\\\rows.csv",
        "D:/data/rows.csv",
        "/kaggle/input/rows.csv",
        "/mnt/share/rows.csv",
    ],
)
def test_a_path_of_the_authors_machine_is_found(found: Found, text: str):
    assert found((f'import csv\nrows = open("{text}").read()', "step:load")) == [("absolute-path", 1, 2)]


@pytest.mark.parametrize(
    "text",
    [
        "data/rows.csv",
        "../rows.csv",
        "/tmp/rows.csv",
        "/usr/bin",
        "/dev/null",
        "https://example.org/home/ada/rows.csv",
        "/api/v1/rows",
        "y ~ x + z",
        "~",
        "/",
        "a:b",
        "%H:%M",
        "12:/30",
    ],
)
def test_other_texts_are_no_paths_of_a_machine(found: Found, text: str):
    assert found((f'rows = "{text}"\nprint(rows)', "step:load")) == []


def test_a_path_that_exists_here_is_found_wherever_it_is(found: Found):
    # This file's folder is no user's, as far as its name says, in a container or a build.
    here = Path(__file__).resolve()
    if str(here).startswith(("/tmp", "/usr")):
        pytest.skip("the repository stands where every machine has files")
    assert ("absolute-path", 1, 1) in found((f'print("{here}")', "step:load"))


def test_a_path_in_a_docstring_or_a_parameter_is_left_alone(found: Found):
    text = 'def load():\n    "Reads /home/ada/rows.csv."\n    """/home/ada"""\n    return 1'
    parameters = ('source = "/home/ada/rows.csv"', "parameters")
    assert found((text, "shared"), parameters, ("print(source, load())", "step:a")) == [("absolute-path", 1, 3)]


@pytest.mark.parametrize(
    "line",
    [
        'password = "Xq8-vvT2-mmP0"',
        'db = connect(user="ada", password="tr0ub4dor&3")',
        'settings = {"api_key": "9f8a7b6c5d4e3f2a1b0c"}',
        'url = "postgresql://ada:s3cr3tpw@db.example.org/churn"',
        'key = "AKIAIOSFODNN7EXAMPLQ"',
        'token = "ghp_' + "a1B2" * 9 + '"',
    ],
)
def test_a_credential_is_found_and_not_repeated(check: Callable[..., dict], line: str):
    content = check((f"connect = print\n{line}", "step:load"))
    told = [one for one in content["findings"] if one["kind"] == "credential"]
    assert [(one["cell"], one["line"], one["severity"]) for one in told] == [(1, 2, "warning")]
    assert not any(part in str(told) for part in ("Xq8", "tr0ub4dor", "9f8a", "s3cr3tpw", "AKIA", "ghp_"))


@pytest.mark.parametrize(
    "line",
    [
        'password = os.environ["DATABASE_PASSWORD"]',
        'label = "password"',
        'password_column = "password"',
        'text = "Forgot your password? Write to us"',
        'password = "your_password"',
        'sha = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
        'passwords = read("passwords.csv")',
        'url = "https://example.org/churn"',
    ],
)
def test_what_only_speaks_of_credentials_is_left_alone(found: Found, line: str):
    assert found((f"import os\nread = print\n{line}", "step:load")) == []


def test_what_waits_for_a_keyboard_stops_promotion(check: Callable[..., dict]):
    content = check(
        ("from getpass import getpass", "shared"),
        ('country = input("Which? ")', "step:load"),
        ("def ask():\n    return getpass()\nword = ask", "step:ask"),
    )
    told = [one for one in content["findings"] if one["kind"] == "keyboard-input"]
    assert [(one["cell"], one["line"], one["severity"]) for one in told] == [(2, 1, "error"), (3, 2, "warning")]
    assert not content["ready"]


def test_a_function_called_input_of_the_notebooks_own_is_left_alone(found: Found):
    assert found(("def input(text):\n    return text", "shared"), ('country = input("NL")', "step:load")) == []


@pytest.mark.parametrize(
    "line,remedy",
    [
        ("random.random()", "random.seed(0)"),
        ("np.random.rand(3)", "numpy.random.seed(0)"),
        ("np.random.default_rng()", "default_rng(0)"),
        ("default_rng(None)", "default_rng(0)"),
        ("train_test_split([1, 2])", "train_test_split(..., random_state=0)"),
        ("train_test_split([1, 2], random_state=None)", "random_state=0"),
        ("KFold(shuffle=True)", "KFold(..., random_state=0)"),
        ("RandomForestClassifier(n_estimators=5)", "RandomForestClassifier(..., random_state=0)"),
        ("pd.DataFrame().sample(n=3)", "sample(..., random_state=0)"),
    ],
)
def test_random_numbers_without_a_seed_are_told_with_the_line_to_write(check, line: str, remedy: str):
    content = check((f"{IMPORTS}\nprint({line})", "step:draw"))
    told = [one for one in content["findings"] if one["kind"] == "unseeded-random"]
    assert [(one["cell"], one["line"]) for one in told] == [(1, 8)]
    assert remedy in told[0]["remedy"]


IMPORTS = """import random
import numpy as np
import pandas as pd
from numpy.random import default_rng
from sklearn.model_selection import train_test_split, KFold
from sklearn.ensemble import RandomForestClassifier
import math"""


@pytest.mark.parametrize(
    "line",
    [
        "random.seed(3); print(random.random())",
        "np.random.seed(3); print(np.random.rand(3))",
        "np.random.seed(3); print(train_test_split([1, 2]))",
        "print(np.random.default_rng(3).normal())",
        "print(train_test_split([1, 2], random_state=3))",
        "print(KFold())",
        "options = {}; print(train_test_split([1, 2], **options))",
        "print(random.Random(3).random())",
        "print(pd.DataFrame().sample(n=3, random_state=1))",
        "print(math.floor(1.5))",
    ],
)
def test_seeded_random_numbers_are_left_alone(found: Found, line: str):
    kinds = [kind for kind, _, _ in found((f"{IMPORTS}\n{line}", "step:draw"))]
    assert "unseeded-random" not in kinds


def test_a_seed_in_another_cell_of_the_pipeline_counts_and_one_outside_does_not(found: Found):
    draw = ("import random\nprint(random.random())", "step:draw")
    assert "unseeded-random" not in str(found(("import random\nrandom.seed(1)", "shared"), draw))
    assert ("unseeded-random", 2, 2) in found(("import random\nrandom.seed(1)", "skip"), draw)
    assert ("unseeded-random", 2, 2) in found(("import random\nrandom.seed()", "shared"), draw)


def test_a_shared_cell_that_fetches_is_told_once(found: Found):
    fetching = (
        "import urllib.request\ndef load(url):\n    return urllib.request.urlopen(url)\nrates = load('https://x')"
    )
    assert found((fetching, "shared"), ("print(rates)", "step:show")) == [("network-in-shared", 1, 4)]
    reading = (
        "import pandas as pd\none = pd.read_csv('https://example.org/a')\ntwo = pd.read_csv('https://example.org/b')"
    )
    assert found((reading, "shared"), ("print(one, two)", "step:show")) == [("network-in-shared", 1, 2)]


def test_what_fetches_in_a_step_or_only_when_called_is_left_alone(found: Found):
    function = "import urllib.request\ndef load(url):\n    return urllib.request.urlopen(url)"
    assert found((function, "shared"), ("print(load('https://x'))", "step:show")) == []
    assert found(("import pandas as pd\nrows = pd.read_csv('a.csv')", "shared"), ("print(rows)", "step:show")) == []


def test_cells_without_a_tag_are_noted_once(check: Callable[..., dict]):
    content = check(
        ("score = 1", "step:train"),
        ("%load_ext cellmill", None),
        ("print(score)", None),
        ("# nothing", None),
        ("", None),
        ("score * 2", None),
        ("score * 3", "skip"),
    )
    told = [one for one in content["findings"] if one["kind"] == "untagged-cells"]
    assert [(one["severity"], one["cell"]) for one in told] == [("info", 3)]
    assert told[0]["message"].startswith("2 code cells have no tag")
    assert told[0]["message"].endswith("cells 3, 6")
    assert content["ready"]


def test_a_cell_that_a_step_needs_is_told_as_that_and_not_noted_too(found: Found):
    assert found(("rows = [1]", None), ("print(len(rows))", "step:count")) == [("untagged-name", 2, 1)]


def test_a_module_that_no_index_has_is_told(check, project: Path, monkeypatch: pytest.MonkeyPatch):
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "our_own_tools.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(elsewhere)
    content = check(("import our_own_tools\nimport numpy", "step:load"))
    told = [(one["kind"], one["name"]) for one in content["findings"] if one["kind"] != "no-outputs"]
    assert told == [("not-locked", "our_own_tools")]
    (project / "our_own_tools.py").write_text("", encoding="utf-8")
    assert "not-locked" not in str(check(("import our_own_tools", "step:load"))["findings"])
