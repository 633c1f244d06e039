"""Functions and classes: late binding, closures, state of their own, class attributes, shared cells."""

from __future__ import annotations

from typing import Any

import pytest

A, B, C, D = "step:a", "step:b", "step:c", "step:d"
SHARED, PARAMETERS = "shared", "parameters"

PROGRAMS: dict[str, dict[str, Any]] = {
    "siblings": {
        "cells": [
            (
                A,
                "def make():\n"
                "    n=0\n"
                "    def inc():\n"
                "        nonlocal n\n"
                "        n+=1\n"
                "    def get():\n"
                "        return n\n"
                "    return inc,get\n"
                "inc,get=make()",
            ),
            (B, "inc()"),
            (
                C,
                "inc()\nprint(get())",
            ),
        ],
    },
    "classstate": {
        "cells": [
            (
                A,
                "class C:\n"
                "    count=0\n"
                "    items=[]\n"
                "    def __init__(self):\n"
                "        C.count+=1\n"
                "        self.items.append(C.count)",
            ),
            (B, "a=C()"),
            (C, "b=C()"),
            (D, "print(C.count,C.items,isinstance(a,C),type(a) is type(b))"),
        ],
    },
    "classstate_shared": {
        "cells": [
            (
                SHARED,
                "class C:\n"
                "    count=0\n"
                "    items=[]\n"
                "    def __init__(self):\n"
                "        type(self).count+=1\n"
                "        self.items.append(C.count)",
            ),
            (B, "a=C()"),
            (C, "b=C()"),
            (D, "print(C.count,C.items,isinstance(a,C),type(a) is type(b), C)"),
        ],
    },
    "lru": {
        "cells": [
            (
                A,
                "from functools import lru_cache\n@lru_cache\ndef f(x):\n    print('computing',x)\n    return x*2",
            ),
            (B, "f(3)"),
            (C, "print(f(3))"),
        ],
    },
    "lru_pure": {
        "cells": [
            (
                A,
                "from functools import lru_cache\n@lru_cache\ndef f(x):\n    return x if x<2 else f(x-1)+f(x-2)",
            ),
            (B, "y=f(30)"),
            (C, "print(f(20),y)"),
        ],
    },
    "dataclass": {
        "cells": [
            (
                A,
                "from dataclasses import dataclass,field\n"
                "from enum import Enum\n"
                "class K(Enum):\n"
                "    A=1\n"
                "@dataclass\n"
                "class P:\n"
                "    x:int\n"
                "    k:K=K.A\n"
                "    l:list=field(default_factory=list)\n"
                "p=P(1)",
            ),
            (
                B,
                "p.l.append(2)\nq=P(1,l=[2])",
            ),
            (C, "print(p==q,p.k is K.A,isinstance(p,P),p)"),
        ],
    },
    "namedtuple": {
        "cells": [
            (
                A,
                "from collections import namedtuple,defaultdict,Counter\n"
                "T=namedtuple('T','a b')\n"
                "t=T(1,2)\n"
                "d=defaultdict(list)\n"
                "c=Counter()",
            ),
            (
                B,
                "d['x'].append(t)\nc.update('abc')",
            ),
            (C, "print(d,t.a,isinstance(d['x'][0],T),c['a'])"),
        ],
    },
    "recursion": {
        "cells": [
            (
                A,
                "def fact(n):\n    return 1 if n<2 else n*fact(n-1)\nfib=lambda n:n if n<2 else fib(n-1)+fib(n-2)",
            ),
            (B, "print(fact(5),fib(10))"),
        ],
    },
    "redefine": {
        "cells": [
            (
                A,
                "def f(): return g()\ndef g(): return 1",
            ),
            (
                B,
                "x=f()\ndef g(): return 2",
            ),
            (C, "print(x,f())"),
        ],
    },
    "decor": {
        "cells": [
            (
                A,
                "calls=[]\n"
                "def log(fn):\n"
                "    def w(*a):\n"
                "        calls.append(fn.__name__)\n"
                "        return fn(*a)\n"
                "    return w\n"
                "@log\n"
                "def add(a,b): return a+b",
            ),
            (B, "add(1,2)"),
            (
                C,
                "add(3,4)\nprint(calls)",
            ),
        ],
    },
    "counter_attr": {
        "cells": [
            (
                A,
                "def f():\n    f.n+=1\n    return f.n\nf.n=0",
            ),
            (B, "f()"),
            (C, "print(f(),f.n)"),
        ],
    },
    "counter_attr_shared": {
        "cells": [
            (
                SHARED,
                "def f():\n    f.n+=1\n    return f.n\nf.n=0",
            ),
            (B, "f()"),
            (C, "print(f(),f.n)"),
        ],
    },
    "mutdefault_shared": {
        "cells": [
            (
                SHARED,
                "def f(x,seen=[]):\n    seen.append(x)\n    return seen",
            ),
            (B, "f(1)"),
            (C, "print(f(2))"),
        ],
    },
    "cache_shared": {
        "cells": [
            (
                SHARED,
                "cache={}\n"
                "def get(k):\n"
                "    if k not in cache:\n"
                "        cache[k]=k*2\n"
                "        print('miss',k)\n"
                "    return cache[k]",
            ),
            (B, "get(1)"),
            (
                C,
                "get(1)\nget(2)\nprint(cache)",
            ),
        ],
    },
    "params": {
        "cells": [
            (
                PARAMETERS,
                "alpha=0.5\nnames=['a']",
            ),
            (SHARED, "def scale(x): return x*alpha"),
            (
                B,
                "y=scale(2)\nnames.append('b')",
            ),
            (
                C,
                "alpha=3\nprint(scale(2),y,names)",
            ),
            (D, "print(scale(1),names)"),
        ],
    },
    "nested_mut": {
        "cells": [
            (
                A,
                "xs=[]\ndef outer(v):\n    def inner():\n        xs.append(v)\n    inner()",
            ),
            (B, "outer(1)"),
            (
                C,
                "outer(2)\nprint(xs)",
            ),
        ],
    },
    "predict_mut": {
        "cells": [
            (
                A,
                "class M:\n    n=0\n    def predict(self,x):\n        self.n+=1\n        return x\nm=M()",
            ),
            (B, "m.predict(1)"),
            (
                C,
                "m.predict(1)\nprint(m.n)",
            ),
        ],
    },
    "prop": {
        "cells": [
            (
                A,
                "class M:\n"
                "    def __init__(self): self.n=0\n"
                "    @property\n"
                "    def tick(self):\n"
                "        self.n+=1\n"
                "        return self.n\n"
                "m=M()",
            ),
            (B, "m.tick"),
            (C, "print(m.tick)"),
        ],
    },
    "dunder": {
        "cells": [
            (
                A,
                "class M:\n"
                "    def __init__(self): self.n=0\n"
                "    def __call__(self,x):\n"
                "        self.n+=x\n"
                "        return self.n\n"
                "    def __iadd__(self,o):\n"
                "        self.n+=o\n"
                "        return self\n"
                "    def __getitem__(self,k):\n"
                "        self.n+=1\n"
                "        return k\n"
                "    def __len__(self):\n"
                "        self.n+=1\n"
                "        return 3\n"
                "m=M()\n"
                "k=m",
            ),
            (B, "m(2)"),
            (
                C,
                "m+=1\nm[0]\nlen(m)",
            ),
            (D, "print(m.n,k.n)"),
        ],
    },
    "classclosure": {
        "cells": [
            (
                A,
                "base=2\n"
                "class P:\n"
                "    def f(self): return base\n"
                "class Q(P):\n"
                "    def f(self): return super().f()*10\n"
                "q=Q()",
            ),
            (B, "base=5"),
            (C, "print(q.f(),isinstance(q,P))"),
        ],
    },
    "sortkey": {
        "cells": [
            (
                A,
                "order={'b':0,'a':1}\nkey=lambda s:order[s]",
            ),
            (B, "order={'a':0,'b':1}"),
            (C, "print(sorted('ab',key=key))"),
        ],
    },
    "global_decl": {
        "cells": [
            (
                A,
                "n=0\ndef bump():\n    global n,made\n    n+=1\n    made=True",
            ),
            (B, "bump()"),
            (
                C,
                "bump()\nprint(n,made)",
            ),
        ],
    },
    "typehint": {
        "cells": [
            (
                A,
                "from __future__ import annotations\nx:int=1\ny:Foo\ndef f(a:Bar)->Baz: return a",
            ),
            (B, "print(x,f(2))"),
        ],
    },
    "comp_class": {
        "cells": [
            (
                A,
                "n=3\nclass C:\n    n=5\n    l=[n for _ in range(2)]\nfs=[lambda i=i:i*n for i in range(2)]",
            ),
            (B, "n=10"),
            (C, "print(C.l,[f() for f in fs])"),
        ],
    },
    "typeself": {
        "cells": [
            (
                SHARED,
                "class C:\n    n=0\n    def hit(self):\n        type(self).n+=1",
            ),
            (A, "c=C()"),
            (B, "c.hit()"),
            (
                C,
                "d=C()\nd.hit()\nprint(C.n,c.n)",
            ),
        ],
    },
    "inherit": {
        "cells": [
            (
                SHARED,
                "class B:\n"
                "    def __init__(self): self.log=[]\n"
                "    def add(self,x): self.log.append(x)\n"
                "class S(B):\n"
                "    def add(self,x):\n"
                "        super().add(x*2)",
            ),
            (A, "s=S()"),
            (B, "s.add(1)"),
            (
                C,
                "s.add(2)\nprint(s.log)",
            ),
        ],
    },
    "defaultarg": {
        "cells": [
            (
                A,
                "n=1\ndef f(x,k=n):\n    return x+k",
            ),
            (B, "n=100"),
            (C, "print(f(1),n)"),
        ],
    },
}
REFUSED = {"lru": "cached-function"}


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - REFUSED.keys()))
def test_the_pipeline_prints_what_the_notebook_prints(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["state"] == "equal", results[name]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_the_same_is_refused(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["state"] == "refused"
    assert results[name]["kinds"] == [REFUSED[name]]
