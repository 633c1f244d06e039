"""Tags and magic lines to steps, and every way in which they can be wrong."""

from __future__ import annotations

import pytest

from cellmill.notebook.steps import StepOptions


def codes(findings) -> list[tuple[str, str, int | None]]:
    return [(one.kind, one.severity, one.cell) for one in findings]


def test_tags_and_magic_lines_say_the_same(steps) -> None:
    by_tags, none = steps(
        ("size = 1", "parameters"),
        ("import os", "shared"),
        ("x = size", "step:load"),
        ("assert x", "check:load"),
        ("x", "skip"),
        "scratch = 1",
    )
    by_magics, no = steps(
        "%%parameters\nsize = 1",
        "%%shared\nimport os",
        "%%step load\nx = size",
        "%%check load\nassert x",
        "%%skip\nx",
        "scratch = 1",
    )
    assert none == no == ()
    for found in (by_tags, by_magics):
        assert [step.name for step in found.steps] == ["load"]
        assert [cell.cell.number for cell in found.parameters] == [1]
        assert [cell.cell.number for cell in found.shared] == [2]
        assert [cell.cell.number for cell in found.steps[0].cells] == [3]
        assert [cell.cell.number for cell in found.steps[0].checks] == [4]
        assert [cell.cell.number for cell in found.skipped] == [5]
        assert [cell.number for cell in found.untagged] == [6]


def test_the_magic_line_becomes_an_empty_line(steps) -> None:
    found, _ = steps("\n%%step load\n%%time\nx = 1")
    assert found.steps[0].cells[0].body == "\n\n%%time\nx = 1"


def test_the_options_of_a_step_are_read(steps) -> None:
    found, findings = steps(
        "%%step load\nx = 1",
        "%%step clean\ny = x",
        "%%step train --after load,clean --outputs=model,scores --retries 2 --timeout 1.5  # twice\nmodel = scores = y",
    )
    assert not findings
    assert found.steps[2].options == StepOptions(("load", "clean"), ("model", "scores"), 2, 1.5)


def test_cells_of_one_step_join_in_notebook_order(steps) -> None:
    found, findings = steps(
        "%%step load --after other\na = 1",
        ("b = 1", "step:other"),
        "%%step load --retries 3 --outputs a\nc = a",
        ("d = a", "step:load"),
    )
    assert not findings
    assert [step.name for step in found.steps] == ["load", "other"]
    assert [cell.cell.number for cell in found.steps[0].cells] == [1, 3, 4]
    assert found.steps[0].options == StepOptions(("other",), ("a",), 3)


def test_numbers_that_differ_between_cells_of_a_step_are_an_error(steps) -> None:
    _, findings = steps("%%step load --retries 3\na = 1", "%%step load --retries 2\nb = 1")
    assert codes(findings) == [("options-differ", "error", 2)]


def test_foreign_tags_are_left_alone(steps) -> None:
    found, findings = steps(("x = 1", "hide-input", "nbval-skip", "steps", "step:load", "parameters-advanced"))
    assert not findings
    assert found.steps[0].name == "load"


def test_the_magic_line_wins_over_a_tag_that_differs(steps) -> None:
    found, findings = steps(("%%step train\nx = 1", "step:load", "hide-input"), ("%%step train\ny = 1", "step:train"))
    assert [step.name for step in found.steps] == ["train"]
    assert codes(findings) == [("tag-and-magic-differ", "warning", 1)]
    assert "the magic line says %%step train and the tag step:load" in findings[0].message
    assert findings[0].remedy == "remove the tag step:load"


@pytest.mark.parametrize(
    "cell",
    [
        ("x = 1", "step:a", "step:b"),
        ("x = 1", "parameters", "step:a"),
        "%%step a\n%%shared\nx = 1",
        "%%step a\n\n%%step b\nx = 1",
    ],
)
def test_two_roles_on_one_cell_are_an_error(steps, cell) -> None:
    _, findings = steps("%%step a\ny = 1", cell)
    assert codes(findings) == [("two-roles", "error", 2)]


