"""What a variable holds is compared by content, with types; what can't be compared is named, never taken for equal."""

from __future__ import annotations

import functools
import itertools
import json
import pickle
import random
import warnings
from collections import OrderedDict, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cellmill.observe.inside.describe import capture
from cellmill.observe.inside.process_state import capture_states
from cellmill.promote.content import ContentVerdict, compare_content, compare_state


def described(folder: Path, side: str, **values: Any) -> dict[str, Any]:
    (folder / "content").mkdir(exist_ok=True)
    capture(values, {"step": sorted(values)}, str(folder / f"{side}.json"), str(folder / "content"))
    return json.loads((folder / f"{side}.json").read_text(encoding="utf-8"))["step"]


def compared(folder: Path, one: Any, other: Any) -> ContentVerdict:
    sides = [described(folder, side, v=value)["v"] for side, value in (("one", one), ("other", other))]
    return compare_content("v", *sides, folder / "content")


class Model:
    def __init__(self, weights: Any) -> None:
        self.weights = weights

    @functools.cached_property
    def worked_out(self) -> int:
        return 4


def frame(**changes: Any) -> pd.DataFrame:
    columns = {"n": [1, 2, 3], "x": [0.5, np.nan, 1.5], "s": ["a", "b", None], "t": pd.date_range("2026", periods=3)}
    return pd.DataFrame(columns | changes)


def with_attrs(**attrs: Any) -> pd.DataFrame:
    made = frame()
    made.attrs.update(attrs)
    return made


def asked(model: Model) -> Model:
    assert model.worked_out == 4
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: [1, 2.5, "x", None, float("nan"), {"a": (1, b"2")}],
        lambda: list(range(1000)),
        lambda: {"z", "a", "m"},
        lambda: np.array([1.0, np.nan, 3.0]),
        lambda: np.array([("a", 1)], dtype=[("name", "U3"), ("n", "i4")]),
        lambda: np.ma.masked_array([1, 2], [False, True]),
        frame,
        lambda: frame().set_index(["n", "s"]),
        lambda: pd.Series(["x", "y"], dtype="category", name="c"),
        lambda: pd.Series([1, None], dtype="Int64"),
        lambda: np.random.default_rng(3),
        lambda: Model(np.arange(3)),
        lambda: lambda x, y=2: [x + y for _ in range(3)],
        lambda: functools.partial(int, base=2),
        lambda: defaultdict(list, a=[1]),
    ],
)
def test_what_is_made_twice_alike_is_equal(make: Any, tmp_path: Path) -> None:
    found = compared(tmp_path, make(), make())
    assert found == ContentVerdict("equal"), found


@pytest.mark.parametrize(
    "one, other, told",
    [
        (1, 1.0, "v: type builtins.int in the notebook, builtins.float in the pipeline"),
        (True, 1, "type"),
        ([1, 2], (1, 2), "type"),
        ([1, 2, 3], [1, 2, 4], "v[2]: 3 in the notebook, 4 in the pipeline"),
        (list(range(50)), [*range(49), 0], "v[49]: 49 in the notebook, 0 in the pipeline (1 of 50 items differ)"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, "the order of the entries differs"),
        ({"a": 1}, {"a": 1, "b": 2}, "v['b']: only in the pipeline"),
        ({1: 0}, OrderedDict({1: 0}), "type"),
        (np.array([1, 2]), np.array([1, 2], dtype="int32"), "dtype int64 in the notebook, int32 in the pipeline"),
        (np.zeros((2, 3)), np.zeros((3, 2)), "shape"),
        (np.array([1.0, 2.0]), np.array([1.0, 2.5]), "1 of 2 values differ, the largest by 0.5; the first is 2.0"),
        (np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-15]), "1 of 2 values differ"),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), "1 of 2 values differ; the first is nan in the notebook, 2.0"),
        (np.float64(1), 1.0, "type"),
        (frame(), frame(n=[1, 2, 4]), "v['n']: 1 of 3 values differ"),
        (frame(), frame(n=[1.0, 2.0, 3.0]), "v['n']: dtype int64 in the notebook, float64 in the pipeline"),
        (frame(), frame().set_axis([1, 2, 3]), "v.index"),
        (frame(), with_attrs(unit="mm"), "v.attrs"),
        (frame()["t"], frame()["t"].dt.tz_localize("UTC"), "dtype"),
        (pd.Series(["a", "b"]), pd.Series(["a", None]), "v[1]"),
        (Model([1]), Model([2]), "v.weights[0]: 1 in the notebook, 2 in the pipeline"),
        (lambda x: x + 1, lambda x: x + 2, "v: "),
        (np.random.default_rng(3), np.random.default_rng(4), "v"),
        ("long\n" * 100 + "one", "long\n" * 100 + "two", "v: -one +two"),
    ],
)
def test_what_differs_is_said_where_it_is(one: Any, other: Any, told: str, tmp_path: Path) -> None:
    found = compared(tmp_path, one, other)
    assert found.state == "different"
    assert told in found.difference


