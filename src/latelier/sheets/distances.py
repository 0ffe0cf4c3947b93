"""How far reconstructions by each level are from their images over training (HALI, figure 3)."""

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from latelier.core import Judges
from latelier.errors import Refusal
from latelier.sheets.losses import Curve, curves
from latelier.sheets.plot import blank, light, rendered
from latelier.sheets.view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

needs = (Judges,)
PANELS = {  # how the terms' names begin -> heading, what is measured
    "cycle": ("in pixels", "squared error, summed over pixels"),
    "embedded": ("for the critic (embedded distance)", "Euclidean distance in its last hidden layer"),
}
OTHERS = {"cycle": "other images", "embedded": "other images embedded"}  # terms that tell how far other images are


def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: two panels, a curve a level; training drawn through, validation dashed. Raises Refusal for a
    log without such terms."""
    training, validation = curves(view.log, "terms"), curves(view.log, "validation")
    if not all(any(_level(term, kind) for term in training) for kind in PANELS):
        raise Refusal(
            'distances needs a log with terms such as "cycle z1" and "embedded z1", and this one has none: train a '
            "method with a joint critic (hali, ali or bigan, with game=on), or train longer"
        )
    figure = blank(10.0, 4.4)
    figure.suptitle(fill(f"{view.title}: distance of reconstructions", 90), parse_math=False)
    for place, kind in enumerate(PANELS, 1):
        _panel(figure.add_subplot(1, 2, place), kind, training, validation)
    return rendered(figure)


def _panel(panel: "Axes", kind: str, training: dict[str, Curve], validation: dict[str, Curve]) -> None:
    from matplotlib.ticker import EngFormatter

    heading, measured = PANELS[kind]
    terms = [term for term in training if _level(term, kind)]
    for place, term in enumerate(terms):
        lonely = "o" if len(training[term][0]) == 1 else ""  # one point has no line
        panel.plot(*training[term], marker=lonely, color=f"C{place}", label=f"from {_level(term, kind)}", linewidth=1.4)
        if term in validation:
            panel.plot(*validation[term], "--", color=f"C{place}", label="validation", linewidth=1.2)
    if (others := OTHERS[kind]) in training:
        panel.plot(*training[others], ":", color="#696969", label="of another image", linewidth=1.4)
    panel.set_title(heading, fontsize=11)
    panel.set_xlabel("images seen")
    panel.set_ylabel(measured)
    panel.xaxis.set_major_formatter(EngFormatter(sep=""))
    panel.legend(frameon=False)
    light(panel)


def _level(term: str, kind: str) -> str:
    """The level that a term of that kind is about, or nothing."""
    head, _, level = term.partition(" ")
    return level if head == kind else ""
