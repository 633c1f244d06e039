"""Shapes of notebooks that many people wrote: imports in every section, loops whose names stay."""

from __future__ import annotations

from typing import Any

import pytest

A, B, C, D = "step:a", "step:b", "step:c", "step:d"
SHARED, PARAMETERS = "shared", "parameters"

PROGRAMS: dict[str, dict[str, Any]] = {
    "imported_again_by_shared": {
        "cells": [
            (A, "import numpy as np\nimport os\nnp.random.seed(3)\nx = np.random.rand()"),
            (
                SHARED,
                "import os.path\nimport numpy as np\ndef root(v):\n    return np.round(np.sqrt(v), 6)",
            ),
            (B, "import numpy as np\ny = np.random.rand()"),
            (C, "print(root(x), root(y), os.path.join('a', 'b'))"),
        ],
    },
    "bound_in_a_loop_and_read_after_it": {
        "cells": [
            (A, "xs = [1, 2]"),
            (B, "for x in xs:\n    last = [x]\n    last.append(0)\nprint(last)"),
            (C, "while xs:\n    gone = xs.pop()\n(gone, x)\nif gone:\n    left = gone\nleft"),
            (D, "print(last, gone, left, x, xs)"),
        ],
    },
    "formulas_look_names_up": {
        "cells": [
            (
                A,
                "import numpy as np\n"
                "import pandas as pd\n"
                "from statsmodels.formula.api import ols\n"
                "x = np.arange(10.)\n"
                "def scale(v):\n    return v / 2",
            ),
            (B, "data = pd.DataFrame({'y': x ** 2, 'z': 1 / (1 + x)})\ntext = 'y ~ z + ' + 'scale(x)'"),
            (C, "by_sine = ols('y ~ z + np.sin(x)', data).fit()"),
            (D, "by_scale = ols(text, data).fit()"),
            (
                "step:e",
                "for model in (by_sine, by_scale):\n"
                "    print(round(model.params.sum(), 4), round(model.predict({'x': x, 'z': x}).sum(), 4))",
            ),
        ],
    },
    "submodule_that_another_import_loaded": {
        "cells": [
            (A, "import wsgiref as w\nfrom wsgiref import headers as h\nx = len(h.Headers([]))"),
            (B, "print(x, w.headers.Headers([('a', 'b')])['a'])"),
        ],
    },
    "shared_imports_another_thing": {
        "cells": [
            (A, "from math import cos as f\nx = f(0)"),
            (SHARED, "from math import sin as f"),
            (B, "print(x, f(0))"),
        ],
    },
}
REFUSED = {"shared_imports_another_thing": "shared-after-step"}


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - REFUSED.keys()))
def test_the_pipeline_prints_what_the_notebook_prints(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["state"] == "equal", results[name]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_the_same_is_refused(name: str, results: dict[str, dict[str, Any]]) -> None:
    assert results[name]["state"] == "refused"
    assert results[name]["kinds"] == [REFUSED[name]]
