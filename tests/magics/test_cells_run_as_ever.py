"""A cell with a magic line runs exactly as it would without it, in a real kernel."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BODIES = {
    "last expression": "x = 41\nx + 1",
    "no expression": "x = 41",
    "semicolon": "x = 41\nx;",
    "empty": "",
    "only a comment": "# nothing",
    "print": "for n in range(3):\n    print(n)",
    "top-level await": "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 7\nawait f()",
    "async for": "async def g():\n    yield 1\n    yield 2\n[n async for n in g()]",
    "shell": "word = 'there'\n!echo hi {word}",
    "shell assigned": "found = !echo a; echo b\nfound",
    "line magic": "%who_ls str",
    "line magic assigned": "where = %pwd\nwhere == __import__('os').getcwd()",
    "continued shell": "!echo a \\\n  b\n1",
    "nested cell magic": "%%capture out\nprint('caught')\ninside = 5",
    "nested cell magic after an empty line": "\n\n%%capture out\nprint('caught')",
    "another language": "%%bash\nfor n in 1 2; do echo $n; done",
    "help": "len?",
    "display": "from IPython.display import HTML\nHTML('<b>x</b>')",
    "rich result": "class R:\n    def _repr_html_(self): return '<i>r</i>'\n    def __repr__(self): return 'R'\nR()",
    "error": "a = 1\n\ndef fails():\n    return 1 / 0\n\nfails()",
    "syntax error": "a = 1\nb = = 2",
    "error in a nested cell magic": "%%time\n1 / 0",
    "unknown magic": "%nosuchmagic",
    "indented": "    x = 1\n    x + 1",
    "prompts": ">>> x = 5\n>>> x",
    "decorators": "import functools\n@functools.cache\ndef f(n):\n    return n\nf(3)",
    "future import": "from __future__ import annotations\nx: Nowhere = 1\nx",
    "automagic": "pwd",
    "percent in brackets": "rest = (7\n% 4)\nrest",
    "string with our magic": "text = '''\n%%step b\n'''\ntext",
    "exit code": "!exit 3\n_exit_code",
}


def same_numbers(shown, below: int) -> dict:
    """What was shown, line numbers moved by the lines above the cell's body, execution counts and times left out."""

    def moved(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) - below}"

    traceback = re.sub(r"(line )(\d+)", moved, shown.traceback)
    traceback = re.sub(r"^(-*>? *)(\d+)(?= )", moved, traceback, flags=re.MULTILINE)
    traceback = re.sub(r"^-+> ?|^ +", "", traceback, flags=re.MULTILINE)
    error = re.sub(r"(line )(\d+)", moved, str(shown.error))
    texts = [shown.stdout, shown.stderr, traceback, error, str(shown.result), str(shown.displays)]
    texts = [re.sub(r"Cell In\[\d+\]|0x[0-9a-f]+|\d+\.py|\d[\d.e+]* ?[nµμm]?s\b", "*", text) for text in texts]
    payload = [{k: v for k, v in one.items() if k != "start"} for one in shown.reply.get("payload", ())]
    return {"status": shown.status, "texts": texts, "payload": payload}


@pytest.mark.parametrize(
    "line, name",
    [
        *(("%%step load --retries 2", name) for name in BODIES),
        *((line, "error") for line in ("%%shared", "%%parameters", "%%check load", "%%skip")),
    ],
)
def test_a_tagged_cell_runs_as_it_would_without_its_magic_line(kernel, line: str, name: str) -> None:
    body = BODIES[name]
    without = kernel.run(body)
    tagged = kernel.run(f"{line}\n{body}")
    below = 0 if body.lstrip().startswith("%%") else 1
    assert same_numbers(tagged, below) == same_numbers(without, 0) or not body


def test_the_line_in_a_traceback_is_the_cells_own(kernel) -> None:
    shown = kernel.run("%%step load\na = 1\n\nraise ValueError('here')\n")
    assert shown.error == "ValueError: here"
    assert re.search(r"Cell In\[\d+\], line 4\n", shown.traceback)
    assert re.search(r"^----> 4 raise ValueError", shown.traceback, re.MULTILINE)


def test_the_line_of_a_syntax_error_is_the_cells_own(kernel) -> None:
    shown = kernel.run("%%step load\na = 1\nb = = 2\n")
    assert re.search(r"line 3\n", shown.traceback)


