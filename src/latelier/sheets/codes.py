"""Codes in the plane, coloured by class, beside the same images by principal components of their pixels."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from latelier.codes.rows import flat
from latelier.core import Encodes
from latelier.errors import Refusal
from latelier.sheets.plot import blank, light, rendered
from latelier.sheets.sheet import Panel, compose
from latelier.sheets.view import View, encoded
from latelier.terminal.tables import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

needs = (Encodes,)
IMAGES = 2000
NEIGHBOURS = 5
NAMED = 20  # classes at most that a legend names
UNKNOWN = "#bbbbbb"


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: codes on the left, pixels on the right. Raises Refusal for fewer than three images."""
    if len(view.image) < 3:
        raise Refusal(f"codes needs three images at least and was given {len(view.image)}: give more data")
    code = encoded(view).mode()
    numbers = flat(code, view.model).cpu().numpy()
    size = numbers.shape[1]
    left, share = (numbers, "") if size == 2 else plane(numbers)
    right, pixel_share = plane(view.image.flatten(1).cpu().numpy())
    name = "the code's two numbers" if size == 2 else f"first two principal components of {size} numbers{share}"

    figure = blank(13, 6.4)
    classes = sorted({label for label in view.label if label}, key=_natural)
    headings = (f"code: {name}", f"pixels: first two principal components{pixel_share}")
    for place, (points, heading) in enumerate(zip((left, right), headings, strict=True)):
        panel = figure.add_subplot(1, 2, place + 1)
        accuracy = knn_accuracy(points, view.label)
        known = ""
        if accuracy is not None:
            known = f"\n{NEIGHBOURS} nearest neighbours: {percent(100 * accuracy, len(view.image))} right"
        panel.set_title(heading + known, fontsize=11, parse_math=False)
        _scatter(panel, points, view.label, classes)
    if 1 <= len(classes) <= NAMED:
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center", frameon=False, markerscale=2.5, handletextpad=0.1)
    return compose(f"{view.title}: codes", [[Panel(rendered(figure))]], _footer(view, classes))


def plane(rows: np.ndarray) -> tuple[np.ndarray, str]:
    """rows [n, d] -> their two leading principal components [n, 2] and the share of variance in them, in words. A
    single number is drawn along a line."""
    if rows.shape[1] == 1:
        return np.column_stack([rows, np.zeros(len(rows))]), ""
    from sklearn.decomposition import PCA

    solver = PCA(2, random_state=0)
    with np.errstate(invalid="ignore"):  # rows that are all alike have no variance to share out
        points = solver.fit_transform(rows.astype(np.float64))
    return points, f", {100 * np.nan_to_num(solver.explained_variance_ratio_).sum():.0f} % of variance"


def knn_accuracy(points: np.ndarray, label: list[str], k: int = NEIGHBOURS) -> float | None:
    """Share of the labelled points [n, d] whose class wins among their k nearest others (leave one out); of classes
    with equal votes the one with the nearest point wins. None where fewer than two classes or k + 1 points are known.
    """
    from sklearn.neighbors import NearestNeighbors

    names, number = np.unique([name for name in label if name], return_inverse=True)
    if len(names) < 2 or len(number) <= k:
        return None
    known = points[[bool(name) for name in label]]
    nearest = NearestNeighbors(n_neighbors=k).fit(known).kneighbors(return_distance=False)  # of each, without itself
    weight = 1 + 1e-3 * 2.0 ** -np.arange(k)  # the nearest of equals
    votes = np.zeros((len(number), len(names)))
    for rank in range(k):
        votes[np.arange(len(number)), number[nearest[:, rank]]] += weight[rank]
    return float((votes.argmax(1) == number).mean())


def _scatter(panel: "Axes", points: np.ndarray, label: list[str], classes: list[str]) -> None:
    from matplotlib import colormaps

    colours = colormaps["tab10" if len(classes) <= 10 else "tab20" if len(classes) <= NAMED else "turbo"]
    names, size = np.array(label), 60 / len(points) ** 0.25
    for name, colour in [("", UNKNOWN), *((name, colours(_place(i, len(classes)))) for i, name in enumerate(classes))]:
        x, y = points[names == name].T
        if len(x):
            panel.scatter(x, y, s=size, color=colour, label=name or "unknown", linewidths=0, alpha=0.8)
    panel.set_aspect("equal", adjustable="datalim")
    light(panel)


def _place(number: int, classes: int) -> int | float:
    return number if classes <= NAMED else number / (classes - 1)


def _natural(name: str) -> tuple[bool, float, str]:
    """Numbers by value, before names by letter."""
    return (False, float(name), "") if name.isdigit() else (True, 0.0, name)


def _footer(view: View, classes: list[str]) -> str:
    colours = f", coloured by its class ({len(classes)} in all)" if len(classes) > NAMED else ", coloured by its class"
    judged = (
        f" Above: the share of images whose class wins among their {NEIGHBOURS} nearest neighbours in the plane, "
        "each image left out in turn."
    )
    return (
        f"Each point is one of {len(view.image)} images{colours if classes else ''}. Principal components are those "
        f"of these images; units differ between left and right.{judged if len(classes) > 1 else ''}"
    )
