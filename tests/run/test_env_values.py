"""Values reach tasks as they are, though Ploomber reads texts as numbers, None and True: checked with its own code."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest
import yaml

from cellmill.promote.env_values import RESERVED, decode, encode, env_key

VALUES = [
    0.2, 1, 10**30, 1e-7, math.inf, -math.inf, True, None,
    "", "lr", "007", "1", "1.10", "1e999", "true", "None", "...", "b'x'", "0x10", " 1", "a\nb\n", "#c", "é",
    "'q'", '"d"', "back\\slash", "\\{{", "data/", "~/x",
    "{{x}}", "{{{x}}}", "{% if", "{# c", "[[a]]", "{", "{{",
    {"x": "{{y}}"}, [], {}, [[1, 2], [3]], [math.inf], {"clf__C": [1, 2]}, {"_a": 1}, {"a": {"b": "1"}},
    {"a": math.inf}, [1, "2", ["3"]],
]  # fmt: skip


def ploomber(raw: Any) -> Any:
    """What a task gets for a value in env.yaml."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ploomber.env.envdict import EnvDict
        from ploomber.env.expand import expand_raw_dictionary_and_extract_tags

        env = EnvDict({"p": yaml.safe_load(yaml.safe_dump(raw))}, path_to_here=".")
        return expand_raw_dictionary_and_extract_tags({"p": "{{p}}"}, env)[0]["p"]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_reaches_the_task_unchanged(value: Any) -> None:
    got = ploomber(encode(value))

    assert repr(got) == repr(value)
    assert type(got) is type(value)


@pytest.mark.parametrize(
    "raw", ["1", "true", "1.10", "lr", " 1", "[1, '2']", ["1", "2"], {"a": "1"}, 0.5, None, "1e999"]
)
def test_what_stands_in_env_yaml_is_read_as_ploomber_does(raw: Any) -> None:
    assert repr(decode(raw)) == repr(ploomber(raw))


def test_plain_values_stay_readable() -> None:
    for value in (0.2, 3, "lr", True, None, [1, 2], {"a": [1.5]}):
        assert encode(value) is value


def test_what_no_text_can_carry_is_refused() -> None:
    for value in (math.nan, [math.nan], object()):
        with pytest.raises(ValueError, match="can't be written"):
            encode(value)


def test_a_placeholder_is_not_read_as_a_value() -> None:
    with pytest.raises(ValueError, match="placeholder"):
        decode("{{here}}/data")


@pytest.mark.parametrize("name", [*sorted(RESERVED), "__seed", "a__b", "_x", "n"])
def test_every_name_has_a_key_that_ploomber_leaves_alone(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ploomber.env.envdict import EnvDict
        from ploomber.env.expand import expand_raw_dictionary_and_extract_tags

        key = env_key(name)
        env = EnvDict({key: "data/"}, path_to_here=".")
        got = expand_raw_dictionary_and_extract_tags({"p": f"{{{{{key}}}}}"}, env)[0]["p"]

    assert got == "data/"
    assert list(tmp_path.iterdir()) == []
