"""Parameters: typed, checked, and refused in one sentence that says what is accepted."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from cellmill.errors import CellmillError
from cellmill.run.parameters import check_values, parse_assignments
from cellmill.run.settings import ParameterSettings

ACCEPTED = {
    "n": ParameterSettings(type="int", default=3, minimum=0, maximum=10),
    "test_size": ParameterSettings(type="float", default=0.2, minimum=0),
    "model": ParameterSettings(type="str", default="lr", choices=("lr", "rf")),
    "label": ParameterSettings(type="str", default="a", nullable=True),
    "verbose": ParameterSettings(type="bool", default=False),
    "features": ParameterSettings(type="list", default=[]),
    "grid": ParameterSettings(type="dict", default={}),
    "limit": ParameterSettings(type="none"),
    "cap": ParameterSettings(type="float", default=math.inf, finite=False),
}


@pytest.mark.parametrize(
    "text, value",
    [
        ("n=4", 4),
        ("n= 4 ", 4),
        ("test_size=0.5", 0.5),
        ("test_size=1", 1.0),
        ("test_size=1e-3", 0.001),
        ("model=rf", "rf"),
        ("label=007", "007"),
        ("label=a=b", "a=b"),
        ("label=", ""),
        ("label=none", None),
        ("verbose=true", True),
        ("verbose=Yes", True),
        ("verbose=1", True),
        ("verbose=no", False),
        ("verbose=0", False),
        ("features=[age, income]", ["age", "income"]),
        ('features=["1", 2, 1e-3]', ["1", 2, 0.001]),
        ("features=[no, 1e-3, 2024-01-01, 007, 0, 0.5]", ["no", 0.001, "2024-01-01", "007", 0, 0.5]),
        ("grid={C: [0.1, 1], penalty: null}", {"C": [0.1, 1], "penalty": None}),
        ('grid={"clf__C": [1]}', {"clf__C": [1]}),
        ("limit=5", 5),
        ("limit=none", None),
        ("limit=text", "text"),
        ("cap=inf", math.inf),
    ],
)
def test_texts_become_values_of_the_declared_type(text: str, value: Any) -> None:
    (parsed,) = parse_assignments([text], ACCEPTED).values()

    assert parsed == value
    assert type(parsed) is type(value)


def test_the_last_assignment_counts() -> None:
    assert parse_assignments(["n=1", "n=2"], ACCEPTED) == {"n": 2}


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("n", "-p n is not of the form name=value; type for example -p name=0.5."),
        ("n=many", "parameter n takes an int from 0 to 10, not many."),
        ("n=2.5", "parameter n takes an int from 0 to 10, not 2.5."),
        ("n=11", "parameter n takes an int from 0 to 10, not 11."),
        ("n=-1", "parameter n takes an int from 0 to 10, not -1."),
        ("test_size=-0.1", "parameter test_size takes a float of at least 0, not -0.1."),
        (
            "test_size=nan",
            "parameter test_size takes a float of at least 0, not nan (nan is not a number to compute with).",
        ),
        (
            "test_size=inf",
            "parameter test_size takes a float of at least 0, not inf (inf is not a number to compute with).",
        ),
        ("cap=nan", "parameter cap takes a float, not nan (nan is not a number to compute with)."),
        ("model=svm", "parameter model takes one of 'lr', 'rf', not 'svm'."),
        ("verbose=maybe", "parameter verbose takes a bool, not maybe (type true or false)."),
        ("features=age", "parameter features takes a list, not age."),
        ("features=[", "parameter features takes a list, not [ (it is neither JSON nor YAML)."),
        ("features=[NaN]", "parameter features takes a list, not [NaN] (nan is not a number to compute with)."),
        ("grid={1: a}", "parameter grid takes a dict, not {1: a} (the key 1 is not a text)."),
    ],
)
def test_what_is_not_accepted_is_told_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(CellmillError) as error:
        parse_assignments([text], ACCEPTED)

    assert str(error.value) == sentence


def test_an_unknown_name_gets_the_close_match_and_the_list() -> None:
    accepted = {name: ACCEPTED[name] for name in ("n", "test_size", "model")}

    with pytest.raises(CellmillError) as error:
        parse_assignments(["tset_size=1"], accepted, where=Path("pipelines/churn"))

    assert str(error.value) == (
        "pipelines/churn: there is no parameter tset_size (did you mean test_size?); accepted are "
        "n (int from 0 to 10, default 3), test_size (float of at least 0, default 0.2), "
        "model (one of 'lr', 'rf', default 'lr')."
    )
    with pytest.raises(CellmillError, match="there is no parameter x: this pipeline has none"):
        parse_assignments(["x=1"], {})


@pytest.mark.parametrize(
    "name, value, accepted",
    [
        ("n", 4, True),
        ("n", True, False),
        ("n", "4", False),
        ("n", 4.0, False),
        ("test_size", 1, True),
        ("label", None, True),
        ("model", None, False),
        ("verbose", 1, False),
        ("features", ["a", {"b": None}], True),
        ("features", ("a",), False),
        ("features", [object()], False),
        ("limit", {"any": "thing"}, True),
    ],
)
def test_values_that_have_a_type_are_held_to_it(name: str, value: Any, accepted: bool) -> None:
    if accepted:
        assert check_values({name: value}, ACCEPTED) == {name: value}
    else:
        with pytest.raises(CellmillError, match=f"^parameter {name} takes "):
            check_values({name: value}, ACCEPTED)


def test_an_int_for_a_float_becomes_one() -> None:
    assert repr(check_values({"test_size": 1}, ACCEPTED)) == "{'test_size': 1.0}"
