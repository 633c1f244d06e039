"""Parameters: their types from the notebook's parameters cell, and their values on the way to a task's kernel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from cellmill.promote import Plan, make_plan, write_plan
from cellmill.run import run_pipeline
from cellmill.run.folder import accepted_parameters
from cellmill.run.parameters import parse_assignments

# A line of the parameters cell, and what cellmill.yaml says of it; `pi` is no parameter.
TYPES = {
    "n = 3": {"type": "int", "default": 3},
    "n = -3": {"type": "int", "default": -3},
    "n = 1e-05": {"type": "float", "default": 1e-05},
    "n = 1e999": {"type": "float", "default": math.inf, "finite": False},
    "n = 'a'": {"type": "str", "default": "a"},
    "n = False": {"type": "bool", "default": False},
    "n = [1, 'a', None]": {"type": "list", "default": [1, "a", None]},
    "n = {'a': {'b': [1]}}": {"type": "dict", "default": {"a": {"b": [1]}}},
    "n = None": {"type": "none", "default": None, "nullable": True},
    "n: float = 1": {"type": "float", "default": 1},
    "n: list[str] = []": {"type": "list", "default": []},
    "n: Dict[str, int] = {}": {"type": "dict", "default": {}},
    "n: Optional[int] = 3": {"type": "int", "default": 3, "nullable": True},
    "n: int | None = None": {"type": "int", "default": None, "nullable": True},
    "n: 'int | None' = 3": {"type": "int", "default": 3, "nullable": True},
    "n: Union[int, str] = 3": {"type": "any", "default": 3},
    "n: typing.Optional['str'] = None": {"type": "str", "default": None, "nullable": True},
    "n: Final[int] = 3": {"type": "int", "default": 3},
    "n: Any = 3": {"type": "any", "default": 3},
    "n: Literal['lr', 'rf'] = 'lr'": {"type": "str", "default": "lr", "choices": ["lr", "rf"]},
    "n: Literal[1, 2] | None = None": {"type": "int", "default": None, "nullable": True, "choices": [1, 2]},
    "n: Annotated[int, Ge(1), Le(9)] = 3": {"type": "int", "default": 3, "minimum": 1, "maximum": 9},
    "n: Annotated[float, Interval(ge=0, le=0.5)] = 0.1": {
        "type": "float",
        "default": 0.1,
        "minimum": 0,
        "maximum": 0.5,
    },
    "n: Annotated[int, Field(ge=1)] = 3": {"type": "int", "default": 3, "minimum": 1},
    "n: Annotated[Optional[int], at.Le(-1)] = None": {"type": "int", "default": None, "nullable": True, "maximum": -1},
    "n: Annotated[int, 'rows', Ge(LIMIT)] = 3": {"type": "int", "default": 3},
    "n: 'how many rows' = 3": {"type": "int", "default": 3},
    "n: Literal[MODE] = 'a'": {"type": "str", "default": "a"},
    "n = 1; n = 2": {"type": "int", "default": 2},
    "n = (1, 2)": None,
    "n = [(1, 2)]": None,
    "n = {1: 'a'}": None,
    "n = {1, 2}": None,
    "n = b'a'": None,
    "n = [1j]": None,
    "n = Path('data')": None,
    "n = 2 ** 3": None,
}
ANNOTATIONS = """
import typing
from pathlib import Path
from typing import Annotated, Any, Dict, Final, Literal, Optional, Union

import annotated_types as at
from annotated_types import Ge, Interval, Le
from pydantic import Field

