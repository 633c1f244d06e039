"""Classes of a step and their instances, handed to another process."""

from __future__ import annotations

from typing import Any

import pytest

# What it shows: the variables, how a task makes them, and what holds in the task that loads them.
CASES = {
    "dataclasses": (
        "P v",
        """
        import dataclasses

        @dataclasses.dataclass(order=True)
        class P:
            a: int
            b: list = dataclasses.field(default_factory=list)

        v = P(1, [2])
        """,
        """
        import dataclasses

        assert isinstance(v, P) and v == P(1, [2]) and dataclasses.fields(v)[0].name == "a" and P(1) < P(2)
        """,
    ),
    "a frozen dataclass with slots without its class": (
        "v",
        """
        import dataclasses

        @dataclasses.dataclass(frozen=True, slots=True)
        class P:
            a: int

        v = P(1)
        """,
        "assert v.a == 1 and type(v)(1) == v",
    ),
    "dataclass fields": (
        "v P",
        """
        import dataclasses
        from dataclasses import KW_ONLY

        @dataclasses.dataclass
        class P:
            a: int
            _: KW_ONLY
            b: int = dataclasses.field(default=3, metadata={"u": 1})

        v = P(1)
        """,
        """
        import dataclasses

        assert dataclasses.asdict(v) == {"a": 1, "b": 3} and dataclasses.replace(v, b=4).b == 4
        assert dataclasses.fields(v)[0].type is int
        """,
    ),
    "enums": (
        "C v l",
        """
        import enum

        class C(enum.Enum):
            A = 1
            B = 2

        v = C.A
        l = [C.A, C.B]
        """,
        'assert v is C.A and l == [C.A, C.B] and C(2) is l[1] and C["A"] is v',
    ),
    "flags": (
        "C v",
        """
        import enum

        class C(enum.IntFlag):
            A = enum.auto()
            B = enum.auto()

        v = C.A | C.B
        """,
        "assert v == 3 and C.A in v and type(v) is C",
    ),
    "string enums": (
        "C v",
        """
        import enum

        class C(enum.StrEnum):
            A = enum.auto()

            def up(self):
                return self.upper()

        v = C.A
        """,
        'assert v == "a" and v is C.A and v.up() == "A"',
    ),
    "namedtuple": (
        "T v",
        """
        from collections import namedtuple

        T = namedtuple("T", "a b", defaults=[3])
        v = T(1)
        """,
        "assert isinstance(v, T) and v == (1, 3) and v._replace(a=2).a == 2",
    ),
    "typing.NamedTuple": (
        "T v",
        """
        from typing import NamedTuple

        class T(NamedTuple):
            a: int
            b: str = "x"

            def both(self):
                return f"{self.a}{self.b}"

        v = T(1)
        """,
        'assert v.both() == "1x" and isinstance(v, T) and T.__annotations__["a"] is int',
    ),
    "TypedDict": (
        "T v",
        """
        from typing import TypedDict, NotRequired

        class T(TypedDict, total=False):
            a: int

        v: T = {"a": 1}
        """,
        'assert T.__total__ is False and T.__annotations__["a"] is int and T(a=1) == v',
    ),
    "generic classes": (
        "K Box IntBox v",
        """
        from typing import Generic, TypeVar

        K = TypeVar("K")

        class Box(Generic[K]):
            def __init__(self, x):
                self.x = x

        IntBox = Box[int]
        v = IntBox(3)
        """,
        "assert isinstance(v, Box) and v.x == 3 and IntBox(4).x == 4 and Box[str]",
    ),
    "abstract classes and what is registered": (
        "A B V v w",
        """
        import abc

        class A(abc.ABC):
            @abc.abstractmethod
            def f(self): ...

        class B(A):
            def f(self):
                return 1

        @A.register
        class V:
            pass

        v = B()
        w = V()
        """,
        """
        assert isinstance(v, A) and isinstance(w, A)
        try:
            A()
        except TypeError:
            pass
        else:
            raise AssertionError
        """,
    ),
    "protocols": (
        "P B v",
        """
        from typing import Protocol, runtime_checkable

        @runtime_checkable
        class P(Protocol):
            def f(self) -> int: ...

        class B:
            def f(self):
                return 1

        v = B()
        """,
        "assert isinstance(v, P)",
    ),
    "slots": (
        "S v",
        """
        class S:
            __slots__ = ("a", "b")

            def __init__(self):
                self.a = 1

        v = S()
        """,
        """
        assert v.a == 1 and not hasattr(v, "b") and not hasattr(v, "__dict__")
        v.b = 2
        """,
    ),
    "metaclasses": (
        "M A B v",
        """
        class M(type):
            def __new__(m, n, b, d, **k):
                c = super().__new__(m, n, b, d)
                c.reg = getattr(c, "reg", []) + [n]
                return c

        class A(metaclass=M):
            pass

        class B(A):
            pass

        v = B()
        """,
        """
        assert type(A) is M and B.reg == ["A", "B"], B.reg
        assert isinstance(v, A)
        """,
    ),
    "classes that list their subclasses": (
        "A B v",
        """
        class A:
            reg = []

            def __init_subclass__(cls, **k):
                A.reg.append(cls.__name__)

        class B(A):
            pass

        v = B()
        """,
        """
        assert A.reg == ["B"], A.reg
        assert isinstance(v, A)
        """,
    ),
    "singletons": (
        "A v",
        """
        class A:
            _one = None

            def __new__(cls):
                if cls._one is None:
                    cls._one = super().__new__(cls)
                return cls._one

        v = A()
        """,
        "assert A() is v",
    ),
    "changed class attributes": (
        "A v",
        """
        class A:
            items = []
            n = 0

        A.items.append(1)
        A.n = 5
        v = A()
        """,
        "assert A.items == [1] and v.n == 5",
    ),
    "super and __class__": (
        "A B v",
        """
        class A:
            def f(self):
                return 1

        class B(A):
            def f(self):
                return super().f() + 1

            @property
            def p(self):
                return __class__

        v = B()
        """,
        "assert v.f() == 2 and v.p is B",
    ),
    "an instance without its class": (
        "v",
        """
        class A:
            def f(self):
                return g()

        def g():
            return 3

        v = A()
        """,
        """
        def g():
            return 4

        assert v.f() == 4
        """,
    ),
    "properties, class methods, static methods": (
        "A v",
        """
        class A:
            def __init__(self):
                self._x = 1

            @property
            def x(self):
                return self._x

            @x.setter
            def x(self, v):
                self._x = v

            @classmethod
            def c(cls):
                return cls

            @staticmethod
            def s():
                return "s"

            def __eq__(self, o):
                return self._x == o._x

            __hash__ = None

        v = A()
        """,
        """
        v.x = 3
        assert v._x == 3 and A.c() is A and v.s() == "s" and A.__hash__ is None
        """,
    ),
    "nested classes": (
        "A v",
        """
        class A:
            class B:
                class C:
                    pass

        v = A.B.C()
        """,
        'assert isinstance(v, A.B.C) and A.B.C.__qualname__ == "A.B.C"',
    ),
    "classes of functions": (
        "L v",
        """
        def mk():
            class L:
                def f(self):
                    return L

            return L

        L = mk()
        v = L()
        """,
        "assert v.f() is L and isinstance(v, L)",
    ),
    "__getstate__": (
        "v",
        """
        class A:
            def __init__(self):
                self.k = lambda: 1
                self.n = 2

            def __getstate__(self):
                return {"n": self.n}

        v = A()
        """,
        'assert v.n == 2 and not hasattr(v, "k")',
    ),
    "pydantic models": (
        "M v",
        """
        import pydantic

        class M(pydantic.BaseModel):
            a: int = pydantic.Field(1, ge=0)
            b: list[str] = []

        v = M(a=3)
        """,
        """
        assert v.a == 3 and isinstance(v, M) and M(a=1, b=["x"]).b == ["x"]
        try:
            M(a=-1)
        except ValueError:
            pass
        else:
            raise AssertionError
        """,
    ),
    "type variables and new types": (
        "T U u",
        """
        from typing import TypeVar, NewType

        T = TypeVar("T", bound=int)
        U = NewType("U", int)
        u = U(3)
        """,
        "assert T.__bound__ is int and U(3) == 3",
    ),
    "descriptors": (
        "D A v",
        """
        class D:
            def __set_name__(s, o, n):
                s.n = n

            def __get__(s, i, o):
                return 1 if i is None else i.__dict__.get(s.n, 0)

            def __set__(s, i, v):
                i.__dict__[s.n] = v

        class A:
            x = D()

        v = A()
        v.x = 5
        """,
        "assert v.x == 5 and A.x == 1 and isinstance(v, A)",
    ),
    "subclasses of builtins": (
        "S s l d",
        """
        class S(str):
            pass

        class L(list):
            pass

        class D(dict):
            def __missing__(self, k):
                return k

        s = S("a")
        s.n = 1
        l = L([1])
        l.q = 2
        d = D(a=1)
        """,
        'assert s.n == 1 and l.q == 2 and d["z"] == "z" and type(s) is S',
    ),
    "keys with a hash of their own": (
        "K k d s",
        """
        class K:
            def __init__(self, n):
                self.n = n

            def __hash__(self):
                return hash(self.n)

            def __eq__(self, o):
                return self.n == o.n

        k = K(1)
        d = {k: "x"}
        s = {k}
        """,
        'assert d[K(1)] == "x" and K(1) in s and next(iter(d)) is k',
    ),
    "globals of methods": (
        "v K mm",
        """
        import math as mm

        class A:
            def f(self):
                return mm.floor(K)

        K = 2.5
        v = A()
        """,
        """
        assert v.f() == 2
        K = 7.1
        assert v.f() == 7
        """,
    ),
    "exceptions": (
        "x y E",
        """
        try:
            1 / 0
        except Exception as e:
            x = e

        class E(Exception):
            def __init__(self, a, b):
                super().__init__(a)
                self.b = b

        y = E(1, 2)
        """,
        "assert isinstance(x, ZeroDivisionError) and y.b == 2",
    ),
    "an instance made by a later task than its class": (
        "A v",
        """
        class A:
            made = 0

        v = A()
        """,
        """
        A.made += 1
        v = [v, A()]
        """,
        "assert [type(one) for one in v] == [A, A] and A.made == 1",
    ),
    "a subclass made by a later task than what lists subclasses": (
        "A names",
        """
        names = []

        class A:
            def __init_subclass__(cls):
                names.append(cls.__name__)

        class B(A):
            pass
        """,
        """
        class C(A):
            pass
        """,
        """
        assert names == ["B", "C"]

        class D(A):
            pass

        assert names == ["B", "C", "D"]
        """,
    ),
    "a metaclass that counts, and what later tasks make with it": (
        "Counting A counted",
        """
        counted = []

        class Counting(type):
            def __init__(cls, name, bases, body):
                super().__init__(name, bases, body)
                counted.append(name)

        class A(metaclass=Counting):
            pass
        """,
        """
        class B(A):
            pass

        A = B
        """,
        """
        assert counted == ["A", "B"]
        assert [one.__name__ for one in A.__mro__] == ["B", "A", "object"]
        """,
    ),
    "private slots": (
        "v",
        """
        class Point:
            __slots__ = ("__x", "y")

            def __init__(self):
                self.__x, self.y = 1, 2

            def x(self):
                return self.__x

        v = Point()
        """,
        "assert (v.x(), v.y) == (1, 2) and not hasattr(v, '__dict__')",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_arrives_as_it_was(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["error"] == "", results[name]["task"]
