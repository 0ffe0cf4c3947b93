"""Plots as images: matplotlib without pyplot, whose state is global."""

from typing import TYPE_CHECKING

import numpy as np

from latelier.terminal.say import escaped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS = 100  # px an inch


def blank(width: float, height: float) -> "Figure":
    """An empty figure of this many inches that keeps its texts apart."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return Figure(figsize=(width, height), dpi=DOTS, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))


def light(panel: "Axes") -> None:
    """The house's axes: a pale grid and no frame above and on the right."""
    panel.grid(color="#e5e5e5", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def rendered(figure: "Figure") -> np.ndarray:
    """uint8 [H, W, 3]. What no font can show, bytes of names that are not UTF-8, is written out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if (shown := escaped(text.get_text())) != text.get_text():
            text.set_text(shown)

    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
