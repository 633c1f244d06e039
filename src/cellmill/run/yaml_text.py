"""Reads YAML that people write: what would take a machine down, or be lost silently, is refused with its line.

PyYAML's safe loader makes no objects, but it takes any size and depth, merges mappings into millions of entries, lets
the last of two equal keys win, and raises of many kinds where a value is none of its tag.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.constructor import ConstructorError

_DEEPEST = 100
_MOST_MERGED = 10_000
# YAML 1.1 takes `on:` for true, which nobody means who writes it as a key.
_WORDS = re.compile(r"(?i:on|off|yes|no|y|n)")

# A cron expression or a pattern, which YAML takes for an alias.
_STAR = re.compile(r"[:-]\s+\*")


class YamlProblem(Exception):
    """Text that is not taken, with the line; ``line`` is None where it is not known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # in C where PyYAML was built so
    """The safe loader, which counts what it merges."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > _MOST_MERGED:
            raise ConstructorError(None, None, "merges too much", node.start_mark)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, KeyError, AttributeError):
            # A date that is none, a number of thousands of digits, `!!bool x`.
            kind = node.tag.rpartition(":")[2]
            raise ConstructorError(None, None, f"it can't be read as {kind}", node.start_mark) from None


class _Settings(_Loader):
    """Of cellmill.yaml: ``on`` as a key is a text, and ``1:30`` is one too, not ninety."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own seam
        first: [
            (
                tag,
                re.compile(r"(?!.*:)" + pattern.pattern, pattern.flags)
                if tag.endswith((":int", ":float"))
                else pattern,
            )
            for tag, pattern in resolvers
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for key, _ in getattr(node, "value", ()):
            if key.tag == "tag:yaml.org,2002:bool" and _WORDS.fullmatch(key.value):
                key.tag = "tag:yaml.org,2002:str"
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return found


def load_yaml(text: str, *, settings: bool = False) -> Any:
    """Read one document.

    Parameters
    ----------
    settings
        Whether it is a cellmill.yaml: two equal keys are refused, and words mean what people mean by them.

    Raises
    ------
    YamlProblem
        If it is no YAML, or none that anybody writes.
    """
    try:
        _look_through(text, unique=settings)
        return yaml.load(text, Loader=_Settings if settings else _Loader)
    except yaml.reader.ReaderError as error:
        at = text[: error.position].count("\n") + 1 if isinstance(error.position, int) else None
        raise YamlProblem(f"a character that YAML does not allow, {chr(error.character)!r}", at) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it can't be parsed"
        if problem.startswith("but "):
            problem = f"{getattr(error, 'context', None)}, {problem}"
        if mark and any(map(_STAR.search, text.split("\n")[mark.line : mark.line + 1])):
            problem += "; put what begins with * in quotes"
        raise YamlProblem(problem, mark.line + 1 if mark else None) from None
    except UnicodeEncodeError:
        raise YamlProblem("it holds half a character") from None
    except RecursionError:
        raise YamlProblem("it is nested too deeply") from None


def _look_through(text: str, *, unique: bool) -> None:
    """Refuse what is nested too deeply and keys that come twice, before anything is made of it."""
    # Of each open mapping the keys so far, and whether a key comes next; of a list None.
    open_ones: list[tuple[set[str], bool] | None] = []
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark is not None else None
        begins = isinstance(event, yaml.CollectionStartEvent)
        if begins or isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
            if open_ones and (at := open_ones[-1]) is not None:
                keys, is_key = at
                if is_key and unique and isinstance(event, yaml.ScalarEvent) and event.value != "<<":
                    if event.value in keys:
                        raise YamlProblem(f"the key {event.value} comes twice", line)
                    keys.add(event.value)
                open_ones[-1] = keys, not is_key
            if begins:
                open_ones.append((set(), True) if isinstance(event, yaml.MappingStartEvent) else None)
                if len(open_ones) > _DEEPEST:
                    raise YamlProblem("it is nested too deeply", line)
        elif isinstance(event, yaml.CollectionEndEvent):
            open_ones.pop()
