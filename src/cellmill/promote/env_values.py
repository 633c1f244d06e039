"""How a value passes through Ploomber's env unchanged: Ploomber turns text into numbers, None and True on its way."""

from __future__ import annotations

import ast
import math
import re
import warnings
from typing import Any

# Names to which Ploomber, a pipeline folder or Jinja's templates give a meaning of their own in env.yaml.
RESERVED = frozenset(
    {"cwd", "env", "git", "git_hash", "here", "meta", "now", "path", "root", "user", "version", "workdir"}
    | {"cycler", "dict", "false", "joiner", "lipsum", "namespace", "none", "range", "self", "true"}
)

_PLACEHOLDER = re.compile(r"\{\{|\{%|\{#|\[\[|\[%|\[#")


def env_key(name: str) -> str:
    """Give the key in env.yaml for a parameter; pipeline.yaml says ``name: "{{key}}"``.

    Mostly the name itself. Ploomber gives some keys a meaning of its own (it makes a folder of what ``path`` says) and
    refuses those with two underscores or one in front.

    Examples
    --------
    >>> env_key("test_size"), env_key("path"), env_key("__seed")
    ('test_size', 'path_value', 'seed_value')
    """
    if name not in RESERVED and "__" not in name and not name.startswith("_"):
        return name
    return re.sub("__+", "_", name).strip("_") + "_value"


def encode(value: Any) -> Any:
    """Give the value to write in env.yaml so that a task gets exactly ``value``.

    Most values stand for themselves. A text that looks like something else (``"007"``, ``"true"``, ``"{{x}}"``), a
    dict whose keys Ploomber would refuse and an infinite float are written as the text of a Python literal.

    Raises
    ------
    ValueError
        If no text can carry the value (nan, objects).

    Examples
    --------
    >>> encode(0.2), encode("lr"), decode(encode("007"))
    (0.2, 'lr', '007')
    """
    if _stands_for_itself(value):
        return value
    literal = _literal(value)
    text = repr(literal)
    if _PLACEHOLDER.search(text):  # the outer text is a Python string literal, so escapes may stand anywhere in it
        text = text.replace("{", "\\x7b").replace("[", "\\x5b")
    if not _same(decode(text), value):
        raise ValueError("it can't be written as a Python literal")
    return text


def decode(raw: Any) -> Any:
    """Give the value that a task gets for what stands in env.yaml, as Ploomber 0.23 reads it.

    Raises
    ------
    ValueError
        If the text holds a placeholder such as ``{{here}}``, which only Ploomber can fill in.
    """
    expanded = _expand(raw)
    return _cast(expanded if isinstance(expanded, str) else str(expanded))


def _expand(raw: Any) -> Any:
    if isinstance(raw, dict):
        return {key: _expand(value) for key, value in raw.items()}
    if isinstance(raw, list | tuple):
        return [_expand(value) for value in raw]
    if isinstance(raw, str):
        if _PLACEHOLDER.search(raw):
            raise ValueError("it holds a placeholder")
        return _cast(raw)
    return raw


def _cast(text: str) -> Any:
    words = {"false": False, "true": True, "none": None, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text)
    except Exception:  # as Ploomber does: whatever is no literal stays text
        return text


def _stands_for_itself(value: Any) -> bool:
    if isinstance(value, dict) and not _keys_allowed(value):
        return False
    try:
        return _same(decode(value), value)
    except ValueError:
        return False


def _keys_allowed(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and "__" not in key and _keys_allowed(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return all(_keys_allowed(inner) for inner in value)
    return True


def _literal(value: Any) -> str:
    if isinstance(value, float) and math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(key)}: {_literal(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(inner) for inner in value) + "]"
    return repr(value)


def _same(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(_same(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)
