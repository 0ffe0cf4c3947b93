"""How far a run's reconstructions are from the images, of a sample of them, computed in slices."""

from typing import NamedTuple

import numpy as np

from latelier.core import Decodes, Encodes, need
from latelier.explore.opened_run import OpenedRun
from latelier.nets.eval_mode import evaluating
from latelier.scores.reconstruction import psnr
from latelier.slices import Slices

MOST = 2_000  # images of the sample, drawn by seed 0: the same of every run on the same images
BLOCK, VALUES = 64, 1 << 18  # images of a slice at most, and pixel values


class Sample(NamedTuple):
    """Some images and how well they are reconstructed."""

    rows: np.ndarray  # int64 [n]
    psnr: np.ndarray  # float64 [n], dB


def sampled(opened: OpenedRun) -> Slices[Sample]:
    """Of the run's images, some."""
    model = opened.model
    rows = np.sort(np.random.default_rng(0).permutation(len(opened.shown))[:MOST])
    size, found = max(1, min(BLOCK, VALUES // int(np.prod(model.image)))), list[np.ndarray]()
    for start in range(0, len(rows), size):
        with evaluating(model):
            image = opened.shown.floats(rows[start : start + size]).to(opened.device)
            again = need(model, Decodes).decode(need(model, Encodes).encode(image).mode())
            found.append(psnr(image, again).double().cpu().numpy())
        yield min(1.0, (start + size) / len(rows))
    return Sample(rows, np.concatenate(found))
