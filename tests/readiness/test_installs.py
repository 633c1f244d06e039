"""Lines that install packages: left out of the pipeline, told, and their packages locked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cellmill.cli import main
from cellmill.promote import make_plan


def task(notebook: Path, name: str = "load") -> str:
    return make_plan(notebook).files[f"tasks/{name}.py"].decode()


@pytest.mark.parametrize(
    "line",
    [
        "%pip install -q pyyaml",
        "!pip install pyyaml",
        "!pip3 install --upgrade 'pyyaml>=6' ",
        "!python -m pip install pyyaml",
        "!{sys.executable} -m pip install pyyaml",
        "%conda install -y pyyaml",
        "!uv pip install pyyaml",
        "!pip install \\\n    pyyaml \\\n    click",
    ],
)
def test_an_installing_line_is_told_and_left_out(check, write: Callable[..., Path], line: str):
    cells = ((f"import sys\n{line}\nimport yaml  # mine", "step:load"),)
    told = [(one["severity"], one["cell"], one["line"]) for one in check(*cells)["findings"] if one["code"] == "CM504"]
    assert told == [("warning", 1, 2)]
    text = task(write(*cells))
    assert "install" not in text
    assert "import yaml  # mine" in text


@pytest.mark.parametrize(
    "line",
    [
        "!pip list",
        "!echo pip install pyyaml",
        'text = "!pip install pyyaml"',
        "!pip install pyyaml && echo done",
        "# %pip install pyyaml",
        "%run install.py",
    ],
)
def test_other_lines_stay(check, write: Callable[..., Path], line: str):
    cells = ((f"x = 1\n{line}", "step:load"),)
    assert "CM504" not in [one["code"] for one in check(*cells)["findings"]]
    assert line in task(write(*cells)).replace("# %", "# %").replace("# !", "!").replace("# %run", "%run")


def test_text_that_only_looks_like_one_stays(check, write: Callable[..., Path]):
    cells = (('note = """\n!pip install pyyaml\n"""\nprint(note)', "step:load"),)
    assert "CM504" not in [one["code"] for one in check(*cells)["findings"]]
    assert "!pip install pyyaml" in task(write(*cells))


def test_the_line_below_an_if_leaves_something_to_run(write: Callable[..., Path]):
    text = task(write(("new = False\nif new:\n    %pip install pyyaml\nprint(new)", "step:load")))
    assert "if new:\n    pass\nprint(new)" in text


def test_the_lock_names_what_the_lines_install(write: Callable[..., Path]):
    notebook = write(
        ("%pip install -q 'PyYAML>=5' a-package-nobody-has==1.2 -r more.txt git+https://example.org/x.git", "shared"),
        ("print(1)", "step:load"),
    )
    files = make_plan(notebook).files
    lock = files["requirements.lock"].decode().splitlines()
    assert [line for line in lock if line.startswith("pyyaml==")]
    assert "a-package-nobody-has==1.2" in lock
    assert lock[1:] == sorted(lock[1:], key=lambda line: line.partition("==")[0])
    assert not [line for line in lock if "more.txt" in line or "git+" in line]
    assert b"install" not in files["churn_shared.py"]


def test_what_the_lock_can_not_name_is_told(check):
    content = check(("%pip install -r more.txt", "step:load"))
    told = next(one for one in content["findings"] if one["code"] == "CM504")
    assert "more.txt" in told["remedy"]


def test_an_installation_makes_no_difference_to_verify(write: Callable[..., Path]):
    # pip has nothing to fetch for what is there, and says so in the notebook only.
    notebook = write(("%pip install pyyaml\nimport yaml", "step:load"), ("print(yaml.dump([1]))", "step:show"))
    told = CliRunner().invoke(main, ["verify", str(notebook)])
    assert told.exit_code == 0, told.output
    assert "1 cell show" in told.output
