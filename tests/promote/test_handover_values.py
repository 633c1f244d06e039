"""Values of Python and its libraries, handed to another process; what can't be is refused by name."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

IMPORTS = ["numpy", "pandas", "scipy.sparse", "sklearn.linear_model", "sklearn.pipeline"]

# What it shows: the variables, how a task makes them, and what holds in the task that loads them.
CASES = {
    "list iterators": (
        "i",
        """
        i = iter([1, 2, 3])
        next(i)
        """,
        "assert list(i) == [2, 3]",
    ),
    "iterators over iterators": (
        "i e m r",
        """
        i = zip([1, 2], [3, 4])
        e = enumerate("ab")
        m = map(str, [1])
        r = reversed([1, 2])
        it = iter({1: 2})
        """,
        'assert list(i) == [(1, 3), (2, 4)] and list(e) == [(0, "a"), (1, "b")] and list(m) == ["1"]',
    ),
    "itertools": (
        "c y",
        """
        import itertools

        c = itertools.count()
        next(c)
        y = itertools.cycle("ab")
        """,
        "assert next(c) == 1",
    ),
    "patterns": (
        "r",
        """
        import re

        r = re.compile("a+")
        m = r.match("aa")
        """,
        'assert r.match("a")',
    ),
    "modules": (
        "m p",
        "import math as m, os.path as p",
        'assert m.pi > 3 and p.join("a", "b") == "a/b"',
    ),
    "types": (
        "t u w x y",
        """
        t = int
        u = list[int]
        w = int | None
        import typing

        x = typing.Optional[int]
        y = typing.Any
        """,
        """
        import typing

        assert (
            t is int
            and u == list[int]
            and w == (int | None)
            and x == typing.Optional[int]
            and y is typing.Any
        )
        """,
    ),
    "builtin values": (
        "v",
        """
        v = (
            1,
            -2.5,
            float("nan"),
            float("inf"),
            1j,
            None,
            ...,
            NotImplemented,
            b"x",
            bytearray(b"y"),
            range(3),
            slice(1, 2),
            frozenset({1}),
            {1, 2},
            10**50,
            "ü\\0\\ud800",
        )
        """,
        """
        assert (
            v[5] is None
            and v[6] is ...
            and v[7] is NotImplemented
            and v[-1] == "ü\\0\\ud800"
            and v[14] == 10**50
        )
        """,
    ),
    "collections": (
        "d c o q cm",
        """
        from collections import *

        d = defaultdict(list, a=[1])
        c = Counter("aab")
        o = OrderedDict(b=1)
        q = deque([1], maxlen=3)
        cm = ChainMap({"a": 1}, {"b": 2})
        """,
        'assert d["zz"] == [] and c["a"] == 2 and q.maxlen == 3 and cm["b"] == 2',
    ),
    "namespaces and proxies": (
        "n m",
        """
        from types import SimpleNamespace as N, MappingProxyType as M

        n = N(a=[1])
        m = M({"a": 1})
        """,
        'assert n.a == [1] and m["a"] == 1',
    ),
    "dates and time zones": (
        "v",
        """
        import datetime as d, zoneinfo

        v = [
            d.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")),
            d.date.today(),
            d.timedelta(1),
            d.timezone.utc,
            d.datetime(2024, 10, 27, 2, 30, fold=1),
        ]
        """,
        """
        import datetime, zoneinfo

        assert v[0].tzinfo is zoneinfo.ZoneInfo("Europe/Paris") and v[4].fold == 1
        """,
    ),
    "numbers, paths, addresses": (
        "v",
        """
        import decimal, fractions, uuid, pathlib, ipaddress

        v = [
            decimal.Decimal("1.10"),
            fractions.Fraction(1, 3),
            uuid.UUID(int=1),
            pathlib.Path("a/b"),
            pathlib.PurePosixPath("x"),
            ipaddress.ip_address("1.1.1.1"),
        ]
        """,
        'assert str(v[0]) == "1.10"',
    ),
    "random generators": (
        "r g s x",
        """
        import random, numpy as np

        r = random.Random(1)
        r.random()
        g = np.random.default_rng(1)
        g.random()
        s = np.random.RandomState(1)
        x = (r.getstate(),)
        """,
        """
        import random

        q = random.Random(1)
        q.random()
        assert r.random() == q.random()
        """,
    ),
    "sparse matrices": (
        "a b c",
        """
        import scipy.sparse as sp

        a = sp.csr_matrix([[0, 1], [2, 0]])
        b = sp.coo_array(a)
        c = a.tolil()
        """,
        """
        import scipy.sparse as sp

        assert isinstance(a, sp.csr_matrix) and (a != sp.csr_matrix(b)).nnz == 0 and c[1, 0] == 2
        """,
    ),
    "scikit-learn pipelines": (
        "m X p sq",
        """
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler, FunctionTransformer
        from sklearn.linear_model import LogisticRegression
        import numpy as np

        def sq(X):
            return X**2

        X = np.array([[0.0, 1], [1, 0], [2, 3], [4, 1]])
        y = [0, 1, 0, 1]
        m = make_pipeline(FunctionTransformer(sq), StandardScaler(), LogisticRegression()).fit(X, y)
        p = m.predict_proba(X)
        """,
        """
        assert (m.predict_proba(X) == p).all()
        assert m[0].func is sq
        """,
    ),
    "statsmodels results": (
        "r d",
        """
        import statsmodels.formula.api as smf, pandas as pd

        d = pd.DataFrame({"y": [1.0, 2, 3, 5], "x": [1.0, 2, 4, 5]})
        r = smf.ols("y~x", d).fit()
        """,
        """
        import pandas as pd

        assert (
            r.params.iloc[0] == r.params["Intercept"]
            and len(r.predict(pd.DataFrame({"x": [3.0]}))) == 1
            and "OLS" in str(r.summary())
        )
        """,
    ),
    "figures": (
        "f ax",
        """
        import matplotlib

        matplotlib.use("agg")
        import matplotlib.pyplot as plt

        f, ax = plt.subplots()
        ax.plot([1, 2])
        """,
        "assert f.axes[0] is ax and len(ax.lines) == 1",
    ),
    "nested sets": (
        "a t",
        """
        a = frozenset({(1, frozenset({2}))})
        t = (a, [a])
        """,
        "assert t[1][0] is a",
    ),
    "deep nesting": (
        "v",
        """
        v = []
        for _ in range(400):
            v = [v]
        """,
        "assert v",
    ),
    "cycles through tuples": (
        "l t",
        """
        l = []
        t = (l,)
        l.append(t)
        """,
        "assert t[0][0] is t",
    ),
    "loggers": (
        "l",
        """
        import logging

        l = logging.getLogger("x")
        """,
        'assert l is __import__("logging").getLogger("x")',
    ),
    "text in memory": (
        "s b",
        """
        import io

        s = io.StringIO("abc")
        s.read(1)
        b = io.BytesIO(b"x")
        """,
        'assert s.read() == "bc"',
    ),
    "two names for one object": (
        "a b both",
        """
        a = {"x": [1]}
        b = [a["x"], a]
        both = (a, b)
        """,
        """
        assert b[0] is a["x"] and b[1] is a and both[0] is a and both[1] is b
        """,
    ),
    "containers that hold themselves": (
        "a b",
        """
        a = [1]
        a.append(a)
        b = {"a": a}
        b["b"] = b
        """,
        "assert a[1] is a and b['b'] is b and b['a'] is a",
    ),
    "a bytearray": (
        "a b",
        """
        a = bytearray(b"abc")
        b = [a]
        """,
        "assert b[0] is a and a == b'abc'",
    ),
}


# What is refused: the type that is named, why, and how the variable v is made.
REFUSED = {
    "a generator": ("generator", "cannot pickle 'generator' object", "v = (x for x in range(3))"),
    "a generator in a list": ("list", "cannot pickle 'generator' object", "v = [1, (x for x in range(3))]"),
    "an open file": ("_io.TextIOWrapper", "cannot pickle 'TextIOWrapper' object", "v = open('/dev/null')"),
    "an open file in a dict": ("dict", "cannot pickle 'TextIOWrapper' object", "v = {'log': open('/dev/null')}"),
    "a view of bytes in a list": ("list", "cannot pickle 'memoryview' object", "v = [memoryview(b'abc')]"),
    "a lock": (
        "_thread.lock",
        "cannot pickle '_thread.lock' object",
        """
        import threading

        v = threading.Lock()
        """,
    ),
    "a connection": (
        "sqlite3.Connection",
        "cannot pickle 'sqlite3.Connection' object",
        """
        import sqlite3

        v = sqlite3.connect(":memory:")
        """,
    ),
    "a coroutine": (
        "coroutine",
        "cannot pickle 'coroutine' object",
        """
        async def wait():
            pass

        v = wait()
        """,
    ),
    "an object that says no": (
        "Stubborn",
        "not today",
        """
        class Stubborn:
            def __reduce__(self):
                raise RuntimeError("not today")

        v = Stubborn()
        """,
    ),
    "an object that a later task could not find": (
        "Marker",
        "MARKER can only be found by its name",
        """
        class Marker:
            def __reduce__(self):
                return "MARKER"

        MARKER = v = Marker()
        """,
    ),
}
ARRIVE = tuple(CASES)
CASES |= {
    f"refused {name}": ("fine v", f"fine = 1\n{textwrap.dedent(make)}", "") for name, (_, _, make) in REFUSED.items()
}


@pytest.mark.parametrize("name", ARRIVE)
def test_arrives_as_it_was(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["error"] == "", results[name]["task"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_handed_over_is_refused_where_it_is_saved(name: str, results: dict[str, dict[str, Any]]) -> None:
    kind, reason, _ = REFUSED[name]
    result = results[f"refused {name}"]
    assert result["task"] == "task0"
    assert (
        result["error"]
        .strip()
        .endswith(
            f"HandoverError: variable `v` ({kind}) can't be handed to later tasks: {reason}; "
            "tag the cells that use `v` with one step, or make it again in the step that uses it"
        )
    )
