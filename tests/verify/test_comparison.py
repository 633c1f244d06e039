"""A cell's outputs are equal or different exactly where nbval says so; the difference is told for people."""

from __future__ import annotations

import copy

import pytest

from cellmill.promote.comparison import compare_outputs


def stream(text: str, name: str = "stdout") -> dict:
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data: str) -> dict:
    kinds = {"plain": "text/plain", "html": "text/html", "png": "image/png", "svg": "image/svg+xml"}
    return {"output_type": "display_data", "metadata": {}, "data": {kinds[kind]: text for kind, text in data.items()}}


def result(text: str, count: int) -> dict:
    return {"output_type": "execute_result", "metadata": {}, "execution_count": count, "data": {"text/plain": text}}


def test_pieces_of_a_stream_are_one_stream() -> None:
    assert compare_outputs([stream("a\n"), stream("b\n")], [stream("a\nb\n")]).state == "equal"


def test_neither_side_is_changed() -> None:
    left, right = [stream("a\n"), stream("b\n")], [stream("a\n"), stream("c\n")]
    before = copy.deepcopy((left, right))
    compare_outputs(left, right)
    assert (left, right) == before


def test_what_goes_to_stderr_counts() -> None:
    found = compare_outputs([stream("done\n")], [stream("done\n"), stream("careful\n", "stderr")])
    assert found.state == "different"
    assert "+[stderr]\n+careful" in found.difference


def test_displays_keep_their_order() -> None:
    assert compare_outputs([shown(plain="1"), shown(plain="2")], [shown(plain="2"), shown(plain="1")]).difference == (
        "--- reference\n+++ measured\n@@ -1,2 +1,2 @@\n+2\n 1\n-2"
    )


def test_execution_counts_do_not_matter() -> None:
    assert compare_outputs([result("4", 3)], [result("4", 17)]).state == "equal"


@pytest.mark.parametrize(
    "left, right",
    [
        ("<object at 0x7f0123456789>", "<object at 0x7fabcdef0123>"),
        ("<style>#T_1a2b3 {}</style>", "<style>#T_9f8e7 {}</style>"),
        ('<div id="sk-container-id-3">', '<div id="sk-container-id-1">'),
        ("/tmp/ipykernel_31/212.py:2: UserWarning: x", "/var/tmp/ipykernel_7/99.py:2: UserWarning: x"),
        ("/tmp/ipykernel_31/212.py:2: UserWarning: x", "/a/pipelines/b/b_shared.py:7: UserWarning: x"),
        ("/home/a/lib/python3.11/site-packages/m/n.py:1: W", "C:\\venv\\Lib\\site-packages\\m/n.py:1: W"),
        (
            "Date:                Sat, 21 Nov 2026   AIC   9.0\nTime:                        12:40:25   BIC",
            "Date:                Sun, 22 Nov 2026   AIC   9.0\nTime:                        03:01:02   BIC",
        ),
        ("<th>Time:</th>     <td>12:40:25</td> <th>", "<th>Time:</th>     <td>03:01:02</td> <th>"),
        ("100%|#####| 10/10 [00:01<00:00, 9.8it/s]", "100%|#####| 10/10 [00:02<00:00, 4.8it/s]"),
        ("CPU times: user 1 s\nWall time: 2 s", "CPU times: user 3 s\nWall time: 4 s"),
        ("12 ms ± 3 µs per loop (mean ± std. dev.)", "13 ms ± 4 µs per loop (mean ± std. dev.)"),
    ],
)
def test_what_changes_without_meaning_is_sanitized(left: str, right: str) -> None:
    assert compare_outputs([stream(left, "stderr")], [stream(right, "stderr")]).state == "equal"
    assert compare_outputs([shown(html=left, plain="x")], [shown(html=right, plain="x")]).state == "equal"


