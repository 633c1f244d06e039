"""Compares what two executions of a cell showed, by nbval's own code, so that cellmill and ``pytest --nbval`` agree."""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal

from cellmill.promote.reference import FIGURES, TRACKING, usual_patterns

Output = Mapping[str, Any]

PICTURES = ("image/png", "image/jpeg", *FIGURES)
# What nbval itself leaves out (set in nbval.plugin.IPyNbFile, which only exists within a pytest session), and drawings.
UNCOMPARED = (
    "metadata",
    "traceback",
    "prompt_number",
    "output_type",
    "name",
    "execution_count",
    "application/vnd.jupyter.widget-view+json",
    *PICTURES,
)


@dataclass(frozen=True)
class Comparison:
    """What nbval says of a cell's outputs, and for people: a unified diff of them."""

    state: Literal["equal", "different", "ignored"]
    difference: str = ""


def compare_outputs(
    reference: Sequence[Output],
    measured: Sequence[Output],
    *,
    tags: Sequence[str] = (),
    source: str = "",
    patterns: str | None = None,
    titles: tuple[str, str] = ("reference", "measured"),
) -> Comparison:
    """Compare a cell's outputs as nbval would.

    Parameters
    ----------
    reference, measured
        Outputs as in nbformat; neither is changed.
    tags, source
        The cell's tags and text: nbval's tags and its comments (``# NBVAL_IGNORE_OUTPUT``) decide what is compared.
    patterns
        Text of a file in nbval's sanitizing format; without it the patterns that each promoted pipeline begins with.
    titles
        Names of the two sides for the diff.

    Examples
    --------
    >>> show = lambda text: [{"output_type": "stream", "name": "stdout", "text": text}]
    >>> compare_outputs(show("<list at 0x7f01>"), show("<list at 0x7f02>")).state
    'equal'
    >>> print(compare_outputs(show("0.93"), show("0.91")).difference)
    --- reference
    +++ measured
    @@ -1 +1 @@
    -0.93
    +0.91
    """
    if not _checked(tags, source):
        return Comparison("ignored")
    left, right = _joined(reference), _joined(measured)
    judge = _judge(patterns if patterns is not None else usual_patterns())
    if judge.compare_outputs(right, left):
        return Comparison("equal")
    return Comparison("different", _difference(judge, left, right, titles) or "\n".join(judge.comparison_traceback))


def pictures_alike(reference: Sequence[Output], measured: Sequence[Output]) -> bool:
    """Whether both sides show the same pictures, byte for byte, or none; nbval leaves pictures out.

    Parameters
    ----------
    reference, measured
        Outputs as in nbformat; neither is changed.
    """
    return _pictures(reference) == _pictures(measured)


def _pictures(outputs: Sequence[Output]) -> list[tuple[str, Any]]:
    data = [output.get("data", {}) for output in outputs]
    return [(kind, one[kind]) for one in data for kind in sorted(one) if kind in PICTURES]


def shown_texts(outputs: Sequence[Output], patterns: str) -> list[tuple[str, str]]:
    """What of a cell's outputs is compared as text, sanitized: pairs of the kind of output and its text.

    Parameters
    ----------
    outputs
        As in nbformat; not changed.
    patterns
        Text of a file in nbval's sanitizing format.
    """
    judge = _judge(patterns)
    texts: list[tuple[str, str]] = []
    for output in _joined(outputs):
        if output["output_type"] == "stream":
            texts.append((f"stream {output['name']}", judge.sanitize(output["text"])))
        elif output["output_type"] == "error":
            texts.append(("error", judge.sanitize(f"{output['ename']}: {output['evalue']}")))
        for kind, value in sorted(output.get("data", {}).items()):
            if kind not in UNCOMPARED:
                texts.append((kind, judge.sanitize(value if isinstance(value, str) else json.dumps(value))))
    return texts


def _joined(outputs: Sequence[Output]) -> list[Any]:
    from nbformat import from_dict
    from nbval.plugin import coalesce_streams

    # nbval joins streams in place: copies.
    return _without_tracking(coalesce_streams([from_dict(dict(output)) for output in outputs]))  # type: ignore[no-untyped-call]


def _without_tracking(outputs: Sequence[Any]) -> list[Any]:
    """Leave out what MLflow says of its store; the tests of a promoted folder do the same."""
    for output in outputs:
        if output["output_type"] == "stream":
            output["text"] = re.sub(TRACKING, "", output["text"])
    return [output for output in outputs if output["output_type"] != "stream" or output["text"]]


def _checked(tags: Sequence[str], source: str) -> bool:
    from nbval.plugin import find_comment_markers, find_metadata_tags

    options = dict(find_metadata_tags({"tags": list(tags)})) | dict(find_comment_markers(source))
    return bool(options.get("check", True)) and not options.get("skip", False)


@functools.cache
def _judge(patterns: str) -> Any:
    """Make what nbval's comparison needs of the pytest item that it is a method of."""
    from nbval.plugin import IPyNbCell, get_sanitize_patterns, nocolors

    class Judge:
        colors = nocolors
        config = None
        # Its words for a difference are only used where there is no diff to show.
        ihook = SimpleNamespace(pytest_assertrepr_compare=lambda **_: [])
        parent = SimpleNamespace(
            skip_compare=UNCOMPARED, sanitize_patterns=OrderedDict(get_sanitize_patterns(patterns))
        )
        comparison_traceback: list[str]
        compare_outputs = IPyNbCell.compare_outputs
        format_output_compare = IPyNbCell.format_output_compare
        sanitize = IPyNbCell.sanitize

    return Judge()


def _difference(judge: Any, left: Sequence[Output], right: Sequence[Output], titles: tuple[str, str]) -> str:
    # HTML says what text/plain says, at greater length: it is shown only where nothing else differs.
    for markup in (False, True):
        before, after = (_text(judge, side, markup=markup) for side in (left, right))
        lines = difflib.unified_diff(before, after, *titles, lineterm="")
        if text := "\n".join(lines):
            return text
    return ""


def _text(judge: Any, outputs: Sequence[Output], *, markup: bool) -> list[str]:
    lines: list[str] = []
    for output in outputs:
        if output["output_type"] == "stream":
            lines += [f"[{output['name']}]"] if output["name"] != "stdout" else []
            lines += judge.sanitize(output["text"]).splitlines()
        elif output["output_type"] == "error":
            lines.append(judge.sanitize(f"{output['ename']}: {output['evalue']}"))
        else:
            lines += _data_text(judge, output.get("data", {}), markup=markup)
    return lines


def _data_text(judge: Any, data: Mapping[str, Any], *, markup: bool) -> list[str]:
    lines: list[str] = []
    for kind in sorted(data, key=lambda kind: (kind != "text/plain", kind)):
        if kind in UNCOMPARED or (kind == "text/html" and not markup):
            continue
        value = data[kind] if isinstance(data[kind], str) else json.dumps(data[kind], indent=1, sort_keys=True)
        lines += [f"[{kind}]"] if kind != "text/plain" else []
        lines += judge.sanitize(value).splitlines()
    return lines
