"""Shapes of code that share or change objects in ways that are easy to miss, run whole and as a pipeline."""

from __future__ import annotations

import pytest
from simulated_pipeline import Simulation

PROGRAMS: dict[str, list[tuple[str, str]]] = {
    "class_attr_instance": [
        ("a", ("class C:\n    items=[]\n    def add(self,x):\n        self.items.append(x)\nc=C()")),
        ("b", ("d=C()\nd.add(1)")),
        ("c", "c.add(2)"),
        ("d", "print(C.items, c.items)"),
    ],
    "shared_class_attr_type_self": [
        (
            "shared",
            (
                "class C:\n"
                "    log=[]\n"
                "    def add(self,x):\n"
                "        type(self).log.append(x)\n"
                "    def n(self):\n"
                "        return len(self.log)"
            ),
        ),
        ("a", ("o=C()\no.add(1)")),
        ("b", "o.add(2)"),
        ("c", "print(o.n())"),
    ],
    "shared_class_attr_other_instance": [
        (
            "shared",
            (
                "class C:\n"
                "    log=[]\n"
                "    def add(self,x):\n"
                "        self.log.append(x)\n"
                "    def n(self):\n"
                "        return len(self.log)"
            ),
        ),
        ("a", ("o=C()\np=C()")),
        ("b", "o.add(2)"),
        ("c", "print(p.n())"),
    ],
    "setattr_dunder": [
        (
            "a",
            (
                "log=[]\n"
                "class C:\n"
                "    def __setattr__(self,k,v):\n"
                "        log.append(k)\n"
                "        object.__setattr__(self,k,v)\n"
                "c=C()"
            ),
        ),
        ("b", "c.x=1"),
        ("c", "print(log, c.x)"),
    ],
    "descriptor": [
        (
            "a",
            (
                "class D:\n"
                "    def __init__(self):\n"
                "        self.seen=[]\n"
                "    def __get__(self,o,t):\n"
                "        self.seen.append(1)\n"
                "        return self.seen\n"
                "class C:\n"
                "    x=D()\n"
                "c=C()"
            ),
        ),
        ("b", "c.x"),
        ("c", "c.x"),
        ("d", "print(len(c.x))"),
    ],
    "property_side": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self):\n"
                "        self.n=0\n"
                "    @property\n"
                "    def next(self):\n"
                "        self.n+=1\n"
                "        return self.n\n"
                "c=C()"
            ),
        ),
        ("b", "c.next"),
        ("c", "c.next"),
        ("d", "print(c.n)"),
    ],
    "property_setter": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self):\n"
                "        self._x=[]\n"
                "    @property\n"
                "    def x(self):\n"
                "        return self._x\n"
                "    @x.setter\n"
                "    def x(self,v):\n"
                "        self._x.append(v)\n"
                "c=C()\n"
                "y=c.x"
            ),
        ),
        ("b", "c.x=3"),
        ("c", "print(y)"),
    ],
    "nonlocal_counter": [
        (
            "a",
            (
                "def mk():\n"
                "    n=0\n"
                "    def inc():\n"
                "        nonlocal n\n"
                "        n+=1\n"
                "        return n\n"
                "    return inc\n"
                "inc=mk()"
            ),
        ),
        ("b", "inc()"),
        ("c", "print(inc())"),
    ],
    "nonlocal_list_alias": [
        ("a", ("xs=[1]\ndef mk(ys):\n    def add():\n        ys.append(1)\n    return add\nadd=mk(xs)")),
        ("b", "add()"),
        ("c", "print(xs)"),
    ],
    "decorator_state": [
        (
            "a",
            (
                "def count(f):\n"
                "    def inner(*a):\n"
                "        inner.n+=1\n"
                "        return f(*a)\n"
                "    inner.n=0\n"
                "    return inner\n"
                "@count\n"
                "def f(x):\n"
                "    return x"
            ),
        ),
        ("b", "f(1)"),
        ("c", "f(2)"),
        ("d", "print(f.n)"),
    ],
    "decorator_registry": [
        ("a", ("reg=[]\ndef add(f):\n    reg.append(f.__name__)\n    return f")),
        ("b", ("@add\ndef f(): pass")),
        ("c", ("@add\ndef g(): pass")),
        ("d", "print(reg)"),
    ],
    "partial": [
        ("a", ("from functools import partial\nxs=[]\ndef add(l,v):\n    l.append(v)\npush=partial(add,xs)")),
        ("b", "push(1)"),
        ("c", "push(2)"),
        ("d", "print(xs)"),
    ],
    "partial_method": [
        ("a", ("from functools import partial\nxs=[]\npush=partial(xs.append)")),
        ("b", "push(1)"),
        ("c", "print(xs)"),
    ],
    "bound_method": [
        ("a", ("xs=[]\npush=xs.append")),
        ("b", "push(1)"),
        ("c", "print(xs)"),
    ],
    "exec_lit": [
        ("a", "x=1"),
        ("b", "exec('x=2\\ny=x')"),
        ("c", "print(x,y)"),
    ],
    "exec_var": [
        ("a", ("x=1\ncode='x=2'")),
        ("b", "exec(code)"),
        ("c", "print(x)"),
    ],
    "star_args_mut": [
        ("a", ("xs=[];ys=[]\ndef f(*args,**kw):\n    for a in args:\n        a.append(1)\n    kw['k'].append(2)")),
        ("b", "f(xs,k=ys)"),
        ("c", "print(xs,ys)"),
    ],
    "star_call": [
        ("a", ("xs=[];ys=[]\nargs=(xs,ys)\ndef f(a,b):\n    b.append(1)")),
        ("b", "f(*args)"),
        ("c", "print(ys)"),
    ],
    "dstar_call": [
        ("a", ("xs=[];ys=[]\nkw={'a':xs,'b':ys}\ndef f(a,b):\n    b.append(1)")),
        ("b", "f(**kw)"),
        ("c", "print(ys)"),
    ],
    "iadd_class": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self):\n"
                "        self.v=[]\n"
                "    def __iadd__(self,o):\n"
                "        self.v.append(o)\n"
                "        return self\n"
                "c=C()\n"
                "d=c"
            ),
        ),
        ("b", "c+=1"),
        ("c", "print(d.v)"),
    ],
    "add_mutates": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self):\n"
                "        self.v=[]\n"
                "    def __add__(self,o):\n"
                "        self.v.append(o)\n"
                "        return 1\n"
                "c=C()"
            ),
        ),
        ("b", "c+1"),
        ("c", "print(c.v)"),
    ],
    "radd_other": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self):\n"
                "        self.v=[]\n"
                "    def __add__(self,o):\n"
                "        o.append(5)\n"
                "        return 1\n"
                "c=C()\n"
                "xs=[]"
            ),
        ),
        ("b", "c+xs"),
        ("c", "print(xs)"),
    ],
    "eq_mutates_other": [
        ("a", ("class C:\n    def __eq__(self,o):\n        o.append(5)\n        return True\nc=C()\nxs=[]")),
        ("b", "c==xs"),
        ("c", "print(xs)"),
    ],
    "setitem_class": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self):\n"
                "        self.v={}\n"
                "    def __setitem__(self,k,o):\n"
                "        self.v[k]=o\n"
                "c=C()\n"
                "v=c.v"
            ),
        ),
        ("b", "c[1]=2"),
        ("c", "print(v)"),
    ],
    "setitem_global": [
        ("a", ("log=[]\nclass C:\n    def __setitem__(self,k,o):\n        log.append(k)\nc=C()")),
        ("b", "c[1]=2"),
        ("c", "print(log)"),
    ],
    "call_class": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self):\n"
                "        self.v=[]\n"
                "    def __call__(self,x):\n"
                "        self.v.append(x)\n"
                "        x.append(0)\n"
                "c=C()\n"
                "xs=[]"
            ),
        ),
        ("b", "c(xs)"),
        ("c", "print(c.v,xs)"),
    ],
    "enter": [
        (
            "a",
            (
                "log=[]\n"
                "class C:\n"
                "    def __enter__(self):\n"
                "        log.append('in')\n"
                "        return log\n"
                "    def __exit__(self,*a):\n"
                "        log.append('out')\n"
                "c=C()"
            ),
        ),
        ("b", ("with c as l:\n    l.append(1)")),
        ("c", "print(log)"),
    ],
    "enter_given": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self,xs):\n"
                "        self.xs=xs\n"
                "    def __enter__(self):\n"
                "        return self.xs\n"
                "    def __exit__(self,*a):\n"
                "        self.xs.append('out')\n"
                "xs=[]"
            ),
        ),
        ("b", ("with C(xs) as l:\n    pass")),
        ("c", "print(xs)"),
    ],
    "iter_class": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self):\n"
                "        self.n=0\n"
                "    def __iter__(self):\n"
                "        return self\n"
                "    def __next__(self):\n"
                "        self.n+=1\n"
                "        if self.n>2: raise StopIteration\n"
                "        return self.n\n"
                "c=C()"
            ),
        ),
        ("b", "for v in c: pass"),
        ("c", "print(c.n)"),
    ],
    "dictview": [
        ("a", ("d={'a':[1]}\nv=list(d.values())")),
        ("b", "v[0].append(2)"),
        ("c", "print(d)"),
    ],
    "shared_iter": [
        ("a", ("it=iter([1,2,3])\njt=it")),
        ("b", "next(it)"),
        ("c", "print(next(jt))"),
    ],
    "zip_iter": [
        ("a", ("it=iter([1,2,3,4])\npairs=zip(it,it)")),
        ("b", "next(pairs)"),
        ("c", "print(next(it))"),
    ],
    "chained": [
        ("a", "a=b=[]"),
        ("b", "a.append(1)"),
        ("c", "print(b)"),
    ],
    "chained3": [
        ("a", ("d={}\na=d['k']=[]")),
        ("b", "a.append(1)"),
        ("c", "print(d)"),
    ],
    "swap": [
        ("a", ("a,b=[1],[2]\na,b=b,a")),
        ("b", "a.append(3)"),
        ("c", "print(a,b)"),
    ],
    "starunpack": [
        ("a", ("x=[[1],[2],[3]]\na,*b=x")),
        ("b", "b[0].append(9)"),
        ("c", "print(x,a)"),
    ],
    "nestedunpack": [
        ("a", ("x=[[1],([2],[3])]\na,(b,c)=x")),
        ("b", "c.append(9)"),
        ("c", "print(x)"),
    ],
    "globals_set": [
        ("a", "x=0"),
        ("b", "globals()['x']=1"),
        ("c", "print(x)"),
    ],
    "globals_fn": [
        ("a", ("x=[]\ndef f():\n    globals()['x'].append(1)")),
        ("b", "f()"),
        ("c", "print(x)"),
    ],
    "globals_var": [
        ("a", ("x=[]\nn='x'")),
        ("b", "globals()[n].append(1)"),
        ("c", "print(x)"),
    ],
    "globals_alias": [
        ("a", "x=[]"),
        ("b", ("g=globals()\ng['x'].append(1)")),
        ("c", "print(x)"),
    ],
    "globals_get": [
        ("a", "x=[]"),
        ("b", "globals().get('x').append(1)"),
        ("c", "print(x)"),
    ],
    "globals_loop": [
        ("a", ("x=[]\ny=[]")),
        ("b", ("for n in ('x','y'):\n    globals()[n].append(1)")),
        ("c", "print(x,y)"),
    ],
    "globals_assign_loop": [
        ("a", ("x=0\ny=0")),
        ("b", ("for n in ('x','y'):\n    globals()[n]=5")),
        ("c", "print(x,y)"),
    ],
    "main_module": [
        ("a", "x=[]"),
        ("b", ("import __main__\n__main__.x.append(1)")),
        ("c", "print(x)"),
    ],
    "main_set": [
        ("a", "x=1"),
        ("b", ("import __main__\n__main__.x=2")),
        ("c", "print(x)"),
    ],
    "sysmodules": [
        ("a", "x=[]"),
        ("b", ("import sys\nsys.modules['__main__'].x.append(1)")),
        ("c", "print(x)"),
    ],
    "setattr_obj": [
        ("a", ("class C: pass\nc=C()\nd=c")),
        ("b", "setattr(c,'v',1)"),
        ("c", "print(d.v)"),
    ],
    "setattr_hold": [
        ("a", ("class C: pass\nc=C()\nxs=[]")),
        ("b", "setattr(c,'v',xs)"),
        ("c", "c.v.append(1)"),
        ("d", "print(xs)"),
    ],
    "vars_obj": [
        ("a", ("class C: pass\nc=C()\nd=[c]")),
        ("b", "vars(c)['v']=1"),
        ("c", "print(d[0].v)"),
    ],
    "dict_obj": [
        ("a", ("class C: pass\nc=C()\nd=[c]")),
        ("b", "c.__dict__.update(v=1)"),
        ("c", "print(d[0].v)"),
    ],
    "monkey_lib": [
        ("a", ("import json\ncalls=[]")),
        ("b", ("old=json.dumps\ndef mine(*a,**k):\n    calls.append(1)\n    return old(*a,**k)\njson.dumps=mine")),
        ("c", "json.dumps(1)"),
        ("d", ("json.dumps=old\nprint(calls)")),
    ],
    "dataclass_factory": [
        (
            "a",
            (
                "from dataclasses import dataclass, field\n"
                "pool=[]\n"
                "@dataclass\n"
                "class C:\n"
                "    xs: list = field(default_factory=lambda: pool)\n"
                "c=C()"
            ),
        ),
        ("b", "c.xs.append(1)"),
        ("c", "print(pool)"),
    ],
    "dataclass_field": [
        ("a", ("from dataclasses import dataclass\n@dataclass\nclass C:\n    xs: list\nys=[]\nc=C(ys)")),
        ("b", "c.xs.append(1)"),
        ("c", "print(ys, c)"),
    ],
    "namedtuple": [
        ("a", ("from collections import namedtuple\nT=namedtuple('T','x y')\nxs=[]\nt=T(xs,1)")),
        ("b", "t.x.append(1)"),
        ("c", "print(xs,t)"),
    ],
    "async_fn": [
        ("a", ("import asyncio\nxs=[]\nasync def f():\n    xs.append(1)")),
        ("b", "asyncio.run(f())"),
        ("c", "print(xs)"),
    ],
    "sort_key_mutates": [
        ("a", ("log=[]\nxs=[3,1]")),
        ("b", "xs.sort(key=lambda v: log.append(v) or v)"),
        ("c", "print(log,xs)"),
    ],
    "sorted_key_named": [
        ("a", ("log=[]\nxs=[3,1]\ndef key(v):\n    log.append(v)\n    return v")),
        ("b", "ys=sorted(xs,key=key)"),
        ("c", "print(log)"),
    ],
    "lazy_map": [
        ("a", ("log=[]\nxs=[1,2]\nm=map(lambda v: log.append(v), xs)")),
        ("b", "list(m)"),
        ("c", "print(log)"),
    ],
    "lazy_filter_late": [
        ("a", ("k=1\nm=filter(lambda v: v>k, [1,2,3])")),
        ("b", "k=2"),
        ("c", "print(list(m))"),
    ],
    "default_def_time": [
        ("a", ("n=1\ndef f(x=n):\n    return x")),
        ("b", "n=2"),
        ("c", "print(f())"),
    ],
    "default_list_alias": [
        ("a", ("xs=[]\ndef f(v,acc=xs):\n    acc.append(v)")),
        ("b", "f(1)"),
        ("c", "print(xs)"),
    ],
    "class_body_reads": [
        ("a", "n=[1]"),
        ("b", ("class C:\n    m=n\n    k=len(n)")),
        ("c", "C.m.append(2)"),
        ("d", "print(n,C.k)"),
    ],
    "del_rebind": [
        ("a", ("x=[1]\ny=x")),
        ("b", ("del x\nx=[2]")),
        ("c", "x.append(3)"),
        ("d", "print(x,y)"),
    ],
    "exc_var": [
        ("a", "errs=[]"),
        ("b", ("try:\n    1/0\nexcept ZeroDivisionError as e:\n    errs.append(e)")),
        ("c", "print(repr(errs[0]))"),
    ],
    "exc_args": [
        ("a", "xs=[]"),
        ("b", ("try:\n    raise ValueError(xs)\nexcept ValueError as e:\n    e.args[0].append(1)")),
        ("c", "print(xs)"),
    ],
    "match_capture": [
        ("a", "x={'k':[1]}"),
        ("b", ("match x:\n    case {'k': v}:\n        v.append(2)")),
        ("c", "print(x, v)"),
    ],
    "match_class": [
        ("a", ("class P:\n    __match_args__=('xs',)\n    def __init__(self,xs):\n        self.xs=xs\np=P([1])")),
        ("b", ("match p:\n    case P(z):\n        z.append(2)")),
        ("c", "print(p.xs)"),
    ],
    "hints": [
        ("a", "Name=int"),
        ("b", ("def f(x: Name) -> 'Other':\n    return x\nv: Name = 3")),
        ("c", "print(v, f(1))"),
    ],
    "walrus_comp": [
        ("a", "xs=[[1],[2]]"),
        ("b", ("[(last:=y) for y in xs]\nlast.append(5)")),
        ("c", "print(xs)"),
    ],
    "groupby": [
        ("a", ("import itertools\nxs=[1,1,2]\ng=itertools.groupby(xs)")),
        ("b", "print([k for k,_ in g])"),
    ],
    "deque": [
        ("a", ("from collections import deque\nd=deque([1])\ne=d")),
        ("b", "d.appendleft(0)"),
        ("c", "print(e)"),
    ],
    "defaultdict": [
        ("a", ("from collections import defaultdict\nd=defaultdict(list)\ne=d['a']")),
        ("b", "e.append(1)"),
        ("c", "print(dict(d))"),
    ],
    "defaultdict_read": [
        ("a", ("from collections import defaultdict\nd=defaultdict(list)")),
        ("b", "d['a']"),
        ("c", "print(dict(d))"),
    ],
    "counter": [
        ("a", ("from collections import Counter\nc=Counter()")),
        ("b", ("c['a']+=1\nc.update('ab')")),
        ("c", "print(c)"),
    ],
    "mutual_recursion": [
        ("a", ("def f(p,n):\n    g(p,n)\n    p.append(1)\ndef g(p,n):\n    if n:\n        f(p,n-1)\nxs=[]")),
        ("b", "f([],0)"),
        ("c", "g(xs,1)"),
        ("d", "print(xs)"),
    ],
    "inherit_method": [
        (
            "a",
            (
                "class A:\n"
                "    def add(self,x):\n"
                "        self.v.append(x)\n"
                "class B(A):\n"
                "    def __init__(self):\n"
                "        self.v=[]\n"
                "b=B()\n"
                "w=b.v"
            ),
        ),
        ("b", "b.add(1)"),
        ("c", "print(w)"),
    ],
    "super_init": [
        (
            "a",
            (
                "reg=[]\n"
                "class A:\n"
                "    def __init__(self):\n"
                "        reg.append(1)\n"
                "class B(A):\n"
                "    def __init__(self):\n"
                "        super().__init__()"
            ),
        ),
        ("b", "B()"),
        ("c", "print(reg)"),
    ],
    "classmethod_state": [
        ("a", ("class A:\n    n=0\n    @classmethod\n    def inc(cls):\n        cls.n+=1")),
        ("b", "A.inc()"),
        ("c", "print(A.n)"),
    ],
    "fn_attr": [
        ("a", ("def f():\n    f.n+=1\nf.n=0")),
        ("b", "f()"),
        ("c", "f()"),
        ("d", "print(f.n)"),
    ],
    "list_of_fns": [
        ("a", ("xs=[]\nfs=[lambda: xs.append(1)]")),
        ("b", "for f in fs: f()"),
        ("c", "print(xs)"),
    ],
    "dict_of_methods": [
        ("a", ("xs=[]\nd={'push':xs.append}")),
        ("b", "d['push'](1)"),
        ("c", "print(xs)"),
    ],
    "copy_shallow": [
        ("a", ("import copy\nxs=[[1]]\nys=copy.copy(xs)")),
        ("b", "ys[0].append(2)"),
        ("c", "print(xs)"),
    ],
    "reduce": [
        ("a", ("from functools import reduce\nxs=[]\ndef step(acc,v):\n    acc.append(v)\n    return acc")),
        ("b", "reduce(step,[1,2],xs)"),
        ("c", "print(xs)"),
    ],
    "operator_setitem": [
        ("a", ("import operator\nd={}")),
        ("b", "operator.setitem(d,'a',1)"),
        ("c", "print(d)"),
    ],
    "methodcaller": [
        ("a", ("import operator\nxs=[]\npush=operator.methodcaller('append',1)")),
        ("b", "push(xs)"),
        ("c", "print(xs)"),
    ],
    "random_shuffle": [
        ("a", ("import random\nrandom.seed(1)\nxs=[1,2,3,4]\nys=xs")),
        ("b", "random.shuffle(ys)"),
        ("c", "print(xs, random.random())"),
    ],
    "heap": [
        ("a", ("import heapq\nh=[3,1]\ng=h")),
        ("b", "heapq.heappush(h,0)"),
        ("c", "print(g)"),
    ],
    "memo_dict_default": [
        ("a", ("def fib(n,memo={}):\n    memo[n]=1\n    return len(memo)")),
        ("b", "fib(1)"),
        ("c", "print(fib(2))"),
    ],
    "class_in_fn": [
        ("a", ("def mk():\n    class C:\n        log=[]\n    return C\nC=mk()")),
        ("b", "C.log.append(1)"),
        ("c", "print(C.log)"),
    ],
    "global_in_method": [
        ("a", ("n=0\nclass C:\n    def inc(self):\n        global n\n        n+=1\nc=C()")),
        ("b", "c.inc()"),
        ("c", "print(n)"),
    ],
    "try_finally": [
        ("a", "xs=[]"),
        ("b", ("try:\n    xs.append(1)\nfinally:\n    ys=xs")),
        ("c", "ys.append(2)"),
        ("d", "print(xs)"),
    ],
    "with_suppress": [
        ("a", ("from contextlib import suppress\nx=1")),
        ("b", ("with suppress(ZeroDivisionError):\n    1/0\n    x=2")),
        ("c", "print(x)"),
    ],
    "cond_import": [
        ("a", ("try:\n    import nosuch as js\nexcept ImportError:\n    import json as js")),
        ("b", "print(js.dumps(1))"),
    ],
    "slice_assign": [
        ("a", ("xs=[1,2]\nys=xs")),
        ("b", "xs[:]=[9]"),
        ("c", "print(ys)"),
    ],
    "type_self_items": [
        ("a", ("class C:\n    pass\nC.items=[]\no=C()")),
        ("b", "o.items.append(1)"),
        ("c", "print(C.items)"),
    ],
    "property_cached": [
        (
            "a",
            (
                "from functools import cached_property\n"
                "class C:\n"
                "    @cached_property\n"
                "    def v(self):\n"
                "        return []\n"
                "c=C()"
            ),
        ),
        ("b", "c.v.append(1)"),
        ("c", "print(c.v)"),
    ],
    "slots": [
        ("a", ("class C:\n    __slots__=('x',)\nc=C()\nc.x=[]\nx=c.x")),
        ("b", "x.append(1)"),
        ("c", "print(c.x)"),
    ],
    "generator_fn_side": [
        ("a", ("log=[]\ndef gen():\n    log.append(1)\n    yield 1")),
        ("b", "list(gen())"),
        ("c", "print(log)"),
    ],
    "yield_alias": [
        ("a", ("xs=[[1]]\ndef gen():\n    for x in xs:\n        yield x")),
        ("b", ("for y in gen():\n    y.append(2)")),
        ("c", "print(xs)"),
    ],
    "ret_global": [
        ("a", ("xs=[]\ndef get():\n    return xs")),
        ("b", "get().append(1)"),
        ("c", "print(xs)"),
    ],
    "ret_attr": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self):\n"
                "        self.v=[]\n"
                "    def get(self):\n"
                "        return self.v\n"
                "c=C()\n"
                "d=c.get()"
            ),
        ),
        ("b", "d.append(1)"),
        ("c", "print(c.v)"),
    ],
    "fluent": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self):\n"
                "        self.v=[]\n"
                "    def add(self,x):\n"
                "        self.v.append(x)\n"
                "        return self\n"
                "c=C()\n"
                "d=c.add(1)"
            ),
        ),
        ("b", "d.add(2)"),
        ("c", "print(c.v)"),
    ],
    "metaclass": [
        (
            "a",
            (
                "reg=[]\n"
                "class M(type):\n"
                "    def __new__(m,n,b,d):\n"
                "        reg.append(n)\n"
                "        return super().__new__(m,n,b,d)"
            ),
        ),
        ("b", "class A(metaclass=M): pass"),
        ("c", "print(reg)"),
    ],
    "init_subclass": [
        ("a", ("class A:\n    subs=[]\n    def __init_subclass__(cls):\n        A.subs.append(cls.__name__)")),
        ("b", "class B(A): pass"),
        ("c", "print(A.subs)"),
    ],
    "attr_chain": [
        ("a", ("class N: pass\na=N()\na.b=N()\na.b.c=[]\nz=a.b.c")),
        ("b", "a.b.c.append(1)"),
        ("c", "print(z)"),
    ],
    "builtin_shadow": [
        ("a", ("xs=[]\ndef print_(x): xs.append(x)\nlen=lambda v: 42")),
        ("b", "print(len([]))"),
    ],
    "list_class_alias": [
        ("a", ("L=list\nxs=[]")),
        ("b", "L.append(xs,1)"),
        ("c", "print(xs)"),
    ],
    "type_call": [
        ("a", ("T=type('T',(),{'log':[]})\nt=T()")),
        ("b", "t.log.append(1)"),
        ("c", "print(T.log)"),
    ],
    "import_in_fn": [
        ("a", ("def f():\n    import math\n    return math.pi")),
        ("b", "print(f())"),
    ],
    "fn_rebinds_alias": [
        ("a", ("xs=[1]\nys=xs\ndef f():\n    global xs\n    xs=[9]")),
        ("b", "f()"),
        ("c", ("ys.append(2)\nprint(xs,ys)")),
    ],
    "star_kw_store": [
        ("a", ("store={}\ndef put(**kw):\n    store.update(kw)\nxs=[]")),
        ("b", "put(a=xs)"),
        ("c", "store['a'].append(1)"),
        ("d", "print(xs)"),
    ],
    "attr_elem": [
        ("a", ("class C: pass\no=C()\ninner=[1]\no.items=[inner]")),
        ("b", "o.items[0].append(2)"),
        ("c", "print(inner)"),
    ],
    "attr_elem2": [
        ("a", ("class C:\n    def __init__(self,x):\n        self.items=[x]\ninner=[1]\no=C(inner)")),
        ("b", ("for i in o.items:\n    i.append(2)")),
        ("c", "print(inner)"),
    ],
    "attr_dict": [
        ("a", ("class C: pass\no=C()\ninner=[1]\no.d={'k':[inner]}")),
        ("b", "o.d['k'][0].append(2)"),
        ("c", "print(inner)"),
    ],
    "nested3": [
        ("a", ("inner=[1]\nouter=[[[inner]]]")),
        ("b", "outer[0][0][0].append(2)"),
        ("c", "print(inner)"),
    ],
    "closure_in_comp": [
        ("a", ("xs=[]\nfs=[(lambda i=i: xs.append(i)) for i in range(2)]")),
        ("b", "fs[0]()"),
        ("c", "print(xs)"),
    ],
    "fn_in_dict_attr": [
        ("a", ("xs=[]\nclass C: pass\nC.f=staticmethod(lambda: xs.append(1))")),
        ("b", "C.f()"),
        ("c", "print(xs)"),
    ],
    "starred_display": [
        ("a", ("inner=[1]\nouter=[*[inner]]")),
        ("b", "outer[0].append(2)"),
        ("c", "print(inner)"),
    ],
    "dict_of_lists_items": [
        ("a", ("inner=[1]\nd={'a':inner}")),
        ("b", ("for k,v in d.items():\n    v.append(2)")),
        ("c", "print(inner)"),
    ],
    "enumerate": [
        ("a", ("inner=[1]\no=[inner]")),
        ("b", ("for i,v in enumerate(o):\n    v.append(2)")),
        ("c", "print(inner)"),
    ],
    "zip": [
        ("a", ("inner=[1]\no=[inner]")),
        ("b", ("for i,v in zip([1],o):\n    v.append(2)")),
        ("c", "print(inner)"),
    ],
    "comp_call": [
        ("a", ("inner=[1]\no=[inner]\ndef f(v): v.append(2)")),
        ("b", "[f(v) for v in o]"),
        ("c", "print(inner)"),
    ],
    "map_named": [
        ("a", ("inner=[1]\no=[inner]\ndef f(v): v.append(2)")),
        ("b", "list(map(f,o))"),
        ("c", "print(inner)"),
    ],
    "apply_fn": [
        ("a", ("inner=[1]\ndef f(v): v.append(2)\ndef ap(g,v): g(v)")),
        ("b", "ap(f,inner)"),
        ("c", "print(inner)"),
    ],
    "apply_lambda": [
        ("a", ("inner=[1]\ndef ap(g): return [g(v) for v in [1]]")),
        ("b", "ap(lambda v: inner.append(v))"),
        ("c", "print(inner)"),
    ],
    "ret_lambda": [
        ("a", ("inner=[1]\ndef mk(xs): return lambda v: xs.append(v)\npush=mk(inner)")),
        ("b", "push(3)"),
        ("c", "print(inner)"),
    ],
    "nested_def_param": [
        ("a", ("inner=[1]\ndef outer(xs):\n    def add(v): xs.append(v)\n    add(1)\n    add(2)")),
        ("b", "outer(inner)"),
        ("c", "print(inner)"),
    ],
    "recursion_store": [
        ("a", ("out=[]\ndef visit(t):\n    out.append(t)\n    for c in t:\n        visit(c)\ntree=[[],[[]]]")),
        ("b", "visit(tree)"),
        ("c", "out[1].append(5)"),
        ("d", "print(tree)"),
    ],
    "param_store_global": [
        ("a", ("keep=[]\ndef put(x): keep.append(x)\nxs=[1]")),
        ("b", "put(xs)"),
        ("c", "keep[0].append(2)"),
        ("d", "print(xs)"),
    ],
    "param_to_param": [
        ("a", ("def put(l,x): l.append(x)\nxs=[1]\nl=[]")),
        ("b", "put(l,xs)"),
        ("c", "l[0].append(2)"),
        ("d", "print(xs)"),
    ],
    "ret_param_elem": [
        ("a", ("def first(l): return l[0]\nxs=[1]\nl=[xs]")),
        ("b", "first(l).append(2)"),
        ("c", "print(xs)"),
    ],
    "fn_rebinds_global_mut": [
        ("a", ("xs=[1]\ndef reset():\n    global xs\n    xs=[]\nys=xs")),
        ("b", ("reset()\nxs.append(5)")),
        ("c", "print(xs,ys)"),
    ],
    "cond_fn": [
        ("a", ("xs=[1]\nif xs:\n    def f(): xs.append(1)\nelse:\n    def f(): pass")),
        ("b", "f()"),
        ("c", "print(xs)"),
    ],
    "late_bound": [
        ("a", ("def f(): return helper()\ndef helper(): return 1")),
        ("b", "def helper(): return 2"),
        ("c", "print(f())"),
    ],
    "late_bound_mut": [
        ("a", ("xs=[]\ndef f(): helper()\ndef helper(): pass")),
        ("b", "def helper(): xs.append(1)"),
        ("c", "f()"),
        ("d", "print(xs)"),
    ],
    "shared_late": [
        ("shared", "def f(): return k"),
        ("a", "k=1"),
        ("b", "print(f())"),
        ("c", "k=2"),
        ("d", "print(f())"),
    ],
    "if_expr_call": [
        ("a", "a=[];b=[];n=1"),
        ("b", "(a if n else b).append(1)"),
        ("c", "print(a,b)"),
    ],
    "multi_target": [
        ("a", ("d={};xs=[]\nd['a'],d['b']=xs,xs")),
        ("b", "d['a'].append(1)"),
        ("c", "print(xs)"),
    ],
    "for_attr_target": [
        ("a", ("class C: pass\no=C()\np=o")),
        ("b", "for o.x in range(3): pass"),
        ("c", "print(p.x)"),
    ],
    "with_target_sub": [
        ("a", ("import contextlib\nd={}\ne=d")),
        ("b", "with contextlib.nullcontext(5) as d['k']: pass"),
        ("c", "print(e)"),
    ],
    "aug_attr": [
        ("a", ("class C: pass\no=C()\nxs=[1]\no.v=xs")),
        ("b", "o.v+=[2]"),
        ("c", "print(xs)"),
    ],
    "aug_nested_dict": [
        ("a", ("d={'a':{'b':[1]}}\ny=d['a']['b']")),
        ("b", "d['a']['b']+=[2]"),
        ("c", "print(y)"),
    ],
    "del_sub": [
        ("a", ("d={'a':1}\ne=d")),
        ("b", "del d['a']"),
        ("c", "print(e)"),
    ],
    "del_attr": [
        ("a", ("class C: pass\no=C();o.x=1\np=o")),
        ("b", "del o.x"),
        ("c", "print(hasattr(p,'x'))"),
    ],
    "lazy_defaults": [
        ("a", ("def f(x, cache={}):\n    cache[x]=1\n    return len(cache)\ng=f")),
        ("b", "g(1)"),
        ("c", "print(f(2))"),
    ],
    "str_format_call": [
        ("a", ("log=[]\nclass C:\n    def __str__(self):\n        log.append(1)\n        return 'c'\nc=C()")),
        ("b", "print(f'{c}')"),
        ("c", "print(log)"),
    ],
    "bool_call": [
        ("a", ("log=[]\nclass C:\n    def __bool__(self):\n        log.append(1)\n        return True\nc=C()")),
        ("b", "if c: pass"),
        ("c", "print(log)"),
    ],
    "len_mut_self": [
        ("a", ("class C:\n    n=0\n    def __len__(self):\n        self.n+=1\n        return 1\nc=C()")),
        ("b", "len(c)"),
        ("c", "print(c.n)"),
    ],
    "contains_mut": [
        (
            "a",
            (
                "class C:\n"
                "    def __init__(self): self.n=0\n"
                "    def __contains__(self,v):\n"
                "        v.append(1)\n"
                "        return True\n"
                "c=C()\n"
                "xs=[]"
            ),
        ),
        ("b", "xs in c"),
        ("c", "print(xs)"),
    ],
    "hash_key_obj": [
        ("a", ("class K: pass\nk=K()\nd={k:[1]}")),
        ("b", "d[k].append(2)"),
        ("c", "print(d[k])"),
    ],
    "np_views": [
        ("a", ("import numpy as np\na=np.zeros((2,2))\nb=a.T\nc=a.ravel()")),
        ("b", "b[0,1]=5"),
        ("c", "c[0]=7"),
        ("d", "print(a.tolist())"),
    ],
    "np_out": [
        ("a", ("import numpy as np\na=np.zeros(2)\nb=a")),
        ("b", "np.add(a,1,out=b)"),
        ("c", "print(a)"),
    ],
    "np_nditer": [
        ("a", ("import numpy as np\na=np.zeros(2)")),
        ("b", ("for x in np.nditer(a,op_flags=['readwrite']):\n    x[...]=3")),
        ("c", "print(a)"),
    ],
    "np_split": [
        ("a", ("import numpy as np\na=np.arange(4)\nl,r=np.split(a,2)")),
        ("b", "l[0]=9"),
        ("c", "print(a)"),
    ],
    "np_asarray_list": [
        ("a", ("import numpy as np\na=np.arange(3)\nb=np.asarray(a)\nc=np.atleast_2d(a)")),
        ("b", "b[0]=5"),
        ("c", "print(a,c)"),
    ],
    "df_col_array": [
        ("a", ("import pandas as pd\ndf=pd.DataFrame({'a':[1,2]})\ns=df['a']")),
        ("b", "df['a']=[5,6]"),
        ("c", "print(s.tolist())"),
    ],
    "df_attrs": [
        ("a", ("import pandas as pd\ndf=pd.DataFrame({'a':[1]})\nxs=[1]\ndf.attrs['x']=xs")),
        ("b", "df.attrs['x'].append(2)"),
        ("c", "print(xs)"),
    ],
    "df_objcol": [
        ("a", ("import pandas as pd\nxs=[1]\ndf=pd.DataFrame({'a':[xs]})")),
        ("b", "df['a'][0].append(2)"),
        ("c", "print(xs)"),
    ],
    "df_apply_global": [
        ("a", ("import pandas as pd\nlog=[]\ndf=pd.DataFrame({'a':[1]})")),
        ("b", "df['a'].apply(lambda v: log.append(v))"),
        ("c", "print(log)"),
    ],
    "df_pipe": [
        ("a", ("import pandas as pd\ndf=pd.DataFrame({'a':[1]})\ndef f(d):\n    d['b']=2\n    return d")),
        ("b", "out=df.pipe(f)"),
        ("c", "print(df.columns.tolist())"),
    ],
    "df_inplace_var": [
        ("a", ("import pandas as pd\ndf=pd.DataFrame({'a':[2,1]})\nflag=True")),
        ("b", "df.sort_values('a',inplace=flag)"),
        ("c", "print(df['a'].tolist())"),
    ],
    "df_kwargs_inplace": [
        ("a", ("import pandas as pd\ndf=pd.DataFrame({'a':[2,1]})\nkw={'inplace':True}")),
        ("b", "df.sort_values('a',**kw)"),
        ("c", "print(df['a'].tolist())"),
    ],
    "groupby_obj": [
        ("a", ("import pandas as pd\ndf=pd.DataFrame({'a':[1,1],'b':[1,2]})\ng=df.groupby('a')")),
        ("b", "df['b']=df['b']*10"),
        ("c", "print(g['b'].sum().tolist())"),
    ],
    "lambda_handed_at_once": [
        ("a", "n=3"),
        ("b", "print(list(map(lambda v: v+n, [1])))"),
    ],
    "lambda_in_comprehension": [
        ("a", "n=3"),
        ("b", "print([list(map(lambda v: v+n, [1])) for _ in range(1)])"),
    ],
    "method_by_its_class": [
        ("a", "xs=[1]"),
        ("b", "list.append(xs, 2)"),
        ("c", "print(xs)"),
    ],
    "method_by_getattr": [
        ("a", ("xs=list(map(lambda v: v, [1]))\ndef f():\n    getattr(xs,'append')(3)")),
        ("b", "f()"),
        ("c", "print(xs)"),
    ],
    "longest_of_two": [
        ("a", ("a=[1]\nb=max(a,[2,3],key=len)\nc=[b]")),
        ("b", "b.append(1)"),
        ("c", "print(c)"),
    ],
    "default_of_setdefault": [
        ("a", ("d={}\nt=(d.setdefault('b',[]),7)")),
        ("b", "d['b'].append(1)"),
        ("c", "print(t)"),
    ],
    "element_augmented": [
        ("a", ("t=[1]\nls=[t]")),
        ("b", "ls[-1]+=[2]"),
        ("c", "print(t)"),
    ],
    "closure_on_argument": [
        ("a", ("t=[1]\ndef make(xs):\n    def inner():\n        xs.append(1)\n    return inner\nc=make(t)")),
        ("b", "c()"),
        ("c", "print(t)"),
    ],
    "array_of_frame": [
        ("a", ("import pandas as pd\na=pd.DataFrame({'a':[1,2]})['a'].to_numpy(copy=True)\nb=a.reshape(-1)")),
        ("b", "a[0]=8"),
        ("c", "print(b.tolist())"),
    ],
    "global_bound_to_element": [
        ("a", ("ys=[2,1]\nd={'a':ys}\nxs=[]\ndef f(p):\n    global xs\n    xs=p['a']")),
        ("b", ("f(d)\nxs.reverse()")),
        ("c", "print(ys)"),
    ],
    "map_gives_back_a_global": [
        ("a", "xs = [1]\nys = list(map(lambda _: xs, [0]))"),
        ("b", "ys[0].append(2)"),
        ("c", "print(xs)"),
    ],
    "reduce_gives_back_a_global": [
        ("a", "from functools import reduce\nxs = [1]\nys = reduce(lambda _, __: xs, [1, 2])"),
        ("b", "ys.append(2)"),
        ("c", "print(xs)"),
    ],
    "decorated_function_gives_back_a_global": [
        (
            "a",
            "def plain(g):\n    def inner(*a):\n        return g(*a)\n    return inner\n"
            "xs = [1]\n@plain\ndef get():\n    return xs\nys = get()",
        ),
        ("b", "ys.append(2)"),
        ("c", "print(xs)"),
    ],
}

