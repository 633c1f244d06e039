"""Wrong words on the command line of a run: told at once, with what is accepted, before anything starts."""

from __future__ import annotations

from typing import Any

import pytest

ACCEPTED = (
    "accepted are rows (int, default 3), rate (float, default 0.5), "
    "kind (one of 'ridge', 'lasso', default 'ridge'), scale (bool, default True)"
)
PARAMETERS = {
    "rows=many": "parameter rows takes an int, not many.",
    "rows=1.5": "parameter rows takes an int, not 1.5.",
    "rows=": "parameter rows takes an int, not .",
    "rate=half": "parameter rate takes a float, not half.",
    "scale=maybe": "parameter scale takes a bool, not maybe (type true or false).",
    "kind=forest": "parameter kind takes one of 'ridge', 'lasso', not 'forest'.",
    "row=1": f"there is no parameter row (did you mean rows?); {ACCEPTED}.",
    "workdir=/tmp": f"there is no parameter workdir; {ACCEPTED}.",
}


@pytest.mark.parametrize("assignment, sentence", PARAMETERS.items())
def test_a_wrong_parameter_is_told_with_what_is_accepted(churn: Any, assignment: str, sentence: str) -> None:
    done = churn.refused("run", "churn", "-p", assignment)

    assert done.stderr == f"Error: pipelines/churn: {sentence}\n"
    assert done.stdout == ""


def test_an_assignment_needs_a_value(churn: Any) -> None:
    done = churn.refused("run", "churn", "-p", "rows")

    assert done.stderr == "Error: -p rows is not of the form name=value; type for example -p name=0.5.\n"


def test_a_missing_profile_is_told_with_those_that_there_are(churn: Any) -> None:
    (churn.pipeline / "env.prod.yaml").write_text("rows: 9\n")

    done = churn.refused("run", "churn", "--env", "nope")
    assert done.stderr == "Error: pipelines/churn: there is no profile nope; the profiles are prod, test.\n"
    done = churn.refused("run", "churn", "--env", "prd")
    assert done.stderr == "Error: pipelines/churn: there is no profile prd; did you mean prod?\n"


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("rows: [\n", "pipelines/churn/env.prod.yaml, line 2: is not valid YAML"),
        ("rows: many\n", "pipelines/churn/env.prod.yaml: parameter rows takes an int, not many; correct the key rows."),
    ],
)
def test_a_wrong_profile_is_told_with_its_file(churn: Any, text: str, sentence: str) -> None:
    (churn.pipeline / "env.prod.yaml").write_text(text)

    assert churn.refused("run", "churn", "--env", "prod").stderr.startswith(f"Error: {sentence}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "churn", "--fast"),
        ("promote",),
        ("promot", "x"),
        ("run", "churn", "--only", "a", "--from", "b"),
    ],
)
def test_wrong_usage_exits_with_2_and_one_error(churn: Any, arguments: tuple[str, ...]) -> None:
    before = churn.listing()

    done = churn.cellmill(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    usage, *_, error = done.stderr.splitlines()
    assert usage.startswith("Usage: cellmill")
    assert error.startswith("Error: ")
    assert error.endswith((".", "?"))
    assert done.stderr.count("Error: ") == 1
    assert churn.listing() == before
