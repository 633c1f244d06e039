"""Two names for one object, and changes to it through calls, methods and containers."""

from __future__ import annotations

from typing import Any

import pytest

A, B, C, D = "step:a", "step:b", "step:c", "step:d"
SHARED, PARAMETERS = "shared", "parameters"

PROGRAMS: dict[str, dict[str, Any]] = {
    "slice": {
        "cells": [
            (A, "xs = [1, [2]]\nys = xs[:]\nzs = xs[1:]"),
            (B, "ys.insert(0, 9)"),
            (C, "zs[0].append(3)"),
            (D, "print(xs, ys, zs, ys[2] is xs[1])"),
        ],
    },
    "maybe_bound_alias": {
        "cells": [
            (A, "a = [1]\nif len(a) > 0:\n    b = a"),
            (B, "a.append(2)"),
            (C, "b.append(3)"),
            (D, "print(a, b, a is b)"),
        ],
    },
    "two_calls_make_two_objects": {
        "cells": [
            (A, "def make():\n    return [[0]]\nfirst, second = make(), make()"),
            (B, "first[0].append(1)"),
            (C, "second[0].append(2)"),
            (D, "print(first, second, first is second)"),
        ],
    },
    "alias": {
        "cells": [
            (A, "a=[1]"),
            (B, "b=a"),
            (C, "a.append(2)"),
            (D, "print(a,b,a is b)"),
        ],
    },
    "alias2": {
        "cells": [
            (
                A,
                "a=[1]\nd={'k':a}",
            ),
            (B, "a.append(2)"),
            (C, "d['k'].append(3)"),
            (D, "print(a,d,a is d['k'])"),
        ],
    },
    "alias_is": {
        "cells": [
            (A, "a=[1]"),
            (B, "b=a"),
            (C, "print(a is b)"),
        ],
    },
    "views": {
        "cells": [
            (
                A,
                "import numpy as np\nx=np.arange(6)\ny=x[2:5]",
            ),
            (B, "y[0]=99"),
            (C, "x[4]=7"),
            (D, "print(x,y)"),
        ],
    },
    "iterator": {
        "cells": [
            (
                A,
                "it=iter([1,2,3])\nz=zip([1,2],[3,4])",
            ),
            (
                B,
                "next(it)\nnext(z)",
            ),
            (C, "print(list(it),list(z))"),
        ],
    },
    "genfunc": {
        "cells": [
            (
                A,
                "def gen():\n    yield 1\n    yield 2\ng=gen()",
            ),
            (B, "print(next(g))"),
        ],
    },
    "genfunc_ok": {
        "cells": [
            (
                A,
                "def gen():\n    yield 1\n    yield 2",
            ),
            (B, "print(list(gen()))"),
        ],
    },
    "trans_mut": {
        "cells": [
            (
                A,
                "def add(l,x): l.append(x)\ndef add2(l,x): add(l,x)\nrows=[]",
            ),
            (B, "add2(rows,1)"),
            (
                C,
                "add2(rows,2)\nprint(rows)",
            ),
        ],
    },
    "cb_mut": {
        "cells": [
            (
                A,
                "log=[]\ndef note(x):\n    log.append(x)\n    return x",
            ),
            (B, "r=list(map(note,[1,2]))"),
            (C, "print(log,r)"),
        ],
    },
    "boundmethod": {
        "cells": [
            (
                A,
                "xs=[]\nadd=xs.append",
            ),
            (B, "add(1)"),
            (
                C,
                "list(map(xs.append,[2,3]))\nprint(xs)",
            ),
        ],
    },
    "partial": {
        "cells": [
            (
                A,
                "from functools import partial\nxs=[]\ndef put(l,x): l.append(x)\np=partial(put,xs)",
            ),
            (B, "p(1)"),
            (
                C,
                "p(2)\nprint(xs)",
            ),
        ],
    },
    "method_mut": {
        "cells": [
            (
                A,
                "class Bag:\n"
                "    def __init__(self): self.l=[]\n"
                "    def put(self,x):\n"
                "        self._put(x)\n"
                "        return self\n"
                "    def _put(self,x): self.l.append(x)\n"
                "bag=Bag()\n"
                "other=bag",
            ),
            (B, "bag.put(1)"),
            (C, "other.put(2)"),
            (D, "print(bag.l,other is bag)"),
        ],
    },
    "heap": {
        "cells": [
            (
                A,
                "import heapq,bisect,random,operator\nh=[]\nb=[1,5]\nd=list(range(5))\nrandom.seed(3)",
            ),
            (
                B,
                "heapq.heappush(h,3)\nbisect.insort(b,3)\nrandom.shuffle(d)\noperator.setitem(b,0,0)",
            ),
            (C, "print(h,b,d)"),
        ],
    },
    "setattr": {
        "cells": [
            (
                A,
                "from types import SimpleNamespace as N\nn=N(a=1)",
            ),
            (
                B,
                "setattr(n,'b',2)\nvars(n)['c']=3\nn.__dict__.update(d=4)",
            ),
            (C, "print(n)"),
        ],
    },
    "objindex": {
        "cells": [
            (
                A,
                "class O: pass\nos_=[O(),O()]",
            ),
            (B, "best=os_[1]"),
            (C, "print(os_.index(best), best in os_, best==os_[1])"),
        ],
    },
    "iadd_alias": {
        "cells": [
            (
                A,
                "a=[1]\nb=a",
            ),
            (B, "a+=[2]"),
            (
                C,
                "b+=[3]\nprint(a,b)",
            ),
        ],
    },
    "tuple_unpack": {
        "cells": [
            (
                A,
                "(p,q),*r=[(1,[2]),3,4]\nz=q",
            ),
            (B, "q.append(9)"),
            (C, "print(p,q,r,z)"),
        ],
    },
    "dfalias": {
        "cells": [
            (
                A,
                "import pandas as pd\ndf=pd.DataFrame({'a':[1,2]})\nsame=df\ncopy=df.copy()",
            ),
            (B, "df['b']=3"),
            (C, "same.loc[0,'a']=7"),
            (D, "print(df,same is df,copy.shape)"),
        ],
    },
    "sklearn": {
        "cells": [
            (
                A,
                "import numpy as np\n"
                "from sklearn.linear_model import LinearRegression\n"
                "X=np.arange(6.).reshape(3,2);y=X[:,0]\n"
                "lr=LinearRegression()\n"
                "models={'lr':lr}",
            ),
            (B, "lr.fit(X,y)"),
            (C, "print(models['lr'].coef_.round(3), models['lr'] is lr)"),
        ],
    },
    "pipeline_sk": {
        "cells": [
            (
                A,
                "import numpy as np\n"
                "from sklearn.pipeline import Pipeline\n"
                "from sklearn.preprocessing import StandardScaler\n"
                "sc=StandardScaler()\n"
                "pipe=Pipeline([('s',sc)])\n"
                "X=np.arange(6.).reshape(3,2)",
            ),
            (B, "pipe.fit(X)"),
            (C, "print(sc.mean_)"),
        ],
    },
    "retval_alias": {
        "cells": [
            (
                A,
                "store={}\ndef slot(k):\n    return store.setdefault(k,[])",
            ),
            (
                B,
                "s=slot('a')\ns.append(1)",
            ),
            (C, "slot('a').append(2)"),
            (D, "print(s,store,s is store['a'])"),
        ],
    },
    "nested_self": {
        "cells": [
            (
                A,
                "node={'n':None}\nfor i in range(2):\n    node={'n':node,'v':i}\nchild=node['n']",
            ),
            (B, "child['v']=9"),
            (C, "print(node['n']['v'],child is node['n'])"),
        ],
    },
    "selfloop": {
        "cells": [
            (
                A,
                "l=[]\nl.append(l)\nm=l[0]",
            ),
            (B, "m.append(1)"),
            (C, "print(len(l),l[0] is l)"),
        ],
    },
    "loc_elem": {
        "cells": [
            (
                A,
                "rows=[[1],[2]]\nfirst=rows[0]",
            ),
            (B, "first.append(5)"),
            (C, "rows[1].append(6)"),
            (D, "print(rows,first,first is rows[0])"),
        ],
    },
    "callparam": {
        "cells": [
            (
                A,
                "def each(f,xs):\n    for x in xs:\n        f(x)\ndef tag(d):\n    d['t']=1\nds=[{},{}]\none=ds[0]",
            ),
            (B, "each(tag,ds)"),
            (C, "print(ds,one)"),
        ],
    },
    "callparam2": {
        "cells": [
            (
                A,
                "out=[]\ndef each(f,xs):\n    for x in xs:\n        f(x)\n",
            ),
            (B, "each(out.append,[1,2])"),
            (
                C,
                "each(lambda v:out.append(v),[3])\nprint(out)",
            ),
        ],
    },
    "tags": {
        "cells": [
            (
                A,
                "s={1}\nt=s\nu=frozenset(s)",
            ),
            (
                B,
                "s|={2}\ns.add(3)",
            ),
            (C, "print(t,u,s is t)"),
        ],
    },
    "attrs": {
        "cells": [
            (
                A,
                "class N:\n    pass\nn=N()\nn.child=N()\nk=n.child",
            ),
            (B, "n.child.v=3"),
            (C, "print(k.v)"),
        ],
    },
    "np_inplace": {
        "cells": [
            (
                A,
                "import numpy as np\na=np.zeros(3)\nb=a.reshape(3,1)\nc=a.copy()",
            ),
            (B, "a+=1"),
            (
                C,
                "np.add(a,1,out=a)\nb[0]=9",
            ),
            (D, "print(a,b.ravel(),c)"),
        ],
    },
    "series_view": {
        "cells": [
            (
                A,
                "import pandas as pd\ndf=pd.DataFrame({'a':[1,2]})\ns=df['a']",
            ),
            (B, "df['a']=df['a']*10"),
            (C, "print(s.tolist(),df.a.tolist())"),
        ],
    },
}
REFUSED = {"genfunc": "unserializable"}


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - REFUSED.keys()))
def test_the_pipeline_prints_what_the_notebook_prints(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["state"] == "equal", results[name]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_the_same_is_refused(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["state"] == "refused"
    assert results[name]["kinds"] == [REFUSED[name]]
