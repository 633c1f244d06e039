"""Compares what a variable held on two sides, by the descriptions that `probe` made, and says what differs."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from cellmill.observe.inside.process_state import ABOUT

Node = Mapping[str, Any]

_MOST_LINES = 6
_ABOUT = f"['{ABOUT}"
_LONGEST = 160
# What a description says of the value itself, with the words for it.
_FACTS = {"type": "type", "dtype": "dtype", "shape": "shape", "count": "length", "of": "types of items"}


@dataclass(frozen=True)
class ContentVerdict:
    """Whether a variable's content is the same on both sides.

    Attributes
    ----------
    state
        ``uncompared``: nothing differs as far as it could be compared, but something could not.
    difference
        For ``different``: a line for each of the first places that differ, notebook's side first.
    reason
        For ``uncompared``: why.
    only_memory
        For ``different``: whether nothing differs but that arrays share their memory on one side alone.
    """

    state: Literal["equal", "different", "uncompared"]
    difference: str = ""
    reason: str = ""
    only_memory: bool = False


def compare_content(name: str, notebook: Node | None, pipeline: Node | None, kept: Path) -> ContentVerdict:
    """Compare a variable of the notebook with what the pipeline handed over.

    Parameters
    ----------
    name
        The variable.
    notebook, pipeline
        Descriptions as `probe.capture` makes them; ``None`` where the name was not bound.
    kept
        The folder in which both sides' content lies.

    Examples
    --------
    >>> one, two = {"type": "builtins.int", "value": "1"}, {"type": "builtins.int", "value": "2"}
    >>> compare_content("n", one, two, Path()).difference
    'n: 1 in the notebook, 2 in the pipeline'
    """
    if notebook is None or pipeline is None:
        if notebook is pipeline:
            return ContentVerdict("equal")
        where, otherwise = ("pipeline", "notebook") if pipeline is None else ("notebook", "pipeline")
        return ContentVerdict("different", f"{name}: not bound in the {where}, but in the {otherwise}")
    lines = list(islice(_differences(name, notebook, pipeline, kept), _MOST_LINES + 1))
    if lines:
        more = ["..."] if len(lines) > _MOST_LINES else []
        memory = not more and all(isinstance(line, _Memory) for line in lines)
        return ContentVerdict("different", "\n".join(lines[:_MOST_LINES] + more), only_memory=memory)
    reason = next(_unknown(name, notebook), None) or next(_unknown(name, pipeline), None)
    return ContentVerdict("uncompared", reason=reason) if reason else ContentVerdict("equal")


def compare_state(name: str, notebook: Node | None, pipeline: Node | None, kept: Path) -> ContentVerdict:
    """Compare process state; what is about a library counts where both sides have imported it.

    Parameters
    ----------
    name
        What it is called.
    notebook, pipeline, kept
        As in `compare_content`, of what `process_state.capture_states` told.
    """
    labels = [{label for label, _ in (one or {}).get("parts", ())} for one in (notebook, pipeline)]
    left, right = (_of_both(one, labels[0] & labels[1]) for one in (notebook, pipeline))
    return compare_content(name, left, right, kept)


def _of_both(node: Node | None, both: set[str]) -> Node | None:
    if node is None or "parts" not in node:
        return node
    parts = [
        ["" if label == "['']" else f" {label[2:-2]}" if label.startswith(_ABOUT) else label, one]
        for label, one in node["parts"]
        if not label.startswith(_ABOUT) or label in both
    ]
    # How many libraries are imported is no difference.
    return {**{key: value for key, value in node.items() if key != "count"}, "parts": parts}


def type_of(node: Node | None) -> str | None:
    """The type as people say it."""
    return str(node["type"]).removeprefix("builtins.").removeprefix("__main__.") if node else None


def _differences(place: str, left: Node, right: Node, kept: Path) -> Iterator[str]:
    if "unknown" in left or "unknown" in right:
        if left["type"] != right["type"]:
            yield _told(place, left["type"], right["type"], "type")
        return
    if "same" in left or "same" in right:
        yield from _identity(place, left, right)
        return
    for fact, words in _FACTS.items():
        if left.get(fact) != right.get(fact):
            yield _told(place, _words(left.get(fact)), _words(right.get(fact)), words)
            if fact in ("type", "shape"):
                return
    yield from _identity(place, left, right)
    if left.get("value") != right.get("value"):
        yield _told(place, left.get("value"), right.get("value"))
    if left.get("digest") != right.get("digest"):
        yield _content_told(place, left, right, kept)
    yield from _parts(place, left, right, kept)


class _Memory(str):
    """Tells that two arrays share their memory on one side alone: that shows once one of them changes."""

    __slots__ = ()


def shares_with(node: Node | None) -> set[str]:
    """The variables with which a described one shares memory, itself included."""
    if node is None:
        return set()
    found = {re.split(r"[^\w]", str(node["memory"]), maxsplit=1)[0]} if "memory" in node else set()
    return found.union(*(shares_with(part) for _, part in node.get("parts", ())))


def _identity(place: str, left: Node, right: Node) -> Iterator[str]:
    for key, words in (("same", "is the same object as"), ("memory", "shares memory with")):
        if left.get(key) != right.get(key):
            sides = [f"{words} {one[key]}" if one.get(key) else f"{words} none other" for one in (left, right)]
            told = f"{place} {sides[0]} in the notebook, {sides[1]} in the pipeline"
            yield _Memory(told) if key == "memory" else told


def _parts(place: str, left: Node, right: Node, kept: Path) -> Iterator[str]:
    labels = [[label for label, _ in one.get("parts", ())] for one in (left, right)]
    if labels[0] == labels[1]:  # also where labels stand twice, as columns may
        for (label, node), (_, other) in zip(left.get("parts", ()), right.get("parts", ()), strict=True):
            yield from _differences(f"{place}{label}", node, other, kept)
        return
    before, after = dict(left.get("parts", ())), dict(right.get("parts", ()))
    for label, node in before.items():
        if label not in after:
            yield f"{place}{label}: only in the notebook"
        else:
            yield from _differences(f"{place}{label}", node, after[label], kept)
    for label in after:
        if label not in before:
            yield f"{place}{label}: only in the pipeline"
    if before.keys() == after.keys():
        yield f"{place}: the order of the entries differs"


def _unknown(place: str, node: Node) -> Iterator[str]:
    if "unknown" in node:
        yield f"{place} ({type_of(node)}): {node['unknown']}"
    for label, part in node.get("parts", ()):
        yield from _unknown(f"{place}{label}", part)


def _content_told(place: str, left: Node, right: Node, kept: Path) -> str:
    """Say what differs within content that lies in files; only that it differs where it was too much to keep."""
    found = [kept / str(one.get("digest")) for one in (left, right)]
    if left.get("form") != right.get("form") or not all(path.is_file() for path in found):
        return f"{place}: the content differs ({left.get('bytes', 0):,} bytes, {right.get('bytes', 0):,} bytes)"
    before, after = (path.read_bytes() for path in found)
    match left["form"]:
        case "array":
            return _array_told(place, before, after, str(left["order"]))
        case "json":
            return _items_told(place, json.loads(before), json.loads(after))
        case "text":
            return _text_told(place, before, after)
    return f"{place}: the bytes differ"


def _array_told(place: str, before: bytes, after: bytes, order: str) -> str:
    import numpy

    left, right = (numpy.frombuffer(content, dtype=order) for content in (before, after))
    width = left.dtype.itemsize
    pieces = [numpy.frombuffer(content, dtype="u1").reshape(-1, width) for content in (before, after)]
    differing = (pieces[0] != pieces[1]).any(axis=1)
    at = int(differing.argmax())
    text = f"{place}: {int(differing.sum()):,} of {len(left):,} values differ"
    if left.dtype.kind in "iuf":
        with numpy.errstate(all="ignore"):
            apart = numpy.abs(left.astype(float) - right.astype(float))[differing]
        # Where a value is missing on one side, no number says how far the two are apart.
        if not numpy.isnan(apart).all():
            text += f", the largest by {float(numpy.nanmax(apart)):.3g}"
    return f"{text}; the first is {_words(left[at].item())} in the notebook, {_words(right[at].item())} in the pipeline"


def _items_told(place: str, left: list[Any], right: list[Any]) -> str:
    pairs = list(zip(left, right, strict=False))
    differing = [at for at, (one, other) in enumerate(pairs) if repr(one) != repr(other)]
    if not differing:
        return f"{place}: {len(left):,} items in the notebook, {len(right):,} in the pipeline"
    first = differing[0]
    told = _told(f"{place}[{first}]", repr(left[first]), repr(right[first]))
    return f"{told} ({len(differing):,} of {len(pairs):,} items differ)"


def _text_told(place: str, before: bytes, after: bytes) -> str:
    left, right = (content.decode("utf-8", "replace").splitlines() for content in (before, after))
    lines = [line for line in difflib.unified_diff(left, right, lineterm="", n=0) if line[:3] not in ("---", "+++")]
    return f"{place}: " + " ".join(_words(line) for line in lines[1:3])


def _told(place: str, left: Any, right: Any, what: str = "") -> str:
    subject = f"{place}: {what} " if what else f"{place}: "
    return f"{subject}{_words(left)} in the notebook, {_words(right)} in the pipeline"


def _words(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