REFUSED: dict[str, list[tuple[str, str]]] = {
    "contextvar": [
        ("a", "import contextvars\nv=contextvars.ContextVar('v',default=0)"),
        ("b", "v.set(1)"),
        ("c", "print(v.get())"),
    ],
    "genexp_handed": [
        ("a", "xs=[1,2]\ng=(x for x in xs)"),
        ("b", "print(list(g))"),
    ],
    "lru_state": [
        ("a", "from functools import lru_cache\nlog=[]\n@lru_cache\ndef f(x):\n    log.append(x)\n    return x"),
        ("b", "f(1)"),
        ("c", "f(1)\nprint(log)"),
    ],
    "shared_class_again": [
        ("shared", "class K:\n    log = []"),
        ("a", "K.log.append(1)\nk = K()\nclass K: pass"),
        ("b", "print(k.log)"),
    ],
}


def tagged(cells: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(tag if tag == "shared" else f"step:{tag}", source) for tag, source in cells]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_pipeline_prints_what_the_program_prints(simulation: Simulation, name: str) -> None:
    outcome = simulation.compare(tagged(PROGRAMS[name]))
    assert outcome.state == "equal", outcome


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_travel_is_refused(simulation: Simulation, name: str) -> None:
    assert simulation.compare(tagged(REFUSED[name])).state == "refused"


def test_steps_that_only_make_an_instance_of_the_same_class_run_side_by_side(simulation: Simulation) -> None:
    outcome = simulation.compare(
        tagged(
            [
                ("shared", "class Result:\n    def __init__(self, rows):\n        self.rows = rows"),
                ("load", "rows = [1, 2]"),
                ("one", "one = Result(rows)"),
                ("two", "two = Result(rows)"),
                ("join", "print(one.rows, two.rows)"),
            ]
        )
    )
    assert outcome.state == "equal"
    assert ("one", "two") not in {edge[:2] for edge in outcome.edges}


def test_calling_back_and_forth_ends(simulation: Simulation) -> None:
    rounds = [
        f"def f{at}(x):\n    held.append(x)\n    return f{(at + 1) % 9}(x), f{(at + 4) % 9}(x)" for at in range(9)
    ]
    outcome = simulation.compare(tagged([("a", "held = []\n" + "\n".join(rounds)), ("b", "print(len(held))")]))
    assert outcome.state == "equal"
