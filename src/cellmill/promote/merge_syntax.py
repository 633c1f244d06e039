"""Whether a merged file is still what its name says: two right halves may make one wrong whole."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any


def what_is_wrong(path: str, merged: str, before: str) -> str | None:
    """What the merge broke in a Python or YAML file, in a few words; None if nothing that was right before."""
    for ending, problem in ((".py", _python_problem), (".yaml", _yaml_problem)):
        if path.endswith(ending):
            found = problem(merged)
            return found if found and not problem(before) else None
    return None


def _python_problem(text: str) -> str | None:
    try:
        compile(text, "merged", "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError) as error:
        return f"line {getattr(error, 'lineno', None) or 1} would be no Python"
    return None


def _yaml_problem(text: str) -> str | None:
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return "it would be no YAML"
    return next((f"`{key}` would be there twice" for key in _doubles(root)), None)


def _doubles(node: Any) -> Iterator[str]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        yield from (key for at, key in enumerate(keys) if key in keys[:at])
        for _, value in node.value:
            yield from _doubles(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _doubles(value)
