"""Every term of training over the images seen."""

from re import findall
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from latelier.errors import Refusal
from latelier.sheets.plot import blank, light, rendered
from latelier.sheets.view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

needs: tuple[type, ...] = ()
INK, MARK = "#2d2d2d", "#d75f00"
NATS = "nats an image"
UNITS = {  # a word of a term's name -> its unit
    "accuracy": "share of images",
    "says": "probability",
    "psnr": "dB",
    **dict.fromkeys(("elbo", "iwae", "distortion", "reconstruction", "rate", "kl", "penalty", "entropy"), NATS),
}

Curve = tuple[list[int], list[float]]  # images seen, values


def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: one panel a term; training drawn through, validation dashed. Raises Refusal for an empty log."""
    training, validation = curves(view.log, "terms"), curves(view.log, "validation")
    terms = list(dict.fromkeys([*training, *validation]))
    if not terms:
        raise Refusal("losses needs the log of a training, and this one is empty: train the model first")
    return _figure(view.title, terms, training, validation)


def curves(log: list[dict[str, Any]], kind: str) -> dict[str, Curve]:
    """Term -> its curve, out of the records' "terms" or "validation". Of two records of one moment the later counts.
    Images of which none has a label say nothing of labels: that their loss is 0 is no curve."""
    found: dict[str, dict[int, float]] = {}
    for record in log:
        terms = record.get(kind, {})
        for term, value in terms.items():
            if terms.get("labelled", 1.0) or not term.startswith("label"):
                found.setdefault(term, {})[record["seen"]] = value
    return {term: (sorted(points), [points[seen] for seen in sorted(points)]) for term, points in found.items()}


def unit(term: str) -> str:
    """The unit of a term, by its name, or nothing."""
    return next((UNITS[word] for word in findall("[a-z]+", term.lower()) if word in UNITS), "")


def _figure(title: str, terms: list[str], training: dict[str, Curve], validation: dict[str, Curve]) -> np.ndarray:
    across = min(3, len(terms))
    down = -(-len(terms) // across)
    inches = (7.0, 10.0, 13.0)[across - 1]
    figure = blank(inches, 3.0 * down + 0.9)
    figure.suptitle(fill(f"{title}: every term over the images seen", int(9 * inches)), parse_math=False)
    for place, term in enumerate(terms):
        _panel(figure.add_subplot(down, across, place + 1), term, training.get(term), validation.get(term))
    return rendered(figure)


def _panel(panel: "Axes", term: str, training: Curve | None, validation: Curve | None) -> None:
    from matplotlib.ticker import EngFormatter

    for curve, label, style, colour in ((training, "training", "-", INK), (validation, "validation", "--", MARK)):
        if curve is not None:
            lonely = len(curve[0]) == 1  # one point has no line
            panel.plot(*curve, style, marker="o" if lonely else "", color=colour, label=label, linewidth=1.4)
    if validation is not None:
        panel.legend(frameon=False)
    panel.set_title(fill(term, 40), fontsize=11, parse_math=False)
    panel.set_xlabel("images seen")
    panel.set_ylabel(unit(term))
    panel.xaxis.set_major_formatter(EngFormatter(sep=""))
    light(panel)
