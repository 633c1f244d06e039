"""The end of a warm kernel leaves what the end of an ordinary one leaves, before the next step begins."""

from __future__ import annotations

import sys
from typing import Any

import nbformat
import pytest

from cellmill.run import run_pipeline

if sys.platform != "linux":
    pytest.skip("forks on Linux only", allow_module_level=True)

OWN = """
class Late:
    def __init__(self, name):
        self.name = name
    def __del__(self, open=open):
        with open(self.name, "w") as file:
            file.write("freed")

def waits(name, open=open):
    try:
        yield
    finally:
        with open(name, "w") as file:
            file.write("left")

late = Late("held by a module")
file = open("file of a module", "w")
file.write("kept")
"""
CELLS = [
    "import atexit, io, json, threading, time, zipfile\nimport numpy\nimport own",
    "plain = open('file', 'w'); _ = plain.write('kept')\nnumpy.kept = open('file of a library', 'w')\n"
    "_ = numpy.kept.write('kept')\nbuffer = io.BufferedWriter(io.FileIO('buffer', 'w')); _ = buffer.write(b'kept')",
    "archive = zipfile.ZipFile('archive', 'w'); archive.writestr('a', 'kept')",
    "late = own.Late('held by a name'); pair = [own.Late('held by a ring')]; pair.append(pair)",
    "started = own.waits('generator'); next(started)",
    "def later(): time.sleep(0.3); open('thread', 'w').write('done')\nthreading.Thread(target=later).start()",
    "atexit.register(lambda: open('exit', 'w').write('said'))\nown.Late('shown')",
]
HELD = {
    "nothing more": "1",
    "held by a library": "numpy.late = own.Late('held by a library')",
    "waits in a library": "def waits(open=open):\n    try: yield\n"
    "    finally: open('waits in a library', 'w').write('left')\nnumpy.started = waits(); next(numpy.started)",
    "an archive in a library": "numpy.archive = zipfile.ZipFile('an archive in a library', 'w')\n"
    "numpy.archive.writestr('a', 'kept')",
    "an error": "def f(): held = own.Late('an error'); 1 / 0\ntry: f()\nexcept ZeroDivisionError as e: numpy.error = e",
}
LOOK = """
from pathlib import Path
names = ["archive", "buffer", "exit", "file", "file of a library", "file of a module", "generator", "held by a module"]
names += ["held by a name", "held by a ring", "shown", "thread", *MORE]
print([(name, len(Path(name).read_bytes()) if Path(name).exists() else None) for name in names])
"""


@pytest.mark.parametrize("held", HELD)
def test_the_next_step_finds_what_the_end_of_a_step_writes(pipeline: Any, step: Any, held: str) -> None:
    more = [] if held == "nothing more" else [held]
    pipeline.write({"load": step([*CELLS, HELD[held]]), "train": step([f"MORE = {more}\n{LOOK}"], ["load"])})
    work = pipeline.notebook.parent
    (work / "own.py").write_text(OWN)
    told = []
    for warm in (False, True):
        assert run_pipeline(pipeline.folder, warm=warm, force=True).state == "succeeded"
        executed = nbformat.read(pipeline.output / "train.ipynb", as_version=4)
        told.append([output.text for cell in executed.cells for output in cell.get("outputs", ()) if "text" in output])
        for path in work.iterdir():
            if path.suffix not in (".ipynb", ".py") and path.is_file():
                path.unlink()
    ordinary, warm_kernel = told
    assert warm_kernel == ordinary
    # The ordinary kernel writes each of them.
    assert "None" not in str(ordinary)
