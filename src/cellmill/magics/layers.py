"""Places for the nodes of a small DAG: rows from top to bottom, edges that go around the nodes between.

The method is Sugiyama's (K. Sugiyama, S. Tagawa, M. Toda, 1981) in its plainest form: rows by the longest path, places
held free in the rows that an edge passes, order in a row by the mean place of the neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Passes down and up in which rows are sorted; small graphs settle in two or three.
_SWEEPS = 6


@dataclass(frozen=True)
class Layers:
    """Where everything goes, in units of one place.

    Attributes
    ----------
    places
        For each node its place in its row (0 is the middle of the graph) and its row.
    paths
        For each edge, as (upstream, node), the points that it runs through, its ends included.
    width, rows
        The extent: the widest row's places, and the number of rows.
    """

    places: Mapping[str, tuple[float, int]]
    paths: Mapping[tuple[str, str], Sequence[tuple[float, int]]]
    width: int
    rows: int


def lay_out(upstream: Mapping[str, Sequence[str]]) -> Layers:
    """Give each node a place.

    Parameters
    ----------
    upstream
        For each node, in an order in which every node stands after its upstream, the nodes that it follows.

    Examples
    --------
    >>> found = lay_out({"load": [], "left": ["load"], "right": ["load"], "join": ["left", "right"]})
    >>> found.places["load"], found.places["left"], found.places["right"], found.places["join"]
    ((0.0, 0), (-0.5, 1), (0.5, 1), (0.0, 2))
    """
    row: dict[str, int] = {}
    for name, before in upstream.items():
        row[name] = max((row[one] + 1 for one in before), default=0)
    chains = {(one, name): _chain(one, name, row) for name, before in upstream.items() for one in before}
    rows: list[list[str]] = [[] for _ in range(max(row.values(), default=-1) + 1)]
    for name in upstream:
        rows[row[name]].append(name)
    neighbours: dict[str, list[str]] = {}
    for (_, consumer), chain in chains.items():
        for at, one in enumerate(chain[1:-1], start=1):
            rows[row[consumer] - (len(chain) - 1 - at)].append(one)
        for one, other in pairwise(chain):
            neighbours.setdefault(one, []).append(other)
            neighbours.setdefault(other, []).append(one)
    _sort(rows, neighbours)
    place = {
        one: (at - (len(names) - 1) / 2, number) for number, names in enumerate(rows) for at, one in enumerate(names)
    }
    return Layers(
        places={name: place[name] for name in upstream},
        paths={edge: [place[one] for one in chain] for edge, chain in chains.items()},
        width=max(map(len, rows), default=0),
        rows=len(rows),
    )


def _chain(start: str, end: str, row: Mapping[str, int]) -> list[str]:
    """The edge's ends, and between them a name for the place that it takes in each row that it passes."""
    between = [f"{start}\n{end}\n{number}" for number in range(row[start] + 1, row[end])]
    return [start, *between, end]


def _sort(rows: list[list[str]], neighbours: Mapping[str, Sequence[str]]) -> None:
    for sweep in range(_SWEEPS):
        downward = sweep % 2 == 0
        numbers = range(1, len(rows)) if downward else range(len(rows) - 2, -1, -1)
        for number in numbers:
            beside = rows[number - 1 if downward else number + 1]
            at = {one: place - (len(beside) - 1) / 2 for place, one in enumerate(beside)}
            own = {one: place - (len(rows[number]) - 1) / 2 for place, one in enumerate(rows[number])}

            def mean(one: str, at: dict[str, float] = at, own: dict[str, float] = own) -> float:
                found = [at[other] for other in neighbours.get(one, ()) if other in at]
                return sum(found) / len(found) if found else own[one]

            rows[number].sort(key=mean)
