"""Notebooks that can't be promoted: each costs one sentence and a finding, and no byte is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

Cells = tuple[tuple[str, str | None], ...]

UNREADABLE = {
    "text": (b"# notes\n\nnot a notebook\n", "this is not a notebook; name a file that Jupyter saved as .ipynb."),
    "binary": (b"\x89PNG\r\n\x1a\n\xff\xfe", "this is not a notebook (not UTF-8 text); name a file that Jupyter"),
    "empty": (b"", "the file is empty; open it in Jupyter and save it again."),
    "other JSON": (b'{"cells": []}', "this is JSON, but not a notebook; name a file that Jupyter saved as .ipynb."),
    "no cells": (b'{"nbformat": 4, "metadata": {}}', "this is not a notebook (it has no list of cells); name a file"),
    "R": (
        b'{"nbformat": 4, "metadata": {"kernelspec": {"language": "R"}}, "cells": []}',
        "the notebook is in R, cellmill reads Python notebooks; choose a Python kernel (Kernel > Change Kernel)",
    ),
    "merge": (
        b'{\n<<<<<<< HEAD\n "cells": [],\n=======\n>>>>>>> theirs\n}',
        "the file holds git's conflict marks; merge it with nbdime (nbdime mergetool).",
    ),
}


@pytest.mark.parametrize("content, sentence", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_notebook_is_told_so(project: Any, content: bytes, sentence: str) -> None:
    project.notebook.write_bytes(content)

    done = project.refused("promote", "notebooks/churn.ipynb")

    assert done.stderr.startswith(f"Error: notebooks/churn.ipynb: {sentence}")
    assert done.stdout == ""
    assert project.refused("check", "notebooks/churn.ipynb", "--json").stderr == done.stderr


@pytest.mark.parametrize("part", [0.3, 0.6, 0.99])
def test_truncated_json_is_told_with_its_line(project: Any, part: float) -> None:
    project.write(("x = 1\ny = 2", "step:load"), ("print(x)", "step:train"))
    content = project.notebook.read_bytes()[:-2]
    kept = content[: int(len(content) * part)]
    project.notebook.write_bytes(kept)

    done = project.refused("promote", "notebooks/churn.ipynb")

    told, _, remedy = done.stderr.partition("; ")
    start, _, line = told.rpartition(" at line ")
    assert start == "Error: notebooks/churn.ipynb: the file is cut off (truncated JSON)"
    assert abs(int(line.removesuffix(" of the file")) - kept.count(b"\n") - 1) <= 1
    assert remedy == "save it again in Jupyter, or take it back from git or .ipynb_checkpoints.\n"


@pytest.mark.parametrize(
    "word, sentence",
    [
        ("notebooks/chrun.ipynb", "notebooks/chrun.ipynb: there is no such file; did you mean notebooks/churn.ipynb?"),
        ("notebooks", "notebooks: this is a folder; name an .ipynb file in it."),
    ],
)
def test_a_wrong_path_is_told_with_the_right_one(project: Any, word: str, sentence: str) -> None:
    project.write(("x = 1", "step:load"))
    before = project.listing()

    done = project.cellmill("promote", word)

    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {sentence}\n")
    assert project.listing() == before


# What the cells are; code, kind, cell and line of the finding; words of its message and of its remedy.
NOT_READY: dict[str, tuple[Cells, tuple[str, str, int | None, int | None], str, str]] = {
    "no tags": (
        (("x = 1", None), ("print(x)", None)),
        ("CM101", "no-steps", None, None),
        "no cell is tagged, so there is nothing to promote",
        "type cellmill tag notebooks/churn.ipynb --from-headings --write, or put %%step NAME on the first line of a",
    ),
    "no steps": (
        (("n = 1", "parameters"), ("import os", "shared")),
        ("CM101", "no-steps", None, None),
        "cells are tagged, but none as a step",
        "put %%step NAME on the first line of a cell",
    ),
    "unknown step in --after": (
        (("x = 1", "step:load"), ("\n%%step train --after laod\nprint(1)", None)),
        ("CM111", "unknown-after", 2, 2),
        "step train is to run after laod, which is no step",
        "you may have meant load",
    ),
    "cycle by --after": (
        (("%%step load --after train\nx = 1", None), ("%%step train --after load\ny = 2", None)),
        ("CM112", "order-cycle", 1, 1),
        "--after goes round in a circle: load -> train -> load",
        "take one --after away, such as this one: %%step load",
    ),
    "after itself": (
        (("%%step load --after load\nx = 1", None),),
        ("CM112", "order-cycle", 1, 1),
        "step load is to run after itself",
        "take one --after away, such as this one: %%step load",
    ),
    "a cycle of --after and a variable": (
        (("%%step load --after train\nx = 1", None), ("print(x)", "step:train")),
        ("CM206", "step-cycle", 2, 1),
        "step train uses `x` of step load, and step load must run after step train by --after",
        "take --after train away from step load",
    ),
    "a cycle of --after and variables, by way of a third": (
        (("%%step load --after tune\nx = 1", None), ("y = x", "step:fit"), ("z = y", "step:tune")),
        ("CM206", "step-cycle", 2, 1),
        "step load needs step fit by way of fit -> tune -> load",
        "take --after tune away from step load",
    ),
    "apart, and each needs the other": (
        (("x = 1", "step:load"), ("y = x", "step:train"), ("z = y + 1", "step:load")),
        ("CM206", "step-cycle", 2, 1),
        "step train uses `x` of step load, and step load (cell 3) uses `y` of step train",
        "give the later cells of step load a step name of their own",
    ),
    "apart, and each needs the other by way of a third": (
        (("a = 1", "step:load"), ("b = a", "step:fit"), ("c = b", "step:tune"), ("d = c", "step:load")),
        ("CM206", "step-cycle", 2, 1),
        "step load needs step fit by way of fit -> tune -> load",
        "give the later cells of step load a step name of their own",
    ),
    "name is no identifier": (
        (("x = 1", "step:2 load"),),
        ("CM109", "bad-step-name", 1, None),
        "the step name '2 load' is not a Python identifier",
        "name it load",
    ),
    "name is a path": (
        (("x = 1", "step:../../load"),),
        ("CM109", "bad-step-name", 1, None),
        "the step name '../../load' is not a Python identifier",
        "name it load",
    ),
    "name is a word of Python": (
        (("x = 1", None), ("y = 1", "step:import")),
        ("CM109", "bad-step-name", 2, None),
        "the step name 'import' is a word of Python",
        "name it import_",
    ),
    "name of a module of the pipeline": (
        (("x = 1", "step:churn_handover"),),
        ("CM110", "step-name-collision", 1, None),
        "the step name churn_handover would collide with a file or name of the pipeline's own",
        "name it churn_handover_step",
    ),
    "name that Ploomber uses": (
        (("x = 1", "step:upstream"),),
        ("CM110", "step-name-collision", 1, None),
        "the step name upstream would collide with a file or name of the pipeline's own",
        "name it upstream_step",
    ),
    "names that differ only in case": (
        (("x = 1", "step:load"), ("y = 1", "step:Load")),
        ("CM110", "step-name-collision", 2, None),
        "steps load and Load (cells 1 and 2) differ only in case, and would share one file",
        "rename one, or write load in both if they are one step",
    ),
    "syntax error": (
        (("x = 1", "step:load"), ("# fit\n\ny = (x +\n", "step:train")),
        ("CM115", "syntax-error", 2, 3),
        "a syntax error: '(' was never closed",
        "run the cell in the notebook and mend it, or take its tag away",
    ),
    "name that nobody defines": (
        (("x = 1", "step:load"), ("# fit\ny = x + misspelt", "step:train")),
        ("CM201", "undefined-name", 2, 2),
        "no cell defines `misspelt`",
        "define `misspelt` in a cell above, or correct its spelling",
    ),
    "name that only an untagged cell defines": (
        (("x = 1", "step:load"), ("limit = 3", None), ("# fit\ny = x + limit", "step:train")),
        ("CM202", "untagged-name", 3, 2),
        "`limit` is only defined in an untagged cell (cell 2), which is not promoted",
        "tag cell 2 `step:train`",
    ),
    "function that only an untagged cell defines": (
        (("x = 1", "step:load"), ("def twice(n):\n    return 2 * n", None), ("y = twice(x)", "step:train")),
        ("CM202", "untagged-name", 3, 1),
        "`twice` is only defined in an untagged cell (cell 2), which is not promoted",
        "tag cell 2 `shared` or `step:train`",
    ),
    "magic line that is misspelt, and nothing of what its cell defines": (
        (("x = 1", "step:load"), ("%%stpe train\nmodel = x", None), ("print(model)", "step:show")),
        ("CM107", "unknown-magic", 2, 1),
        "%%stpe is no magic",
        "you may have meant %%step",
    ),
    "magic line with a wrong option, and nothing of what its cell defines": (
        (("x = 1", "step:load"), ("%%step train --timeout soon\nmodel = x", None), ("print(model)", "step:show")),
        ("CM102", "bad-magic-line", 2, 1),
        "--timeout takes seconds above 0, got 'soon'",
        "write --timeout 60",
    ),
}


@pytest.mark.parametrize("cells, place, message, remedy", NOT_READY.values(), ids=NOT_READY)
def test_what_is_not_ready_is_told_with_its_place_and_remedy(
    project: Any, cells: Cells, place: tuple[str, str, int | None, int | None], message: str, remedy: str
) -> None:
    project.write(*cells)

    checked = project.cellmill("check", "notebooks/churn.ipynb", "--json")
    refused = project.refused("promote", "notebooks/churn.ipynb")

    assert checked.returncode == 1
    assert checked.stderr == ""
    content = json.loads(checked.stdout)
    assert content["ready"] is False
    (finding,) = [one for one in content["findings"] if one["severity"] == "error"]
    code, kind, cell, line = place
    assert [finding[key] for key in ("code", "kind", "cell", "line")] == [code, kind, cell, line]
    assert finding["cell_id"] == (f"cell{cell}" if cell else None)
    assert message in finding["message"]
    assert remedy in finding["remedy"]
    where = "".join([f", cell {cell}" if cell else "", f", line {line}" if line else ""])
    assert refused.stderr == (
        f"Error: notebooks/churn.ipynb{where}: not ready for promotion: {finding['message']}; {finding['remedy']}.\n"
    )
    assert refused.stdout == ""


def test_of_several_errors_the_sentence_tells_the_first_and_the_list_all(project: Any) -> None:
    project.write(("x = misspelt", "step:load"), ("limit = 3", None), ("y = x + limit\nz = unknown", "step:train"))

    refused = project.refused("promote", "notebooks/churn.ipynb")

    assert refused.stderr == (
        "Error: notebooks/churn.ipynb, cell 1, line 1: not ready for promotion: no cell defines `misspelt` "
        "(and 2 more: see `cellmill check notebooks/churn.ipynb`); "
        "define `misspelt` in a cell above, or correct its spelling.\n"
    )
    for place in ("cell 1, line 1", "cell 3, line 1", "cell 3, line 2"):
        assert refused.stdout.count(place) == 1


def test_cells_of_one_step_that_lie_apart_join(project: Any) -> None:
    project.write(("x = [1]", "step:load"), ("y = 2", "step:other"), ("x.append(3)", "step:load"), ("x, y", "step:end"))

    project.promote()

    task = (project.pipeline / "tasks/load.py").read_text()
    assert task.index("x = [1]") < task.index("x.append(3)")
    assert not (project.pipeline / "tasks/load_2.py").exists()
    content = json.loads(project.cellmill("steps", "notebooks/churn.ipynb", "--json").stdout)
    assert [(step["name"], step["cells"]) for step in content["steps"]] == [
        ("load", [1, 3]),
        ("other", [2]),
        ("end", [4]),
    ]


def test_a_name_that_no_module_can_have_is_refused(project: Any) -> None:
    project.write(("x = 1", "step:load"))

    done = project.refused("promote", "notebooks/churn.ipynb", "--name", "../churn")

    assert done.stderr == (
        "Error: `../churn` can't be a pipeline's name, because its modules are called after it; "
        "use letters, digits and underscores, such as --name churn.\n"
    )
