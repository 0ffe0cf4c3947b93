"""Long looks at all images, or all codes, of a run: generators that say after each slice what share is done, and return
columns by name: of all images, or of those that codes are of."""

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
import torch

from latelier.codes.outlying import NEIGHBOUR, block_of, bounds
from latelier.core import Classifies, Decodes, Encodes, need
from latelier.explore.codes import BLOCK
from latelier.nets.eval_mode import evaluating
from latelier.runs.calibration import kept
from latelier.scores.calibration import tempered

if TYPE_CHECKING:
    from latelier.explore.opened_run import OpenedRun

COMPARED = 20_000  # codes with which all are compared
PAIRS = 1 << 21  # distances in a slice
CLUSTERS = 10  # that are looked for
ROUNDS = 25  # over all codes that clusters are found on
STEP = 8192  # codes in a slice of clustering
Found = Generator[float, None, dict[str, np.ndarray]]


def predicted(opened: "OpenedRun") -> Found:
    """``prediction``, int32, and ``confidence``, float32, as the panel Classify has them; unknown where the model gives
    no numbers."""
    model, count = need(opened.model, Classifies), len(opened.shown)
    note = kept(opened.run)
    prediction, confidence = np.full(count, -1, np.int32), np.full(count, np.nan, np.float32)
    for start in range(0, count, BLOCK):
        with evaluating(opened.model):
            block = opened.shown.floats(slice(start, start + BLOCK)).to(opened.device)
            probability = model.classify(block).float().cpu().numpy()
        probability = tempered(probability, 1.0 if note is None else note.value)
        sure = np.isfinite(probability).all(1)
        rows = start + np.flatnonzero(sure)
        prediction[rows], confidence[rows] = probability[sure].argmax(1), probability[sure].max(1)
        yield min(1.0, (start + BLOCK) / count)
    return {"prediction": prediction, "confidence": confidence}


def reconstructed(opened: "OpenedRun") -> Found:
    """``error``, float32: the mean square between an image and its reconstruction, pixels in [0, 1]."""
    encoder, decoder, count = need(opened.model, Encodes), need(opened.model, Decodes), len(opened.shown)
    error = np.full(count, np.nan, np.float32)
    for start in range(0, count, BLOCK):
        with evaluating(opened.model):
            image = opened.shown.floats(slice(start, start + BLOCK)).to(opened.device)
            again = decoder.decode(encoder.encode(image).mode())
            error[start : start + BLOCK] = (again - image).square().flatten(1).mean(1).cpu().numpy()
        yield min(1.0, (start + BLOCK) / count)
    return {"error": error}


def weighed(opened: "OpenedRun") -> Found:
    """``bound`` and ``ratio``, float32, as ``latelier outliers`` has them of seed 0."""
    count, step = len(opened.shown), block_of(opened.model)
    found = {name: np.full(count, np.nan, np.float32) for name in ("bound", "ratio")}
    generator = torch.Generator(opened.device).manual_seed(0)
    for start in range(0, count, step):
        rows = slice(start, start + step)
        image = opened.shown.floats(rows).to(opened.device)
        found["bound"][rows], found["ratio"][rows] = bounds(opened.model, image, opened.shown.pixels[rows], generator)
        yield min(1.0, (start + step) / count)
    return found


def outlying(opened: "OpenedRun") -> Found:
    """``outlier``, float32: the distance from each code to the ``NEIGHBOUR``-th nearest other, or to the farthest of
    fewer; of more than ``COMPARED`` codes, among this many of them."""
    codes = torch.from_numpy(opened.codes.rows())
    picked = _some(len(codes))
    others, place = codes[picked], torch.full((len(codes),), -1)
    place[picked] = torch.arange(len(picked))
    squares, away, step = others.square().sum(1), np.empty(len(codes), np.float32), max(1, PAIRS // len(others))
    for start in range(0, len(codes), step):
        some, own = codes[start : start + step], place[start : start + step]
        square = torch.addmm(squares, some, others.T, alpha=-2)
        among = own >= 0
        square[among.nonzero()[:, 0], own[among]] = torch.inf  # not oneself
        nearest = square.topk(min(NEIGHBOUR, max(1, len(others) - 1)), largest=False).indices[:, -1]
        away[start : start + step] = (some - others[nearest]).norm(dim=1).numpy()  # exact, where squares would cancel
        yield min(1.0, (start + step) / len(codes))
    return {"outlier": away}


def clustered(opened: "OpenedRun") -> Found:
    """``cluster``, int32: by k-means of the codes, found on ``COMPARED`` of them at most, the largest cluster first."""
    codes = torch.from_numpy(opened.codes.rows())
    some, draw = codes[_some(len(codes))], torch.Generator().manual_seed(0)
    centres = some[:1]
    while len(centres) < min(CLUSTERS, len(some)):  # k-means++: the farther from all, the likelier the next
        away = torch.cdist(some, centres).min(1).values.square()
        if not (away.sum() > 0):  # fewer codes that differ than clusters
            break
        centres = torch.cat([centres, some[torch.multinomial(away / away.sum(), 1, generator=draw)]])
        yield 0.0
    for round_ in range(ROUNDS):
        member = torch.cdist(some, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, member, some)
        counts = torch.bincount(member, minlength=len(centres))[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
        yield 0.5 * (round_ + 1) / ROUNDS
    found = torch.empty(len(codes), dtype=torch.int64)
    for start in range(0, len(codes), STEP):
        found[start : start + STEP] = torch.cdist(codes[start : start + STEP], centres).argmin(1)
        yield 0.5 + 0.5 * min(1.0, (start + STEP) / len(codes))
    largest = torch.bincount(found, minlength=len(centres)).argsort(descending=True, stable=True)
    return {"cluster": largest.argsort()[found].numpy().astype(np.int32)}


def _some(count: int) -> torch.Tensor:
    """At most ``COMPARED`` of this many rows, the same always, in their order."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))[:COMPARED].sort().values