def test_nothing_tagged_says_how_to_begin(steps, tmp_path) -> None:
    _, findings = steps("x = 1", "md:# Load")
    assert codes(findings) == [("no-steps", "error", None)]
    assert f"cellmill tag {tmp_path / 'churn.ipynb'} --from-headings --write" in findings[0].remedy
    assert "%%step" in findings[0].remedy
    _, findings = steps(("x = 1", "shared"))
    assert findings[0].message == "cells are tagged, but none as a step"


@pytest.mark.parametrize(
    "line, message, remedy",
    [
        ("%%step", "%%step names no step", "write %%step NAME, such as %%step load"),
        ("%%check", "%%check names no step", "write %%check NAME, such as %%check train"),
        ("%%step a b", "%%step takes one name, got a b", "write %%step NAME [--after X[,Y]]"),
        ("%%step:a", "%%step:a is not a magic", "write %%step NAME"),
        ("%%step a --retry 2", "%%step has no option --retry", "you may have meant --retries"),
        ("%%step a --zzz 2", "%%step has no option --zzz", "write %%step NAME [--after"),
        ("%%step a --retries", "--retries needs a value", "write --retries 2"),
        ("%%step a --after --retries 2", "--after needs a value", "write --after load,features"),
        ("%%step a --retries two", "--retries takes a whole number from 0, got 'two'", "write --retries 2"),
        ("%%step a --retries -1", "--retries takes a whole number from 0, got '-1'", "write --retries 2"),
        ("%%step a --retries 1 --retries 2", "--retries stands twice", "once"),
        ("%%step a --timeout 5m", "--timeout takes seconds above 0, got '5m'", "write --timeout 60"),
        ("%%step a --timeout 0", "--timeout takes seconds above 0, got '0'", "write --timeout 60"),
        ("%%step a --outputs my-model", "--outputs takes names, got 'my-model'", "write --outputs model,scores"),
        ("%%step a --after b, c", "a list has a space in it", "write it without, as in --after load,features"),
        ("%%step 'a", "a quote is opened and not closed", "write %%step NAME"),
        ("%%shared now", "%%shared takes nothing after it, got now", "write %%shared"),
        ("%%skip --x", "%%skip has no option --x", "write %%skip"),
        ("%%check a --retries 2", "%%check has no option --retries", "write %%check NAME"),
    ],
)
def test_a_wrong_magic_line_says_what_to_type_instead(steps, line, message, remedy) -> None:
    _, findings = steps(("a = 1", "step:a"), f"\n{line}\nx = 1")
    assert codes(findings) == [("bad-magic-line", "error", 2)]
    assert findings[0].message == message
    assert remedy in findings[0].remedy
    assert findings[0].line == 2


@pytest.mark.parametrize(
    "name, becomes",
    [("train-model", "train_model"), ("2nd", "nd"), ("class", "class_"), ("a b", "a_b"), ("", "step:NAME")],
)
def test_a_step_name_must_be_an_identifier(steps, name, becomes) -> None:
    _, findings = steps(("x = 1", f"step:{name}"))
    assert codes(findings) == [("bad-step-name", "error", 1)]
    assert becomes in findings[0].remedy


def test_a_step_name_in_another_script_is_fine(steps) -> None:
    found, findings = steps(("x = 1", "step:größe"), ("x = 1", "step:数据"), ("x = 1", "step:match"))
    assert not findings
    assert len(found.steps) == 3


@pytest.mark.parametrize("name", ["parameters", "Reference", "nul", "COM1", "churn_shared", "churn_handover"])
def test_a_step_name_that_would_collide_with_a_file_is_refused(steps, name) -> None:
    _, findings = steps(("x = 1", f"step:{name}"))
    assert codes(findings) == [("step-name-collision", "error", 1)]
    assert findings[0].remedy == f"name it {name}_step"


def test_step_names_that_differ_in_case_only_are_refused(steps) -> None:
    _, findings = steps(("x = 1", "step:load"), ("x = 1", "step:Load"))
    assert codes(findings) == [("step-name-collision", "error", 2)]
    assert "cells 1 and 2" in findings[0].message


