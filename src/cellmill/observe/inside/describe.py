"""Describes what variables hold, so that two processes can be compared by content.

It draws no random numbers, binds no names and calls nothing of the author's but what pickling would call.

A description is a tree of plain dictionaries: ``type``, and either a ``value`` (exact, as text), a ``digest`` of
content that lies in a file of its own, ``parts`` (pairs of label and description), ``same`` (the object is one that was
described before, there), or ``unknown`` (why it can't be described).
"""

from __future__ import annotations

import bisect
import copyreg
import dis
import functools
import hashlib
import io
import json
import os
import sys
import types
from collections.abc import Iterable, Mapping
from typing import Any

from . import arrays
from .content import is_process_generator, type_name

Node = dict[str, Any]

# Objects of one variable, and bytes of one piece of content that is kept to show what differs.
MOST_OBJECTS = 200_000
LARGEST_KEPT = 32_000_000

_EXACT = frozenset({int, float, complex, bool, type(None), type(Ellipsis), type(NotImplemented), range})
_LEAVES = frozenset({"datetime", "decimal", "fractions", "pathlib", "uuid", "zoneinfo"})
_PLAIN = frozenset({str, int, float, bool, type(None)})
_LONGEST_TEXT = 300
# What Python itself puts into classes, some of it only when an instance is pickled.
_NOT_THE_AUTHORS = frozenset(
    "__dict__ __weakref__ __module__ __slotnames__ __firstlineno__ __static_attributes__ _abc_impl".split()
)
_UNCHANGING = (
    tuple,
    frozenset,
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
    types.CodeType,
    types.MethodType,
    types.MappingProxyType,
    property,
    classmethod,
    staticmethod,
)


_EMPTY: dict[str, str] = {}
_LIST_ITERATOR: type = type(iter(list(_EMPTY)))
_ITERATORS: tuple[type, ...] = (
    _LIST_ITERATOR,
    type(iter(set(_EMPTY))),
    type(iter(_EMPTY)),
    type(iter(_EMPTY.values())),
    type(iter(_EMPTY.items())),
)

_LEFT_OUT = {("pandas", "_cache"), ("sklearn", "_deprecated_key_to_warnings"), ("statsmodels", "_cache")}
"""Attributes by library, in classes derived from its own too: caches, and what an object forgets when it is pickled."""


_LAYOUT = frozenset(("CACHE", "EXTENDED_ARG", "NOP", "PRECALL", "PUSH_NULL", "RESUME"))
_BY_NAME = {"LOAD_ATTR": "LOAD_ATTR", "LOAD_METHOD": "LOAD_ATTR", "LOAD_GLOBAL": "LOAD_GLOBAL"}
_BY_NAME |= {"CALL_METHOD": "CALL", "CALL_FUNCTION": "CALL"}


class UnknownError(Exception):
    """A value that can't be described; the message says why."""


def capture(namespace: Mapping[str, Any], groups: Mapping[str, Iterable[str]], target: str, kept: str) -> None:
    """Describe variables and write the descriptions down.

    Parameters
    ----------
    namespace
        The kernel's variables.
    groups
        Names by the step that hands them over; within a group, two names for one object are told.
    target
        The JSON file to write.
    kept
        The folder for content, each piece under its digest.
    """
    found = {}
    for provider, names in groups.items():
        seen = Seen(kept)
        found[provider] = {name: _whole(seen, name, namespace[name]) for name in names if name in namespace}
    partial = target + ".partial"
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(found, file)
    os.replace(partial, target)


def _whole(seen: Seen, name: str, value: Any) -> Node:
    seen.objects = 0
    try:
        return seen.describe(value, name)
    except UnknownError as error:
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deeply"
    except Exception as error:  # whatever the author's classes raise
        reason = f"{type(error).__name__}: {error}"
    return {"type": type_name(type(value)), "unknown": reason}


