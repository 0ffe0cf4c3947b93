"""A rehearsal of a recipe: every one of its trainings, scores and sheets, as small as they can be, to see that it runs.

What it prints is no measurement.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from latelier.data.sources.builtin import EMBEDDED
from latelier.scores.common import Splits

STEPS = 2  # of a training
BATCH = 32  # images a step at most, and labels of them a class
FIT, TEST = 300, 24  # images to learn from and to measure on, at most
SIDE = 32  # px at most
SHARE = 0.01  # of other lengths: epochs of fine-tuning, of an RBM
OPTIONS: dict[str, dict[str, Any]] = {  # of scores, in place of a recipe's
    "captions": {"beam": 1, "draws": 1},
    "conditional": {"samples": 8, "steps": 10},
    "frozen_probe": {"epochs": 1},
    "test_time": {"images": 2},
}
GREY = 28  # px, of what takes the place of MNIST and its like


def stand_in(source: str) -> str:
    """An embedded set in place of one that has to be fetched: grey digits for digits, scenes for all in colour."""
    if source in EMBEDDED:
        return source
    return "digits" if "mnist" in source else "scenes"


def shortened(arguments: Mapping[str, Any], source: str, own: str) -> dict[str, Any]:
    """Those of ``latelier.train``, for a few steps on few images of ``source``, which takes the place of the recipe's
    ``own``. Nets see images of the size that they were made for, or of 32 px where that is less."""
    small = {**arguments, "data": source, "epochs": None, "steps": STEPS}
    for name, most in (("images", FIT), ("labels", BATCH), ("captions", FIT), ("batch", BATCH), ("size", SIDE)):
        if small[name] is not None:
            small[name] = min(small[name], most)
    if small["size"] is None and source == "digits" != own:
        small["size"] = GREY
    return small


def few(splits: Splits) -> Splits:
    """The same with few images to fit on, those first whose labels the model knows, and few to measure on."""
    first = [rows for rows in (splits.labelled_rows, splits.learned_rows) if rows is not None]
    order = np.concatenate([*first, np.arange(len(splits.fit))])
    rows = np.sort(order[np.sort(np.unique(order, return_index=True)[1])][:FIT])
    test = splits.test.take(np.arange(min(TEST, len(splits.test))))
    return splits._replace(
        fit=splits.fit.take(rows),
        test=test,
        labelled_rows=_among(rows, splits.labelled_rows),
        learned_rows=_among(rows, splits.learned_rows),
    )


def _among(rows: np.ndarray, known: np.ndarray | None) -> np.ndarray | None:
    """Places in ``rows`` of those that are known."""
    return None if known is None else np.flatnonzero(np.isin(rows, known))
