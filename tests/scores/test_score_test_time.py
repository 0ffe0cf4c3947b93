import pytest
import torch
from torch import Generator

from latelier.building import build
from latelier.data.sources import open_images
from latelier.scores import test_time
from latelier.scores.common import Splits


def test_a_prediction_of_many_draws_takes_longer_than_a_code() -> None:
    data = Splits(open_images("digits", split="test"), open_images("digits", split="test"))
    torch.manual_seed(0)
    settings = {"net": "mlp", "net.widths": (8,), "latent": 2, "head": "bayesian_svm"}
    found = test_time.score(build("vae", (1, 8, 8), classes=10, **settings), data, Generator(), images=8)
    assert 0 < found["code ms"] < found["prediction ms"]  # fifty times as much work but for the encoder
    assert test_time.score(build("pca", (1, 8, 8), latent=2), data, Generator()).keys() == {"code ms"}


@pytest.mark.parametrize("images", [1, 10_000])
def test_blocks_are_bounded(images: int) -> None:
    data = Splits(open_images("digits", split="test"), open_images("digits", split="test"))
    assert test_time.score(build("pca", (1, 8, 8), latent=2), data, Generator(), images=images)["code ms"] > 0
