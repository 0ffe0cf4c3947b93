"""How unlike images are: measures whose values are known of a linear Gaussian model, and the score made of them."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from scores.fakes import LinearGaussian, Reads, images_from, noise

from latelier.codes.outlying import EMPTY_PNG, Known, bounds, complexity, measured, outlying
from latelier.errors import Refusal
from latelier.scores.common import Splits
from latelier.scores.outliers import score

CODES = Reads((1, 2, 3), 6, lambda image: image.flatten(1))


def test_the_bound_of_an_exact_posterior_is_the_evidence() -> None:
    images, model = noise(20), LinearGaussian()
    image = images.floats(slice(None))
    bound, ratio = bounds(model, image, images.pixels, torch.Generator().manual_seed(0))
    assert bound == pytest.approx(-model.evidence(image).numpy(), abs=1e-4)
    expected = bound + 6 * math.log(256) - [complexity(one) for one in images.pixels]
    assert ratio == pytest.approx(expected)


def test_complexity_is_the_length_of_a_png_and_grows_with_noise() -> None:
    flat = np.full((32, 32, 1), 7, np.uint8)
    file = io.BytesIO()
    Image.fromarray(flat[..., 0]).save(file, "PNG", compress_level=9)
    assert complexity(flat) == pytest.approx((len(file.getvalue()) - EMPTY_PNG) * 8 * math.log(2))
    noisy = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    # Noise does not shrink: a byte a value, and one a row for its filter.
    assert complexity(noisy) == pytest.approx((32 * 32 * 3 + 32) * 8 * math.log(2), rel=0.02)
    assert complexity(flat) < complexity(noisy) / 50


def test_distance_is_that_of_the_tenth_nearest_but_oneself() -> None:
    images = noise(30)
    rows = images.floats(slice(None)).flatten(1).numpy()
    away = np.sort(np.linalg.norm(rows[:, None] - rows, axis=2), 1)
    own = Known(rows, [str(name) for name in images.names])
    generator = torch.Generator()
    assert outlying(CODES, images, own, generator)["distance"] == pytest.approx(away[:, 10], abs=1e-6)
    others = outlying(CODES, images, Known(rows, []), generator)["distance"]
    assert others == pytest.approx(away[:, 9], abs=1e-6)  # whose own code counts as another's
    few = outlying(CODES, images, Known(rows[:3], []), generator)["distance"]
    assert few == pytest.approx(np.linalg.norm(rows[:, None] - rows[:3], axis=2).max(1), abs=1e-6)


def test_measures_follow_capabilities() -> None:
    assert measured(CODES) == ("distance",)
    assert measured(LinearGaussian()) == ("distance", "error", "bound", "ratio")


def test_others_are_told_from_the_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    usual = images_from(128 + rng.integers(-40, 40, (60, 2, 3, 1)))
    data = Splits(usual, images_from(128 + rng.integers(-40, 40, (40, 2, 3, 1))))
    asked = {}

    def opened(source: str, **options: object):
        asked.update(options, source=source)
        return images_from(rng.integers(240, 256, (50, 2, 3, 1)))

    monkeypatch.setattr("latelier.scores.outliers.open_images", opened)
    values = score(LinearGaussian(), data, torch.Generator().manual_seed(0), others="far")
    assert asked == {"source": "far", "size": None, "channels": 1, "root": None}
    assert values["other images"] == 40  # as many as test images
    assert values["AUROC of negative bound %"] == values["AUROC of reconstruction error %"] == 100
    monkeypatch.setattr("latelier.scores.outliers.open_images", lambda source, **options: data.test)
    same = score(LinearGaussian(), data, torch.Generator().manual_seed(0), others="same")
    assert same["AUROC of reconstruction error %"] == pytest.approx(50)
    assert same["AUROC of distance in codes %"] == pytest.approx(50)


def test_others_are_asked_for_and_of_the_models_size(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Splits(noise(20), noise(10))
    with pytest.raises(Refusal, match="give their source with --set"):
        score(CODES, data, torch.Generator())
    monkeypatch.setattr("latelier.scores.outliers.open_images", lambda source, **options: noise(4, (1, 2, 2)))
    with pytest.raises(Refusal, match=r"small has images of 1x2x2 .* but the model takes 1x2x3"):
        score(CODES, data, torch.Generator(), others="small")
