"""Names that come and go, and state without a name: random generators, folders, files, options, modules."""

from __future__ import annotations

from typing import Any

import pytest

A, B, C, D = "step:a", "step:b", "step:c", "step:d"
SHARED, PARAMETERS = "shared", "parameters"

PROGRAMS: dict[str, dict[str, Any]] = {
    "random": {
        "cells": [
            (
                A,
                "import random, numpy as np\nrandom.seed(1);np.random.seed(2)",
            ),
            (B, "r=[random.random(),np.random.rand()]"),
            (C, "s=[random.random(),np.random.rand()]"),
            (D, "print(r,s,random.random(),np.random.rand())"),
        ],
    },
    "random_shared": {
        "cells": [
            (
                SHARED,
                "import random\nrandom.seed(1)\ndef draw():\n    return random.random()",
            ),
            (B, "r=draw()"),
            (C, "s=draw()"),
            (D, "print(r,s,draw())"),
        ],
    },
    "rng_obj": {
        "cells": [
            (
                A,
                "import numpy as np\nrng=np.random.default_rng(0)",
            ),
            (B, "r=rng.normal()"),
            (C, "s=rng.integers(0,100)"),
            (D, "print(r,s,rng.random())"),
        ],
    },
    "cwd": {
        "cells": [
            (
                A,
                "import os\nos.makedirs('sub',exist_ok=True)\nos.chdir('sub')",
            ),
            (B, "open('f.txt','w').write('hi')"),
            (
                C,
                "import os\nprint(open('f.txt').read(),os.path.basename(os.getcwd()))",
            ),
        ],
    },
    "environ": {
        "cells": [
            (
                A,
                "import os\nos.environ['FOO']='bar'",
            ),
            (B, "x=1"),
            (
                C,
                "import os\nprint(os.environ.get('FOO'),x)",
            ),
        ],
    },
    "star": {
        "cells": [
            (
                A,
                "from math import *\nfrom os.path import *",
            ),
            (B, "x=sqrt(4)+pi"),
            (C, "print(x,join('a','b'),floor(2.5))"),
        ],
    },
    "star_np": {
        "cells": [
            (
                A,
                "e=5\nfrom numpy import *",
            ),
            (B, "x=array([1,2])"),
            (C, "print(x.sum(),e,max([1,2]),linspace(0,1,3))"),
        ],
    },
    "onebranch": {
        "cells": [
            (A, "x=1"),
            (
                B,
                "if x>5:\n    x=2\nelse:\n    z=3",
            ),
            (C, "x2=x"),
            (D, "print(x,z,x2)"),
        ],
    },
    "maybe": {
        "cells": [
            (A, "flag=False"),
            (
                B,
                "if flag:\n    v=1",
            ),
            (
                C,
                "try:\n    print(v)\nexcept NameError:\n    print('no v')",
            ),
        ],
    },
    "del": {
        "cells": [
            (
                A,
                "x=1\ny=2",
            ),
            (B, "del x"),
            (
                C,
                "try:\n    print(x)\nexcept NameError:\n    print('gone',y)",
            ),
        ],
    },
    "query": {
        "cells": [
            (
                A,
                "import pandas as pd\ndf=pd.DataFrame({'a':[1,2,3]})\nlim=1",
            ),
            (B, "r=df.query('a > @lim')"),
            (C, "print(len(r),eval('lim+1'))"),
        ],
    },
    "globals": {
        "cells": [
            (A, "x=3"),
            (B, "globals()['y']=x+1"),
            (C, "print(globals()['y'],y)"),
        ],
    },
    "formatlocals": {
        "cells": [
            (
                A,
                "x=3\ny='q'",
            ),
            (B, "print('{x} {y}'.format(**locals()))"),
        ],
    },
    "patch": {
        "cells": [
            (
                A,
                "import math\nmath.tau=3",
            ),
            (
                B,
                "import math\nprint(math.tau)",
            ),
        ],
    },
    "patch_df": {
        "cells": [
            (
                A,
                "import pandas as pd\n"
                "def first(self): return self.iloc[0,0]\n"
                "pd.DataFrame.first_cell=first\n"
                "df=pd.DataFrame({'a':[4]})",
            ),
            (B, "print(df.first_cell())"),
        ],
    },
    "withas": {
        "cells": [
            (
                A,
                "import contextlib,io\nbuf=io.StringIO()\nwith contextlib.redirect_stdout(buf):\n    print('hello')",
            ),
            (B, "print(buf.getvalue().strip())"),
        ],
    },
    "loopvar": {
        "cells": [
            (
                A,
                "tot=0\nfor i,w in enumerate('abc'):\n    tot+=i",
            ),
            (B, "print(i,w,tot)"),
        ],
    },
    "excvar": {
        "cells": [
            (
                A,
                "e='keep'\ntry:\n    1/0\nexcept ZeroDivisionError as err:\n    msg=str(err)",
            ),
            (B, "print(e,msg)"),
        ],
    },
    "walrus": {
        "cells": [
            (A, "xs=[1,2,3]"),
            (B, "if any((hit:=x)>1 for x in xs): pass"),
            (C, "print(hit)"),
        ],
    },
    "fstring": {
        "cells": [
            (
                A,
                "w=7\nv=3.14159",
            ),
            (B, "print(f'{v:>{w}.2f}|{w!r}')"),
        ],
    },
    "order_files": {
        "cells": [
            (A, "open('o.txt','w').write('1')"),
            (B, "open('o.txt','a').write('2')"),
            (C, "print(open('o.txt').read())"),
        ],
    },
    "order_path": {
        "cells": [
            (
                A,
                "from pathlib import Path\nPath('p.txt').write_text('1')",
            ),
            (
                B,
                "p=Path('p.txt')\np.write_text(p.read_text()+'2')",
            ),
            (C, "print(Path('p.txt').read_text())"),
        ],
    },
    "pd_opt": {
        "cells": [
            (
                A,
                "import pandas as pd, numpy as np\n"
                "pd.set_option('display.precision',2)\n"
                "np.set_printoptions(precision=2)\n"
                "pd.options.display.max_rows=4",
            ),
            (B, "print(pd.DataFrame({'a':[1.23456]*10}),np.array([1.23456]))"),
        ],
    },
    "decimal": {
        "cells": [
            (
                A,
                "import decimal\ndecimal.getcontext().prec=5",
            ),
            (B, "print(decimal.Decimal(1)/3)"),
        ],
    },
    "split_ok": {
        "cells": [
            (A, "x=1"),
            (B, "y=10"),
            (A, "x+=1"),
            (C, "print(x,y)"),
        ],
    },
    "split_bad": {
        "cells": [
            (A, "x=1"),
            (B, "x=x*10"),
            (A, "x+=1"),
            (C, "print(x)"),
        ],
    },
    "builtin_shadow": {
        "cells": [
            (
                A,
                "list=[1]\nsum=3",
            ),
            (B, "print(list,sum)"),
        ],
    },
    "upstream_name": {
        "cells": [
            (
                A,
                "upstream=[1]\nproduct='x'",
            ),
            (B, "upstream.append(product)"),
            (C, "print(upstream,product)"),
        ],
    },
    "async": {
        "cells": [
            (
                A,
                "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x",
            ),
            (B, "r=await asyncio.gather(f(1),f(2))"),
            (C, "print(r)"),
        ],
    },
    "helper": {
        "cells": [
            (
                A,
                "import helper\nhelper.items.append(1)",
            ),
            (
                B,
                "import helper\nhelper.items.append(2)",
            ),
            (C, "print(helper.items)"),
        ],
        "files": {"helper.py": "items=[]\n"},
    },
    "logging": {
        "cells": [
            (
                A,
                "import warnings\nwarnings.filterwarnings('error',category=UserWarning)",
            ),
            (
                B,
                "import warnings\n"
                "try:\n"
                "    warnings.warn('x')\n"
                "    print('no')\n"
                "except UserWarning:\n"
                "    print('raised')",
            ),
        ],
    },
    "exec": {
        "cells": [
            (
                A,
                "exec('q=5')\nk=exec",
            ),
            (B, "exec('q=q+1')"),
            (C, "print(q)"),
        ],
    },
    "while": {
        "cells": [
            (
                A,
                "n=0\nwhile True:\n    n+=1\n    if n>3:\n        res=n\n        break",
            ),
            (B, "print(n,res)"),
        ],
    },
    "modalias": {
        "cells": [
            (
                A,
                "import numpy as np\nlib=np\nfuncs=[np.sum,np.max]",
            ),
            (B, "print(lib.sum([1,2]),[f([1,2]) for f in funcs])"),
        ],
    },
    "shell": {
        "cells": [
            (
                A,
                "name='x y'\nout=!echo {name}",
            ),
            (B, "!echo $name > f.txt"),
            (
                C,
                "t=!cat f.txt\nprint(out,t)",
            ),
        ],
    },
    "dialect": {
        "cells": [
            (A, "import csv\ncsv.register_dialect('excel', delimiter=';')"),
            (B, "import io\nprint(list(csv.reader(io.StringIO('a;b'), 'excel')))"),
        ],
    },
    "set_by_a_function": {
        "cells": [
            (SHARED, "import csv\ndef prepare(limit):\n    csv.field_size_limit(limit)"),
            (A, "prepare(3)"),
            (B, "print(csv.field_size_limit())"),
        ],
    },
    "dialect_shared": {
        "cells": [
            (SHARED, "import csv, io\ncsv.register_dialect('excel', delimiter=';')"),
            (A, "rows=list(csv.reader(io.StringIO('a;b'), 'excel'))"),
            (B, "print(rows, list(csv.reader(io.StringIO('c;d'), 'excel')))"),
        ],
    },
    "dialect_last": {
        "cells": [
            (A, "import csv, io\ntext='a;b'"),
            (B, "csv.register_dialect('excel', delimiter=';')\nprint(list(csv.reader(io.StringIO(text), 'excel')))"),
        ],
    },
    "timeit": {
        "cells": [
            (A, "k=2"),
            (
                B,
                "%timeit -n1 -r1 z=k\n%time w=k*2",
            ),
            (C, "print(w,k)"),
        ],
    },
}
REFUSED = {"split_bad": "step-cycle", "dialect": "lost-setting", "set_by_a_function": "lost-setting"}


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - REFUSED.keys()))
def test_the_pipeline_prints_what_the_notebook_prints(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["state"] == "equal", results[name]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_the_same_is_refused(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["state"] == "refused"
    assert results[name]["kinds"] == [REFUSED[name]]
