"""Tags proposed from headings, and written without touching anything else in the file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
import pytest

from cellmill.errors import CellmillError
from cellmill.notebook import propose_tags, read_notebook, read_steps, write_tags
from cellmill.notebook.identifiers import to_identifier
from cellmill.notebook.parts import propose_parts

TYPICAL = (
    "md:# Churn\n\nWho leaves?",
    "%load_ext cellmill",
    "import os\nimport warnings\n\nwarnings.filterwarnings('ignore')\n%matplotlib inline",
    "test_size = 0.2\nseed: int = 42",
    "md:## 1. Load the data",
    "x = [test_size]",
    "def double(values):\n    return [2 * v for v in values]",
    "",
    "# nothing",
    "md:## 2. Features\n\n```\n# not a heading\n```",
    "y = double(x)",
    "md:### Scaling",
    "z = y",
    "md:## 3. [Train](http://x.y/z) `model`",
    "%%time\nmodel = z",
    "def uses_a_step():\n    return model",
)


def proposed(notebook) -> list[tuple[int, str]]:
    return [(cell.number, tag) for cell, tag in propose_tags(notebook)]


def test_a_typical_notebook_gets_what_its_author_would_write(notebook) -> None:
    assert proposed(notebook(*TYPICAL)) == [
        (3, "shared"),
        (4, "parameters"),
        (6, "step:load_the_data"),
        (7, "shared"),
        (11, "step:features"),
        (13, "step:features"),
        (15, "step:train_model"),
        (16, "step:train_model"),
    ]


def test_the_proposal_when_written_is_ready_to_be_read(write) -> None:
    path = write(*TYPICAL)
    write_tags(path, propose_tags(read_notebook(path)))
    steps, findings = read_steps(read_notebook(path))
    assert not findings
    assert [step.name for step in steps.steps] == ["load_the_data", "features", "train_model"]
    assert propose_tags(read_notebook(path)) == ()


def test_the_heading_level_is_the_coarsest_that_gives_3_to_12_steps(notebook) -> None:
    parts = [
        text for n in range(2) for text in (f"md:# Part {n}", *(c for m in range(4) for c in (f"md:## Do {m}", "f()")))
    ]
    found = proposed(notebook(*parts))
    assert len({tag for _, tag in found}) == 8
    assert {"step:do_0", "step:do_0_2"} <= {tag for _, tag in found}
    many = [
        text for n in range(3) for text in (f"md:# Part {n}", *(c for m in range(9) for c in (f"md:## Do {m}", "f()")))
    ]
    assert {tag for _, tag in proposed(notebook(*many))} == {"step:part_0", "step:part_1", "step:part_2"}
    flat = [text for n in range(20) for text in (f"md:## Part {n}", "f()")]
    assert len({tag for _, tag in proposed(notebook(*flat))}) == 20
    assert len({tag for _, tag in proposed(notebook("md:# Study", *flat))}) == 20, "a title is no section"
    few = ["md:# One", "f()", "md:# Two", "f()"]
    assert [tag for _, tag in proposed(notebook(*few))] == ["step:one", "step:two"]


def test_cells_that_have_a_role_keep_it(notebook) -> None:
    found = proposed(
        notebook("md:# Load", ("f()", "step:clean"), "g()", "%%skip\nh()", "md:# Clean", "i()", ("n = 1", "parameters"))
    )
    assert found == [(3, "step:load"), (6, "step:clean_2")]


def test_a_cell_is_shared_only_if_it_stands_alone(notebook) -> None:
    found = dict(
        proposed(
            notebook(
                "import os\nSEED = 1",
                "import random\nrandom.seed(1)",
                "def f(x):\n    return g(x) + SEED",
                "def g(x):\n    return os.fspath(x)",
                "md:# Work",
                "data = f(1)",
                "def late():\n    return data",
                "class A:\n    n = data",
                "@f\ndef decorated(): pass",
                "try:\n    import x\nexcept ImportError:\n    x = None",
                "%%capture\nimport os",
                "from math import *",
            )
        )
    )
    assert [number for number, tag in found.items() if tag == "shared"] == [1, 3, 4, 9, 10, 12]


def test_seeds_and_options_at_the_top_are_no_step_of_their_own(notebook) -> None:
    top = (
        "md:# Title",
        "import random\nN = 2\nrandom.seed(N)",
        "import pandas as pd\npd.set_option('a', 1)\nrandom.seed(1)",
    )
    found = proposed(notebook(*top, "md:## Load", "x = f()", "md:## Fit", "y = x", "md:## Show", "random.seed(1)"))
    assert [tag for _, tag in found] == ["step:load"] * 3 + ["step:fit", "step:show"]
    parts = propose_parts(notebook(*top, "a = 1\nb = f()", "c = 1\nd = f()"), 3)
    assert [tag for _, tag in parts] == ["step:part_1"] * 3 + ["step:part_2"]


def test_long_headings_that_begin_alike_are_told_apart_by_their_ends(notebook) -> None:
    found = proposed(
        notebook(
            *("md:# Comparing the two implementations of lasso on Dense data", "f()"),
            *("md:# Comparing the two implementations of lasso on Sparse data", "f()"),
            *("md:# Holt's method", "f()"),
            *("md:# Holt’s method", "f()"),
        )
    )
    assert [tag for _, tag in found] == [
        "step:implementations_of_lasso_on_dense_data",
        "step:implementations_of_lasso_on_sparse_data",
        "step:holts_method",
        "step:holts_method_2",
    ]


def test_what_sets_colours_and_options_is_shared_with_its_imports(notebook) -> None:
    found = proposed(
        notebook(
            "from typing import Literal\nkind: Literal['a', 'b'] = 'a'",
            "import matplotlib.pyplot as plt\nLOW, HIGH = '#111', '#222'\nBOTH = dict(zip([LOW], [HIGH]))\n"
            "plt.rcParams.update({'axes.grid': True})\nplt.rcParams['figure.dpi'] = 90\n"
            "plt.rc('font', size=14)",
            "md:# The Work",
            "import os\nHERE = os.getcwd()",
            "import os\nlow = 1",
        )
    )
    assert found == [(1, "parameters"), (2, "shared"), (4, "step:work"), (5, "step:work")]


def test_cells_of_assertions_become_checks(notebook) -> None:
    found = proposed(
        notebook("md:# Load", "assert True", "x = f()", "# fine\nassert x\nassert x > 1, 'few'", "assert x\ny = 1")
    )
    assert [tag for _, tag in found] == ["step:load", "step:load", "check:load", "step:load"]


def test_constants_become_parameters_only_above_the_work(notebook) -> None:
    assert proposed(notebook("md:# A", "import os", "n = -1\nxs = [1, 2]\nm = None", "k = 1")) == [
        (2, "shared"),
        (3, "parameters"),
        (4, "step:a"),
    ]
    assert proposed(notebook("import random\n\nrandom.seed(0)", "md:# A", "n = 1", "f()")) == [
        (1, "step:a"),
        (3, "parameters"),
        (4, "step:a"),
    ]
    assert "parameters" not in dict(proposed(notebook("md:# A", "f()", "n = 1"))).values()
    assert "parameters" not in dict(proposed(notebook("md:# A", "import os\nos.seed(f())\nf()", "n = 1"))).values()
    assert "parameters" not in dict(proposed(notebook("md:# A", "n = f()"))).values()


def test_equal_parts_have_about_as_many_lines(notebook) -> None:
    cells = ["import os", "n = 1", "a = f()\nb = 2\nc = 3", "f()", "g()", "h()", "assert c"]
    cut = [(cell.number, tag) for cell, tag in propose_parts(notebook(*cells), 2)]
    assert cut[:2] == [(1, "shared"), (2, "parameters")]
    assert [tag for _, tag in cut[2:]] == ["step:part_1", "step:part_2", "step:part_2", "step:part_2", "check:part_2"]
    assert len({tag for _, tag in propose_parts(notebook("f()", "g()"), 9)}) == 2
    with pytest.raises(CellmillError, match="0 equal parts"):
        propose_parts(notebook("f()"), 0)


def test_what_two_cells_define_is_not_shared(notebook) -> None:
    found = proposed(
        notebook(
            "import os\nfrom math import sin",
            "md:# A",
            "def f():\n    return 1",
            "f()",
            "import os.path\ndef g():\n    return os",
            "md:# B",
            "def f():\n    return 2",
            "from math import cos as sin\ndef h():\n    pass",
        )
    )
    assert [tag for _, tag in found] == ["step:a", "step:a", "step:a", "shared", "step:b", "step:b"]


def test_without_headings_one_sentence_says_what_to_do(notebook) -> None:
    with pytest.raises(CellmillError, match=r"no markdown heading stands above a code cell.*add headings such as ##"):
        propose_tags(notebook("x = f()", "md:# End"))


def test_cells_above_the_first_heading_are_a_step_of_their_own(notebook) -> None:
    found = proposed(notebook("f()", "md:# 🎉", "f()", "md:Setext\n===", "f()", "md:<h1 id='x'>By HTML</h1>", "f()"))
    assert [tag for _, tag in found] == ["step:step_1", "step:step_2", "step:setext", "step:by_html"]


@pytest.mark.parametrize(
    "text, name",
    [
        ("2.1 Load & clean", "load_clean"),
        ("Données d'entrée", "donnees_d_entree"),
        ("Größe prüfen", "grosse_prufen"),
        ("Загрузка данных", "загрузка_данных"),
        ("データの読み込み", "データの読み込み"),
        ("1. 数据 清洗", "数据_清洗"),
        ("Import", "import_"),
        ("**", ""),
        ("2024", ""),
        ("ﬁt № 5", "fit_no_5"),
        ("a" * 60, "a" * 40),
        ("Training and prediction of it with the DecisionTree and AdaBoost", "training_and_prediction_of_it"),
        ("one two three four five six seven eight nine", "one_two_three_four_five_six_seven_eight"),
    ],
)
def test_headings_in_any_language_become_identifiers(text, name) -> None:
    assert to_identifier(text) == name
    assert name == "" or name.isidentifier()


def test_reserved_names_are_avoided(notebook) -> None:
    found = proposed(notebook("md:# Parameters", "f()", "md:# Reference", "f()", "md:# Con", "f()"))
    assert [tag for _, tag in found] == ["step:parameters_step", "step:reference_step", "step:con_step"]


# ---- writing


def by_jupyter(document) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


FORMS = {
    "jupyter": by_jupyter,
    "compact": lambda document: json.dumps(document, separators=(",", ":")),
    "one line": json.dumps,
    "two spaces": lambda document: json.dumps(document, indent=2, ensure_ascii=False),
    "tabs, escapes": lambda document: json.dumps(document, indent="\t", ensure_ascii=True),
    "windows": lambda document: by_jupyter(document).replace("\n", "\r\n"),
    "byte order mark": lambda document: "\ufeff" + by_jupyter(document),
    "odd": lambda document: (
        by_jupyter(document).replace('"metadata": {}', '"metadata" : { }').replace('"tags": []', '"tags":[\n]')
    ),
}


def document() -> dict:
    cells = [
        {"metadata": {}, "source": "x = 'größe 数'"},
        {"metadata": {"tags": []}, "source": ["{}\n", '"tags": []']},
        {"metadata": {"tags": ["hide-input"]}, "source": "f()"},
        {"metadata": {"tags": ["a", "b"], "scrolled": True}, "source": "f()"},
        {"metadata": {"jupyter": {"tags": ["no"]}}, "source": "f()"},
        {"source": "f()"},
        {"metadata": {"z": float("nan"), "n": 1.10}, "source": "f()"},
        {"metadata": {}, "source": "untouched()"},
    ]
    for number, cell in enumerate(cells):
        cell |= {"cell_type": "code", "id": f"c{number}", "outputs": [], "execution_count": None}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"extra": {"big": 10**30, "x": "\u2028/"}}, "cells": cells}


@pytest.mark.parametrize("form", FORMS)
def test_writing_adds_tags_and_changes_no_other_byte(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.ipynb"
    before = FORMS[form](document())
    path.write_bytes(before.encode())
    cells = read_notebook(path).cells
    write_tags(path, [(cell, f"step:größe_{cell.number}") for cell in cells[:-1]])
    after = path.read_bytes().decode()
    assert [cell.tags for cell in read_notebook(path).cells] == [
        *((*cell.tags, f"step:größe_{cell.number}") for cell in cells[:-1]),
        (),
    ]
    assert is_subsequence(before, after)
    expected = document()
    for number, cell in enumerate(expected["cells"][:-1], start=1):
        cell.setdefault("metadata", {}).setdefault("tags", []).append(f"step:größe_{number}")
    assert plain(json.loads(after.removeprefix("\ufeff"))) == plain(expected)
    assert after.endswith(before[-3:])
    assert ("\r\n" in after) == ("\r\n" in before)
    assert form != "windows" or "\n" not in after.replace("\r\n", "")


def plain(document: dict) -> str:
    return json.dumps(document, sort_keys=True)


def is_subsequence(shorter: str, longer: str) -> bool:
    rest = iter(longer)
    return all(letter in rest for letter in shorter)


def test_a_file_that_jupyter_wrote_looks_as_jupyter_would_write_it(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    expected = document()
    del expected["cells"][5:7]
    path.write_text(by_jupyter(expected))
    write_tags(path, [(cell, "step:größe") for cell in read_notebook(path).cells])
    for cell in expected["cells"]:
        cell["metadata"].setdefault("tags", []).append("step:größe")
    assert path.read_text() == by_jupyter(expected)


def test_tags_that_are_there_already_are_not_added_twice(write) -> None:
    path = write(("x = 1", "step:a"))
    before = path.read_bytes()
    write_tags(path, [(read_notebook(path).cells[0], "step:a")])
    assert path.read_bytes() == before


def test_a_file_that_changed_meanwhile_is_not_touched(write) -> None:
    path = write("x = 1", "y = 1")
    proposals = [(cell, "step:a") for cell in read_notebook(path).cells]
    path.write_text(path.read_text().replace("y = 1", "y = 2"))
    before = path.read_bytes()
    with pytest.raises(CellmillError, match="cell 2: the file has changed since it was read; run the command again"):
        write_tags(path, proposals)
    assert path.read_bytes() == before


@pytest.mark.parametrize("metadata", ['{"tags": "step:a"}', '{"tags": null}', "null", "[]"])
def test_odd_metadata_is_refused_and_the_file_stays(write, metadata) -> None:
    path = write("x = 1")
    path.write_text(path.read_text().replace('"metadata": {},', f'"metadata": {metadata},', 1))
    before = path.read_bytes()
    with pytest.raises(CellmillError, match="tags can't be added without changing more; add them in Jupyter"):
        write_tags(path, [(read_notebook(path).cells[0], "step:a")])
    assert path.read_bytes() == before


def test_the_files_mode_and_a_link_to_it_stay(write, tmp_path) -> None:
    path = write("x = 1")
    path.chmod(0o640)
    link = tmp_path / "link.ipynb"
    link.symlink_to(path)
    write_tags(link, [(read_notebook(link).cells[0], "step:a")])
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert read_notebook(path).cells[0].tags == ("step:a",)
    assert sorted(os.listdir(tmp_path)) == ["churn.ipynb", "link.ipynb"]


def test_what_is_written_is_valid_for_nbformat(write) -> None:
    path = write(*TYPICAL)
    write_tags(path, propose_tags(read_notebook(path)))
    nbformat.validate(nbformat.read(path, as_version=4))
