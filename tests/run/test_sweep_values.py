"""The values of a sweep: how they are typed, which combinations they make, how those are told apart."""

from __future__ import annotations

from typing import Any

import pytest

from cellmill.errors import CellmillError
from cellmill.run.settings import ParameterSettings
from cellmill.run.sweep import parse_values
from cellmill.run.sweep.values import combine, folder_name, label

ACCEPTED = {
    "n": ParameterSettings(type="int", nullable=True),
    "rate": ParameterSettings(type="float", minimum=0),
    "word": ParameterSettings(type="str"),
    "deep": ParameterSettings(type="bool"),
    "sizes": ParameterSettings(type="list"),
    "prices": ParameterSettings(type="dict"),
    "anything": ParameterSettings(type="any"),
}


@pytest.mark.parametrize(
    "text, values",
    [
        ("n=1, 2,none", (1, 2, None)),
        ("rate=0.1,1e-3,2", (0.1, 0.001, 2.0)),
        ("word=a,b c,O'Brien", ("a", "b c", "O'Brien")),
        ('word="a, b",\'c,d\',""', ("a, b", "c,d", "")),
        ("word=[a,b", ("[a", "b")),
        ("deep=yes,no", (True, False)),
        ("sizes=[1, 2],[3],[]", ([1, 2], [3], [])),
        ('sizes=["a, b"],[[1, 2], 3]', (["a, b"], [[1, 2], 3])),
        ('prices={"a": 1, "b": 2},{}', ({"a": 1, "b": 2}, {})),
        ("anything=1,true,x,[1, 2]", (1, True, "x", [1, 2])),
    ],
)
def test_commas_separate_values_but_not_inside_one(text: str, values: tuple[Any, ...]) -> None:
    (found,) = parse_values([text], ACCEPTED).values()
    assert found == values
    assert [type(one) for one in found] == [type(one) for one in values]


def test_values_are_checked_as_a_runs_are() -> None:
    with pytest.raises(CellmillError, match="parameter rate takes a float of at least 0, not -1"):
        parse_values(["rate=1,-1"], ACCEPTED)


def test_the_same_seed_draws_the_same_combinations_and_none_twice() -> None:
    values = {"a": tuple(range(1000)), "b": tuple(range(1000)), "c": ("x", "y")}
    drawn = combine(values, draw=50, seed=3)
    assert drawn == combine(values, draw=50, seed=3)
    assert drawn != combine(values, draw=50, seed=4)
    assert len({tuple(one.values()) for one in drawn}) == 50
    assert len(combine({"a": (1, 2)}, draw=5)) == 2
    with pytest.raises(CellmillError, match=r"2,000,000 combinations.*--random N"):
        combine(values)


def test_combinations_that_look_alike_have_folders_of_their_own() -> None:
    alike = [{"x": 1}, {"x": 1.0}, {"x": True}, {"x": "1"}, {"x": "true"}, {"x": "a/b"}, {"x": "a b"}, {"x": "../b"}]
    names = [folder_name(one) for one in alike]
    assert len(set(names)) == len(names)
    assert all("/" not in name and not name.startswith(".") for name in names)
    assert folder_name({"a": 1, "b": 2}) == folder_name({"b": 2, "a": 1})
    assert "/" not in label({"x": "../b"})