def test_what_mlflow_says_of_its_store_does_not_count() -> None:
    made = "2026/11/21 09:07:24 INFO mlflow.store.db.utils: Creating initial MLflow database tables...\n"
    run = "🏃 View run calm-owl at: http://127.0.0.1:5000/#/experiments/1/runs/3f2a\n"
    told = [stream(made, "stderr"), stream(f"fitted\n{run}done\n")]
    assert compare_outputs(told, [stream("fitted\ndone\n")]).state == "equal"
    assert compare_outputs([stream("fitted\n")], [stream(f"fitted\n{made}")]).state == "equal"
    assert compare_outputs([stream("fitted\n")], [stream(made, "stderr")]).state == "different"


@pytest.mark.parametrize(
    "left, right",
    [
        ("accuracy 0.93", "accuracy 0.94"),
        ("sha 0x1f", "sha 0x1e"),
        ("d41d8cd98f00b204e9800998ecf8427e", "0cc175b9c0f1b6a831c399e269772661"),
        ("/tmp/ipykernel_31/212.py:2: UserWarning: x", "/tmp/ipykernel_31/212.py:2: UserWarning: y"),
    ],
)
def test_what_means_something_is_not(left: str, right: str) -> None:
    assert compare_outputs([stream(left)], [stream(right)]).state == "different"


def test_pictures_are_not_compared_but_their_presence_in_text_is() -> None:
    figure = "<Figure size 640x480 with 1 Axes>"
    left = [shown(plain=figure, png="aaaa", svg="<svg id='1'/>")]
    assert compare_outputs(left, [shown(plain=figure, png="bbbb", svg="<svg id='2'/>")]).state == "equal"
    assert compare_outputs(left, [shown(plain="<Figure size 640x480 with 2 Axes>", png="aaaa")]).state == "different"
    assert compare_outputs(left, []).state == "different"


def test_html_is_shown_only_where_nothing_else_differs() -> None:
    both = compare_outputs([shown(plain="1", html="<b>1</b>")], [shown(plain="2", html="<b>2</b>")])
    assert "<b>" not in both.difference
    only = compare_outputs([shown(plain="1", html="<b>1</b>")], [shown(plain="1", html="<b>2</b>")])
    assert "+<b>2</b>" in only.difference


def test_errors_are_compared_by_name_and_value_not_by_traceback() -> None:
    def error(value: str, traceback: str) -> list[dict]:
        return [{"output_type": "error", "ename": "ValueError", "evalue": value, "traceback": [traceback]}]

    assert compare_outputs(error("no", "a"), error("no", "b")).state == "equal"
    assert "+ValueError: yes" in compare_outputs(error("no", "a"), error("yes", "a")).difference


@pytest.mark.parametrize(
    "tags, source",
    [(["nbval-ignore-output"], ""), (["nbval-skip"], ""), ([], "# NBVAL_IGNORE_OUTPUT\nf()"), ([], "f()\n#NBVAL_SKIP")],
)
def test_what_the_author_told_nbval_holds(tags: list[str], source: str) -> None:
    assert compare_outputs([stream("1")], [stream("2")], tags=tags, source=source).state == "ignored"


def test_a_comment_wins_over_a_tag_as_in_nbval() -> None:
    found = compare_outputs(
        [stream("1")], [stream("2")], tags=["nbval-ignore-output"], source="# NBVAL_CHECK_OUTPUT\nf()"
    )
    assert found.state == "different"


def test_patterns_of_the_pipeline_take_the_place_of_the_usual_ones() -> None:
    patterns = "regex: \\d+ s\nreplace: some s\n"
    assert compare_outputs([stream("took 3 s")], [stream("took 4 s")], patterns=patterns).state == "equal"
    addresses = [stream("at 0x7f01")], [stream("at 0x7f02")]
    assert compare_outputs(*addresses, patterns=patterns).state == "different"


def test_a_difference_without_text_is_told_in_words() -> None:
    found = compare_outputs([shown(plain="")], [])
    assert found.state == "different"
    assert "text/plain" in found.difference
