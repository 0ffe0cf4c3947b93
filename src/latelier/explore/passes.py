"""Long looks at all images, or all codes, of a run: generators that say after each slice what share is done, and return
columns by name: of all images, or of those that codes are of."""

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
import torch

from latelier.core import Classifies, Decodes, Encodes, need
from latelier.explore.codes import BLOCK
from latelier.nets.eval_mode import evaluating
from latelier.runs.calibration import kept
from latelier.scores.calibration import tempered

if TYPE_CHECKING:
    from latelier.explore.opened_run import OpenedRun

NEIGHBOUR = 10  # the nearest code but so many tells how far away an image is
PAIRS = 1 << 23  # distances in a slice
CLUSTERS = 10  # that are looked for
SEEN = 1024  # codes in a slice of clustering
ROUNDS = 3  # over all codes
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


def outlying(opened: "OpenedRun") -> Found:
    """``outlier``, float32: the distance from each code to the ``NEIGHBOUR``-th nearest other, or to the farthest of
    fewer."""
    codes = torch.from_numpy(opened.codes.rows())
    count, squares = len(codes), codes.square().sum(1)
    away, step = np.empty(count, np.float32), max(1, PAIRS // len(codes))
    for start in range(0, count, step):
        some = codes[start : start + step]
        square = squares - 2 * some @ codes.T
        square[torch.arange(len(some)), torch.arange(start, start + len(some))] = torch.inf  # not oneself
        nearest = square.topk(min(NEIGHBOUR, max(1, count - 1)), largest=False).indices[:, -1]
        away[start : start + step] = (some - codes[nearest]).norm(dim=1).numpy()  # exact, where squares would cancel
        yield min(1.0, (start + step) / count)
    return {"outlier": away}


def clustered(opened: "OpenedRun") -> Found:
    """``cluster``, int32: by k-means of the codes, the largest cluster first."""
    from sklearn.cluster import MiniBatchKMeans

    codes, draw = opened.codes.rows(), np.random.default_rng(0)
    starts = range(0, len(codes), SEEN)
    solver = MiniBatchKMeans(min(CLUSTERS, len(codes)), random_state=0, n_init=1)
    for round_ in range(ROUNDS):
        order = draw.permutation(len(codes))
        for start in starts:
            some = codes[order[start : start + SEEN]]
            if start and len(some) < SEEN:
                break  # the rest is too few to begin with
            solver.partial_fit(some)
            yield 0.9 * (round_ + start / len(codes)) / ROUNDS
    found = np.empty(len(codes), np.int32)
    for start in starts:
        found[start : start + SEEN] = solver.predict(codes[start : start + SEEN])
        yield 0.9 + 0.1 * start / len(codes)
    rank = np.argsort(np.argsort(-np.bincount(found, minlength=solver.n_clusters), kind="stable"))
    return {"cluster": rank[found].astype(np.int32)}
