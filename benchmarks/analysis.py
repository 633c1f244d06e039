"""How long the analysis of a notebook takes, by its number of cells: milliseconds of processor time, cells to dataflow.

python benchmarks/analysis.py [CELLS ...]
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from measure import circumstances, table

from cellmill.dataflow import analyse
from cellmill.notebook import read_steps
from cellmill.notebook.read import notebook_of_cells
from cellmill.notebook.steps import Steps

SIZES = (30, 100, 300, 500, 1000, 2000)
SHAPE_SIZES = (250, 500, 1000)
REPEATS = 5

SHARED = """import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression


def clean(frame, columns, limit=3.0):
    kept = frame.copy()
    for column in columns:
        if kept[column].dtype == object:
            kept[column] = kept[column].str.strip().fillna("missing")
        else:
            center, spread = kept[column].mean(), kept[column].std()
            kept.loc[(kept[column] - center).abs() > limit * spread, column] = center
    return kept.reset_index(drop=True)


class Scores:
    def __init__(self, name):
        self.name = name
        self.values = []

    def add(self, value):
        self.values.append(value)
        return self

    def best(self):
        return max(self.values, default=0.0)
"""

# A notebook's ordinary cells, by turns; {n} is the cell's number, {p} that of the step's first cell.
CELLS = (
    "raw_{n} = pd.DataFrame({{'a': np.arange(rows), 'b': np.arange(rows) % 7, 'c': list('xy') * (rows // 2)}})\n"
    "raw_{n}['ratio'] = raw_{n}['a'] / (raw_{n}['b'] + 1)\nraw_{n}.head()",
    "tidy_{n} = clean(raw_{p}, ['a', 'b'])\ntidy_{n}['big'] = tidy_{n}['a'] > tidy_{n}['a'].median()\n"
    "by_group = tidy_{n}.groupby('c')[['a', 'ratio']].agg(['mean', 'std'])\nby_group",
    "def report_{n}(frame, digits=2):\n    parts = []\n    for name, group in frame.groupby('c'):\n"
    "        mean = group['a'].mean()\n        if mean > limit:\n"
    "            parts.append(f'{{name}}: {{mean:.{{digits}}f}}')\n"
    "        else:\n            parts.append(f'{{name}} is low')\n    return ', '.join(parts)\n\n"
    "print(report_{n}(raw_{p}))",
    "model_{n} = LogisticRegression(max_iter=200)\nfeatures = raw_{p}[['a', 'b']].to_numpy()\n"
    "model_{n}.fit(features, raw_{p}['c'] == 'x')\nscores.add(model_{n}.score(features, raw_{p}['c'] == 'x'))",
    "rows_{n} = []\nfor at, row in raw_{p}.iterrows():\n    if row['a'] % 2:\n        continue\n"
    "    rows_{n}.append({{'at': at, 'value': row['ratio'], 'best': scores.best()}})\n"
    "table_{n} = pd.DataFrame(rows_{n}).sort_values('value', ascending=False)",
    "summary = {{name: float(raw_{p}[name].mean()) for name in ('a', 'b', 'ratio')}}\n"
    "results['part_{n}'] = summary\nprint(f\"{{len(results)}} parts, {{summary['a']:.2f}}\")",
)

START = (
    "import matplotlib.pyplot as plt\nimport pandas as pd\nx0, log, config = 1, [], {}\n"
    "frame = pd.DataFrame({'a': [1]})\ndef f0(v):\n    return v"
)
# Cells that are all alike: each goes on with what the one above made, or adds to what all share.
SHAPES = {
    "numbers, each from the one above": "x{n} = x{p} + 1\nprint(x{n})",
    "a list that each cell adds to": "y{n} = [x0, {n}]\nlog.append(y{n})\nprint(len(log))",
    "a dictionary that each cell adds to and reads": "config['k{n}'] = [{n}]\nz{n} = config['k{n}']",
    "columns of one DataFrame": "frame['c{n}'] = frame['a'] * {n}\nframe.loc[frame['c{n}'] > 2, 'a'] = 0\nframe.head()",
    "DataFrames": "d{n} = frame.copy()\nd{n}['c'] = d{n}['a'].rolling(3).mean()\nd{n}.groupby('c').agg('mean')",
    "figures": "fig, ax = plt.subplots()\nax.plot(frame['a'], label='{n}')\nax.set_title('t')\nplt.show()",
    "functions, each calls the one above": "def f{n}(v):\n    return f{p}(v) + 1\nprint(f{n}(2))",
    "classes": "class C{n}:\n    def __init__(self, v):\n        self.v = v\n    def m(self):\n"
    "        return self.v\no{n} = C{n}(log)\nprint(o{n}.m())",
}


def notebook(cells: int, steps: int) -> Steps:
    """A notebook of ordinary cells in equal steps."""
    code = [("parameters", "rows = 100\nlimit = 3"), ("shared", SHARED)]
    code.append(("step:s0", "scores = Scores('all')\nresults = {}"))
    first = 0
    size = max(1, (cells - len(code)) // steps)
    for number in range(cells - len(code)):
        kind = number % len(CELLS)
        first = number if kind == 0 else first
        code.append((f"step:s{min(number // size, steps - 1)}", CELLS[kind].format(n=number, p=first)))
    return _steps(code)


def alike(shape: str, cells: int, steps: int = 12) -> Steps:
    """A notebook of cells that differ only in their numbers, in equal steps."""
    size = max(1, cells // steps)
    code = [("step:s0", START)]
    code += [(f"step:s{min(n // size, steps - 1)}", SHAPES[shape].format(n=n, p=n - 1)) for n in range(1, cells)]
    return _steps(code)


def _steps(code: list[tuple[str, str]]) -> Steps:
    raw = [
        {"cell_type": "code", "id": f"cell-{at}", "metadata": {"tags": [tag]}, "source": source}
        for at, (tag, source) in enumerate(code)
    ]
    return read_steps(notebook_of_cells(Path("large.ipynb"), raw))[0]


def milliseconds(steps: Steps) -> tuple[float, float]:
    """The first analysis in this process, and the median of those that follow."""
    taken = []
    for _ in range(REPEATS + 1):
        start = time.process_time()
        analyse(steps)
        taken.append((time.process_time() - start) * 1000)
    return taken[0], statistics.median(taken[1:])


def main() -> None:
    sizes = [int(one) for one in sys.argv[1:]] or SIZES
    milliseconds(notebook(30, 3))
    rows = []
    for cells in sizes:
        figures = [milliseconds(notebook(cells, steps)) for steps in (12, cells)]
        rows.append([str(cells), *(f"{one:.0f}" for pair in figures for one in pair)])
    head = ["cells", "12 steps, first", "again", "a step a cell, first", "again"]
    print(f"{circumstances('cellmill')}\n\n{table(head, rows)}\n")
    rows = [[shape, *(f"{milliseconds(alike(shape, cells))[1]:.0f}" for cells in SHAPE_SIZES)] for shape in SHAPES]
    print(table(["cells that are alike, in 12 steps", *(f"{cells} cells" for cells in SHAPE_SIZES)], rows))


if __name__ == "__main__":
    main()
