"""Large pieces of memory that are handed over beside the pickle: mapped where they are loaded, whole where they lie."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cellmill.promote import handover

SAVE = """
import sys
import numpy as np
import pandas as pd
import x_handover
x_handover.begin({"variables": "output/load/variables.json"}, globals())
rows = int(sys.argv[1])
frame = pd.DataFrame(np.arange(rows * 5.0).reshape(rows, 5), columns=list("abcde"))
texts = pd.DataFrame({"n": np.arange(rows)[::-1], "t": [f"row {n}" for n in range(rows)]}, index=range(1, rows + 1))
fixed = np.arange(rows * 1.0)[::-1]
fixed.flags.writeable = False
x_handover.save(frame=frame, more={"texts": texts, "fixed": fixed, "again": frame, "own": np.arange(rows)})
"""
LOAD = """
import json
import sys
import numpy as np
import pandas as pd
import x_handover
rows = int(sys.argv[1])
frame, more = x_handover.load({"variables": "output/load/variables.json"}, "frame", "more")
x_handover.begin({"variables": "output/train/variables.json"}, globals())
# The step above runs again while this one has its variables.
import subprocess
subprocess.run([sys.executable, "save.py", "10"], check=True)
assert frame.equals(pd.DataFrame(np.arange(rows * 5.0).reshape(rows, 5), columns=list("abcde")))
assert more["again"].equals(frame)
assert more["texts"].t.iloc[-1] == f"row {rows - 1}"
assert not more["fixed"].flags.writeable and more["fixed"][-1] == 0
frame.loc[:, "a"] = 1.0
more["own"][0] = 7
assert more["own"][:2].tolist() == [7, 1]
frame["f"] = frame.a + frame.b
more["texts"].loc[1, "t"] = "changed"
assert frame.a.sum() == rows and more["texts"].t[1] == "changed"
x_handover.save(frame=frame, more=more)
"""
AGAIN = """
import x_handover
frame, more = x_handover.load({"variables": "output/train/variables.json"}, "frame", "more")
assert frame.a.sum() == len(frame) and list(frame) == list("abcdef") and more["texts"].t[1] == "changed"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(handover.__file__, tmp_path / "x_handover.py")
    for name, code in {"save": SAVE, "load": LOAD, "again": AGAIN}.items():
        (tmp_path / f"{name}.py").write_text(code)
    return tmp_path


def run(folder: Path, name: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, f"{name}.py", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_who_loads_them_may_change_them_and_outlives_their_files(folder: Path) -> None:
    run(folder, "save", "200000")
    variables = folder / "output" / "load"
    before = {path.name: path.read_bytes() for path in variables.glob("*.buffer")}
    assert sum(map(len, before.values())) > 200_000 * 30
    assert (variables / "bundle.pkl").stat().st_size < 100_000
    kept = folder / "kept"
    shutil.copytree(variables, kept, copy_function=os.link)

    run(folder, "load", "200000")
    assert list(variables.glob("*.buffer")) == [], "small values leave nothing of large ones"

    run(folder, "again")
    # Nobody who changed what was loaded changed the files.
    assert {path.name: path.read_bytes() for path in kept.glob("*.buffer")} == before


def test_a_piece_that_is_missing_is_told(folder: Path) -> None:
    run(folder, "save", "200000")
    next((folder / "output" / "load").glob("*.buffer")).unlink()
    done = subprocess.run(
        [sys.executable, "load.py", "200000"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "bundle." in done.stderr.splitlines()[-1]
    assert json.loads((folder / "output/load/variables.json").read_text())["variables"].keys() == {"frame", "more"}
