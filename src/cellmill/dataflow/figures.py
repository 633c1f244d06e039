"""pyplot's current figure: drawn on without being named, so that it joins steps though no variable does.

In a notebook the figure is closed when its cell ends, unless the backend or a setting keeps it. Where it is kept, a
step that goes on with another's figure would draw on an empty one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cellmill.dataflow.effects import Effects, FigureUse, Site
from cellmill.findings import Finding
from cellmill.rules.state import FigureAcrossSteps

if TYPE_CHECKING:
    from cellmill.dataflow.liveness import Liveness

_OPENS = frozenset("figure subplots subplot_mosaic".split())
_CLOSES = frozenset("show close clf".split())
_USES = frozenset(
    "savefig gcf gca title suptitle xlabel ylabel xlim ylim xticks yticks xscale yscale legend grid axis tight_layout "
    "colorbar text figtext annotate sca cla delaxes subplots_adjust axhline axvline axhspan axvspan draw margins "
    "twinx twiny clim minorticks_on ticklabel_format tick_params table".split()
)
_DRAWS = frozenset(
    "plot scatter bar barh hist hist2d boxplot violinplot imshow matshow pcolormesh contour contourf fill fill_between "
    "errorbar pie stem step loglog semilogx semilogy plot_date hexbin quiver streamplot vlines hlines stackplot "
    "eventplot specgram psd subplot axes spy tricontour tripcolor polar".split()
)
_PYPLOT = "matplotlib.pyplot."


def note_call(dotted: str, effects: Effects, site: Site) -> None:
    """Note what a library function does to the current figure."""
    if dotted in ("matplotlib.use", "matplotlib.pyplot.switch_backend"):
        _note("keeps", effects, site)
    elif dotted.startswith(_PYPLOT):
        name = dotted.removeprefix(_PYPLOT)
        for kind, names in _KINDS:
            if name in names:
                _note(kind, effects, site)
    elif dotted.startswith("seaborn.") and dotted.endswith("plot"):
        _note("draws", effects, site)


_KINDS: tuple[tuple[FigureUse, frozenset[str]], ...] = (
    ("opens", _OPENS),
    ("closes", _CLOSES),
    ("uses", _USES),
    ("draws", _DRAWS),
)


def note_method(name: str, effects: Effects, site: Site) -> None:
    """``df.plot()`` draws on the current figure, or on one that it makes the current one."""
    if name in ("plot", "hist", "boxplot"):
        _note("draws", effects, site)


def _note(kind: FigureUse, effects: Effects, site: Site) -> None:
    if not effects.figures or effects.figures[-1][0] != kind:
        effects.figures.append((kind, site))


def across_steps(live: Liveness) -> Iterator[Finding]:
    """A figure that one step begins and another goes on with."""
    kept = any(_keeps(part.effects) for part in live.parts)
    begun: tuple[str, FigureUse] | None = None
    for part in live.parts[2:]:
        uses = [one for one in part.effects.figures if one[0] != "keeps"]
        if not uses:
            continue
        first, site = uses[0]
        if begun is not None and (first == "uses" or (first == "draws" and (kept or begun[1] == "opens"))):
            yield _finding(begun[0], part.name, site, kept=kept)
        last = uses[-1][0]
        begun = None if last == "closes" else (part.name, last)


def _keeps(effects: Effects) -> bool:
    """Whether figures outlive their cell: another backend than the notebook's own, or a setting."""
    for line, _ in effects.session:
        words = line.split()
        if words[:1] == ["%matplotlib"] and words[1:] not in ([], ["inline"], ["--list"]):
            return True
        if "InlineBackend.close_figures" in line and "False" in line:
            return True
    return any(kind == "keeps" for kind, _ in effects.figures)


def _finding(before: str, step: str, site: Site, *, kept: bool) -> Finding:
    what = (
        f"step {step} goes on with the figure that step {before} began, which belongs to the process and not to a name"
        if kept
        else f"step {step} draws on the current figure, and the one that step {before} began is closed when its cell "
        "ends: in the notebook as in the pipeline this is a new, empty one"
    )
    return FigureAcrossSteps.finding(
        what,
        "keep the cells of one figure in one step",
        severity="error" if kept else "warning",
        step=step,
        name="pyplot",
        cell=site.cell,
        cell_id=site.cell_id,
        line=site.line,
    )
