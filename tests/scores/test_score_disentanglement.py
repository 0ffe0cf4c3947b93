from dataclasses import replace

import numpy as np
import pytest
from scores.fakes import Reads, crossed, images_from, noise
from torch import Generator

from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.scores import disentanglement
from latelier.scores.common import Splits
from latelier.scores.record import run_scores

NAMES = ("kind", "size", "place", "hue", "turn")
SHAPE = (1, 1, 5)
LEVELS = crossed(4, 5)  # 1,024 rows: codes are read in more than one block
PIXELS = Reads(SHAPE, 5, lambda image: image.flatten(1))
ALL = ["MIG", "SAP", "beta-VAE", "FactorVAE", *(f"DCI {name}ness" for name in ("complete", "informative"))]


def painted(levels: np.ndarray, names: tuple[str, ...] = NAMES) -> Images:
    """Each pixel shows one factor."""
    return replace(images_from(60 * LEVELS[:, None, :, None]), factors=names, truth={"levels": levels})


def scored(data: Splits) -> dict[str, float]:
    return disentanglement.score(PIXELS, data, Generator().manual_seed(0))


def test_a_pixel_for_each_factor_scores_one_from_images_to_record() -> None:
    """Also that codes are never reshaped where they should be transposed: mixed latents know no factor."""
    images = painted(LEVELS)
    values = scored(Splits(images, images))
    assert values == pytest.approx(
        {"factors": 5, "latents": 5, **dict.fromkeys([*ALL, "DCI disentanglement"], 1.0)}, abs=0.03
    )
    assert values == scored(Splits(images, images))


def test_factors_are_matched_by_name() -> None:
    test = replace(painted(LEVELS[:, ::-1]), factors=NAMES[::-1])
    hidden = replace(test, truth={"levels": test.truth["levels"] * [1, 0, 1, 1, 1]})
    assert scored(Splits(painted(LEVELS), test))["SAP"] == pytest.approx(1)
    values = scored(Splits(painted(LEVELS), hidden))
    assert values["factors"] == 4  # one does not vary in the test images
    assert values["SAP"] == pytest.approx(1)


def test_of_a_class_alone_there_are_mig_and_sap_on_request() -> None:
    images = images_from(60 * LEVELS[:, None, :, None], LEVELS[:, 2])
    data = Splits(images, images)
    assert "disentanglement" not in [record["name"] for record in run_scores(PIXELS, data, limit=100)]
    record = run_scores(PIXELS, data, ["disentanglement"])[0]
    assert record["values"] == pytest.approx({"factors": 1, "latents": 5, "MIG": 1, "SAP": 1})


def test_where_factors_are_known_it_is_among_the_scores() -> None:
    data = Splits(painted(LEVELS), painted(LEVELS))
    assert [record["name"] for record in run_scores(PIXELS, data) if "values" in record] == ["disentanglement"]


def test_images_of_which_nothing_is_known_are_refused() -> None:
    data = Splits(noise(20, SHAPE), noise(20, SHAPE))
    with pytest.raises(Refusal, match='score "disentanglement" needs known factors, but drawn has none'):
        run_scores(PIXELS, data, ["disentanglement"])
    with pytest.raises(Refusal, match="no known factor of drawn varies"):
        run_scores(PIXELS, Splits(painted(LEVELS), painted(LEVELS)), ["disentanglement"], limit=1)
