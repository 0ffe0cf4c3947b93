"""``at(step, size)``: rows that differ in one known factor alone, a pure function of (seed, step).

A line of a factor is a set of images that share the levels of all other factors and differ in that one.
"""

import numpy as np
import torch
from torch import Tensor

from latelier.data.images import Images
from latelier.data.seeds import mix
from latelier.errors import Refusal


class Lines:
    """An endless sequence of batches out of ``rows``, each from one line. Every factor that varies comes equally often,
    and within a factor every image on a line of it. Raises Refusal where no factor is known or varies, or a factor
    that varies has no line."""

    def __init__(self, images: Images, rows: np.ndarray, seed: int):
        if not images.factors:
            raise Refusal(
                f"{images.source or 'these images'} have no known factors, and this method learns from batches in "
                "which one factor varies; use drawn images that have them (sprites)"
            )
        self._seed = seed
        levels = np.asarray(images.truth["levels"])[rows]
        self._lines = []
        for number in np.flatnonzero(np.ptp(levels, axis=0)).tolist():
            order, starts, stops = _lines(levels, number)
            if len(order) == 0:
                raise Refusal(
                    f"no two images of {images.source or 'this set'} differ in {images.factors[number]} alone, and "
                    "this method learns from such images; use a set with every combination of its factors (sprites)"
                )
            self._lines.append(tuple(map(torch.from_numpy, (rows[order], starts, stops))))
        if not self._lines:
            raise Refusal(f"all factors of {images.source or 'these images'} are constant; give images that differ")

    def at(self, step: int, size: int) -> Tensor:
        """``size`` rows, each image of their line as often as any other give or take one; drawn anew at each step,
        so that the first is as likely as any."""
        generator = torch.Generator().manual_seed(mix(self._seed, step))
        order, starts, stops = self._lines[_below(len(self._lines), generator)]
        place = _below(len(order), generator)
        line = order[starts[place] : stops[place]]
        rounds = torch.rand(-(-size // len(line)), len(line), generator=generator).argsort(1)
        return line[rounds.flatten()[:size]]


def _below(bound: int, generator: torch.Generator) -> int:
    return int(torch.randint(bound, (), generator=generator))


def _lines(levels: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows [m] that lie on a line of that factor, line by line, and where in this order each one's line starts and
    stops."""
    others = np.delete(levels, number, axis=1)
    order = np.lexsort((levels[:, number], *others.T))
    new = np.ones(len(order) + 1, bool)  # whether a line starts here
    new[1:-1] = (others[order][1:] != others[order][:-1]).any(1)
    edges = np.flatnonzero(new)
    own = levels[order, number]  # sorted within a line
    length = np.diff(edges) * (own[edges[1:] - 1] > own[edges[:-1]])  # 0 where nothing varies
    kept = np.repeat(length > 0, np.diff(edges))
    length = length[length > 0]
    stops = np.cumsum(length)
    return order[kept], np.repeat(stops - length, length), np.repeat(stops, length)
