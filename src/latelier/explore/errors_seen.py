"""How far a run's reconstructions are from the images, of a sample of them, computed in slices."""

from collections.abc import Generator
from time import monotonic
from typing import NamedTuple

import numpy as np

from latelier.core import Decodes, Encodes, need
from latelier.errors import Refusal
from latelier.explore.codes import WaitingError
from latelier.explore.opened_run import OpenedRun
from latelier.nets.eval_mode import evaluating
from latelier.sheets.reconstruct import psnr

MOST = 2_000  # images of the sample, drawn by seed 0: the same of every run on the same images
BLOCK, VALUES = 64, 1 << 18  # images of a slice at most, and pixel values
PATIENCE = 0.1  # s that one question may take, unless a slice takes longer: others wait meanwhile
EXACT = 100.0  # dB that is told of an image drawn again without any error


class Sample(NamedTuple):
    """Some images and how well they are reconstructed."""

    rows: np.ndarray  # int64 [n]
    psnr: np.ndarray  # float64 [n], dB


def sampled(opened: OpenedRun) -> Generator[float, None, Sample]:
    """Yields the share that is there, slice by slice."""
    model = opened.model
    rows = np.sort(np.random.default_rng(0).permutation(len(opened.shown))[:MOST])
    size, found = max(1, min(BLOCK, VALUES // int(np.prod(model.image)))), list[np.ndarray]()
    for start in range(0, len(rows), size):
        with evaluating(model):
            image = opened.shown.floats(rows[start : start + size]).to(opened.device)
            again = need(model, Decodes).decode(need(model, Encodes).encode(image).mode())
            found.append(psnr(image, again).double().clamp(max=EXACT).cpu().numpy())
        yield min(1.0, (start + size) / len(rows))
    return Sample(rows, np.concatenate(found))


class Errors:
    """The sample of a run, which whoever asks for it goes on with for a moment."""

    def __init__(self, opened: OpenedRun):
        self._slices = sampled(opened)
        self._sample: Sample | None = None

    def sample(self) -> Sample:
        """Raises WaitingError until it is there, and Refusal where a slice has failed before."""
        end = monotonic() + PATIENCE
        while self._sample is None:
            try:
                share = next(self._slices)
            except StopIteration as last:
                if last.value is None:
                    raise Refusal("these images could not be reconstructed; start the explorer again") from last
                self._sample = last.value
                break
            if share < 1 and monotonic() >= end:
                raise WaitingError(share)
        return self._sample
