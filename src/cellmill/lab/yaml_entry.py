"""Changes one entry of the list under a key of a YAML file, and nothing else of the file's text.

The file is an engineer's: comments, order, quotes and blank lines stay as they were written. What the change made of
the file is read again and compared with what was meant, so a form of YAML that is not understood here is refused, not
damaged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from cellmill.run.yaml_text import YamlProblem, load_yaml
from cellmill.schedule.settings import TRIGGERS


class NotUnderstood(Exception):
    """The file is written in a form that can't be changed here."""


@dataclass(frozen=True)
class _Edit:
    """Characters of the text from ``begin`` to ``end`` that give way to others."""

    begin: int
    end: int
    text: str


def put_entry(text: str, key: str, name: str | None, entry: Mapping[str, Any]) -> str:
    """The text with an entry: in place of the one with that name, or behind the last one.

    Parameters
    ----------
    key
        What the list stands under.
    name
        Of the entry to change; None for a new one.
    entry
        JSON-ready, in the order in which its keys are to stand.

    Raises
    ------
    NotUnderstood
        If the file's form does not allow it.
    """
    file = _File(text, key)
    entries = [dict(one) for one in file.entries]
    if name is None:
        edits = file.appended(entry)
        entries.append(dict(entry))
    else:
        at = _place(entries, name)
        edits = file.changed(at, entry)
        entries[at] = dict(entry)
    return file.with_edits(edits, entries)


def take_entry(text: str, key: str, name: str) -> str:
    """The text without the entry of that name, and without the comment right above it.

    Raises
    ------
    NotUnderstood
        As :func:`put_entry`.
    """
    file = _File(text, key)
    at = _place(file.entries, name)
    return file.with_edits(file.taken(at), [dict(one) for place, one in enumerate(file.entries) if place != at])


def entries_of(text: str, key: str) -> list[dict[str, Any]]:
    """The entries under a key, JSON-ready; none if they can't be read."""
    try:
        return [_plain(one) for one in _File(text, key).entries]
    except (NotUnderstood, yaml.YAMLError):
        return []


