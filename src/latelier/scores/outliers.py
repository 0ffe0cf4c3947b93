"""How well four measures part images of another set and the run's own: AUROC."""

from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from torch import Generator

from latelier.codes.outlying import DRAWS, MEASURES, NEIGHBOUR, Known, outlying
from latelier.codes.rows import codes, some
from latelier.core import Encodes, Model
from latelier.data.images import Images
from latelier.data.sources.open import open_images
from latelier.errors import Refusal
from latelier.scores.common import Splits

needs = (Encodes,)
ON_REQUEST = True  # it needs images of another set
LIMIT = 1_000
FIT_ROWS = 10_000
PROTOCOL = (
    "AUROC: the chance that one of the other images has a larger value than one of the test images, ties as halves; 50 "
    "is chance, under it other images look more usual than the run's own. Of other images as many are drawn, by the "
    f"seed, as there are test images. Distance: from the most likely code to the {NEIGHBOUR}th nearest of at most "
    f"{FIT_ROWS:,} training images' codes. Reconstruction error: mean square. Negative bound: minus the ELBO by "
    f"{DRAWS} draws. Likelihood ratio: that in nats of 8-bit values minus the nats of the image's PNG "
    "(Serra et al. 2020)."
)


def score(
    model: Model, data: Splits, generator: Generator, *, others: str = "", data_root: str = ""
) -> dict[str, float]:
    """AUROC in percent of each measure that the model has, and how many other images there were. ``others`` is the
    source of the other images, as for ``--data``. Raises Refusal if it is left out or cannot be brought to the size of
    the model's images."""
    if not others:
        raise Refusal("outliers: it takes images of another set; give their source with --set outliers.others=SRC")
    seed = generator.initial_seed() % 2**32
    found = some(_opened(model, others, data_root), len(data.test), seed)
    known = Known(codes(model, some(data.own, FIT_ROWS, seed)), [])
    usual, unusual = (outlying(model, images, known, generator) for images in (data.test, found))
    truth = np.repeat([0, 1], [len(data.test), len(found)])
    values = {"other images": float(len(found))}
    for name, title in MEASURES.items():
        if name in usual:
            both = np.nan_to_num(np.concatenate([usual[name], unusual[name]]), nan=np.inf)
            values[f"AUROC of {title} %"] = 100 * float(roc_auc_score(truth, np.clip(both, -1e300, 1e300)))
    return values


def _opened(model: Model, source: str, data_root: str) -> Images:
    channels, height, width = model.image
    size = height if height == width else None
    images = open_images(source, size=size, channels=channels, root=Path(data_root) if data_root else None)
    if images.shape != model.image:
        given, built = ("x".join(map(str, shape)) for shape in (images.shape, model.image))
        raise Refusal(
            f"outliers: {source} has images of {given} (channels x height x width), but the model takes {built}"
        )
    if not len(images):
        raise Refusal(f"outliers: there are no images in {source}")
    return images
