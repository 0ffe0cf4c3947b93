"""Whether parts found without labels are parts that are there: occurrence maps against drawn shapes."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import adaptive_avg_pool2d

from latelier.codes.rows import device_of, rows_of, some
from latelier.core import HasParts, HasStages, Model, has, need
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.scores.common import Splits

needs = (HasStages,)
NEEDS_PARTS = True
LIMIT = 2_000
FIT_ROWS = 2_000
CLUSTERS = 16  # of the k-means baseline, where the model has no parts to count
PROTOCOL = (
    "A part's map gives every cell of its grid a number: the probability that it occurs there. Truth: a cell "
    "shows a kind of shape if at least half of its pixels do. AP: average precision over the cells of all "
    f"images, in order of their numbers. For each kind, the part with the highest AP on at most {FIT_ROWS:,} "
    "training images is measured on the test images: best part, with parts used again; matched, each kind with a "
    "part of its own (Hungarian method). Any shape: the best part for all kinds as one; matched, the sum of those that "
    "kinds are matched with. IoU: of the matched part's cells over the threshold that is best on the training images. "
    "Kinds are those that the test images show; one that no part is left for counts as zero. Base: the share of cells, "
    f"which is the AP of a map without information. k-means: as many clusters as parts (otherwise {CLUSTERS}) of the "
    "deepest stage's columns on those training images, each map a softmax over minus the squared distances. Class: "
    "mean over kinds."
)

Maps = Callable[[Images], np.ndarray]  # images -> [n, maps, h, w]


def score(model: Model, data: Splits, generator: Generator) -> dict[str, float]:
    """Average precisions and overlaps, from 0 to 1. Raises Refusal for images without known parts."""
    for images in (data.fit, data.test):
        if "parts" not in images.truth:
            raise Refusal(f"part_consistency: {images.source or 'these images'} have no known parts; give scenes")
    fit, test = some(data.fit, FIT_ROWS, 0), some(data.test, LIMIT, 0)
    values: dict[str, float] = {}
    clusters = CLUSTERS
    if has(model, HasParts):
        finder = need(model, HasParts)
        read = _reader(model, lambda image: finder.parts(image).occurrence)
        clusters = read(fit.take(np.arange(1))).shape[1]
        values |= judge(read, fit, test, "parts")
    columns = _reader(model, lambda image: _deepest(model, image))
    values |= judge(_clusters(columns, fit, clusters, generator.initial_seed()), fit, test, "k-means")
    maps = read if has(model, HasParts) else columns
    truth = shown(test, _grid(maps(test.take(np.arange(1)))), kinds_of(test))
    return values | {"AP class base": float(truth.mean()), "AP any base": float(truth.any(1).mean())}


def judge(read: Maps, fit: Images, test: Images, name: str) -> dict[str, float]:
    """Parts are chosen on ``fit`` and measured on ``test``."""
    from scipy.optimize import linear_sum_assignment

    known, maps = read(fit), read(test)
    kinds = kinds_of(test)
    learn, truth = shown(fit, _grid(known), kinds), shown(test, _grid(maps), kinds)
    parts = range(known.shape[1])
    table = np.array([[average_precision(learn[:, k], known[:, p]) for p in parts] for k in range(len(kinds))])
    anything = [average_precision(np.asarray(learn.any(1)), known[:, p]) for p in parts]
    pairs = list(zip(*linear_sum_assignment(-table), strict=True))
    overlaps = [overlap(learn[:, k], known[:, p], truth[:, k], maps[:, p]) for k, p in pairs]
    matched = [average_precision(truth[:, k], maps[:, p]) for k, p in pairs]
    best = [average_precision(truth[:, k], maps[:, p]) for k, p in enumerate(table.argmax(1))]
    return {
        f"AP class {name} best part": float(np.mean(best)),
        f"AP class {name} matched": sum(matched) / len(kinds),
        f"IoU class {name} matched": sum(overlaps) / len(kinds),
        f"AP any {name}": average_precision(np.asarray(truth.any(1)), maps[:, int(np.argmax(anything))]),
        f"AP any {name} matched": average_precision(np.asarray(truth.any(1)), maps[:, [p for _, p in pairs]].sum(1)),
    }


def kinds_of(images: Images) -> list[int]:
    """Numbers of the kinds of shape that some image shows."""
    return [int(kind) for kind in np.unique(images.truth["parts"]) if kind > 0]


def shown(images: Images, grid: tuple[int, int], kinds: list[int]) -> np.ndarray:
    """bool [n, kinds, h, w]: whether at least half of a cell's pixels show that kind of shape."""
    parts = torch.from_numpy(np.array(images.truth["parts"]))
    blocks = [
        adaptive_avg_pool2d(torch.stack([block == kind for kind in kinds], 1).float(), grid) >= 0.5
        for block in parts.split(256)
    ]
    return torch.cat(blocks).numpy()


def average_precision(truth: np.ndarray, number: np.ndarray) -> float:
    """Of ranking by ``number`` the cells that are true; 0 where no cell is."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth.ravel(), number.ravel())) if truth.any() else 0.0


def overlap(known_truth: np.ndarray, known: np.ndarray, truth: np.ndarray, number: np.ndarray) -> float:
    """Intersection over union of the cells at or over a threshold with the true ones; the threshold is the best of all
    for the known ones."""
    order = np.argsort(-known, axis=None, kind="stable")
    values, hits = known.ravel()[order], known_truth.ravel()[order].cumsum()
    unions = np.arange(1, len(values) + 1) + known_truth.sum() - hits
    last = np.append(values[1:] < values[:-1], True)  # of its value: equal numbers are on one side
    threshold = values[np.argmax(np.where(last, hits / unions, -1))]
    chosen = number >= threshold
    return float((chosen & truth).sum()) / max(1, int((chosen | truth).sum()))


def _reader(model: Model, read: Callable[[Tensor], Tensor]) -> Maps:
    """``read`` (images on the model's device -> [b, maps, h, w]) for any number of images."""

    def maps(images: Images) -> np.ndarray:
        with evaluating(model):
            shape = read(images.floats(np.arange(1)).to(device_of(model))).shape[1:]
        return rows_of(model, images, lambda image: read(image).flatten(1)).reshape(len(images), *shape)

    return maps


def _deepest(model: Model, image: Tensor) -> Tensor:
    """[b, c, h, w] after the last stage that still has places."""
    found = image
    for stage in need(model, HasStages).stages().values():
        image = stage(image)
        if image.ndim == 4 and min(image.shape[2:]) > 1:
            found = image
    return found


def _clusters(columns: Maps, fit: Images, clusters: int, seed: int) -> Maps:
    from sklearn.cluster import MiniBatchKMeans

    def rows(images: Images) -> tuple[np.ndarray, tuple[int, ...]]:
        maps = columns(images)
        return np.moveaxis(maps, 1, -1).reshape(-1, maps.shape[1]), (len(maps), *maps.shape[2:])

    known, _ = rows(fit)
    scale = float(known.std()) or 1.0
    means = MiniBatchKMeans(clusters, random_state=seed % 2**32, n_init=3, batch_size=4096).fit(known / scale)

    def read(images: Images) -> np.ndarray:
        found, (n, h, w) = rows(images)
        squared = torch.from_numpy(-(means.transform(found / scale) ** 2))
        return np.moveaxis(squared.softmax(1).numpy().reshape(n, h, w, -1), -1, 1)

    return read


def _grid(maps: np.ndarray) -> tuple[int, int]:
    return maps.shape[-2], maps.shape[-1]
