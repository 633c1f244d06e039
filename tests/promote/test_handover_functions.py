"""Functions of a step, handed to another process."""

from __future__ import annotations

from typing import Any

import pytest

# What it shows: the variables, how a task makes them, and what holds in the task that loads them.
CASES = {
    "globals are the consumer's": (
        "f k",
        """
        k = 1

        def f():
            return k
        """,
        """
        assert f() == 1
        k = 2
        assert f() == 2
        """,
    ),
    "closures that share a variable": (
        "inc get",
        """
        def outer():
            n = 0

            def inc():
                nonlocal n
                n += 1
                return n

            def get():
                return n

            return inc, get

        inc, get = outer()
        inc()
        """,
        "assert inc() == 2 and get() == 2",
    ),
    "signatures": (
        "f",
        '''
        def f(a, b=[1], /, c=2, *args, d, e={"k": 1}, **kw) -> int:
            """doc"""
            return (a, b, c, args, d, e, kw)

        f.note = "x"
        ''',
        """
        import inspect

        assert str(inspect.signature(f)) == "(a, b=[1], /, c=2, *args, d, e={'k': 1}, **kw) -> int"
        assert f.__doc__ == "doc" and f.note == "x" and f(1, d=3)[1] == [1]
        """,
    ),
    "a mutable default that is a variable too": (
        "f b",
        """
        b = []

        def f(x, acc=b):
            acc.append(x)
            return acc

        f(1)
        """,
        """
        f(2)
        assert b == [1, 2] and f.__defaults__[0] is b
        """,
    ),
    "partials": (
        "f p q",
        """
        from functools import partial

        def f(a, b):
            return a + b

        p = partial(f, b=2)
        q = partial(int, base=2)
        """,
        'assert p(1) == 3 and q("11") == 3 and p.func is f',
    ),
    "bound methods": (
        "a m",
        """
        class A:
            def __init__(self):
                self.n = 0

            def inc(self):
                self.n += 1
                return self.n

        a = A()
        m = a.inc
        """,
        """
        m()
        assert a.n == 1 and m.__self__ is a
        """,
    ),
    "bound methods of builtins": (
        "l m",
        """
        l = []
        m = l.append
        """,
        """
        m(1)
        assert l == [1]
        """,
    ),
    "functions of builtins": (
        "u x",
        """
        u = str.upper
        x = len
        """,
        'assert u("a") == "A" and x is len',
    ),
    "lru_cache": (
        "f calls",
        """
        from functools import lru_cache

        calls = []

        @lru_cache(maxsize=8)
        def f(x):
            calls.append(x)
            return x * 2

        f(1)
        """,
        """
        assert f(1) == 2 and f.cache_parameters()["maxsize"] == 8 and f.__name__ == "f"
        assert calls == [1, 1] or calls == [1]
        """,
    ),
    "cached methods and properties": (
        "A a",
        """
        from functools import lru_cache, cached_property

        class A:
            @lru_cache
            def f(self, x):
                return x * 2

            @cached_property
            def cp(self):
                return [1]

        a = A()
        a.f(1)
        a.cp
        """,
        "assert a.f(2) == 4 and a.cp == [1] and A().cp == [1]",
    ),
    "generic functions": (
        "f",
        """
        from functools import singledispatch

        @singledispatch
        def f(x):
            return "any"

        @f.register
        def _(x: int):
            return "int"
        """,
        """
        assert f(1) == "int" and f("") == "any"

        @f.register
        def _(x: str):
            return "str"

        assert f("") == "str"
        """,
    ),
    "lambdas": (
        "f g",
        """
        f = lambda x: x + 1
        g = [lambda i=i: i for i in range(3)]
        """,
        "assert f(1) == 2 and [x() for x in g] == [0, 1, 2]",
    ),
    "recursion": (
        "fact ev od",
        """
        def fact(n):
            return 1 if n < 2 else n * fact(n - 1)

        def ev(n):
            return n == 0 or od(n - 1)

        def od(n):
            return n > 0 and ev(n - 1)
        """,
        "assert fact(5) == 120 and ev(4)",
    ),
    "recursion through a closure": (
        "r",
        """
        def mk():
            def r(n):
                return 1 if n < 1 else n * r(n - 1)

            return r

        r = mk()
        """,
        "assert r(4) == 24",
    ),
    "generator functions": (
        "g",
        """
        def g():
            yield 1
        """,
        "assert list(g()) == [1]",
    ),
    "coroutine functions": (
        "g",
        """
        async def g():
            return 1
        """,
        """
        import asyncio

        assert asyncio.run(g()) == 1
        """,
    ),
    "context managers": (
        "c",
        """
        from contextlib import contextmanager

        @contextmanager
        def c():
            yield 1
        """,
        """
        with c() as x:
            assert x == 1
        """,
    ),
    "what two tasks hand over of one closure": (
        "count total",
        """
        def counter():
            n = 0

            def count():
                nonlocal n
                n += 1

            return count, lambda: n

        count, total = counter()
        count()
        """,
        "count()",
        """
        count()
        assert total() == 3
        """,
    ),
    "functions in a class's registry": (
        "registry run",
        """
        registry = {}

        def register(function):
            registry[function.__name__] = function
            return function

        @register
        def run():
            return sorted(registry)
        """,
        "assert registry['run'] is run and run() == ['run']",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_arrives_as_it_was(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["error"] == "", results[name]["task"]