def test_a_function_keeps_its_lines_for_the_debugger_and_inspect(kernel) -> None:
    kernel.run("%%step load\n\ndef f():\n    return 1\n")
    assert kernel.run("f.__code__.co_firstlineno").result == "3"
    assert kernel.run("import inspect; inspect.getsource(f)").result == repr("def f():\n    return 1\n")
    shown = kernel.inspect("f")
    assert "return 1" in shown or "f()" in shown


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("%%step load\nnumbers.app", "numbers.append"),
        ("%%step load\nx = 1\nnumb", "numbers"),
        ("%%step load\nimport os\nos.pa", "os.path"),
        ("%%step load --retries 2\nfor n in numbers:\n    n.bit_l", "n.bit_length"),
        ("%%step load\n%mat", "%matplotlib"),
        ("%%st", "%%step"),
        ("%prom", "%promote"),
        ("%%step load --re", "--retries"),
        ("%%step train --after ", "features"),
        ("%%step train --after load,fe", "features"),
        ("%%check re", "report"),
        ("%run_pipeline --on", "--only"),
    ],
)
def test_tab_completes(kernel, text: str, wanted: str) -> None:
    kernel.run("numbers = [1, 2]\nn = 1\nimport os")
    kernel.run("__vsc_ipynb_file__ = 'churn.ipynb'")
    offered = kernel.complete(text)
    # Jedi offers the attribute alone, IPython's own completers the whole word.
    assert wanted in offered or wanted.rpartition(".")[2] in offered


@pytest.mark.parametrize(
    "source, says",
    [
        ("%%step", "%%step names no step; write %%step NAME, such as %%step load"),
        ("%%step load --retry 2\nran = 1", "%%step has no option --retry; you may have meant --retries"),
        ("%%step load --retries x\nran = 1", "--retries takes a whole number from 0, got 'x'; write --retries 2"),
        ("%%shared load\nran = 1", "%%shared takes nothing after it, got load; write %%shared"),
        ("%%stpe load\nran = 1", "%%stpe is no magic; you may have meant %%step"),
        ("%%step load\n%%shared\nran = 1", "a second magic line, %%shared, stands on this cell; keep one"),
        ("%%step my-step\nran = 1", "the step name 'my-step' is not a Python identifier; name it my_step"),
    ],
)
def test_a_wrong_magic_line_is_told_in_one_line_and_the_cell_does_not_run(kernel, source, says) -> None:
    kernel.run("ran = 0")
    shown = kernel.run(source)
    assert shown.status == "error"
    assert shown.stderr.startswith(f"UsageError: {says}")
    assert shown.stderr.count("\n") == 1
    assert not shown.traceback
    assert kernel.run("ran").result == "0"


def test_a_magic_line_below_the_first_is_told(kernel) -> None:
    kernel.run("ran = 0")
    shown = kernel.run("ran = 1\n%%step load\nran = 2")
    assert shown.status == "error"
    assert shown.stderr.count("\n") == 1


def test_cell_magics_of_others_are_left_alone(kernel) -> None:
    kernel.run(
        "from IPython.core.magic import register_cell_magic\n"
        "@register_cell_magic\ndef steps_of_mine(line, cell):\n    return cell.upper()\n"
    )
    assert kernel.run("%%steps_of_mine\nabc").result == repr("ABC\n")
    assert kernel.run("%%time\n1 + 1").result == "2"


@pytest.mark.parametrize("magic", ["step", "shared", "parameters", "check", "skip"])
def test_every_cell_magic_has_help(kernel, magic) -> None:
    assert f"%%{magic}" in help_of(kernel, f"%%{magic}")


@pytest.mark.parametrize("magic", ["steps", "readiness", "promote", "run_pipeline", "metric", "criteria"])
def test_every_line_magic_has_help(kernel, magic) -> None:
    assert f"%{magic}" in help_of(kernel, f"%{magic}")


def help_of(kernel, name: str) -> str:
    shown = kernel.run(f"{name}?")
    assert shown.status == "ok"
    text = kernel.plain(shown.reply["payload"][0]["data"]["text/plain"]).partition("Docstring:")[2]
    assert "\n\n" in text, "help is a sentence, the usage, and more"
    return text


def test_unloading_takes_all_away(start: Callable[..., Any], project: Path) -> None:
    kernel = start(project)
    before = kernel.run("import os; sorted(os.environ), get_ipython().input_transformers_cleanup").result
    kernel.run("%load_ext cellmill")
    assert kernel.run("%%step a\n1 + 1").result == "2"
    kernel.run("%unload_ext cellmill")
    assert kernel.run("sorted(os.environ), get_ipython().input_transformers_cleanup").result == before
    assert "Cell magic `%%step` not found" in kernel.run("%%step a\n1 + 1").stderr
    assert "--retries" not in kernel.complete("%%step a --re")
    kernel.run("%load_ext cellmill\n%reload_ext cellmill")
    assert kernel.run("%%step a\n1 + 1").result == "2"


def test_the_kernel_says_whether_input_is_complete(kernel) -> None:
    def status(code: str) -> str:
        kernel.client.is_complete(code)
        return kernel.client.get_shell_msg(timeout=30)["content"]["status"]

    assert status("%%step load --wrong\nx = 1") in ("incomplete", "complete")
    assert status("x = 1") == "complete"