def test_after_an_unknown_step_names_the_close_one(steps) -> None:
    _, findings = steps("%%step load\nx = 1", "\n%%step train --after laod\ny = 1", "%%step q --after zzz\nx")
    assert codes(findings) == [("unknown-after", "error", 2), ("unknown-after", "error", 3)]
    assert (findings[0].line, findings[0].remedy) == (2, "you may have meant load")
    assert findings[1].remedy == "the steps are load, train, q"


def test_a_cycle_is_named(steps) -> None:
    _, findings = steps(
        "%%step free\nx = 1", "%%step a --after c,free\n1", "%%step b --after a\n2", "%%step c --after b\n3"
    )
    assert codes(findings) == [("order-cycle", "error", 2)]
    assert findings[0].message == "--after goes round in a circle: a -> b -> c -> a"
    _, findings = steps("%%step a --after a\n1")
    assert findings[0].message == "step a is to run after itself"


def test_steps_that_wait_for_many_are_no_cycle(steps) -> None:
    names = [f"s{n}" for n in range(40)]
    cells = [f"%%step {name} --after {','.join(names[:n])}\n1" if n else "%%step s0\n1" for n, name in enumerate(names)]
    _, findings = steps(*cells)
    assert not findings


def test_a_check_of_an_unknown_step_is_an_error(steps) -> None:
    _, findings = steps(("x = 1", "step:train"), ("assert x", "check:trian"))
    assert codes(findings) == [("check-of-unknown-step", "error", 2)]
    assert findings[0].remedy == "you may have meant train"


def test_a_check_above_its_step_is_a_warning(steps) -> None:
    _, findings = steps(("assert x", "check:train"), ("x = 1", "step:train"))
    assert codes(findings) == [("check-before-step", "warning", 1)]


@pytest.mark.parametrize("kind", ["md", "raw"])
def test_tags_on_text_cells_are_a_warning(steps, kind) -> None:
    _, findings = steps(("x = 1", "step:a"), (f"{kind}:text", "step:b", "slide"))
    assert codes(findings) == [("tag-on-text-cell", "warning", 2)]


@pytest.mark.parametrize(
    "tag, meant",
    [
        ("Step:load", "step:load"),
        ("steps:load", "step:load"),
        ("stpe : load", "step:load"),
        ("step;load", "step:load"),
        ("step=load", "step:load"),
        ("step load", "step:load"),
        ("step-load", "step:load"),
        ("chek:load", "check:load"),
        ("step", "step:NAME"),
        ("parameter", "parameters"),
        ("Share", "shared"),
    ],
)
def test_a_tag_that_looks_like_ours_is_a_warning(steps, tag, meant) -> None:
    _, findings = steps(("x = 1", "step:a"), ("x = 1", tag))
    assert codes(findings) == [("misspelt-tag", "warning", 2)]
    assert findings[0].remedy == f"write {meant}"


@pytest.mark.parametrize(
    "tag", ["hide-input", "nbval-skip", "raises-exception", "injected-parameters", "setup:db", "type:x", "steps-taken"]
)
def test_tags_of_others_are_left_alone(steps, tag) -> None:
    _, findings = steps(("x = 1", "step:a"), ("x = 1", tag))
    assert not findings


@pytest.mark.parametrize(
    "magic, meant", [("stpe", "step"), ("steps", "step"), ("params", "parameters"), ("Step", "step")]
)
def test_a_misspelt_magic_is_an_error(steps, magic, meant) -> None:
    _, findings = steps("%%step a\n1", f"%%{magic} load\nx = 1")
    assert codes(findings) == [("unknown-magic", "error", 2)]
    assert findings[0].remedy == f"you may have meant %%{meant}"


def test_no_cell_magic_of_ipython_counts_as_a_misspelt_one(steps) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    magics = InteractiveShell().magics_manager.magics["cell"]
    _, findings = steps("%%step a\n1", *(f"%%{name} x\ny" for name in magics), "%%step?", "%%sql\nselect 1")
    assert not findings


