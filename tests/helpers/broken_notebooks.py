"""Makes malformed notebooks from a seed: what bugs, merges, other tools and bad luck leave in an .ipynb file."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

SOURCES = (
    "import pandas as pd\nrows = 3",
    "df = pd.DataFrame({'a': range(rows)})",
    "def scale(frame, by=2):\n    return frame * by\n\nclass Model:\n    def fit(self, x):\n        self.x = x",
    "model = Model()\nmodel.fit(scale(df))",
    "!ls {rows}\n%time total = df.sum()",
    "with open('out.txt', 'w') as file:\n    file.write(str(total))",
    "print(total, [x for x in range(3)], f'{rows!r:>10}')",
)
TAGS = ("parameters", "shared", "step:load", "step:load", "step:fit", "check:fit", "step:report")
ODD: tuple[Any, ...] = (
    None, True, -1, 10**400, 1e308, "", "\x00", "\ud800", "é", [], {}, [[]], [None], {"a": {}}, "step:", "step:load",
    "step:load --after load", "x" * 5000, ["tags"], [1, "x", None], float("inf"), float("nan"),
)  # fmt: skip
BRACKETS = ("(", "[", "{", '"""', "'", "f'{", "\\", "\t", "\r", "\x0c", "\x00", "\ufeff", "\u2028", "%%", "!", "?", "%")


def broken_notebook(seed: int) -> bytes:
    """One file's bytes; the same for the same seed."""
    rng = random.Random(seed)
    document = _whole(rng)
    for _ in range(rng.choice((1, 1, 2, 4))):
        rng.choice(_CHANGES)(rng, document)
    return rng.choice(_WAYS)(rng, document)


