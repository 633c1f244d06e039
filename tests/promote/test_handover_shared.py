"""What the shared cells define, and what steps make of it, handed to another process."""

from __future__ import annotations

from typing import Any

import pytest

SHARED = """
import enum, dataclasses, abc

class Base:
    count = 0

    def __init__(self, x):
        self.x = x
        type(self).count += 1

    def twice(self):
        return self.x * 2

    class Inner:
        pass

    @classmethod
    def make(cls):
        return cls(5)

    @staticmethod
    def st():
        return 7

    @property
    def p(self):
        return self.x

def helper(x, k=1, *, z=2):
    return x + k + z

class Color(enum.Enum):
    RED = 1
    BLUE = 2

@dataclasses.dataclass
class Conf:
    a: int = 1
    b: list = dataclasses.field(default_factory=list)

from functools import lru_cache, singledispatch, wraps

@lru_cache(maxsize=None)
def slow(x):
    return x * 10

@singledispatch
def disp(x):
    return "any"

@disp.register
def _(x: int):
    return "int"

def deco(f):
    @wraps(f)
    def inner(*a):
        return f(*a) + 1

    return inner

@deco
def decorated(x):
    return x

sentinel = object()


def count_calls(f):
    calls = 0

    @wraps(f)
    def inner(*a):
        nonlocal calls
        calls += 1
        return f(*a)

    inner.calls = lambda: calls
    return inner


@count_calls
def counted(x):
    return x


class Step(abc.ABC):
    @abc.abstractmethod
    def run(self): ...
"""

# What it shows: the variables, how a task makes them, and what holds in the task that loads them.
CASES = {
    "instances of shared classes": (
        "v w c d",
        """
        v = Base(3)
        w = Base.Inner()
        c = Color.RED
        d = Conf(2, [1])
        """,
        """
        assert (
            isinstance(v, Base)
            and v.twice() == 6
            and isinstance(w, Base.Inner)
            and c is Color.RED
            and d == Conf(2, [1])
            and Base.count == 0
        )
        """,
    ),
    "a step's subclass of a shared class": (
        "Sub v",
        """
        class Sub(Base):
            def twice(self):
                return super().twice() + 1

        v = Sub(1)
        """,
        "assert isinstance(v, Base) and v.twice() == 3 and issubclass(Sub, Base)",
    ),
    "shared functions and methods": (
        "f m k s",
        """
        f = helper
        m = Base(2).twice
        k = Base.make
        s = Base.st
        """,
        "assert f is helper and m() == 4 and k().x == 5 and s() == 7 and k.__self__ is Base",
    ),
    "a shared class's counter": (
        "Base B",
        """
        Base(1)
        Base(2)
        B = Base
        """,
        "assert Base is B and Base.count == 2",
    ),
    "a shared function's attributes and defaults": (
        "helper",
        """
        helper.n = 3
        helper.__defaults__ = (9,)
        """,
        "assert helper.n == 3 and helper(1) == 12",
    ),
    "shared things in a container": (
        "v",
        'v = {"f": helper, "c": Base, "e": Color}',
        'assert v["f"] is helper and v["c"] is Base and v["e"] is Color',
    ),
    "a shared cached function in a list": (
        "v",
        """
        slow(2)
        v = [slow]
        """,
        "assert v[0] is slow and slow(2) == 20",
    ),
    "a shared cached function": (
        "slow",
        "slow(2)",
        """
        assert slow(2) == 20
        import demo_shared

        assert slow is demo_shared.slow
        """,
    ),
    "a shared generic function": (
        "v",
        "v = disp",
        'assert v is disp and v(1) == "int"',
    ),
    "a shared decorated function": (
        "v",
        "v = decorated",
        "assert v is decorated and v(1) == 2",
    ),
    "a shared marker": (
        "v",
        "v = sentinel",
        "assert v is sentinel",
    ),
    "a partial of a shared function": (
        "v",
        """
        import functools

        v = functools.partial(helper, 1)
        """,
        "assert v.func is helper and v() == 4",
    ),
    "a function that calls a shared one": (
        "v",
        """
        def f():
            return helper(1)

        v = f
        """,
        "assert v() == 4",
    ),
    "a variable that a shared function closes over": (
        "counted",
        "counted(1), counted(2)",
        """
        counted(3)
        assert counted.calls() == 3
        """,
    ),
    "a shared generic function's new case": (
        "disp",
        """
        @disp.register
        def _(x: str):
            return "str"
        """,
        """
        import demo_shared

        assert [disp(one) for one in (1, "a", 2.5)] == ["int", "str", "any"]
        assert demo_shared.disp is disp
        """,
    ),
    "a shared class's new method": (
        "Base",
        "Base.twice = lambda self: self.x * 3",
        "assert Base(2).twice() == 6 and Base.make().x == 5",
    ),
    "a shared abstract class": (
        "Step v",
        """
        class Own(Step):
            def run(self):
                return 1

        v = Own()
        """,
        "assert isinstance(v, Step) and v.run() == 1",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_arrives_as_it_was(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["error"] == "", results[name]["task"]
