"""What watching a kernel costs: CPU time after each cell, beside that of the cell, for small and for large variables.

Run it in an environment that holds cellmill, on an idle machine::

    python benchmarks/observe.py
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import circumstances, table

SET_UP = "import numpy as np, pandas as pd, matplotlib.pyplot as plt, sklearn.linear_model"
SMALL = "\n".join(f"v{at} = list(range(50)); d{at} = {{'a': v{at}}}" for at in range(50))
FRAME = "frame = pd.DataFrame(np.random.rand(1000, 10))"
LARGE = (
    "big = np.ones(50_000_000); wide = pd.DataFrame(np.random.rand(2_000_000, 10)); "
    "words = [str(n) for n in range(10**6)]"
)
CASES = {
    "nothing but imports": (SET_UP,),
    "100 small variables": (SET_UP, SMALL),
    "and a table of 80 kB": (SET_UP, SMALL, FRAME),
    "and 600 MB in an array, a table and a list": (SET_UP, SMALL, FRAME, LARGE),
}


def main() -> None:
    from IPython.core.interactiveshell import InteractiveShell

    from cellmill.observe.live import LiveWatch

    rows = []
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        Path("pyproject.toml").touch()
        for label, cells in CASES.items():
            make: Any = InteractiveShell  # published without types
            shell = make()
            watch = LiveWatch(shell, lambda: Path("study.ipynb"))
            for cell in cells:
                shell.run_cell(cell)
            watch.install()
            times = []
            for number in range(40):
                began = time.process_time()
                shell.run_cell("x = 1", store_history=True, cell_id=f"c{number}")
                times.append(1000 * (time.process_time() - began))
            watch.remove()
            plain = []
            for number in range(40):
                began = time.process_time()
                shell.run_cell("x = 1", store_history=True, cell_id=f"c{number}")
                plain.append(1000 * (time.process_time() - began))
            cost = statistics.median(times) - statistics.median(plain)
            rows.append([label, f"{cost:.1f}", f"{sorted(times)[-2] - statistics.median(plain):.1f}", "< 20"])
        os.chdir("/")
    head = circumstances("cellmill", "numpy", "pandas")
    print(f"{head}\n\n{table(['variables', 'ms a cell (median)', 'ms (one in 20 is more)', 'goal'], rows)}")


if __name__ == "__main__":
    main()
