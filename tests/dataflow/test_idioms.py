"""What notebooks of many authors do: targets, protocols, containers, decorators, views, imports."""

from __future__ import annotations

from typing import Any

import pytest

A, B, C, D = "step:a", "step:b", "step:c", "step:d"
SHARED, PARAMETERS = "shared", "parameters"

PROGRAMS: dict[str, dict[str, Any]] = {
    "chain_assign": {
        "cells": [
            (A, "a=b=[]"),
            (B, "a.append(1)"),
            (C, "print(a,b,a is b)"),
        ],
    },
    "swap": {
        "cells": [
            (
                A,
                "a,b=[1],[2]\nc=a",
            ),
            (B, "a,b=b,a"),
            (C, "b.append(3)"),
            (D, "print(a,b,c,b is c)"),
        ],
    },
    "targets": {
        "cells": [
            (
                A,
                "d={}\nl=[0,0]",
            ),
            (
                B,
                "for d['k'] in range(3): pass\nfor l[0],l[1] in [(1,2)]: pass",
            ),
            (C, "print(d,l)"),
        ],
    },
    "withtarget": {
        "cells": [
            (
                A,
                "import contextlib\nd={}",
            ),
            (B, "with contextlib.nullcontext(5) as d['x']: pass"),
            (C, "print(d)"),
        ],
    },
    "delitem": {
        "cells": [
            (
                A,
                "d={'a':1,'b':[2]}\ne=d\nl=[1,2,3]\nm=l",
            ),
            (
                B,
                "del d['a']\ndel l[0]",
            ),
            (C, "print(e,m)"),
        ],
    },
    "sliceassign": {
        "cells": [
            (
                A,
                "l=[1,2,3]\nm=l",
            ),
            (B, "l[1:2]=[9,9]"),
            (C, "print(m)"),
        ],
    },
    "reduce": {
        "cells": [
            (
                A,
                "from functools import reduce\nacc=[]",
            ),
            (B, "reduce(lambda s,x:s.append(x) or s,[1,2],acc)"),
            (C, "print(acc)"),
        ],
    },
    "thread": {
        "cells": [
            (
                A,
                "import threading\nxs=[]",
            ),
            (
                B,
                "t=threading.Thread(target=xs.append,args=(1,))\nt.start()\nt.join()",
            ),
            (C, "print(xs)"),
        ],
    },
    "gather": {
        "cells": [
            (
                A,
                "import asyncio\nlog=[]\nasync def work(x):\n    log.append(x)\n    return x",
            ),
            (B, "r=await asyncio.gather(*(work(i) for i in range(3)))"),
            (C, "print(log,r)"),
        ],
    },
    "applymut": {
        "cells": [
            (
                A,
                "import pandas as pd\n"
                "seen=[]\n"
                "df=pd.DataFrame({'a':[1,2]})\n"
                "def note(r):\n"
                "    seen.append(int(r.a))\n"
                "    return r.a",
            ),
            (B, "x=df.apply(note,axis=1)"),
            (C, "print(seen)"),
        ],
    },
    "pipe": {
        "cells": [
            (
                A,
                "import pandas as pd\ndf=pd.DataFrame({'a':[1,2]})\ndef add(d):\n    d['b']=1\n    return d",
            ),
            (B, "out=df.pipe(add)"),
            (C, "print(df.columns.tolist(),out is df)"),
        ],
    },
    "addmut": {
        "cells": [
            (
                A,
                "class V:\n"
                "    n=0\n"
                "    def __init__(self): self.uses=0\n"
                "    def __add__(self,o):\n"
                "        self.uses+=1\n"
                "        return 3\n"
                "v=V()",
            ),
            (B, "y=v+1"),
            (C, "print(v.uses,y)"),
        ],
    },
    "iterproto": {
        "cells": [
            (
                A,
                "class It:\n"
                "    def __init__(self): self.i=0\n"
                "    def __iter__(self): return self\n"
                "    def __next__(self):\n"
                "        self.i+=1\n"
                "        if self.i>4: raise StopIteration\n"
                "        return self.i\n"
                "it=It()",
            ),
            (B, "next(it)"),
            (
                C,
                "for x in it:\n    break",
            ),
            (D, "print(list(it))"),
        ],
    },
    "cm": {
        "cells": [
            (
                A,
                "class CM:\n"
                "    def __init__(self): self.log=[]\n"
                "    def __enter__(self):\n"
                "        self.log.append('in')\n"
                "        return self\n"
                "    def __exit__(self,*a):\n"
                "        self.log.append('out')\n"
                "        return True\n"
                "cm=CM()",
            ),
            (
                B,
                "with cm:\n    z=1\n    1/0",
            ),
            (C, "print(cm.log,z)"),
        ],
    },
    "globalsupdate": {
        "cells": [
            (A, "globals().update({'z':1,'w':[2]})"),
            (B, "w.append(z)"),
            (C, "print(z,w)"),
        ],
    },
    "execvar": {
        "cells": [
            (
                A,
                "code='q=5'\nq=1",
            ),
            (B, "exec(code)"),
            (C, "print(q)"),
        ],
    },
    "varskey": {
        "cells": [
            (
                A,
                "vars()['u']=[1]\nv=u",
            ),
            (B, "u.append(2)"),
            (C, "print(u,v)"),
        ],
    },
    "typecall": {
        "cells": [
            (
                A,
                "X=type('X',(),{'n':1})\nx=X()",
            ),
            (
                B,
                "X.n=2\ny=X()",
            ),
            (C, "print(x.n,y.n,type(x) is X)"),
        ],
    },
    "setter": {
        "cells": [
            (
                A,
                "class P:\n"
                "    def __init__(self): self._v=[]\n"
                "    @property\n"
                "    def v(self): return self._v\n"
                "    @v.setter\n"
                "    def v(self,x): self._v.append(x)\n"
                "p=P()\n"
                "raw=p._v",
            ),
            (B, "p.v=1"),
            (
                C,
                "p.v=2\nprint(raw,p.v is raw)",
            ),
        ],
    },
    "slots": {
        "cells": [
            (
                A,
                "class S:\n    __slots__=('a',)\ns=S()\ns.a=1",
            ),
            (B, "s.a+=1"),
            (C, "print(s.a)"),
        ],
    },
    "tryimport": {
        "cells": [
            (
                A,
                "try:\n"
                "    import nonexistent_mod as m\n"
                "except ImportError:\n"
                "    m=None\n"
                "try:\n"
                "    import json as j\n"
                "except ImportError:\n"
                "    j=None",
            ),
            (B, "print(m,j.dumps([1]))"),
        ],
    },
    "dotimport": {
        "cells": [
            (
                A,
                "import os.path, xml.dom.minidom\nimport collections.abc as cabc",
            ),
            (
                B,
                "print(os.path.join('a','b'),xml.dom.minidom.parseString('<a/>').documentElement.tagName,cabc.Mapping.__name__)",
            ),
        ],
    },
    "rebindimport": {
        "cells": [
            (
                A,
                "import math\nfrom math import sqrt",
            ),
            (B, "sqrt=lambda x:'mine'"),
            (C, "print(sqrt(4),math.sqrt(4))"),
        ],
    },
    "condimport": {
        "cells": [
            (
                A,
                "x=1\nif x:\n    import random as r\nelse:\n    r=None",
            ),
            (
                B,
                "r.seed(3)\nv=r.random()",
            ),
            (C, "print(v,r.random())"),
        ],
    },
    "decargs": {
        "cells": [
            (
                A,
                "registry={}\n"
                "def register(name):\n"
                "    def deco(f):\n"
                "        registry[name]=f\n"
                "        return f\n"
                "    return deco",
            ),
            (
                B,
                "@register('one')\ndef one(): return 1",
            ),
            (
                C,
                "@register('two')\ndef two(): return one()+1",
            ),
            (D, "print(sorted(registry),registry['two'](),registry['one'] is one)"),
        ],
    },
    "funcdict": {
        "cells": [
            (
                A,
                "k=2\nfs={'d':lambda x:x*k,'s':sum}",
            ),
            (B, "k=5"),
            (C, "print(fs['d'](2),fs['s']([1,2]))"),
        ],
    },
    "nested_cls": {
        "cells": [
            (
                A,
                "class Node:\n"
                "    def __init__(self,v,nxt=None):\n"
                "        self.v,self.nxt=v,nxt\n"
                "a=Node(1)\n"
                "b=Node(2,a)\n"
                "c=b.nxt",
            ),
            (B, "c.v=10"),
            (C, "b.nxt.v+=1"),
            (D, "print(a.v,b.nxt is a,c is a)"),
        ],
    },
    "graph": {
        "cells": [
            (
                A,
                "class N:\n    def __init__(s): s.e=[]\nx,y=N(),N()\nx.e.append(y)\ny.e.append(x)",
            ),
            (B, "x.e[0].tag='t'"),
            (C, "print(y.tag,y.e[0] is x)"),
        ],
    },
    "default_obj": {
        "cells": [
            (
                A,
                "cfg={'n':1}\ndef run(c=cfg):\n    c['n']+=1\n    return c['n']",
            ),
            (B, "run()"),
            (C, "print(run(),cfg)"),
        ],
    },
    "compcond": {
        "cells": [
            (
                A,
                "xs=[3,1,2]\nlimit=2",
            ),
            (
                B,
                "limit=1\nys=[x for x in xs if x>limit]",
            ),
            (
                C,
                "limit=9\nzs={x:[y for y in ys if y<=x] for x in xs}",
            ),
            (D, "print(ys,zs,limit)"),
        ],
    },
    "lateclass": {
        "cells": [
            (
                A,
                "class A1:\n    def go(self): return helper()",
            ),
            (
                B,
                "def helper(): return 'h'+suffix\nsuffix='!'",
            ),
            (C, "print(A1().go())"),
        ],
    },
    "mutglobal_viaarg": {
        "cells": [
            (
                A,
                "state={'n':0}\ndef f(s): s['n']+=1\ndef g(): f(state)",
            ),
            (B, "g()"),
            (
                C,
                "g()\nprint(state)",
            ),
        ],
    },
    "ret_global": {
        "cells": [
            (
                A,
                "items=[]\ndef get(): return items",
            ),
            (B, "get().append(1)"),
            (
                C,
                "x=get()\nx.append(2)",
            ),
            (D, "print(items,get() is items)"),
        ],
    },
    "kwargs": {
        "cells": [
            (
                A,
                "opts={'a':1}\ndef f(**kw):\n    kw['a']=5\n    return kw\ndef g(*a):\n    a[0].append(1)\nl=[]",
            ),
            (
                B,
                "r=f(**opts)\ng(l)\ng(*[l])",
            ),
            (C, "print(opts,r,l)"),
        ],
    },
    "np_view_fn": {
        "cells": [
            (
                A,
                "import numpy as np\na=np.zeros((2,3))\nrow=a[0]\nflat=a.ravel()\nt=a.T",
            ),
            (B, "row[:]=1"),
            (
                C,
                "t[2,1]=7\nflat[1]=5",
            ),
            (D, "print(a,row,np.shares_memory(a,row))"),
        ],
    },
    "df_iloc": {
        "cells": [
            (
                A,
                "import pandas as pd\ndf=pd.DataFrame({'a':[1,2,3]})\nsub=df[df.a>1]",
            ),
            (
                B,
                "df.iloc[0,0]=100\ndf.loc[1,'b']=5",
            ),
            (
                C,
                "sub.loc[:,'a']=0\nprint(df.fillna(0),sub)",
            ),
        ],
    },
    "series_mut": {
        "cells": [
            (
                A,
                "import pandas as pd\ns=pd.Series([1,2],name='s')\nt=s",
            ),
            (
                B,
                "s[0]=9\ns.name='q'",
            ),
            (C, "t.index=['x','y']"),
            (D, "print(s,t is s)"),
        ],
    },
    "dfattr": {
        "cells": [
            (
                A,
                "import pandas as pd\ndf=pd.DataFrame({'a':[1]})\ndf.attrs['src']='x'\ndf.index.name='i'",
            ),
            (
                B,
                "df.columns=['z']\ndf.index=['r']",
            ),
            (C, "print(df,df.attrs)"),
        ],
    },
    "generator_in_shared": {
        "cells": [
            (
                SHARED,
                "def pairs(n):\n    for i in range(n):\n        yield i,i*i",
            ),
            (A, "d=dict(pairs(3))"),
            (B, "print(d,list(pairs(2)))"),
        ],
    },
    "shared_global": {
        "cells": [
            (
                SHARED,
                "count=0\ndef inc():\n    global count\n    count+=1\n    return count",
            ),
            (A, "inc()"),
            (B, "inc()"),
            (C, "print(count,inc())"),
        ],
    },
    "shared_const_override": {
        "cells": [
            (
                SHARED,
                "RATE=0.1\ndef tax(x): return x*RATE",
            ),
            (A, "a=tax(10)"),
            (B, "RATE=0.5"),
            (C, "print(a,tax(10),RATE)"),
        ],
    },
    "param_dict": {
        "cells": [
            (
                PARAMETERS,
                "cfg={'lr':0.1}\nn:int=3",
            ),
            (
                A,
                "cfg['lr']*=2\nn+=1",
            ),
            (B, "cfg['x']=n"),
            (C, "print(cfg,n)"),
        ],
    },
    "time_capture": {
        "cells": [
            (A, "import io"),
            (
                B,
                "%%capture out\nprint('hey')\nz=3",
            ),
            (C, "print(out.stdout.strip(),z)"),
        ],
    },
    "strjoin": {
        "cells": [
            (
                A,
                "parts=['a']\nsep='-'",
            ),
            (B, "parts+=[sep.join(['b','c'])]"),
            (C, 'print(f"{sep.join(parts)!r:>10}")'),
        ],
    },
    "excgroup": {
        "cells": [
            (
                A,
                "errs=[]\ntry:\n    int('x')\nexcept (ValueError,TypeError) as ex:\n    errs.append(ex)",
            ),
            (B, "print(type(errs[0]).__name__,errs[0])"),
        ],
    },
    "whileelse": {
        "cells": [
            (
                A,
                "n=3\nwhile n>0:\n    n-=1\n    last=n\nelse:\n    done=True",
            ),
            (B, "print(n,last,done)"),
        ],
    },
    "nested_def_default": {
        "cells": [
            (
                A,
                "fs=[]\nfor i in range(3):\n    def f(x,i=i): return x*i\n    fs.append(f)",
            ),
            (B, "print([g(2) for g in fs],i,f(1))"),
        ],
    },
    "latebind_loop": {
        "cells": [
            (
                A,
                "fs=[]\nfor i in range(3):\n    fs.append(lambda: i)",
            ),
            (B, "i=10"),
            (C, "print([g() for g in fs])"),
        ],
    },
    "copy_deep": {
        "cells": [
            (
                A,
                "import copy\na={'l':[1]}\nb=copy.copy(a)\nc=copy.deepcopy(a)",
            ),
            (B, "a['l'].append(2)"),
            (
                C,
                "b['n']=1\nprint(a,b,c,b['l'] is a['l'])",
            ),
        ],
    },
    "zipdict": {
        "cells": [
            (
                A,
                "keys=['x','y']\nvals=[[1],[2]]\nd=dict(zip(keys,vals))",
            ),
            (B, "vals[0].append(9)"),
            (
                C,
                "d['y'].append(8)\nprint(d,vals)",
            ),
        ],
    },
    "sorted_alias": {
        "cells": [
            (
                A,
                "rows=[{'k':2},{'k':1}]\nbest=sorted(rows,key=lambda r:r['k'])[0]",
            ),
            (B, "best['win']=True"),
            (C, "print(rows,best)"),
        ],
    },
    "max_alias": {
        "cells": [
            (
                A,
                "rows=[{'k':2},{'k':1}]\ntop=max(rows,key=lambda r:r['k'])",
            ),
            (B, "top['w']=1"),
            (C, "print(rows)"),
        ],
    },
    "itemgetter": {
        "cells": [
            (
                A,
                "from operator import itemgetter\nd={'a':[1]}\nga=itemgetter('a')",
            ),
            (B, "ga(d).append(2)"),
            (C, "print(d)"),
        ],
    },
    "methodcaller": {
        "cells": [
            (
                A,
                "from operator import methodcaller\nl=[2,1]\nm=methodcaller('sort')",
            ),
            (B, "m(l)"),
            (C, "print(l)"),
        ],
    },
    "deque": {
        "cells": [
            (
                A,
                "from collections import deque,OrderedDict,ChainMap\n"
                "q=deque([1],maxlen=2)\n"
                "base={'a':1}\n"
                "cm=ChainMap({},base)",
            ),
            (
                B,
                "q.append(2)\nq.appendleft(0)\nbase['b']=2",
            ),
            (C, "print(q,cm['b'])"),
        ],
    },
    "pathlib": {
        "cells": [
            (
                A,
                "from pathlib import Path\np=Path('d')\np.mkdir(exist_ok=True)\n(p/'f.txt').write_text('1')",
            ),
            (
                B,
                "q=p/'f.txt'\nq.write_text(q.read_text()+'2')",
            ),
            (C, "print((p/'f.txt').read_text())"),
        ],
    },
    "csvfile": {
        "cells": [
            (
                A,
                "with open('x.csv','w') as f:\n    f.write('a\\n1\\n')",
            ),
            (
                B,
                "import pandas as pd\nd=pd.read_csv('x.csv')\nd['b']=2\nd.to_csv('x.csv',index=False)",
            ),
            (C, "print(open('x.csv').read())"),
        ],
    },
    "np_global_seed_sklearn": {
        "cells": [
            (
                A,
                "import numpy as np\nnp.random.seed(0)\nX=np.random.rand(20,2);y=(X[:,0]>.5).astype(int)",
            ),
            (
                B,
                "from sklearn.model_selection import train_test_split\na,b,c,d=train_test_split(X,y)",
            ),
            (
                C,
                "from sklearn.ensemble import RandomForestClassifier\n"
                "m=RandomForestClassifier(n_estimators=3).fit(a,c)",
            ),
            (D, "print(m.predict(b),np.random.rand())"),
        ],
    },
    "pd_sample": {
        "cells": [
            (
                A,
                "import numpy as np,pandas as pd\nnp.random.seed(1)\ndf=pd.DataFrame({'a':range(10)})",
            ),
            (B, "s=df.sample(3)"),
            (C, "t=df.sample(3)"),
            (D, "print(s.a.tolist(),t.a.tolist())"),
        ],
    },
    "sysmod": {
        "cells": [
            (
                A,
                "import sys\nsys.setrecursionlimit(5000)\nsys.path.append('/x')",
            ),
            (
                B,
                "import sys\nprint(sys.getrecursionlimit(),'/x' in sys.path)",
            ),
        ],
    },
    "mpl": {
        "cells": [
            (
                A,
                "import matplotlib\n"
                "matplotlib.use('agg')\n"
                "import matplotlib.pyplot as plt\n"
                "plt.rcParams['font.size']=20",
            ),
            (
                B,
                "import matplotlib.pyplot as plt\nprint(plt.rcParams['font.size'])",
            ),
        ],
    },
    "underscore": {
        "cells": [
            (
                A,
                "_=5\n__=6\n_x=[1]",
            ),
            (B, "_x.append(_)"),
            (C, "print(_x,_)"),
        ],
    },
    "unicode": {
        "cells": [
            (
                A,
                "größe=[1]\nπ=3",
            ),
            (B, "größe.append(π)"),
            (C, "print(größe)"),
        ],
    },
}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_the_pipeline_prints_what_the_notebook_prints(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["state"] == "equal", results[name]
