"""IPython's syntax as plain Python: what IPython makes of it, with each line where it was."""

from __future__ import annotations

import ast
import subprocess
import sys
import time

import pytest
from IPython.core import inputtransformer2
from IPython.core.inputtransformer2 import TransformerManager

from cellmill.notebook.transform import check_syntax, parse, split_cell_magic, to_python

CELLS = [
    "x = 1",
    "%time x = 1\n",
    "%time x = \\\n  f(1,\\\n2)\ny = 2",
    "files = !ls {folder}\nfor f in files:\n    !cat $f",
    "!ls \\\n  -l \\\n  -a\ny=1",
    "!!ls\nlen?\nlen??\n?len\n*int*?",
    "def f():\n    found = !ls \\\n -l\n    return found\n",
    "rest = (7\n% 4)\n",
    's = """\n%time x\n!ls\n"""\n',
    "  if 1:\n      %time x=1\n  else:\n      y = 2",
    ">>> x = 1\n... y = 2\n",
    "In [1]: x = 1\n   ...: y = 2",
    "await f()\n!ls",
    "x = %timeit -o f()\nawait g()",
    "/f x y\n,f a b\n;f a b\n",
    "def g():\n    '''%doc'''\n    %who\n\n\n    return 5 % 3",
    "a = b % c\nprint('%s' % a)\nx = a if a != b else c",
    "f'{x!r} {y}'\n!echo \"{x}\"",
    "x = (  # comment?\n  1)\n# %time\n%time",
]


@pytest.mark.parametrize("source", CELLS)
def test_the_result_is_ipythons_own_and_each_line_stays(source) -> None:
    python = to_python(source)
    assert python.count("\n") == source.count("\n")

    def filled(text: str) -> list[str]:
        return [line for line in text.split("\n") if line.strip()]

    assert filled(python) == filled(TransformerManager().transform_cell(source))
    parse(python)


def test_what_follows_a_joined_line_keeps_its_number() -> None:
    tree = ast.parse(to_python("!ls \\\n  -l\n%time x = \\\n 1\nlast = 1"))
    assert tree.body[-1].lineno == 5
    assert ast.unparse(tree.body[0]) == "get_ipython().system('ls    -l')"


def test_line_ends_of_windows_count_as_one() -> None:
    assert to_python("!ls\r\nx = 1\r\n") == "get_ipython().system('ls')\nx = 1\n"


@pytest.mark.parametrize(
    "source, parts",
    [
        ("%%time\nx = 1", ("time", "", "x = 1", 1)),
        ('\n\n%%bash -s "$name"\necho $1\n', ("bash", '-s "$name"', "echo $1\n", 3)),
        ("%%capture out --no-stderr  \nx", ("capture", "out --no-stderr", "x", 1)),
        ("%%!\nls", ("!", "", "ls", 1)),
        ("%%time", ("time", "", "", 1)),
    ],
)
def test_cell_magics_are_taken_apart(source, parts) -> None:
    magic = split_cell_magic(source)
    assert (magic.name, magic.line, magic.body, magic.offset) == parts


@pytest.mark.parametrize("source", ["x = 1", "", "# note\n%%time\nx", "%time x", "%%time?", "x = 5\n%% time"])
def test_other_cells_have_no_cell_magic(source) -> None:
    assert split_cell_magic(source) is None


def test_python_under_a_cell_magic_is_seen_at_its_place() -> None:
    assert to_python("%%capture out\nx = 1\nfiles = !ls") == "\nx = 1\nfiles = get_ipython().getoutput('ls')"
    assert to_python("\n%%time\n%%time\nx = 1\n") == "\n\n\nx = 1\n"
    assert to_python("%%time\n\n%%time") == "\n\n"


def test_other_languages_under_a_cell_magic_stay_one_call() -> None:
    source = "%%bash -s $x\nif [ 1 ]; then\n  ls\nfi\n"
    python = to_python(source)
    assert python.count("\n") == source.count("\n")
    assert ast.unparse(parse(python)) == (
        r"get_ipython().run_cell_magic('bash', '-s $x', 'if [ 1 ]; then\n  ls\nfi\n')"
    )


@pytest.mark.parametrize(
    "source",
    [
        "x = (",
        "/ x\n",
        "!ls\n/ x",
        "f(\n  a)?",
        "x = = 1\n!ls",
        "\x00",
        "%",
        "a = !",
        "!ls\u2028x",
        "%time y = \u2028x\nz",
    ],
)
def test_what_is_no_python_comes_back_without_an_exception(source) -> None:
    assert to_python(source).count("\n") == source.count("\n")


@pytest.mark.parametrize("source", ["x = (", "return 1", "\x00", "(" * 500 + ")" * 500, "break", "nonlocal x"])
def test_all_that_python_refuses_is_a_syntax_error(source) -> None:
    with pytest.raises(SyntaxError):
        check_syntax(source)


def test_plain_python_needs_no_ipython() -> None:
    code = (
        "import sys; from cellmill.notebook.transform import to_python; "
        "assert to_python('x = (7\\n% 4)') and 'IPython' not in sys.modules; "
        "assert to_python('!ls') and 'IPython' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "line, above, below",
    [
        ("!ls", "", ""),
        ("x = %who", "if x:\n    ", "\ny = 1"),
        ("  !echo (", "for x in y:\n", ""),
        ("x?", "", ""),
        ("%%time", "x = 1\n", "\nx = 2"),
        ("!awk '{", "def f():\n    ", "\nf()"),
    ],
)
def test_many_lines_with_special_syntax_are_turned_fast(line, above, below):
    indent = " " * (len(above) - len(above.rstrip(" ")))
    few, many = (above + f"\n{indent}".join([line] * count) + below for count in (3, 400))
    wanted = TransformerManager().transform_cell(few + "\n").removesuffix("\n")

    before = time.process_time()
    turned = to_python(many)

    # IPython takes seconds for so many, as it reads the whole cell again for each of the lines.
    assert time.process_time() - before < 2
    assert to_python(few) == wanted
    assert len(turned.split("\n")) == len(wanted.split("\n")) + 397
    assert set(turned.split("\n")) == set(wanted.split("\n"))


def test_what_ipython_gives_up_on_is_no_python(monkeypatch):
    """A cell may hold 499 changes: with more, the notebook itself ends with an error of IPython."""
    assert inputtransformer2.TRANSFORM_LOOP_LIMIT == 500
    monkeypatch.setattr(inputtransformer2, "TRANSFORM_LOOP_LIMIT", 20)
    parse(to_python("!ls\n" * 19))
    with pytest.raises(RuntimeError, match="20 iterations"):
        TransformerManager().transform_cell("!ls\n" * 20)
    with pytest.raises(SyntaxError):
        parse(to_python("!ls\n" * 20))


@pytest.mark.parametrize(
    "source",
    [
        "%time " * 30000,
        "x = 1\n" + "%%time\n" * 30000,
        "%%time\n" * 30000,
        "/" * 30000,
        "!echo (\n" * 30000,
        "(\n" * 30000,
    ],
    ids=["magics in a line", "cell magics below", "cell magics", "slashes", "open brackets", "brackets"],
)
def test_nonsense_of_any_length_comes_back_soon(source):
    before = time.process_time()
    assert to_python(source).count("\n") == source.count("\n")
    assert time.process_time() - before < 10


def test_any_number_of_magics_one_below_the_other_is_read():
    turned = to_python("%%time\n" * 3000 + "x = 1")

    assert turned == "\n" * 3000 + "x = 1"
