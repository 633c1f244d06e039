"""What `cellmill check` says of figures that steps share, and of modules that remember."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from cellmill.cli import main

PLT = "import matplotlib.pyplot as plt"
ERROR, WARNING = [("CM314", "error")], [("CM314", "warning")]
FIGURES = {
    "a new, empty one is used": ([PLT, "plt.plot([1])", "plt.title('t')"], WARNING),
    "one was opened for it": ([PLT, "plt.figure()", "plt.plot([1])"], WARNING),
    "one was opened for a table": ([PLT, "t = open_table()\nplt.figure()", "t.plot()"], WARNING),
    "each draws its own": ([PLT, "plt.figure()\nplt.plot([1])", "plt.plot([2])"], []),
    "it was shown": ([PLT, "plt.figure()\nplt.show()", "plt.title('t')"], []),
    "a backend keeps it": ([f"%matplotlib qt\n{PLT}", "plt.plot([1])", "plt.plot([2])"], ERROR),
    "a setting keeps it": (
        [f"%config InlineBackend.close_figures = False\n{PLT}", "plt.plot([1])", "plt.grid()"],
        ERROR,
    ),
    "the usual backend": ([f"%matplotlib inline\n{PLT}", "plt.plot([1])", "plt.plot([2])"], []),
}
MODULES = {
    "words.py": "import re\nfinder = re.compile('a')\ndef find(x):\n    return finder.scanner(x).match()\n",
    "seen.py": "items = {}\ndef see(x):\n    items[x] = 1\ndef note(x):\n    see(x)\ndef count(): return len(items)\n",
    "facade.py": "from seen import see, count\n",
    "local.py": "items = []\ndef work(x):\n    items = [x]\n    items.append(x)\n    return items\n",
}
REMEMBER = {
    "a pattern is steady": (["import words", "words.find('a')", "print(words.find('b'))"], []),
    "an entry is set": (["import seen", "seen.see(1)", "print(seen.count())"], [("CM313", "error")]),
    "by another function": (["import seen", "seen.note(1)", "print(seen.count())"], [("CM313", "error")]),
    "by another's name": (["import facade", "facade.see(1)", "print(facade.count())"], [("CM313", "error")]),
    "read directly": (["import seen", "seen.see(1)", "print(seen.items)"], [("CM313", "error")]),
    "a name of its own": (["import local", "local.work(1)", "print(local.work(2))"], []),
    "only one step": (["import seen", "seen.see(1)\nprint(seen.count())", "print(1)"], []),
}


KEEPS = {
    "rowz": ("no cell above makes `rowz`", "you may have meant rows"),
    "later": ("no cell above makes `later`", "take `later` out of --keeps"),
    "rows": None,
    "show": None,
}


def check(path: Path, *cells: tuple[str, str]) -> list[dict[str, str]]:
    notebook = nbformat.v4.new_notebook()
    for tag, source in cells:
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}))
    nbformat.write(notebook, path)
    return json.loads(CliRunner().invoke(main, ["check", str(path), "--json"]).stdout)["findings"]


@pytest.mark.parametrize("cells, told", (FIGURES | REMEMBER).values(), ids=(FIGURES | REMEMBER))
def test_told(cells: list[str], told: list[tuple[str, str]], tmp_path: Path):
    for name, text in MODULES.items():
        (tmp_path / name).write_text(text)
    findings = check(tmp_path / "study.ipynb", *zip(("shared", "step:a", "step:b"), cells, strict=True))
    assert [(one["code"], one["severity"]) for one in findings if one["code"] in ("CM313", "CM314")] == told


@pytest.mark.parametrize("name, told", KEEPS.items())
def test_a_name_that_nothing_makes_cant_be_kept(name: str, told: tuple[str, str] | None, tmp_path: Path):
    middle = f"%%step show --keeps {name}\nshow(rows)"
    cells = [("shared", "from pprint import pformat as show"), ("step:load", "rows = [1]"), ("step:show", middle)]
    findings = check(tmp_path / "study.ipynb", *cells, ("step:end", "later = rows"))
    found = [(one["message"], one["remedy"]) for one in findings if one["code"] == "CM312"]
    assert found == ([(f"step show says --keeps {name}, and {told[0]}", told[1])] if told else [])