@pytest.mark.parametrize(
    "source, line",
    [
        ("x = 1\n%%step b\ny = 1", 2),
        ("# load\n\n%%step b", 3),
        ("%%time\n%%step b\nx = 1", 2),
        ("%%step a\nx = 1\n%%step b\ny", 3),
        ("!ls\n%%step b", 2),
    ],
)
def test_a_magic_line_below_the_first_is_an_error(steps, source, line) -> None:
    _, findings = steps("%%step a\n1", source)
    assert [one for one in codes(findings) if one[0] != "syntax-error"] == [("misplaced-magic-line", "error", 2)]
    assert findings[0].line == line


def test_a_magic_line_in_a_string_is_none(steps) -> None:
    _, findings = steps('%%step a\ntext = """\n%%step b\n"""', "%%writefile x.txt\ny\n%%step b")
    assert not findings


@pytest.mark.parametrize(
    "source, line",
    [
        ("\n%%step a\nx = 1\ny = = 2", 4),
        ("%%step a\n%%time\nx = (", 3),
        ("%%step a\nfiles = !ls \\\n  -l\nx = = 1", 4),
        ("%%step a\nreturn 1", 2),
        ("%%step a\nif x:\n", 2),
        ("%%step a\nx = '\x00'", 1),
    ],
)
def test_a_syntax_error_is_told_with_its_line(steps, source, line) -> None:
    _, findings = steps(source)
    assert codes(findings) == [("syntax-error", "error", 1)]
    assert findings[0].line == line


def test_what_jupyter_runs_is_no_syntax_error(steps) -> None:
    _, findings = steps(
        "%%step a\nawait f()\nasync with x as y:\n    pass",
        "%%step a\n%matplotlib inline\nfiles = !ls {a}\nlen?\n!echo 'hi'",
        '%%step a\n%%bash -s "$a"\nif [ x ]; then echo; fi',
        "%%step a\n    x = 1\n    y = 2",
        "%%step a\npattern = '\\d'",
        "%%step a\n",
        ("x = = 1"),
        "%%skip\nx = = 1",
    )
    assert not findings


def test_findings_come_in_notebook_order(steps) -> None:
    _, findings = steps("%%step class\nx = = 1", ("x", "step:a", "step:b"), "%%stpe x\n1")
    assert [one.cell for one in findings] == sorted(one.cell for one in findings)


@pytest.mark.parametrize(
    "line, says",
    [
        ("%metric", "%metric needs a name and a value; write %metric NAME VALUE"),
        ("%metric accuracy", "%metric needs a name and a value; write %metric accuracy accuracy"),
        ("%metric accuracy=0.9", "%metric takes no = sign; write %metric accuracy 0.9"),
        ("%metric 'my accuracy' 0.9", "\"'my\" can't name a metric"),
        ("%metric accuracy 0.9 %", "'0.9 %' is not a Python expression"),
        ("%criteria", "%criteria needs a condition"),
        ('%criteria "accuracy = 0.9"', "'accuracy = 0.9' is not a Python expression"),
        ("%criteria 0.9", "'0.9' is not a condition"),
    ],
)
def test_a_metric_or_criteria_line_that_cannot_be_read_is_an_error(steps, line, says) -> None:
    _, findings = steps(f"%%step a\naccuracy = 1\n{line}")
    assert codes(findings) == [("bad-magic-line", "error", 1)]
    assert says in str(findings[0])
    assert findings[0].line == 3


def test_good_metric_and_criteria_lines_are_fine(steps) -> None:
    _, findings = steps(
        "%%step a\n%metric test/accuracy max(xs, default=1)\n%criteria \"a >= 0.9 and b != 'x'\"",
        "%%check a\n%criteria a[0] in {1, 2}\nif x:\n    %criteria not a",
    )
    assert not findings


@pytest.mark.parametrize("line", ["%promote", "%steps", "%readiness", "%run_pipeline -p a=1"])
def test_magics_that_the_pipeline_leaves_out_are_a_warning(steps, line) -> None:
    _, findings = steps(f"%%step a\nx = 1\n{line}", line)
    assert codes(findings) == [("author-only-magic", "warning", 1)]
