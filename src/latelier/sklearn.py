"""A trained run as a scikit-learn transformer: images in, codes out.

    make_pipeline(LatentFeatures("runs/first"), LogisticRegression())

works like any estimator, in cross-validation and grid search too, in several processes as well.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import validate_data
from torch import Tensor

from latelier.codes.rows import flat, tabled
from latelier.core import Encodes, Features, Model, need
from latelier.data.images import to_float
from latelier.device import pick_device
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.runs.building import load

SLACK = 1e-6  # by which scaled values may miss [0, 1]


class LatentFeatures(TransformerMixin, BaseEstimator):
    """The most likely code of each image, or with ``depth`` the trunk's activations there, from a trained run.

    Nothing is learned by ``fit``: it opens the run and checks the images. These are an array [n, h, w] (grey),
    [n, h, w, c], or the same flattened, [n, h*w*c]; either uint8 from 0 to 255 or floats from 0 to 1 (scikit-learn's
    digits run from 0 to 16: divide them by 16). ``transform`` gives float32 [n, k].

    Parameters
    ----------
    run : run folder or weights file.
    depth : name of a depth of the trunk; None gives the code.
    batch : images on the device at once.
    device : "cpu", "cuda", ...; None takes a GPU where there is one.

    Attributes
    ----------
    n_features_in_ : h * w * c of the run's images.
    feature_names_in_ : names of the columns, if ``fit`` was given a data frame.
    """

    _model: tuple[tuple[str, str | None], Model] | None = None  # (run, device) and what was opened there; never pickled

    def __init__(self, run: str | Path, *, depth: str | None = None, batch: int = 512, device: str | None = None):
        self.run = run
        self.depth = depth
        self.batch = batch
        self.device = device

    def fit(self, X: Any, y: Any = None) -> Self:
        """Opens the run and checks the images. Raises Refusal for those that it cannot read, and an unknown depth."""
        self._model = None  # the run may have been trained on
        self._rows(X, reset=True)
        self.get_feature_names_out()
        return self

    def transform(self, X: Any) -> np.ndarray:
        """float32 [n, k]. Raises Refusal as ``fit`` does."""
        pixels, model = self._rows(X, reset=False), self._opened()
        c, h, w = model.image
        blocks = []
        for start in range(0, len(pixels), self.batch):
            rows = pixels[start : start + self.batch].reshape(-1, h, w, c)
            if rows.dtype == np.uint8:
                image = to_float(torch.from_numpy(np.array(rows)))
            else:
                image = torch.from_numpy(rows.astype(np.float32)).permute(0, 3, 1, 2)
            blocks.append(self._read(image).cpu().numpy())
        return np.concatenate(blocks)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Name of each column: the latent's or depth's name and a number, as ``latelier encode`` has them. What the
        images' columns are called does not matter."""
        model = self._opened()
        if self.depth is None:
            widths = {name: math.prod(model.latents[name].shape) for name in tabled(model)}
        else:
            widths = {self.depth: self._read(torch.zeros(1, *model.image)).shape[1]}
        return np.array([f"{name}[{i}]" for name, width in widths.items() for i in range(width)], dtype=object)

    def _read(self, image: Tensor) -> Tensor:
        """Floats [b, c, h, w] in [0, 1] -> [b, k]."""
        model = self._opened()
        image = image.to(next(iter(model.state_dict().values())).device)
        with evaluating(model):
            if self.depth is None:
                return flat(need(model, Encodes).encode(image).mode(), model)
            return need(model, Features).features(image, self.depth).float()

    def _rows(self, X: Any, reset: bool) -> np.ndarray:
        """The images as rows [n, h*w*c], checked."""
        c, h, w = self._opened().image
        shape = tuple(getattr(X, "shape", ()))
        if len(shape) in (3, 4):
            if shape[1:] != (h, w, c) and (shape[1:] != (h, w) or c != 1):
                raise Refusal(f"{self.run} reads images [n, {h}, {w}, {c}], but X is {list(shape)}; scale to fit")
            X = np.asarray(X).reshape(len(X), -1)
        return self._images(validate_data(self, X, reset=reset))

    def _images(self, rows: np.ndarray) -> np.ndarray:
        """The rows as they are, if they can be images of the run."""
        c, h, w = self._opened().image
        if rows.shape[1] != h * w * c:
            raise Refusal(
                f"{self.run} reads images of {h} x {w} x {c} = {h * w * c} values, but X has {rows.shape[1]} columns"
            )
        if rows.dtype != np.uint8 and (rows.min() < -SLACK or rows.max() > 1 + SLACK):
            negative = "Negative values in data: " if rows.min() < -SLACK else ""  # scikit-learn's own words
            raise Refusal(
                f"{negative}images of type {rows.dtype} have values from 0 to 1, but X runs from {rows.min():g} to "
                f"{rows.max():g}: scale it (scikit-learn's digits: X / 16), or give 8-bit values as uint8"
            )
        return rows

    def _opened(self) -> Model:
        wanted = (str(self.run), self.device)
        if self._model is None or self._model[0] != wanted:
            self._model = wanted, load(self.run).to(pick_device(self.device))
        return self._model[1]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_model"}

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = []
        return tags
