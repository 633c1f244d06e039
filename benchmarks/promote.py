"""How long promotion takes once everything is imported: a notebook of 100 cells, read, analysed and written.

python benchmarks/promote.py
"""

from __future__ import annotations

import json
import sys
import tempfile
from itertools import count
from pathlib import Path

from measure import circumstances, command, median_seconds, table

from cellmill.promote import make_plan, write_plan

SHARED = """import numpy as np
import pandas as pd


def scale(frame, columns):
    scaled = frame.copy()
    for column in columns:
        scaled[column] = (frame[column] - frame[column].mean()) / frame[column].std()
    return scaled
"""


def notebook(cells: int = 100) -> str:
    """A notebook as long as a large real one: parameters, shared code, and steps that build on each other."""
    code = [("parameters", "rows = 1000\nseed = 7"), ("shared", SHARED)]
    code.append(("step:load", "rng = np.random.default_rng(seed)\ndf = pd.DataFrame(rng.normal(size=(rows, 4)))"))
    code.append(("step:load", "df.columns = list('abcd')\ndf.describe()"))
    for number in range(cells - len(code)):
        step, position = divmod(number, 4)
        code.append((f"step:part_{step}", _cell(step, position, "df" if step == 0 else f"part_{step - 1}")))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = {
        "cells": [_as_json(number, tag, source) for number, (tag, source) in enumerate(code)],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(made)


def _as_json(number: int, tag: str, source: str) -> dict[str, object]:
    blank: dict[str, object] = {"cell_type": "code", "execution_count": None, "outputs": []}
    return blank | {"id": f"cell-{number}", "metadata": {"tags": [tag]}, "source": source}


def _cell(step: int, position: int, before: str) -> str:
    return (
        f"part_{step} = scale({before}, ['a', 'b'])",
        f"part_{step}['e_{step}'] = part_{step}['a'] * {step} + part_{step}['b'].clip(lower=0)",
        f"summary_{step} = {{c: float(part_{step}[c].mean()) for c in part_{step}.columns if c != 'd'}}",
        f"print(f'{{len(part_{step})}} rows, {{summary_{step}[\"a\"]:.3f}}')\npart_{step}.head()",
    )[position]


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "pyproject.toml").touch()
        source = root / "large.ipynb"
        source.write_text(notebook())
        targets = count()

        def promote() -> None:
            write_plan(make_plan(source, into=root / f"pipelines{next(targets)}"))

        again = command(str(Path(sys.executable).parent / "cellmill"), "promote", str(source))
        rows = [
            ["promote 100 cells, everything imported", f"{median_seconds(promote):.2f}"],
            ["`cellmill promote`, whole command", f"{median_seconds(again):.2f}"],
        ]
        print(f"{circumstances('cellmill')}\n\n{table(['what', 'seconds'], rows)}")


if __name__ == "__main__":
    main()