def _whole(rng: random.Random) -> dict[str, Any]:
    cells = []
    for at in range(rng.randrange(1, len(SOURCES) + 1)):
        cell: dict[str, Any] = {
            "cell_type": "code",
            "execution_count": at,
            "id": f"cell-{at}",
            "metadata": {"tags": [TAGS[at]]},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["1\n", "2"]}],
            "source": SOURCES[at] if rng.random() < 0.5 else SOURCES[at].splitlines(keepends=True),
        }
        cells.append(cell)
    cells.insert(0, {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# A title"})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


# Changes to the document


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in the document with each of its keys."""
    found: list[tuple[Any, Any]] = []
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    for key in keys:
        found.append((value, key))
        found += _places(value[key])
    return found


def _drop(rng: random.Random, document: dict[str, Any]) -> None:
    if places := _places(document):
        owner, key = rng.choice(places)
        del owner[key]


def _odd(rng: random.Random, document: dict[str, Any]) -> None:
    if places := _places(document):
        owner, key = rng.choice(places)
        owner[key] = copy.deepcopy(rng.choice(ODD))


def _twice(rng: random.Random, document: dict[str, Any]) -> None:
    cells = document.get("cells")
    if isinstance(cells, list) and cells:
        # The same object twice: what is nested deep can't be copied, and the file holds it twice all the same.
        cells.insert(rng.randrange(len(cells) + 1), rng.choice(cells))


def _old(rng: random.Random, document: dict[str, Any]) -> None:
    """Nbformat 3 and its kin: cells in worksheets, code in `input`."""
    cells = document.pop("cells", [])
    for cell in cells if isinstance(cells, list) else ():
        if isinstance(cell, dict):
            cell["input"] = cell.pop("source", "")
            cell["language"] = "python"
    document["worksheets"] = [{"cells": cells, "metadata": {}}]
    document["nbformat"] = rng.choice((3, 3, 3, 2, 1, 0, -1, 4, 5, 99, 10**30, True))


def _source(rng: random.Random, document: dict[str, Any], make: Callable[[str], Any]) -> None:
    cells = (
        [one for one in document.get("cells") or () if isinstance(one, dict)]
        if isinstance(document.get("cells"), list)
        else []
    )
    if cells:
        cell = rng.choice(cells)
        source = cell.get("source", "")
        text = "".join(str(one) for one in source) if isinstance(source, list) else str(source)
        cell["source"] = make(text)


def _cut_source(rng: random.Random, document: dict[str, Any]) -> None:
    _source(rng, document, lambda text: text[: rng.randrange(len(text) + 1)])


def _sprinkle(rng: random.Random, document: dict[str, Any]) -> None:
    def make(text: str) -> str:
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(text) + 1)
            text = (
                text[:at]
                + rng.choice((*BRACKETS, "\ud800", "\U0001f600", "\n", "    ", chr(rng.randrange(1, 300))))
                + text[at:]
            )
        return text

    _source(rng, document, make)


def _shuffle_lines(rng: random.Random, document: dict[str, Any]) -> None:
    def make(text: str) -> str:
        lines = text.split("\n")
        rng.shuffle(lines)
        return "\n".join(rng.choice(("", "", " ", "    ")) + one for one in lines)

    _source(rng, document, make)


def _deep_code(rng: random.Random, document: dict[str, Any]) -> None:
    many = rng.choice((30, 90, 150, 500, 3000, 30000))
    code = rng.choice(
        (
            "x = " + "(" * many + ")" * many,
            "x = " + "[" * many,
            "x = " + "-" * many + "1",
            "x = " + " + ".join(["1"] * many),
            "x = a" + ".b" * many,
            "x = f" + "(1)" * many,
            "x = " + "lambda: " * many + "1",
            "x = " + "not " * many + "y",
            "x = 1" + " if y else 1" * many,
            "x" + " = x" * many + " = 1",
            "\n".join(" " * at + "if x:" for at in range(min(many, 150))) + "\n" + " " * 150 + "pass",
            "x = " + "1" * many,
            "x = '" + "a" * many,
            "x = " + "f'{" * (many % 100) + "1" + "}'" * (many % 100),
            "\n".join("    " * at + "def f():" for at in range(min(many, 90))) + "\n" + "    " * 90 + "f()",
            "match x:\n    case " + "[" * min(many, 150) + "y" + "]" * min(many, 150) + ":\n        pass",
            "x = [" + "[y for y in " * min(many, 100) + "z" + "]" * min(many, 100) + "]",
            "eval('" + "(" * many + ")" * many + "')",
            "df.query('" + "@x " * many + "')",
            "!" + "{" * many + "x" + "}" * many,
            "%time " * many,
            "%%time\n" * many,
            "%%step " + "a" * many + "\nx = 1",
            f"def f({', '.join(f'a{at}' for at in range(min(many, 3000)))}):\n    f({'a0, ' * min(many, 3000)})\nf()",
        )
    )  # fmt: skip
    _source(rng, document, lambda text: code if rng.random() < 0.5 else f"{text}\n{code}")


def _odd_texts(rng: random.Random, document: dict[str, Any]) -> None:
    """What is no code, in the places where a text is read as code."""
    many = rng.choice((3, 60, 3000))
    text = rng.choice(
        (
            "\ud800", "\x00", "(" * many, "-" * many + "1", "a" + ".b" * many, "not " * many + "x", "x\ny", "\\", "'",
            '"', "{", "{[]: 1}", "{x!z}", "%time x", "!ls", "x?", "def", "*", "lambda: " * many, "1" * 6000, "é" * many,
            "%time %time " * many, "exec('x = 1')", "@x @y", "a ~ b +", "[" * (many % 150) + "]" * (many % 150), "a=",
        )
    )  # fmt: skip
    plain = text.replace("\n", " ")
    code = rng.choice(
        (
            f"eval({text!r})", f"exec({text!r})", f"df.query({text!r})", f"x: {text!r} = 1", f"x: {plain} = 1",
            f"!echo {{{plain}}} ${plain}", f"%time {plain}", f"%timeit -n 3 {plain}", f"x = %who {plain}",
            f"%criteria {plain}", f"%metric x {plain}", f"%%step {plain}", f"%%bash {plain}\n{text}", f"{plain}?",
            f"%%writefile {plain}\n{text}", f"%%capture {plain}\nx = 1",
            f"from typing import Literal\nx: Literal[{plain}] = 1", f"x: Annotated[int, Ge({plain})] = 1",
            f"x: Optional[{text!r}] = None", f"getattr(df, {text!r})", f"globals()[{text!r}] = 1", f"open({text!r})",
            f"import os\nos.environ[{text!r}] = {text!r}", f"!pip install {plain}", f"%pip install {plain}",
            f"# cellmill: ignore[{plain}]", f"x = 1  # cellmill: ignore[CM203] {plain}", f"f'{{x:{plain}}}'",
            f"{text!r}.format(x)", f"smf.ols({text!r}, df)", f"%env A={plain}", f"%load_ext {plain}", f"%run {plain}",
            f"__import__({text!r})", f"import importlib\nimportlib.import_module({text!r})",
            f"def f(x: {text!r} = 1) -> {text!r}:\n    {text!r}\nf()", f"x = {plain}",
            f"x = ({text!r}, {{{plain}: 1}})",
        )
    )  # fmt: skip
    _source(rng, document, lambda source: code if rng.random() < 0.5 else f"{source}\n{code}")


def _wild_tags(rng: random.Random, document: dict[str, Any]) -> None:
    cells = document.get("cells")
    for cell in cells if isinstance(cells, list) else ():
        if isinstance(cell, dict) and rng.random() < 0.5:
            name = rng.choice(
                ("a", "é", "", "a b", "../x", "a/b", "con", "1", "x" * 300, "\ud800", "load", "None", "--after")
            )
            tag = rng.choice(("step:", "check:", "shared", "parameters", "skip", "step", "Step:")) + name
            cell["metadata"] = {"tags": [tag] * rng.choice((1, 1, 2))}


def _nest(rng: random.Random, document: dict[str, Any]) -> None:
    deep: Any = "x"
    for _ in range(rng.choice((10, 100, 400))):
        deep = {"a": deep} if rng.random() < 0.5 else [deep]
    if places := _places(document):
        owner, key = rng.choice(places)
        owner[key] = deep


_CHANGES = (
    _drop, _drop, _odd, _odd, _odd, _twice, _old, _cut_source, _sprinkle, _sprinkle, _shuffle_lines, _deep_code,
    _deep_code, _odd_texts, _odd_texts, _odd_texts, _wild_tags, _nest,
)  # fmt: skip


# Ways to write it


def _plain(rng: random.Random, document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=rng.random() < 0.8).encode("utf-8", "surrogatepass")


def _cut(rng: random.Random, document: dict[str, Any]) -> bytes:
    text = _plain(rng, document)
    return text[: rng.randrange(len(text))]


def _garbled(rng: random.Random, document: dict[str, Any]) -> bytes:
    text = bytearray(_plain(rng, document))
    for _ in range(rng.randrange(1, 20)):
        text[rng.randrange(len(text))] = rng.randrange(256)
    return bytes(text)


def _marked(rng: random.Random, document: dict[str, Any]) -> bytes:
    lines = json.dumps(document, indent=1).split("\n")
    at = rng.randrange(len(lines))
    return "\n".join([*lines[:at], "<<<<<<< ours", *lines[at:], "=======", ">>>>>>> theirs"]).encode()


def _other(rng: random.Random, document: dict[str, Any]) -> bytes:
    text = _plain(rng, document).decode("utf-8", "replace")
    return rng.choice((
        b"", b" \n", b"null", b"[]", b"1" * 5000, b"[" * 100000, b'{"a":' * 5000, text.encode("utf-16"),
        b"\xef\xbb\xbf" + text.encode(), text.replace('"', "'").encode(), b"\x89PNG\r\n", text.encode() * 2,
    ))  # fmt: skip


_WAYS = (*[_plain] * 8, _cut, _garbled, _marked, _other)