def test_two_places_for_one_object_are_not_two_equal_objects(tmp_path: Path) -> None:
    row = [1]
    found = compared(tmp_path, [row, row], [[1], [1]])
    assert found.difference == (
        "v[1] is the same object as v[0] in the notebook, is the same object as none other in the pipeline"
    )
    both = [described(tmp_path, "one", a=row, b=row), described(tmp_path, "two", a=row, b=[1])]
    assert compare_content("b", both[0]["b"], both[1]["b"], tmp_path).state == "different"
    memory = np.arange(4)
    views = [described(tmp_path, "one", a=memory, b=memory[1:]), described(tmp_path, "two", a=memory, b=memory[1:] + 0)]
    found = compare_content("b", views[0]["b"], views[1]["b"], tmp_path / "content")
    assert "b shares memory with a in the notebook" in found.difference


def test_nan_is_nan_whatever_its_bits_are(tmp_path: Path) -> None:
    other = np.array([0x7FF8000000000001]).view(float)
    assert other.tobytes() != np.array([np.nan]).tobytes()
    assert compared(tmp_path, np.array([np.nan]), other).state == "equal"


def state(folder: Path, name: str) -> dict[str, Any]:
    (folder / "content").mkdir(exist_ok=True)
    told = folder / "state.json"
    capture_states({"step": [name]}, str(told), str(folder / "content"), str(folder))
    return json.loads(told.read_text(encoding="utf-8"))["step"][name]