LIMIT, MODE = 1, "a"
"""


@pytest.mark.parametrize("line, settings", TYPES.items(), ids=TYPES)
def test_types_come_from_defaults_and_annotations(
    line: str, settings: dict[str, Any] | None, project: Path, write_notebook: Any
) -> None:
    cells = [("parameters", ANNOTATIONS + line), ("step:show", "print(n)")]
    plan = make_plan(write_notebook(project / "churn.ipynb", cells))

    written = yaml.safe_load(plan.files["cellmill.yaml"])["parameters"]
    env = yaml.safe_load(plan.files["env.yaml"])
    task = yaml.safe_load(plan.files["pipeline.yaml"])["tasks"][0]

    assert written == ({"n": settings} if settings else {})
    if settings:
        assert type(written["n"]["default"]) is type(settings["default"])
    assert ("n" in env, task["params"].get("n")) == ((True, "{{n}}") if settings else (False, None))
    told = [one.name for one in plan.findings if one.kind == "fixed-parameter"]
    assert told == ([] if settings else ["n"])


PARAMETERS = r"""
count = 3
neg = -5
small = 1e-05
big = 123456789012345678901234567890
up = 1e999
zero = -0.0
text = "a 'q' \"d\" {b} {{x}} {% if %} {# c #} ü\n\t\\ end"
place = "{{here}}/x"
empty = ""
digits = "007"
one = "1"
true = "true"
none = "None"
day = "2024-01-01"
flag = False
items = [1, -2.5, 1e-05, "x", "7", None, True, ["{{y}}", "", []]]
table = {"a": 1, "b": {"c": [-1e-05, "007"], "": "{x}"}, "d__e": 1, "_f": None}
nothing = None
limit: int = None
path = "data/x.csv"
range = [0, 1]
_hidden = 1
shape = (2, 3)
"""
NAMES = [line.split()[0].rstrip(":") for line in PARAMETERS.strip().split("\n")]
SHARED = "def scaled(x):\n    return [x * count, nothing]"
SHOW = "\n".join(f"print('{name} =', repr({name}))" for name in NAMES)

OTHER: dict[str, Any] = {
    "count": -7,
    "neg": 10**20,
    "small": -1e-300,
    "up": -math.inf,
    "zero": 0.0,
    "text": 'it\'s "{{here}}" {y} \\x41\r\n 日本',
    "place": " padded ",
    "empty": "''",
    "digits": "1_000",
    "one": "1e3",
    "true": "False",
    "none": "null",
    "day": "~",
    "flag": True,
    "items": [[], {}, {"k": "1"}, "[1]", -0.5],
    "table": {"here": "{{here}}", "x y": [None]},
    "nothing": ["now", 1],
    "limit": 5,
    "path": "",
    "_hidden": 2,
}
ASSIGNMENTS = {
    "count": ("-4", -4),
    "small": ("1e-07", 1e-07),
    "up": ("-inf", -math.inf),
    "text": ('{{x}} "it\'s" é', '{{x}} "it\'s" é'),
    "empty": ("", ""),
    "one": ("2", "2"),
    "true": ("none", "none"),
    "flag": ("yes", True),
    "items": ('["{{z}}", -1, "", [null]]', ["{{z}}", -1, "", [None]]),
    "table": ('{a: {b: "1"}}', {"a": {"b": "1"}}),
    "nothing": ("0.5", 0.5),
    "limit": ("7", 7),
}


def defaults() -> dict[str, Any]:
    values: dict[str, Any] = {}
    exec(PARAMETERS, values)
    return {name: values[name] for name in NAMES}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A pipeline of one step that shows its parameters."""
    root = tmp_path_factory.mktemp("parameters")
    (root / "pyproject.toml").write_text("", encoding="utf-8")
    notebook = nbformat.v4.new_notebook()
    for tag, source in [("parameters", PARAMETERS), ("shared", SHARED), ("step:show", SHOW + "\nprint(scaled(2))")]:
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}, id=tag.replace(":", "-")))
    nbformat.write(notebook, root / "settings.ipynb")
    plan = make_plan(root / "settings.ipynb")
    write_plan(plan)
    return plan


def shown(plan: Plan, **options: Any) -> str:
    """What the step prints."""
    result = run_pipeline(plan.folder, **options)
    assert result.state == "succeeded", result.failure
    cells = nbformat.read(plan.folder / "output" / "show.ipynb", as_version=4).cells
    return "".join(one.text for cell in cells for one in cell.get("outputs", ()) if one.output_type == "stream")


def wanted(values: Mapping[str, Any]) -> str:
    values = {**defaults(), **values}
    lines = [f"{name} = {values[name]!r}" for name in NAMES]
    return "\n".join([*lines, repr([2 * values["count"], values["nothing"]])]) + "\n"


def test_defaults_arrive_as_the_notebook_has_them(plan: Plan) -> None:
    assert shown(plan) == wanted({})


def test_values_arrive_as_they_are_given(plan: Plan) -> None:
    assert shown(plan, parameters=OTHER) == wanted(OTHER)


def test_values_arrive_as_they_are_typed(plan: Plan) -> None:
    texts = [f"{name}={text}" for name, (text, _) in ASSIGNMENTS.items()]
    parameters = parse_assignments(texts, accepted_parameters(plan.folder))
    assert shown(plan, parameters=parameters) == wanted({name: value for name, (_, value) in ASSIGNMENTS.items()})


def test_a_profile_overrides_single_values_and_an_assignment_the_profile(plan: Plan) -> None:
    (plan.folder / "env.odd.yaml").write_text(
        "count: -2\nsmall: 1e-09\nup: 2.5\ntext: \"é 'x'\"\nflag: yes\nnothing: [a, -1]\nlimit: 3\nitems: []\n"
        "path_value: other.csv\n",
        encoding="utf-8",
    )
    changed = {"count": -2, "small": 1e-09, "up": 2.5, "text": "é 'x'", "flag": True, "nothing": ["a", -1]}
    changed |= {"limit": None, "items": [], "path": "other.csv"}
    assert shown(plan, profile="odd", parameters={"limit": None}) == wanted(changed)
