"""What a sheet is drawn from."""

from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
from torch import Generator, Tensor

from latelier.core import Model


class View(NamedTuple):
    """A model, in eval mode, beside pictures of some data and the log of its training."""

    model: Model
    image: Tensor  # [n, c, h, w] floats in [0, 1], pictures of the data, on the model's device
    names: list[str]  # n file names or row numbers
    label: list[str]  # n class names, "" = unknown
    log: list[
        dict[str, Any]
    ]  # records of log.jsonl: "seen", "terms": {name: value}, perhaps "validation": {name: value}
    title: str  # what is shown, e.g. "vae on digits:test"
    generator: Generator  # on the model's device

    def caption(self, row: int) -> str:
        """The class of that picture, or the last part of its name where the class is unknown."""
        return self.label[row] or PurePath(self.names[row]).name


def pixels(image: Tensor) -> np.ndarray:
    """Floats [n, c, h, w] in [0, 1] on any device -> uint8 [n, h, w, c], rounded; what lies outside is clipped."""
    return image.detach().float().clamp(0, 1).mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