def test_filters_of_a_library_count_where_both_sides_have_imported_it(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        before = state(tmp_path, "warnings.filters")
        warnings.filterwarnings("ignore", category=np.exceptions.RankWarning)
        after = state(tmp_path, "warnings.filters")
        warnings.filterwarnings("error", message="careful")
        careful = state(tmp_path, "warnings.filters")
    found = compare_state("the filters", before, after, tmp_path)
    assert "the filters about numpy[0]: " in found.difference
    without = {**before, "parts": [part for part in before["parts"] if part[0] != "['about numpy']"]}
    assert compare_state("the filters", without, after, tmp_path).state == "equal"
    found = compare_state("the filters", careful, after, tmp_path)
    assert "the filters[0]: \"error Warning message='careful'\" in the notebook" in found.difference


def test_looking_at_state_leaves_it_as_it_is(tmp_path: Path) -> None:
    filters, draws = list(warnings.filters), (random.getstate(), np.random.get_state()[1].tolist())
    names = "random numpy.random os.environ cwd sys.path pandas.options numpy.printoptions warnings.filters logging"
    for name in names.split():
        told = state(tmp_path, name)
        assert "unknown" not in told, told
        assert compare_state(name, told, state(tmp_path, name), tmp_path / "content") == ContentVerdict("equal")
    assert (random.getstate(), np.random.get_state()[1].tolist()) == draws
    assert list(warnings.filters) == filters


def test_what_a_property_has_worked_out_is_no_difference(tmp_path: Path) -> None:
    assert compared(tmp_path, Model([1]), asked(Model([1]))).state == "equal"
    from statsmodels.regression.linear_model import OLS

    fits = [OLS([1.0, 2.0, 4.0], [[1.0, at] for at in range(3)]).fit() for _ in range(2)]
    assert len(fits[0].resid) == 3
    assert compared(tmp_path, *fits).state == "equal"
    assert compared(tmp_path, fits[0], OLS([1.0, 2.0, 5.0], [[1.0, at] for at in range(3)]).fit()).state == "different"


@pytest.mark.parametrize(
    "make", [lambda: {"a": 1, "b": 2}.items(), lambda: {3}, lambda: {4: 5}.values(), lambda: [1, 2]]
)
def test_an_iterator_is_what_is_left_of_it(make: Any, tmp_path: Path) -> None:
    one = itertools.cycle(iter(make()))
    handed = itertools.cycle(pickle.loads(pickle.dumps(iter(make()))))
    assert compared(tmp_path, one, handed).state == "equal"
    begun = iter(make())
    next(begun)
    assert compared(tmp_path, begun, iter(make())).state == "different"
    assert compared(tmp_path, begun, pickle.loads(pickle.dumps(begun))).state == "equal"
    rows = [1, 2]
    assert compared(tmp_path, [rows, iter(rows)], [rows, iter(list(rows))]).state == "different"


def test_what_cannot_be_compared_is_named_and_not_equal(tmp_path: Path) -> None:
    found = compared(tmp_path, {"rows": (one for one in ())}, {"rows": (one for one in ())})
    assert found.state == "uncompared"
    assert "generator" in found.reason
    # What can be told of the rest still counts.
    assert compared(tmp_path, [iter, (1 for _ in ())], [len, (1 for _ in ())]).state in ("different", "uncompared")


def test_describing_changes_nothing(tmp_path: Path) -> None:
    state = np.random.get_state()[1].tolist()
    model = Model(np.arange(3))
    described(tmp_path, "one", model=model, frame=frame(), rng=np.random.default_rng(1))
    assert np.random.get_state()[1].tolist() == state
    assert "worked_out" not in vars(model)


def test_names_that_are_not_bound_on_one_side_differ(tmp_path: Path) -> None:
    node = described(tmp_path, "one", v=1)["v"]
    assert compare_content("v", None, None, tmp_path).state == "equal"
    assert compare_content("v", node, None, tmp_path).difference == "v: not bound in the pipeline, but in the notebook"


def test_what_a_library_forgets_when_it_pickles_is_no_difference(tmp_path: Path) -> None:
    import pickle

    from sklearn.utils import Bunch

    made = Bunch(rows=[1, 2])

    assert compared(tmp_path, made, pickle.loads(pickle.dumps(made))).state == "equal"
    assert compared(tmp_path, made, Bunch(rows=[1, 3])).state == "different"


def function_of(source: str) -> Any:
    namespace: dict[str, Any] = {"__name__": "elsewhere"}
    exec(compile(source, "cell", "exec"), namespace)
    return namespace["f"]


def test_a_function_is_what_it_does_wherever_its_imports_stand(tmp_path: Path) -> None:
    body = "def f(a):\n    for one in a:\n        if one:\n            return np.dot(one, a)\n    return np.dot(a, a)"
    function = function_of(body)
    assert compared(tmp_path, function, function_of(f"import numpy as np\n{body}")).state == "equal"
    assert compared(tmp_path, function, function_of(body.replace("np.dot(a, a)", "np.sum(a, a)"))).state == "different"
    assert compared(tmp_path, function, function_of(body.replace("if one", "if not one"))).state == "different"
    assert (
        compared(tmp_path, function, function_of(body.replace("return np.dot(a, a)", "return a"))).state == "different"
    )


def test_functions_of_the_same_words_differ_by_what_they_take_and_where_they_go_on(tmp_path: Path) -> None:
    first, second = function_of("def f(a, b):\n    return a"), function_of("def f(a, b):\n    return b")
    assert compared(tmp_path, first, second).state == "different"
    counts = "def f(a, b):\n    n = 0\n    for one in a:\n        if one:\n            n += 1\n{}    return n"
    beside, inside = "        if b:\n            n += 1\n", "            if b:\n                n += 1\n"
    assert (
        compared(tmp_path, function_of(counts.format(beside)), function_of(counts.format(inside))).state == "different"
    )
    assert compared(tmp_path, function_of(counts.format(inside)), function_of(counts.format(inside))).state == "equal"


def test_memory_that_is_shared_on_one_side_alone_is_told_apart(tmp_path: Path) -> None:
    rows = np.arange(6.0)
    shared, apart = {"rows": rows, "first": rows[:3]}, {"rows": rows, "first": rows[:3].copy()}
    found = compared(tmp_path, shared, apart)
    assert (found.state, found.only_memory) == ("different", True)
    assert "shares memory with" in found.difference
    other = compared(tmp_path, shared, {"rows": rows, "first": rows[:3] + 1})
    assert (other.state, other.only_memory) == ("different", False)