class Seen:
    """What was described already, by identity; holds on to it, so that no identity is used twice."""

    def __init__(self, kept: str) -> None:
        self.kept = kept
        self.places: dict[int, str] = {}
        self.within: dict[int, str] = {}
        self.alive: list[Any] = []
        self.memory: list[tuple[int, int, str]] = []
        self.objects = 0

    def describe(self, value: Any, place: str) -> Node:
        """The description of what lies at this place."""
        self.objects += 1
        if self.objects > MOST_OBJECTS:
            raise UnknownError(f"it holds more than {MOST_OBJECTS:,} objects")
        kind = type(value)
        name = type_name(kind)
        if kind in _EXACT:
            return {"type": name, "value": repr(value)}
        if kind in (str, bytes):
            return self._text(name, value)
        if kind.__module__ in _LEAVES:
            return {"type": name, "value": f"{value!r} fold={getattr(value, 'fold', 0)}"}
        if _is_numpy_scalar(value):
            return {"type": name, "value": _scalar(value), "dtype": str(value.dtype)}
        told = self.places if _has_identity(value) else self.within
        if id(value) in told:
            return {"type": name, "same": told[id(value)]}
        told[id(value)] = place
        self.alive.append(value)
        try:
            return {"type": name, **self._content(value, place)}
        finally:
            self.within.pop(id(value), None)

    def _content(self, value: Any, place: str) -> Node:
        if isinstance(value, type):
            return self._class(value, place)
        ways: tuple[tuple[Any, Any], ...] = (
            (types.FunctionType, self._function),
            ((list, tuple), self._items),
            ((set, frozenset), self._unordered),
            (dict, self._pairs),
            (types.ModuleType, _module),
            ((types.BuiltinFunctionType, types.WrapperDescriptorType), _named),
            ((types.MethodDescriptorType, types.GetSetDescriptorType, types.MemberDescriptorType), _named),
            (types.CodeType, _code),
            (types.CellType, self._cell),
            (types.MethodType, self._method),
            ((property, classmethod, staticmethod, functools.partial), self._wrapper),
            (types.MappingProxyType, lambda one, at: self._pairs(dict(one), at)),
            (_ITERATORS, self._iterator),
        )
        for wanted, describe in ways:
            if isinstance(value, wanted):
                found: Node = describe(value, place)
                return found
        if isinstance(value, functools._lru_cache_wrapper):
            return {"parts": [[".__wrapped__", self.describe(value.__wrapped__, f"{place}.__wrapped__")]]}
        numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
        if numpy is not None and isinstance(value, numpy.ndarray):
            return arrays.array(self, value, place)
        if numpy is not None and isinstance(value, numpy.dtype):
            return {"value": repr(value)}
        if pandas is not None and (column := arrays.of_pandas(self, pandas, value, place)) is not None:
            return column
        if is_process_generator(value):
            return {"value": "the process's generator"}
        module = type(value).__module__
        if module.partition(".")[0] == "matplotlib":
            raise UnknownError("a drawing is compared by what its cell shows")
        return self._object(value, place)

    def _text(self, name: str, value: str | bytes) -> Node:
        if len(value) <= _LONGEST_TEXT:
            return {"type": name, "value": repr(value)}
        content = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        return {"type": name, **self.keep(content, "text" if isinstance(value, str) else "bytes")}

    def _items(self, value: Any, place: str) -> Node:
        read = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        node = self.many(list(read), place)
        return self.with_attributes(node, value, place)

    def many(self, items: list[Any], place: str) -> Node:
        """Many values: as one text where all are plain, else one by one."""
        kinds = set(map(type, items))
        if len(items) > 20 and kinds <= _PLAIN:
            self.objects += len(items) // 100
            content = json.dumps(items).encode()
            return {"of": sorted(kind.__name__ for kind in kinds), "count": len(items), **self.keep(content, "json")}
        return {
            "count": len(items),
            "parts": [[f"[{at}]", self.describe(one, f"{place}[{at}]")] for at, one in enumerate(items)],
        }

    def _unordered(self, value: Any, place: str) -> Node:
        described = [self.describe(one, f"{place}{{...}}") for one in value]
        described.sort(key=lambda node: json.dumps(node, sort_keys=True))
        node: Node = {"count": len(described), "parts": [["{...}", one] for one in described]}
        return self.with_attributes(node, value, place)

    def _pairs(self, value: Any, place: str) -> Node:
        parts: list[list[Any]] = []
        for at, (key, item) in enumerate(dict.items(value)):
            if isinstance(key, (str, int, float, bool, type(None))) and len(repr(key)) < 100:
                label = f"[{key!r}]"
                if type(key) not in _PLAIN:
                    parts.append([f"key {at}", self.describe(key, f"{place} key {at}")])
            else:
                label = f"[key {at}]"
                parts.append([f"key {at}", self.describe(key, f"{place} key {at}")])
            parts.append([label, self.describe(item, f"{place}{label}")])
        if (factory := getattr(value, "default_factory", None)) is not None:
            parts.append([".default_factory", self.describe(factory, f"{place}.default_factory")])
        return self.with_attributes({"count": len(value), "parts": parts}, value, place)

    def with_attributes(self, node: Node, value: Any, place: str) -> Node:
        """The description, with the attributes that an object of the author's class has beside."""
        attributes = getattr(value, "__dict__", None)
        if type(value).__module__ != "builtins" and isinstance(attributes, dict) and attributes:
            node.setdefault("parts", []).extend(self._attributes(type(value), attributes, place))
        return node

    def _attributes(self, kind: type, attributes: Mapping[Any, Any], place: str) -> list[list[Any]]:
        parts = []
        libraries = {one.__module__.partition(".")[0] for one in kind.__mro__}
        for name in sorted(attributes, key=repr):
            # What a property has worked out and kept says nothing new, nor what the class leaves out when it loads.
            cached = isinstance(_vars_of(kind).get(name), functools.cached_property)
            if not cached and not any((library, name) in _LEFT_OUT for library in libraries):
                label = f".{name}" if isinstance(name, str) else f"[{name!r}]"
                parts.append([label, self.describe(attributes[name], place + label)])
        return parts

    def _iterator(self, value: Any, place: str) -> Node:
        """What is left of it; pickling makes one of a list of those that dictionaries and sets give."""
        _, (items, *_), *at = value.__reduce__()
        node = {"type": "builtins.iterator", **self.many(list(items)[at[0] if at else 0 :], place)}
        if isinstance(value, _LIST_ITERATOR):
            if id(items) in self.places:
                node["memory"] = self.places[id(items)]
            self.places.setdefault(id(items), f"{place}'s list")
            self.alive.append(items)
        return node

    def _cell(self, value: types.CellType, place: str) -> Node:
        try:
            content = value.cell_contents
        except ValueError:
            return {"value": "empty"}
        return {"parts": [["", self.describe(content, place)]]}

    def _method(self, value: types.MethodType, place: str) -> Node:
        parts = [(".__self__", value.__self__), (".__func__", value.__func__)]
        return {"parts": [[label, self.describe(one, place + label)] for label, one in parts]}

    def _wrapper(self, value: Any, place: str) -> Node:
        names = ("fget", "fset", "fdel", "__func__", "func", "args", "keywords")
        parts = [(f".{name}", getattr(value, name)) for name in names if hasattr(value, name)]
        return {"parts": [[label, self.describe(one, place + label)] for label, one in parts]}

    def _function(self, value: types.FunctionType, place: str) -> Node:
        """A function of the notebook by its code and what it carries; a library's by its name."""
        if value.__module__ != "__main__" and _found_by_name(value):
            return _named(value, place)
        carried = {
            ".__defaults__": value.__defaults__,
            ".__kwdefaults__": value.__kwdefaults__,
            # None and () mean the same.
            ".__closure__": value.__closure__ or None,
            ".__dict__": value.__dict__ or None,
        }
        parts = [[label, self.describe(one, place + label)] for label, one in carried.items() if one is not None]
        return {"value": f"{value.__qualname__} {_code_digest(value.__code__)}", "parts": parts}

    def _class(self, value: type, place: str) -> Node:
        if value.__module__ != "__main__" and _found_by_name(value):
            return _named(value, place)
        own = {name: one for name, one in vars(value).items() if name not in _NOT_THE_AUTHORS}
        bases = [[f".__bases__[{at}]", self.describe(one, place)] for at, one in enumerate(value.__bases__)]
        return {"value": value.__qualname__, "parts": [*bases, *self._attributes(type, own, place)]}

    def _object(self, value: Any, place: str) -> Node:
        """Any other object: what pickling takes of it."""
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            reduced = reduce(value) if reduce is not None else value.__reduce_ex__(4)
        except Exception as error:
            raise UnknownError(f"{type(error).__name__}: {error}") from error
        if isinstance(reduced, str):
            return {"value": reduced}
        make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        parts: list[list[Any]] = []
        if getattr(make, "__name__", "") != "__newobj__":
            parts.append([" made by", self.describe(make, f"{place} made by")])
        for at, one in enumerate(arguments or ()):
            if one is not type(value):
                parts.append([f" argument {at}", self.describe(one, f"{place} argument {at}")])
        if isinstance(value, (io.StringIO, io.BytesIO)) and isinstance(state, tuple):
            state = (
                *state[:-1],
                state[-1] or None,
            )  # it has no attributes, whether it has a dictionary for them or not
        states = state if isinstance(state, tuple) and len(state) == 2 else (state,)
        if all(one is None or isinstance(one, dict) for one in states):
            for one in states:
                parts += self._attributes(type(value), one or {}, place)
        else:
            parts.append([" state", self.describe(state, f"{place} state")])
        parts += [[f"[{at}]", self.describe(one, f"{place}[{at}]")] for at, one in enumerate(items or ())]
        for at, (key, one) in enumerate(pairs or ()):
            parts.append([f" key {at}", self.describe(key, f"{place} key {at}")])
            parts.append([f" value {at}", self.describe(one, f"{place} value {at}")])
        return {"parts": parts}

    def keep(self, content: bytes, form: str) -> Node:
        """Keep content in a file of its own, and describe it by its digest."""
        digest = hashlib.sha256(content).hexdigest()
        path = os.path.join(self.kept, digest)
        if len(content) <= LARGEST_KEPT and not os.path.exists(path):
            partial = f"{path}.{os.getpid()}"
            with open(partial, "wb") as file:
                file.write(content)
            os.replace(partial, path)
        return {"digest": digest, "form": form, "bytes": len(content)}


