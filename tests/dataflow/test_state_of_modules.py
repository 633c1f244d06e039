"""State that no name of the notebook shows: of modules beside it, of logging, and pyplot's current figure."""

from __future__ import annotations

from typing import Any

import pytest

A, B, C = "step:a", "step:b", "step:c"
SHARED = "shared"

REGISTRY = """import logging
log = logging.getLogger(__name__)
_known = []
LIMIT = 3

def register(value):
    log.debug("registered")
    _known.append(value)

def known():
    return list(_known)

def double(x):
    return 2 * x

class Store:
    def keep(self, value):
        register(value)
"""
COUNTER = "import numpy as np\ncount = 0\ndef tick():\n    global count\n    count += 1\n    return count\n"
SEEDING = (
    "import numpy as np\nimport registry\ndef seed():\n    np.random.seed(7)\ndef note(x):\n    registry.register(x)\n"
)
FILES = {"registry.py": REGISTRY, "counter.py": COUNTER, "seeding.py": SEEDING}

PROGRAMS: dict[str, dict[str, Any]] = {
    "registered": {
        "files": FILES,
        "cells": [(SHARED, "import registry"), (A, "registry.register(1)"), (B, "print(registry.known())")],
    },
    "registered_by_name": {
        "files": FILES,
        "cells": [(A, "from registry import register\nregister(1)"), (B, "from registry import known\nprint(known())")],
    },
    "registered_by_a_class": {
        "files": FILES,
        "cells": [(SHARED, "import registry"), (A, "registry.Store().keep(1)"), (B, "print(registry.known())")],
    },
    "registered_by_another_module": {
        "files": FILES,
        "cells": [(SHARED, "import registry, seeding"), (A, "seeding.note(2)"), (B, "print(registry.known())")],
    },
    "counted_in_a_function": {
        "files": FILES,
        "cells": [
            (SHARED, "from counter import tick\ndef work():\n    return tick()"),
            (A, "work()"),
            (B, "print(work())"),
        ],
    },
    "in_one_step": {
        "files": FILES,
        "cells": [(SHARED, "import registry"), (A, "x = 1"), (B, "registry.register(x)\nprint(registry.known())")],
    },
    "functions_that_only_compute": {
        "files": FILES,
        "cells": [
            (SHARED, "import registry"),
            (A, "x = registry.double(2)"),
            (B, "print(registry.double(x), registry.LIMIT)"),
        ],
    },
    "seeded_by_a_module": {
        "files": FILES,
        "cells": [
            (SHARED, "import numpy as np\nimport seeding"),
            (A, "seeding.seed()\nx = np.random.rand()"),
            (B, "print(x, np.random.rand())"),
        ],
    },
    "logging": {
        "cells": [
            (
                A,
                "import logging, sys\nlogging.basicConfig(level='INFO', stream=sys.stdout, format='%(message)s!')",
            ),
            (B, "import logging\nlogging.getLogger('x').setLevel(logging.DEBUG)"),
            (
                C,
                "import logging\nfor n in ('x', 'y'):\n    print(logging.getLogger(n).isEnabledFor(logging.DEBUG))\n"
                "print(len(logging.root.handlers), logging.root.handlers[0].formatter._fmt)",
            ),
        ],
    },
    "figure_kept": {
        "cells": [
            (SHARED, "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt"),
            (A, "plt.figure()\nplt.plot([1, 2])"),
            (B, "plt.title('t')\nprint(len(plt.gca().lines))"),
        ],
    },
    "figure_kept_and_closed": {
        "cells": [
            (SHARED, "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt"),
            (A, "plt.figure()\nplt.plot([1, 2])\nplt.close()"),
            (B, "plt.plot([3])\nprint(len(plt.gca().lines))"),
        ],
    },
    "figures_of_their_own": {
        "cells": [
            (SHARED, "import matplotlib.pyplot as plt"),
            (A, "fig, ax = plt.subplots()\nplt.plot([1, 2])\nplt.close(fig)"),
            (B, "plt.figure()\nplt.plot([1])\nprint(len(plt.gca().lines))"),
        ],
    },
}
REFUSED = {
    "registered": "module-state",
    "registered_by_name": "module-state",
    "registered_by_a_class": "module-state",
    "registered_by_another_module": "module-state",
    "counted_in_a_function": "module-state",
    "figure_kept": "figure-across-steps",
}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_equal_or_refused(name: str, results: dict[str, dict[str, Any]]):
    found = results[name]
    if name in REFUSED:
        assert found["state"] == "refused", found
        assert found["kinds"] == [REFUSED[name]]
    else:
        assert found["state"] == "equal", found
