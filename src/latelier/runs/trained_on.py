"""The images that a run was trained on, to compare others with or to fit something on."""

import numpy as np

from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.runs.learned import learned_rows
from latelier.runs.run import Run
from latelier.runs.where import Where


def trained_on(run: Run, where: Where, most: int, seed: int = 0) -> Images:
    """Those that the run learned from, or ``most`` of them drawn by ``seed``: neither what it held out, nor what
    --images left out. Raises Refusal where they are gone, or are no longer those that it was trained on."""
    if not run.config:
        raise Refusal(f"{run.folder} is a lone weights file, which does not say what it was trained on; give the run")
    images = run.images(run.source, Where(where.data_root, where.download), quiet=True, sample=True)
    noted = run.config.get("data", {}).get("fingerprint")
    if noted and noted != images.fingerprint:
        raise Refusal(f"the images or labels of {images.source} are not those that {run.folder} was trained on")
    rows = learned_rows(run.config, images) if noted == images.fingerprint else np.arange(len(images))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return images if len(rows) == len(images) else images.take(rows)
