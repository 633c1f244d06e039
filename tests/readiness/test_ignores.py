"""What comments and the pipeline's settings silence, what they can't, and that both are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from cellmill.cli import main
from cellmill.run.settings import read_settings

PATH = 'rows = open("/home/ada/rows.csv")'


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


def kinds(content: dict[str, Any]) -> list[str]:
    return [one["kind"] for one in content["findings"] if one["kind"] != "no-outputs"]


def ignored(content: dict[str, Any]) -> list[tuple[str, int, bool, str | None]]:
    return [(one["kind"], one["cell"], one["ignored"], one["reason"]) for one in content["ignored"]]


@pytest.mark.parametrize(
    "source,reason",
    [
        (f"{PATH}  # cellmill: ignore[CM501] all our machines have it", "all our machines have it"),
        (f"{PATH}  #cellmill:ignore[cm501]", None),
        (f"{PATH}  # noqa # cellmill: ignore[CM505, CM501] why not", "why not"),
        (f"# cellmill: ignore[CM501] the line below\n\n# more\n{PATH}", "the line below"),
        ('rows = open(\n    "/home/ada/rows.csv",\n)  # cellmill: ignore[CM501] above', "above"),
        (f"%%step load\n{PATH}  # cellmill: ignore[CM501] in a step", "in a step"),
    ],
)
def test_a_comment_ignores_what_is_found_on_its_line(check, source: str, reason: str | None):
    content = check((source, None if source.startswith("%%") else "step:load"))
    assert ignored(content) == [("absolute-path", 1, True, reason)]
    assert set(kinds(content)) <= {"unused-ignore"}
    # CM505 of the third is not found there.
    assert ("unused-ignore" in kinds(content)) == ("CM505" in source)


@pytest.mark.parametrize(
    "source",
    [
        f"print(1)  # cellmill: ignore[CM501]\n{PATH}",
        f"{PATH}\nprint(1)  # cellmill: ignore[CM501]",
        f'text = "# cellmill: ignore[CM501]"; {PATH}',
        f"for one in [1]:  # cellmill: ignore[CM501]\n    {PATH}",
    ],
)
def test_a_comment_elsewhere_ignores_nothing(check, source: str):
    content = check((source, "step:load"))
    assert "absolute-path" in kinds(content)
    assert content["ignored"] == []
    assert ("unused-ignore" in kinds(content)) == ("text =" not in source)


def test_a_comment_above_a_magic_speaks_for_it(check):
    content = check(("# cellmill: ignore[CM504] known\n%pip install pyyaml\nimport yaml", "step:load"))
    assert [one["kind"] for one in content["ignored"]] == ["installs-package"]
    content = check(("!pip install pyyaml  # cellmill: ignore[CM504] known\nimport yaml", "step:load"))
    assert [one["kind"] for one in content["ignored"]] == ["installs-package"]


def test_an_ignored_draw_silences_no_other_and_all_are_told_in_one_place(write, check):
    first = "import random\nx = random.random()  # cellmill: ignore[CM505] meant"
    cells = (
        (first, "step:a"),
        ("y = random.random()\nprint(1)\nz = random.random()", "step:a"),
        ("w = random.random()", "step:a"),
    )
    content = check(*cells)
    assert ignored(content) == [("unseeded-random", 1, True, "meant")]
    told = [one for one in content["findings"] if one["kind"] == "unseeded-random"]
    assert [(one["cell"], one["line"]) for one in told] == [(2, 1), (2, 3), (3, 1)]
    assert "unused-ignore" not in kinds(content)
    shown = invoke("check", write(*cells)).stdout
    assert "  cell 2, lines 1, 3; cell 3, line 1  unseeded-random CM505\n" in shown
    assert shown.count("draws random numbers") == 1


def test_a_finding_on_a_whole_cell_is_ignored_from_anywhere_in_it(check):
    content = check(("score = 1", "step:train"), ("print(score)\nprint(2)  # cellmill: ignore[CM118] for me", None))
    assert ignored(content) == [("untagged-cells", 2, True, "for me")]


def test_an_error_that_fails_loudly_can_be_ignored_and_then_promoted(check, project: Path):
    source = "print(spark)  # cellmill: ignore[CM201] the kernel brings it"
    content = check((source, "step:load"))
    assert content["ready"]
    assert ignored(content) == [("undefined-name", 1, True, "the kernel brings it")]
    assert invoke("promote", project / "churn.ipynb").exit_code == 0
    assert "print(spark)" in (project / "pipelines" / "churn" / "tasks" / "load.py").read_text()


def test_an_error_that_could_be_silent_can_not(check, project: Path):
    content = check(("limit = 1", "step:a"), ("print(_)  # cellmill: ignore[CM204] no", "step:b"))
    assert sorted(kinds(content)) == ["history-name", "ignore-not-allowed"]
    assert not content["ready"]
    assert invoke("promote", project / "churn.ipynb").exit_code == 1


@pytest.mark.parametrize(
    "comment,name,remedy",
    [
        ("# cellmill: ignore[CM520]", "CM520", "CM5"),
        ("# cellmill: ignore", None, "ignore[CODE]"),
        ("# cellmill: ignore[]", None, "ignore[CODE]"),
        ("# cellmill: ignore[absolute-path]", "absolute-path", "ignore[CODE]"),
    ],
)
def test_a_comment_that_names_no_code_is_told(check, comment: str, name: str | None, remedy: str):
    content = check((f"print(1)\nprint(2)  {comment}", "step:load"))
    told = [one for one in content["findings"] if one["kind"] == "bad-ignore"]
    assert [(one["severity"], one["name"], one["cell"], one["line"]) for one in told] == [("warning", name, 1, 2)]
    assert remedy in told[0]["remedy"]


def settings(project: Path, text: str) -> Path:
    folder = project / "pipelines" / "churn"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cellmill.yaml"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(f"{before}{text}", encoding="utf-8")
    return folder


ENTRY = "ignore:\n- code: CM501\n  reason: all our machines have it\n"


def test_settings_ignore_a_code_in_the_notebook_or_in_one_step(check, project: Path):
    cells = ((PATH, "step:load"), (PATH.replace("rows =", "more ="), "step:more"))
    settings(project, ENTRY)
    assert ignored(check(*cells)) == [("absolute-path", n, True, "all our machines have it") for n in (1, 2)]
    settings(project, "  step: more\n")
    content = check(*cells)
    assert [one["step"] for one in content["ignored"]] == ["more"]
    assert kinds(content) == ["absolute-path"]


@pytest.mark.parametrize(
    "text,kind,told",
    [
        ("ignore:\n- code: CM501\n", "bad-ignore", "reason"),
        ("ignore:\n- code: CM501\n  reason: ' '\n", "bad-ignore", "reason"),
        ("ignore: CM501\n", "bad-ignore", "must be a list"),
        ("ignore:\n- code: CM501\n  reason: x\n  stp: load\n", "bad-ignore", "stp"),
        ("ignore:\n- code: CM501\n  reason: x\n  step: loda\n", "bad-ignore", "loda"),
        ("ignore: [\n", "bad-ignore", "YAML"),
        ("ignore:\n- code: CM204\n  reason: x\n", "ignore-not-allowed", "CM204"),
        ("ignore:\n- code: CM505\n  reason: x\n", "unused-ignore", "settings"),
    ],
)
def test_settings_that_ignore_nothing_are_told(check, project: Path, text: str, kind: str, told: str):
    settings(project, text)
    content = check((PATH, "step:load"))
    assert sorted(kinds(content)) == sorted(["absolute-path", kind])
    assert told in next(one["message"] for one in content["findings"] if one["kind"] == kind)
    assert content["ignored"] == []


def test_promotion_keeps_what_the_settings_ignore(write, project: Path):
    notebook = write((PATH, "step:load"))
    assert invoke("promote", notebook).exit_code == 0
    folder = settings(project, f"\n# Agreed with operations.\n{ENTRY}")
    before = (folder / "cellmill.yaml").read_bytes()
    assert [one.reason for one in read_settings(folder).ignore] == ["all our machines have it"]
    told = invoke("promote", notebook)
    assert told.exit_code == 0
    assert "absolute-path" not in told.output
    # The notebook goes on: another cell, another parameter.
    notebook = write((PATH, "step:load"), ("n = 3", "parameters"), ("print(n)", "step:show"))
    told = invoke("promote", notebook)
    assert told.exit_code == 0, told.output
    after = (folder / "cellmill.yaml").read_bytes()
    assert after != before
    assert after.endswith(f"\n# Agreed with operations.\n{ENTRY}".encode())
    assert yaml.safe_load(after)["parameters"].keys() == {"n"}
    assert invoke("promote", notebook).output.count("is current") == 1


def test_check_counts_what_is_ignored_and_shows_it_on_request(write, project: Path):
    notebook = write((f"{PATH}  # cellmill: ignore[CM501] all our machines have it", "step:load"))
    told = invoke("check", notebook).output
    assert "1 finding is ignored" in told
    assert "absolute-path" not in told
    told = invoke("check", notebook, "--show-ignored").output
    assert "absolute-path CM501" in told
    assert "because: all our machines have it" in told


def test_json_has_no_word_of_ignoring_where_nothing_is_ignored(check):
    content = check((PATH, "step:load"))
    assert all("ignored" not in one and "reason" not in one for one in content["findings"])


def test_explain_tells_a_rule_by_code_or_kind():
    told = invoke("explain", "cm301")
    assert told.exit_code == 0
    assert told.output == invoke("explain", "unserializable").output
    assert told.output.startswith("CM301 unserializable (error; can't be ignored)")
    assert "Why:" in told.output
    assert '    source = open("rows.csv")' in told.output
    wrong = invoke("explain", "unserialisable")
    assert wrong.exit_code == 1
    assert "did you mean unserializable?" in wrong.output


def test_an_editor_that_does_not_say_what_ran_is_not_told_of_unused_ignores(project: Path):
    from cellmill.notebook.read import notebook_of_cells
    from cellmill.promote.plan import examine

    cell = {"cell_type": "code", "source": "print(1)  # cellmill: ignore[CM507]", "metadata": {"tags": ["step:a"]}}
    assert "unused-ignore" not in [one.kind for one in examine(notebook_of_cells(project / "a.ipynb", [cell])).findings]
    path = project / "a.ipynb"
    cell |= {"execution_count": 1, "outputs": [], "id": "a"}
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    told = json.loads(invoke("check", path, "--json").stdout)
    assert kinds(told) == ["unused-ignore"]
