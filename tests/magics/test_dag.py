"""The picture of a pipeline: every step once, rows by upstream, edges around the steps between, names as text."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from cellmill.magics.dag import Node, draw
from cellmill.magics.layers import lay_out


def corners(svg: str) -> dict[str, tuple[float, float]]:
    found = {}
    for group in ElementTree.fromstring(svg).iter("g"):
        box, title = group.find("rect"), group.find("title")
        if box is not None and title is not None and title.text:
            found[title.text.split()[0]] = (float(box.attrib["x"]), float(box.attrib["y"]))
    return found


def test_every_step_stands_below_what_it_follows_and_on_no_other() -> None:
    upstream = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c", "a"], "e": [], "f": ["d", "e"]}
    places = corners(draw([Node(name, before) for name, before in upstream.items()]))

    assert places.keys() == upstream.keys()
    assert len(set(places.values())) == len(places)
    for name, before in upstream.items():
        assert all(places[one][1] < places[name][1] for one in before)


def test_an_edge_goes_around_the_steps_that_it_passes() -> None:
    layers = lay_out({"a": [], "b": ["a"], "c": ["b", "a"]})

    (_, passing, _) = layers.paths["a", "c"]
    assert passing[1] == layers.places["b"][1]
    assert passing[0] != layers.places["b"][0]


def test_names_with_markup_stay_text_and_long_ones_are_cut_but_told_whole() -> None:
    name = "<script>alert(1)</script>" * 4
    svg = draw(
        [Node(name, (), '<img src="x">', "running", 0.5), Node("later", [name, "unknown"])], {(name, "later"): "<b>"}
    )

    assert "<script" not in svg
    assert "<img" not in svg
    titles = [one.text or "" for one in ElementTree.fromstring(svg).iter("title")]
    assert any(title.startswith(name) for title in titles)
    assert re.search(r">&lt;script&gt;alert\(1\)&lt;/s…<", svg)


def test_nothing_to_draw_is_no_error() -> None:
    assert ElementTree.fromstring(draw([])).tag == "svg"
