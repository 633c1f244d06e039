"""What a run shows corrects what the source lets us think: added where that hides it, dropped where it is certain."""

from __future__ import annotations

from typing import Any

import pytest

A, B, C, D = "step:a", "step:b", "step:c", "step:d"
SHARED = "shared"
# Reaches the notebook's names so that no reader of the source can follow.
MAIN = "import sys, importlib\nimport numpy as np\n"
HIDDEN = "importlib.import_module('__ma' + 'in__').__dict__"

CELLS: dict[str, list[tuple[str, str]]] = {
    "changed_and_made_unseen": [
        (SHARED, MAIN),
        (A, "xs=[1]\nheld={'xs': xs}"),
        (B, f"{HIDDEN}['xs'].append(2)\n{HIDDEN}['made']=len(xs)"),
        (C, "print(xs, held, held['xs'] is xs, made)"),
    ],
    "one_object_unseen": [
        (SHARED, MAIN + "class Box:\n    pass"),
        (A, "box=Box()\nraw=np.arange(4.)"),
        (B, f"box2={HIDDEN}['box']\nview=importlib.import_module('numpy').asarray({HIDDEN}['raw'])"),
        (C, "box2.value=3\nview[0]=9"),
        (D, "print(box.value, box is box2, raw[0], np.shares_memory(raw, view))"),
    ],
    "state_set_unseen": [
        (SHARED, MAIN),
        (A, "importlib.import_module('numpy.random').seed(5)\nx=1"),
        (B, "importlib.import_module('numpy').set_printoptions(precision=2)"),
        (C, "print(np.array([1/3]), np.random.rand(), x)"),
    ],
    "number_to_unknown_code": [
        (SHARED, MAIN),
        (A, "limit=importlib.import_module('json').loads(open('data.json').read())"),
        (B, "left=importlib.import_module('pprint').pformat(limit)"),
        (C, "right=importlib.import_module('pprint').pformat(limit)"),
        (D, "print(left, right, limit)"),
    ],
    "kept_by_the_author": [
        (SHARED, MAIN),
        (A, "xs=[3, 1]"),
        (B, "%%step b --keeps xs\nleft=str(importlib.import_module('pprint').pformat(xs))"),
        (C, "%%step c --keeps xs\nright=importlib.import_module('pprint').pformat(xs)"),
        (D, "print(left, right, xs)"),
    ],
    "not_kept": [
        (SHARED, MAIN),
        (A, "xs=[3, 1]"),
        (B, "%%step b --keeps xs\nimportlib.import_module('random').shuffle(xs)\nxs.sort()\nxs.append(5)"),
        (C, "print(xs)"),
    ],
    "module_unseen": [
        (SHARED, MAIN + "import registry"),
        (A, "importlib.import_module('registry').add(1)"),
        (B, "print(registry.items)"),
    ],
    "module_set_from_outside": [
        (SHARED, "import registry"),
        (A, "registry.limit = 5"),
        (B, "print(registry.told())"),
    ],
}
FILES = {
    "data.json": "7",
    "registry.py": "items, limit = [], 1\ndef add(x):\n    globals()['items'].append(x)\ndef told(): return limit\n",
}
PROGRAMS: dict[str, dict[str, Any]] = {
    **{name: {"cells": cells, "files": FILES} for name, cells in CELLS.items()},
    **{f"observed {name}": {"cells": cells, "files": FILES, "observe": True} for name, cells in CELLS.items()},
    "observed other_data": {
        "cells": CELLS["number_to_unknown_code"],
        "files": FILES,
        "observe": True,
        "files_then": {"data.json": "[7]"},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ["changed_and_made_unseen", "one_object_unseen", "state_set_unseen"])
def test_a_run_shows_what_the_source_hides(name: str, results: dict[str, dict[str, Any]]):
    assert results[name]["state"] != "equal", "the source alone would have done"
    found = results[f"observed {name}"]
    assert found["state"] == "equal", found
    assert {"evidence-differs", "unseen-state"} & set(found["kinds"])


def test_a_number_cant_be_changed_by_unknown_code(results: dict[str, dict[str, Any]]):
    alone, observed = results["number_to_unknown_code"], results["observed number_to_unknown_code"]
    assert (alone["state"], observed["state"]) == ("equal", "equal")
    assert ["b", "c", ["left", "limit"]] in alone["edges"], "unknown code may change it"
    assert ["a", "c", ["limit"]] in observed["edges"]
    assert not [edge for edge in observed["edges"] if edge[:2] == ["b", "c"]], "b and c run side by side"


def test_other_data_are_refused_where_the_pipeline_relies_on_a_type(results: dict[str, dict[str, Any]]):
    found = results["observed other_data"]
    assert found["state"] == "task a fails"
    assert "variable `limit` is a list" in found["error"]
    assert "cellmill observe" in found["error"]


def test_the_authors_word_counts_and_is_checked(results: dict[str, dict[str, Any]]):
    kept = results["kept_by_the_author"]
    assert kept["state"] == "equal"
    assert not [edge for edge in kept["edges"] if edge[:2] == ["b", "c"]]
    assert results["observed kept_by_the_author"]["state"] == "equal"
    assert results["observed not_kept"] == {"state": "refused", "kinds": ["not-kept"]}


def test_a_module_that_remembers_is_refused_when_a_run_shows_it(results: dict[str, dict[str, Any]]):
    assert results["observed module_unseen"] == {"state": "refused", "kinds": ["module-state"]}


def test_what_the_cells_set_in_a_module_goes_with_them(results: dict[str, dict[str, Any]]):
    assert results["observed module_set_from_outside"]["state"] == "equal", results["observed module_set_from_outside"]
