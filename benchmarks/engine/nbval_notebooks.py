"""`pytest --nbval` on notebooks that import pandas and scikit-learn: whole processes, with and without warm kernels."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import SCRIPTS, by_turns, command

from engine.line import Line, Options, faster

CELLS = 20
WARM = {
    "JUPYTER_DEFAULT_PROVISIONER_NAME": "cellmill-warm",
    "CELLMILL_WARM_IMPORTS": "pandas,sklearn.linear_model",
}
BEGIN = [
    "import pandas as pd\nfrom sklearn.linear_model import LinearRegression",
    "frame = pd.DataFrame({'x': range(100)})\nframe['y'] = 2 * frame['x'] + 1\nlen(frame)",
]
FIT = """model = LinearRegression().fit(frame[['x']], frame['y'] + {number})
round(float(model.predict(frame[['x']])[{number}]), 3)"""


def measured(options: Options) -> Iterator[Line]:
    """Lines of the table."""
    count = 2 if options.small else 6
    with tempfile.TemporaryDirectory(prefix="cellmill-") as folder:
        names = [f"notebook{number}.ipynb" for number in range(count)]
        for name in names:
            (Path(folder) / name).write_text(_notebook())
        execute = [str(SCRIPTS / "jupyter"), "nbconvert", "--execute", "--inplace", "--to", "notebook"]
        command(*execute, *names, cwd=Path(folder))()
        words = [str(SCRIPTS / "pytest"), "-q", "-p", "no:cacheprovider"]
        # cellmill's own pytest plugin costs the plain call nothing.
        plain = [*words, "-p", "no:cellmill", "--nbval", "."]
        warm = [*words, "-p", "cellmill", "--nbval", "."]
        works = {
            "warm": command(*warm, cwd=Path(folder), variables=WARM),
            "plain": command(*plain, cwd=Path(folder)),
            "collected": command(*words, "--nbval", "--collect-only", ".", cwd=Path(folder)),
        }
        found = by_turns(works, options.repeats)
    case = f"`pytest --nbval` on {count} notebooks of {CELLS} cells"
    yield Line(case, "with warm kernels", found["warm"], "nbval alone", found["plain"], faster(4))
    yield Line(case, "nbval alone, collecting only", found["collected"])


def _notebook() -> str:
    sources = BEGIN + [FIT.format(number=number) for number in range(CELLS - len(BEGIN))]
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})