class _File:
    """A file's text with the places of what it holds."""

    def __init__(self, text: str, key: str) -> None:
        self.text = text
        self.key = key
        self.newline = "\r\n" if "\r\n" in text else "\n"
        try:
            self.content = load_yaml(text, settings=True)
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except YamlProblem as error:
            raise NotUnderstood(f"it is not valid YAML ({error.message})") from None
        if root is not None and (not isinstance(root, yaml.MappingNode) or root.flow_style):
            raise NotUnderstood("it is not written as `name: value` lines")
        pairs = root.value if isinstance(root, yaml.MappingNode) else []
        self.pair = next(((name, value) for name, value in pairs if name.value == key), None)
        found = (self.content or {}).get(key)
        if found is not None and not isinstance(found, list):
            raise NotUnderstood(f"{key}: is not a list")
        self.entries: Sequence[Mapping[str, Any]] = found or []
        if any(not isinstance(one, dict) for one in self.entries):
            raise NotUnderstood(f"{key}: holds something else than `- name: nightly` entries")
        if self.pair is not None:
            self._check_plain(self.pair[1])

    def appended(self, entry: Mapping[str, Any]) -> list[_Edit]:
        if self.pair is None:
            head = "" if not self.text or self.text.endswith("\n") else self.newline
            return [_Edit(len(self.text), len(self.text), head + self._lines([f"{self.key}:", *_listed([entry], 2)]))]
        value = self.pair[1]
        if self._is_block(value):
            after = self._line_end(_end(value, self.text))
            return [self._insertion(after, _listed([entry], value.start_mark.column))]
        return self._all([*self.entries, entry])

    def changed(self, at: int, entry: Mapping[str, Any]) -> list[_Edit]:
        assert self.pair is not None
        if not self._is_block(self.pair[1]):
            return self._all([entry if place == at else one for place, one in enumerate(self.entries)])
        node = self.pair[1].value[at]
        if not self._is_block(node):
            indent = self.pair[1].start_mark.column
            lines = _listed([entry], indent)
            first = lines[0][indent + 2 :]
            return [_Edit(node.start_mark.index, _end(node, self.text), self.newline.join([first, *lines[1:]]))]
        return self._keys_changed(node, self.entries[at], entry)

    def taken(self, at: int) -> list[_Edit]:
        assert self.pair is not None
        key, value = self.pair
        if len(self.entries) == 1:
            return [_Edit(self._with_comment(key.start_mark.index), self._line_end(_end(value, self.text)), "")]
        if not self._is_block(value):
            return self._all([one for place, one in enumerate(self.entries) if place != at])
        node = value.value[at]
        begin = self._with_comment(node.start_mark.index, value.start_mark.column)
        return [_Edit(begin, self._line_end(_end(node, self.text)), "")]

    def with_edits(self, edits: Iterable[_Edit], entries: list[dict[str, Any]]) -> str:
        """The new text, if it says what it is meant to say."""
        text = self.text
        for one in sorted(edits, key=lambda edit: (edit.begin, edit.end), reverse=True):
            text = text[: one.begin] + one.text + text[one.end :]
        meant = {name: value for name, value in (self.content or {}).items() if name != self.key}
        if entries:
            meant[self.key] = entries
        try:
            found = load_yaml(text, settings=True) or {}
        except YamlProblem:
            found = None
        if found is None or _plain(found) != _plain(meant):
            raise NotUnderstood("it is written in a form of YAML that can't be changed from here")
        return text

    def _keys_changed(self, node: yaml.MappingNode, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[_Edit]:
        """Change, add and take away keys of an entry, each where it stands."""
        indent = node.start_mark.column
        pairs = {str(key.value): (key, value) for key, value in node.value}
        gone = [name for name in pairs if name not in new]
        added = [name for name in new if name not in pairs]
        edits = []
        for name, (key, value) in pairs.items():
            # Of two ways to say when, the new one takes the place of the old one.
            now = next((one for one in added if one in TRIGGERS), None) if name in TRIGGERS and name in gone else name
            if now is None or (now == name and name in gone):
                continue
            if now != name:
                gone.remove(name)
                added.remove(now)
            elif _plain(old[name]) == _plain(new[name]):
                continue
            lines = _pair_lines(now, new[now], indent)
            lines[0] = lines[0][indent:]
            edits.append(_Edit(key.start_mark.index, _end(value, self.text, key), self.newline.join(lines)))
        order = list(pairs)
        for name in gone:
            key, value = pairs[name]
            following = order[order.index(name) + 1 :]
            if name == order[0] and following:
                # It stands on the line of the dash: the next one moves there.
                edits.append(_Edit(key.start_mark.index, pairs[following[0]][0].start_mark.index, ""))
            else:
                begin = self._line_begin(key.start_mark.index)
                edits.append(_Edit(begin, self._line_end(_end(value, self.text, key)), ""))
        if added:
            lines = [line for name in added for line in _pair_lines(name, new[name], indent)]
            edits.append(self._insertion(self._line_end(_end(node, self.text)), lines))
        return edits

    def _all(self, entries: Sequence[Mapping[str, Any]]) -> list[_Edit]:
        """Write the whole list anew: it stood on one line, or was empty."""
        assert self.pair is not None
        key, value = self.pair
        begin, end = key.end_mark.index + 1, max(key.end_mark.index + 1, value.end_mark.index)
        if "#" in self.text[value.start_mark.index : end]:
            raise NotUnderstood(f"{self.key}: is a list in brackets with comments in it")
        rest = self.text[end : self._line_end(end)]
        kept = rest.rstrip() if rest.strip() else ""
        return [_Edit(begin, self._line_end(end), kept + self.newline + self._lines(_listed(entries, 2)))]

    def _insertion(self, at: int, lines: Sequence[str]) -> _Edit:
        head = self.newline if at and self.text[at - 1] != "\n" else ""
        return _Edit(at, at, head + self._lines(lines))

    def _lines(self, lines: Sequence[str]) -> str:
        return "".join(line + self.newline for line in lines)

    def _line_begin(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Where the next line begins."""
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1

    def _with_comment(self, at: int, column: int = 0) -> int:
        """Where the lines of comments right above a place begin."""
        begin = self._line_begin(at)
        while begin:
            above = self._line_begin(begin - 1)
            line = self.text[above:begin]
            if not line.lstrip().startswith("#") or len(line) - len(line.lstrip()) < column:
                break
            begin = above
        return begin

    def _is_block(self, node: yaml.Node) -> bool:
        return isinstance(node, yaml.CollectionNode) and not node.flow_style

    def _check_plain(self, node: yaml.Node) -> None:
        """Refuse what says one thing in several places: a change in one of them would change the others."""
        begin, end = node.start_mark.index, node.end_mark.index
        for token in yaml.scan(self.text, Loader=yaml.SafeLoader):
            if begin <= token.start_mark.index < end and isinstance(token, yaml.AliasToken | yaml.AnchorToken):
                raise NotUnderstood(f"{self.key}: has anchors or aliases (& and *)")


def _end(node: yaml.Node, text: str, key: yaml.Node | None = None) -> int:
    """Where a node's own text ends: PyYAML counts the blank lines and comments behind it in."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1], text, last[0]) if isinstance(last, tuple) else _end(last, text)
    if isinstance(node, yaml.ScalarNode) and node.start_mark.index == node.end_mark.index and key is not None:
        return text.index(":", key.end_mark.index) + 1
    end: int = node.end_mark.index
    while end > node.start_mark.index and text[end - 1].isspace():
        end -= 1
    return end


def _listed(entries: Sequence[Mapping[str, Any]], indent: int) -> list[str]:
    lines = []
    for entry in entries:
        inner = [line for name, value in entry.items() for line in _pair_lines(name, value, indent + 2)]
        lines += [f"{' ' * indent}- {inner[0][indent + 2 :]}", *inner[1:]]
    return lines


def _pair_lines(name: str, value: Any, indent: int) -> list[str]:
    text = yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=False)
    return [" " * indent + line if line else line for line in text.rstrip("\n").split("\n")]


def _place(entries: Sequence[Mapping[str, Any]], name: str) -> int:
    found = [at for at, one in enumerate(entries) if one.get("name") == name]
    if len(found) != 1:
        raise NotUnderstood(f"there is no schedule {name} in it" if not found else f"two schedules are named {name}")
    return found[0]


def _plain(value: Any) -> Any:
    """As JSON has it: dates as texts."""
    return json.loads(json.dumps(value, default=str))
