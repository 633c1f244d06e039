"""What a library's function changes of what it is given: changed in one step, printed in the next."""

from __future__ import annotations

import pytest
from simulated_pipeline import Simulation

PROGRAMS = {
    "by_class": (
        "from collections import Counter, OrderedDict\nimport random\n"
        "o = OrderedDict(a=1, b=2)\nc = Counter('aab')\nr = random.Random(1)",
        "OrderedDict.move_to_end(o, 'a')\nCounter.subtract(c, 'a')\nrandom.Random.seed(r, 5)",
        "print(o, c, r.random())",
    ),
    "chain_map": ("from collections import ChainMap\na = {}\nc = ChainMap(a, {})", "c['y'] = 2", "print(a)"),
    "class_with_one_instance": (
        "class S:\n    one = None\n    def __new__(cls):\n        if cls.one is None:\n            "
        "cls.one = super().__new__(cls)\n            cls.one.v = 0\n        return cls.one\ns = S()",
        "S().v += 1",
        "print(s.v, S() is s)",
    ),
    "registered_with_an_abstract_class": (
        "from abc import ABC\nclass A(ABC): pass",
        "A.register(int)",
        "print(isinstance(3, A))",
    ),
    "registered_with_a_generic_function": (
        "from functools import singledispatch\n@singledispatch\ndef show(x): return 'object'",
        "@show.register\ndef _(x: int): return 'int'",
        "print(show(1), show('a'))",
    ),
    "array_in_place": (
        "import numpy as np\na, b, c, d = np.array([3.0, 1, 2]), np.zeros(3), np.ones(3), np.array([np.nan])",
        "a.partition(1)\nnp.add.at(b, [0, 0], 1)\nnp.ndarray.fill(c, 7)\nnp.nan_to_num(d, copy=False)",
        "print(a, b, c, d)",
    ),
    "result_by_position": (
        "import numpy as np\na, b, c = np.zeros(2), np.zeros(2), np.array([5, 1])",
        "np.add(a, 1, a)\nnp.sqrt([4, 9], b)\nnp.clip(c, 0, 2, c)",
        "print(a, b, c)",
    ),
    "operator_in_place": (
        "import operator, numpy as np\na = np.ones(2)",
        "operator.itruediv(a, 2)",
        "print(a)",
    ),
    "packed_into": (
        "import struct\nb = bytearray(4)",
        "struct.pack_into('<i', b, 0, 7)",
        "print(b)",
    ),
    "counter_in_a_function": (
        "from collections import Counter\nc = Counter('aab')\ndef less(k, x): k.subtract(x)",
        "less(c, 'a')",
        "print(c)",
    ),
    "written_to_a_buffer": (
        "import contextlib, io, pprint, numpy as np, pandas as pd\n"
        "a, b, c, d, e = io.StringIO(), io.BytesIO(), io.StringIO(), io.StringIO(), io.StringIO()\n"
        "def save(table, where): table.to_csv(where)",
        "pd.DataFrame({'x': [1]}).to_csv(a)\nnp.save(b, np.ones(2))\npprint.pprint([1], stream=c)\n"
        "save(pd.DataFrame({'x': [2]}), d)\nwith contextlib.redirect_stdout(e): print('here')",
        "print(*(one.getvalue() for one in (a, b, c, d, e)))",
    ),
    "read_from_a_buffer": (
        "import io, json, pandas as pd\na, b = io.StringIO('x\\n1\\n'), io.StringIO('{}')",
        "pd.read_csv(a)\njson.load(b)",
        "print(repr(a.read()), repr(b.read()))",
    ),
    "generator_of_random_numbers": (
        "import numpy as np, pandas as pd\nfrom scipy import stats\n"
        "a, b = np.random.default_rng(0), np.random.default_rng(0)\n"
        "table = pd.DataFrame({'a': range(5)})",
        "table.sample(2, random_state=a)\nstats.norm.rvs(size=2, random_state=b)",
        "print(a.random(), b.random())",
    ),
    "method_that_is_called_later": (
        "rows, more = [], []\nlater = map(rows.append, [1, 2])",
        "list(later), list(map(more.append, [3]))",
        "print(rows, more)",
    ),
    "estimator_that_does_not_copy": (
        "import numpy as np\nfrom sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "a, b = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [6.0]])\n"
        "scale = StandardScaler(copy=False)",
        "scale.fit_transform(a)\nmake_pipeline(scale).fit_transform(b)",
        "print(a.ravel(), b.ravel())",
    ),
    "expression_in_a_text": (
        "import pandas as pd\ntable, k = pd.DataFrame({'a': [1, 2]}), 3",
        "print(pd.eval('table.a + k'))",
    ),
    "the_generator_of_the_process": (
        "import random\nimport numpy as np\nfrom scipy import stats\nrandom.seed(0)\nnp.random.seed(0)\n"
        "draw, spread = random.random, stats.norm(0, 1)",
        "print(draw(), random.random(), spread.rvs(2), np.random.rand())",
        "print(draw(), random.random(), spread.rvs(2), np.random.rand())",
    ),
    "order_of_a_set": (
        "left, words = set(range(20)), set('abcdefghij')\n"
        "for one in (0, 1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 17, 18): left.remove(one)\n"
        "for one in 'abcdefg': words.remove(one)\nfound = list(left), list(words)",
        "print((list(left), list(words)) == found, list(left))",
    ),
    "labels_of_a_table": (
        "import pandas as pd\ntable = pd.DataFrame({'a': [1]})\nlabels = table.columns",
        "labels.name = 'letters'",
        "print(table.columns.name)",
    ),
    "unpacked_from_a_generator": ("a, b = ([x] for x in (1, 2))", "b.append(3)", "print(a, b)"),
    "deleted_in_a_loop": ("x = 1\nfor one in [1]:\n    del x", "print('x' in globals())"),
    "not_a_number": (
        "import math, numpy as np\nrows, other = [np.nan, 1], float('nan')\nwords = {math.nan: 'a', other: 'b'}",
        "print(np.nan in rows, words[math.nan], words[other])",
    ),
    "record_of_an_array": (
        "import numpy as np\na = np.zeros(3, dtype=[('x', 'f8'), ('y', 'i4')])\nr = a[1]",
        "r['x'] = 3\na[1]['y'] = 2",
        "print(a, r)",
    ),
}  # fmt: skip