def _has_identity(value: Any) -> bool:
    """Whether it matters that two places hold one object and not two equal ones: only for what can change."""
    if isinstance(value, _UNCHANGING):
        return False
    pandas = sys.modules.get("pandas")
    return pandas is None or not isinstance(value, (pandas.Index, pandas.api.extensions.ExtensionArray))


def _vars_of(kind: type) -> dict[str, Any]:
    """What a class and those above it define."""
    found: dict[str, Any] = {}
    for one in reversed(kind.__mro__):
        found.update(vars(one))
    return found


def _is_numpy_scalar(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.generic) and value.dtype.names is None


def _scalar(value: Any) -> str:
    # repr() of a numpy scalar depends on print options.
    item = value.item()
    return repr(item) if isinstance(item, (int, float, complex, bool, str, bytes)) else str(value)


def _module(value: types.ModuleType, _: str) -> Node:
    return {"value": value.__name__}


def _named(value: Any, _: str) -> Node:
    return {"value": f"{getattr(value, '__module__', None)}.{getattr(value, '__qualname__', repr(type(value)))}"}


def _code(value: types.CodeType, _: str) -> Node:
    return {"value": _code_digest(value)}


def _code_digest(code: types.CodeType) -> str:
    """What code does, without where it stands."""
    return hashlib.sha256(repr(_code_facts(code)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _code_facts(code: types.CodeType) -> tuple[Any, ...]:
    if "run_line_magic" in code.co_names or "run_cell_magic" in code.co_names:
        raise UnknownError("a function calls magics, which are plain calls in the pipeline")
    constants = []
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            constants.append(_code_facts(one))
        elif isinstance(one, frozenset):
            constants.append(("frozenset", *sorted(map(repr, one))))
        else:
            constants.append((type(one).__name__, repr(one)))
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    return code.co_name, _instructions(code), constants, names, code.co_argcount, code.co_kwonlyargcount


def _instructions(code: types.CodeType) -> list[tuple[str, Any]]:
    """What is done, in order, without how a call is laid out.

    CPython calls ``np.dot`` in another way where the same source imports ``np``, as a module does and a cell does not.
    """
    found = [one for one in dis.get_instructions(code) if one.opname not in _LAYOUT]
    offsets = [one.offset for one in found]
    told: list[tuple[str, Any]] = []
    for one in found:
        if one.opcode in dis.hasjrel or one.opcode in dis.hasjabs:
            told.append((one.opname, bisect.bisect_left(offsets, one.argval)))
        elif one.opname in _BY_NAME:
            told.append((_BY_NAME[one.opname], one.argval))
        else:
            told.append((one.opname, one.arg))
    return told


def _found_by_name(value: Any) -> bool:
    found: Any = sys.modules.get(value.__module__ or "")
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value
