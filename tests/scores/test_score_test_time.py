from typing import Any

import pytest
import torch
from torch import Generator

from latelier.core import Classifies, need
from latelier.data.sources.open import open_images
from latelier.runs.building import build
from latelier.scores import test_time
from latelier.scores.common import Splits


def test_a_class_of_many_draws_takes_longer_than_a_code() -> None:
    data = Splits(open_images("digits", split="test"), open_images("digits", split="test"))
    torch.manual_seed(0)
    settings = {"net": "mlp", "net.widths": (8,), "latent": 2, "head": "bayesian_svm"}
    found = test_time.score(build("vae", (1, 8, 8), classes=10, **settings), data, Generator(), images=8)
    assert 0 < found["code ms"] < found["class ms"]  # fifty times as much work, image by image
    assert test_time.score(build("pca", (1, 8, 8), latent=2), data, Generator()).keys() == {"code ms"}


@pytest.mark.parametrize(
    "settings",
    [{"head": "softmax"}, {"head": "softmax", "head.unlabelled": "consistent", "head.views": 3}, {"head": "none"}],
)
def test_what_is_timed_is_what_classify_says(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a head that averages views, all of these; never draws that no answer is made of."""
    data = Splits(open_images("digits", split="test"), open_images("digits", split="test"))
    model = build("classifier", (1, 8, 8), classes=10, net="mlp", **{"net.widths": (8,), "latent": 2}, **settings)
    teller, told = need(model, Classifies), []
    monkeypatch.setattr(teller, "classify", lambda image, own=teller.classify: told.append(own(image)))
    found = test_time.score(model, data, Generator(), images=8)
    assert found.keys() == {"code ms", "class ms"}
    assert [answer.shape for answer in told] == [(8, 10)] * test_time.ROUNDS


@pytest.mark.parametrize("images", [1, 10_000])
def test_blocks_are_bounded(images: int) -> None:
    data = Splits(open_images("digits", split="test"), open_images("digits", split="test"))
    assert test_time.score(build("pca", (1, 8, 8), latent=2), data, Generator(), images=images)["code ms"] > 0
