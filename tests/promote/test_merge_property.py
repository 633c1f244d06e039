"""Whatever both sides do to a pipeline and its notebook, no line of either is lost without a word."""

from __future__ import annotations

import string
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from cellmill.promote.merge_lines import Clash, clashes, merge_lines
from cellmill.promote.merge_script import Side, Sides, chosen, merge_scripts, the_edits, with_marks
from cellmill.promote.script_cells import Script, cell_of, read_script

LINES = st.lists(st.sampled_from(string.ascii_lowercase[:6]), max_size=8)
CELLS = st.dictionaries(
    st.sampled_from("ABCDE"), st.lists(st.sampled_from("uvwxyz"), min_size=1, max_size=4), max_size=5
)


def side(script: Script) -> Side:
    return Side({cell: segment for key, segment in script.segments.items() if (cell := cell_of(key))})


def script_of(cells: dict[str, list[str]], loose: dict[str, str]) -> Script:
    parts = ['# %% tags=["inputs"]\nimport sys\n']
    for name, lines in cells.items():
        if name in loose:
            parts.append(f"# %%\n{loose[name]}\n")
        parts.append("\n".join([f'# %% cell="{name}"', *lines, ""]))
    return read_script("\n".join([*parts, '# %% tags=["outputs"]\nsave()\n']), "tasks/a.py")


@settings(max_examples=300, deadline=None)
@given(LINES, LINES, LINES)
def test_lines_of_one_side_are_there_or_disputed(base: list[str], edited: list[str], generated: list[str]) -> None:
    merged = merge_lines(base, edited, generated)
    kept = [one for one in merged if not isinstance(one, Clash)]
    for mine in (edited, generated):
        disputed = [line for one in clashes(merged) for line in (one.edited if mine is edited else one.generated)]
        added = Counter(mine) - Counter(base)
        assert not added - Counter([*kept, *disputed])
    assert merge_lines(base, base, generated) == generated
    assert merge_lines(base, edited, base) == edited
    assert merge_lines(base, edited, edited) == edited
    swapped = [Clash(one.base, one.generated, one.edited) for one in clashes(merge_lines(base, generated, edited))]
    assert [(one.base, one.edited, one.generated) for one in clashes(merged)] == [
        (one.base, one.edited, one.generated) for one in swapped
    ]


@settings(max_examples=300, deadline=None)
@given(CELLS, CELLS, CELLS, st.dictionaries(st.sampled_from("ABCDE"), st.sampled_from("mn"), max_size=2))
def test_cells_of_one_side_are_there_or_disputed(
    base: dict[str, list[str]], edited: dict[str, list[str]], generated: dict[str, list[str]], loose: dict[str, str]
) -> None:
    first, second, third = script_of(base, {}), script_of(edited, loose), script_of(generated, {})
    sides = Sides(side(first), side(second), side(third))
    merged = merge_scripts(first, second, third, sides)
    text = chosen(merged.pieces, with_marks)

    for one, other in ((second, third), (third, second)):
        for key, segment in one.segments.items():
            before = first.segments.get(key)
            new = [line for line in segment.lines if line not in (before.lines if before else ())]
            if key in other.segments and before is None:
                new = [line for line in new if line not in other.segments[key].lines]
            for line in new:
                assert line in text.split("\n"), (key, line, text)
    if not merged.disputes:
        assert "<<<<<<<" not in text
        result = read_script(text, "tasks/a.py")
        assert len(result.anchors) == len(set(result.anchors))
        for key in result.anchors:
            assert key in second.segments or key in third.segments
    # With the edits kept, every line that the engineer wrote is in the file.
    kept = chosen(merged.pieces, the_edits).split("\n")
    for key, segment in second.segments.items():
        base_lines = first.segments[key].lines if key in first.segments else ()
        assert all(line in kept for line in segment.lines if line not in base_lines)


@settings(max_examples=100, deadline=None)
@given(CELLS, st.dictionaries(st.sampled_from("ABCDE"), st.sampled_from("mn"), max_size=2))
def test_a_script_is_read_and_joined_to_the_same_text(cells: dict[str, list[str]], loose: dict[str, str]) -> None:
    script = script_of(cells, loose)
    sides = Sides(side(script), side(script), side(script))
    merged = merge_scripts(script, script, script, sides)
    assert merged.disputes == ()
    again = read_script(chosen(merged.pieces, the_edits), "tasks/a.py")
    assert again == script