REFUSED = {
    "memory_of_a_bytearray": (
        "import numpy as np\nb = bytearray(8)\na = np.frombuffer(b, dtype='i4')", "a[0] = 1\nprint(b)", "bytearray"
    ),
    "masked_array_over_another": (
        "import numpy as np\na = np.arange(3.0)\nm = np.ma.masked_array(a, [0, 1, 0])",
        "m[0] = 7\nprint(a)",
        "MaskedArray",
    ),
    "weak_set": (
        "import weakref\nclass O:\n    live = weakref.WeakSet()\n    def __init__(self): O.live.add(self)\no = O()",
        "print(len(O.live))",
        "weak references",
    ),
    "handler_that_keeps_text": (
        "import io, logging\ntext = io.StringIO()\nlogging.getLogger('kept').addHandler(logging.StreamHandler(text))",
        "logging.getLogger('kept').warning('x')\nprint(text.getvalue())",
        "StreamHandler",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_library_changes_is_handed_on(simulation: Simulation, name: str) -> None:
    outcome = simulation.compare([(f"step:s{at}", source) for at, source in enumerate(PROGRAMS[name])])
    assert outcome.state == "equal", outcome.why


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_two_objects_is_not_handed_over(simulation: Simulation, name: str) -> None:
    *sources, word = REFUSED[name]
    outcome = simulation.compare([(f"step:s{at}", source) for at, source in enumerate(sources)])
    assert outcome.state == "crashed"
    assert "HandoverError" in outcome.why
    assert word in outcome.why


def test_a_cached_result_that_is_changed_is_refused(simulation: Simulation) -> None:
    cached = "from functools import cache\n@cache\ndef f(x): return [x]"
    changed = simulation.compare([("step:a", cached), ("step:b", "f(1).append(5)"), ("step:c", "print(f(1))")])
    assert (changed.state, changed.why) == ("refused", "cached-function")
    assert (
        simulation.compare([("step:a", cached), ("step:b", "x = f(1)"), ("step:c", "print(f(1), x)")]).state == "equal"
    )
