"""Small forms of what random programs found: iterators and views of what changes, a try's else, and more."""

from __future__ import annotations

import pytest
from simulated_pipeline import Simulation

PROGRAMS = {
    "list_iterator_past_the_end": [
        "l = [1, 2, 3]\nit = iter(l)\nnext(it), next(it)\nl.clear()", "l += [4, 5, 6]\nprint(list(it))"
    ],
    "ended_list_iterator": ["l = [1]\nit = iter(l)\nlist(it)", "l += [4]\nprint(list(it))"],
    "reversed_past_the_end": ["l = [1, 2, 3]\nit = reversed(l)\nl.pop()", "l += [4]\nprint(list(it))"],
    "ended_reversed": ["l = [1]\nit = reversed(l)\nlist(it)", "l += [4]\nprint(list(it))"],
    "list_that_holds_its_iterator": [
        "l = [1, 2, 3]\nit = iter(l)\nl.append(it)\nnext(it), next(it), next(it), next(it)\ndel l[:3]",
        "l += [4, 5, 6, 7]\nprint(list(it))",
    ],
    "enumerate_and_zip": [
        "l = [1, 2, 3]\nit = enumerate(l)\nz = zip(l, l)\nnext(it), next(z)\nl[:] = []",
        "l += [1, 2, 3]\nprint(list(it), list(z))",
    ],
    "bytearray_and_array": [
        "import array\nb = bytearray(b'abc')\nx = array.array('d', [1, 2, 3])\ni, j = iter(b), iter(x)\n"
        "next(i), next(i), next(j), next(j)\nb.clear()\ndel x[:]",
        "b += b'xyz'\nx.extend([4, 5, 6])\nprint(list(i), list(j))",
    ],
    "dict_views": ["d = {'a': 1}\nk, v, i = d.keys(), d.values(), d.items()", "d['b'] = 2", "print(k, v, i)"],
    "ordered_dict_view": [
        "import collections\nd = collections.OrderedDict(a=1)\ni = d.items()", "d['b'] = 2", "print(list(i))"
    ],
    "dict_iterators": [
        "d = {'a': 1, 'b': 2, 'c': 3}\ni, r, m = iter(d.items()), reversed(d.values()), map(str, d.values())\n"
        "next(i), next(r), next(m)",
        "d['b'] = 5",
        "print(list(i), list(r), list(m))",
    ],
    "else_of_a_try_is_not_certain": [
        "d = {'a': 1}\ne = d\ntry:\n    1 // 0\nexcept ZeroDivisionError:\n    pass\nelse:\n    e = {}",
        "d['b'] = 2",
        "print(e)",
    ],
    "class_attribute_as_in_the_base": [
        "class K:\n    count = 0\n    rows = None\nclass L(K):\n    count = 0\n    rows = None",
        "K.count += 2\nK.rows = 'all'",
        "print(L.count, L.rows, L().count, 'rows' in vars(L))",
    ],
    "called_function_is_defined_again": [
        "k = 5",
        "def g(): return 1\ndef f(): return g()\nprint(f())\ndef g(): return k\nprint(f())",
    ],
    "name_is_only_certain_in_a_branch": [
        "x, flag = 1, False",
        "def f(): return x\nif flag:\n    x = 2\n    print(f())\nprint(f())",
    ],
    "name_is_deleted_between_two_calls": [
        "k, n = 5, 6",
        "def f(): return len(str(k))\nfor len in (str,):\n    print(f())\ndel len\nprint(f())",
    ],
}  # fmt: skip

# What a function stores in one of the notebook's objects, and changes there.
STORING = {
    "slice": "ls[:] = [ds['a']]\nfor one in ls: one.append(2)",
    "element": "ls.append(ds['a'])\nls[-1].append(2)",
    "default_of_get": "ls[:] = [ds.get('a', [])]\nls[0].append(2)",
    "itself": "ls[:] = [ds]\nls[0].clear()",
    "rebound": "global ls\nls = [ds]\nfor one in ls: one.clear()",
    "called": "put(ls)\nls[-1].clear()",
    "called_with_a_literal": "new = []\nput(new)\nnew[-1].clear()",
    "attribute": "box.held = ds\nbox.held.clear()",
    "attribute_of_a_class": "K.held = ds\nK.held.clear()",
    "inside_of_what_was_stored": "ls.append([ds])\nls[-1][0].clear()",
    "through_two": "ls.append(box)\nbox.held = ds\nls[-1].held.clear()",
    "by_a_local": "rows = ls\nrows.append(ds)\nls[-1].clear()",
    "inner_function": "def inner():\n    ls.append(ds)\ninner()\nls[-1].clear()",
    "comprehension": "[ls.append(ds) for _ in range(1)]\n[one.clear() for one in ls[1:]]",
    "update": "other.update(k=ds)\nother['k'].clear()",
    "setdefault": "other.setdefault('k', ds).clear()",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_pipeline_prints_what_the_program_prints(simulation: Simulation, name: str) -> None:
    outcome = simulation.compare([(f"step:s{at}", source) for at, source in enumerate(PROGRAMS[name])])
    assert outcome.state == "equal", outcome.why


@pytest.mark.parametrize("name", STORING)
def test_a_function_changes_what_it_has_stored(simulation: Simulation, name: str) -> None:
    body = "\n".join(f"    {line}" for line in STORING[name].split("\n"))
    program = [
        "class K:\n    held = None\nls = [[1]]\nds = {'a': [1]}\nbox = K()\nother = {}",
        f"def put(rows):\n    rows.append(ds)\ndef go():\n{body}\ngo()",
        "print(ds)",
    ]
    outcome = simulation.compare([(f"step:s{at}", source) for at, source in enumerate(program)])
    assert outcome.state == "equal", outcome.why
    assert ("s1", "s2", ("ds",)) in outcome.edges


def test_an_iterator_that_would_be_frozen_is_not_handed_over(simulation: Simulation) -> None:
    outcome = simulation.compare([("step:a", "s = {1, 2}\nm = map(str, s)"), ("step:b", "print(list(m))")])
    assert outcome.state == "crashed"
    assert "HandoverError" in outcome.why
    assert "`m`" in outcome.why
