from dataclasses import replace

import numpy as np
import pytest
import torch
from scores.fakes import Fake, images_from
from torch import Generator, Tensor

from latelier.core import Clusters
from latelier.errors import Refusal
from latelier.scores.clustering import matched, score
from latelier.scores.common import Splits

RNG = np.random.default_rng(0)


class ByLevel(Fake, Clusters):
    """Its category is how bright an image is, of this many steps, in an order of its own."""

    def __init__(self, steps: int = 3):
        super().__init__((1, 2, 2))
        self.steps = steps

    def clusters(self, image: Tensor) -> Tensor:
        if not self.steps:
            return image.new_zeros(len(image), 0)
        step = (image.mean((1, 2, 3)) * self.steps).long().clamp(max=self.steps - 1)
        return torch.nn.functional.one_hot(self.steps - 1 - step, self.steps).float()


def drawn(n: int) -> Splits:
    label = np.arange(n) % 3
    levels = (80 * label + 20)[:, None, None, None] + RNG.integers(0, 20, (n, 2, 2, 1))
    images = replace(images_from(levels.astype(np.uint8), label), classes=("dark", "grey", "light"))
    return Splits(images, images)


def test_categories_that_are_the_classes_under_other_numbers_are_all_right() -> None:
    values = score(ByLevel(), drawn(30), Generator().manual_seed(0))
    assert values["categories %"] == 100
    assert values["categories NMI"] == pytest.approx(1)
    assert values["categories ARI"] == pytest.approx(1)
    assert values["k-means %"] == 100


def test_a_category_without_a_class_is_wrong() -> None:
    values = score(ByLevel(12), drawn(30), Generator().manual_seed(0))
    assert values["categories %"] < 100
    assert 0 < values["categories NMI"] < 1


def test_unlabelled_images_do_not_count() -> None:
    data = drawn(30)
    label = np.where(np.arange(30) < 3, -1, data.fit.label)
    some = replace(data.fit, label=label)
    assert score(ByLevel(), Splits(some, some), Generator().manual_seed(0))["categories %"] == 100


def test_the_matching_is_one_to_one_and_the_best() -> None:
    category = np.array([0, 0, 0, 1, 1, 2])
    label = np.array([1, 1, 0, 1, 1, 0])  # both 0 and 1 would rather be class 1
    assert matched(category, label) == {1: 1, 0: 0} or matched(category, label) == {0: 1, 2: 0}
    table = matched(category, label)
    assert sum(table.get(c) == k for c, k in zip(category.tolist(), label.tolist(), strict=True)) == 3


def test_a_model_without_categories_is_refused() -> None:
    with pytest.raises(Refusal, match="this model has no categories; train it with some"):
        score(ByLevel(0), drawn(6), Generator().manual_seed(0))
