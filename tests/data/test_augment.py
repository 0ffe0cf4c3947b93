"""Random changes of training images."""

import pytest
import torch
from torch import Generator, Tensor

from latelier.core import Refusal
from latelier.data import augment
from latelier.data.augment import Augment

PARTS = {
    "shift": Augment(shift=2),
    "flip": Augment(flip=True),
    "affine": Augment(affine=1),
    "cutout": Augment(cutout=0.3),
    "colour": Augment(colour=1),
    "strong": augment.strong((3, 12, 10)),
    "all": Augment(2, True, 3.0, 0.5, 3.0),
}
SHAPES = [(1, 8, 8), (3, 12, 10), (2, 7, 9)]


def photos(shape: tuple[int, int, int], count: int = 6) -> Tensor:
    return torch.rand(count, *shape, generator=Generator().manual_seed(1)) * 0.9 + 0.1


def digits(shape: tuple[int, int, int], count: int = 6) -> Tensor:
    image = torch.zeros(count, *shape)
    image[:, :, 2:-2, 2:-2] = photos(shape, count)[:, :, 2:-2, 2:-2]
    return image


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


@pytest.mark.parametrize("images", [photos, digits])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("part", PARTS)
def test_changes_are_a_function_of_the_generator_and_stay_in_range(part, shape, images):
    image = images(shape)
    one, again, other = (PARTS[part](image.clone(), seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert one.shape == image.shape
    assert one.is_contiguous(memory_format=torch.channels_last)
    assert one.isfinite().all()
    assert one.min() >= 0
    assert one.max() <= 1


@pytest.mark.parametrize("image", [photos((3, 9, 8)), digits((1, 9, 8))])
def test_strength_0_changes_nothing(image):
    assert torch.equal(Augment()(image, seeded()), image)


@pytest.mark.parametrize(
    "wrong", [{"shift": -1}, {"affine": -0.5}, {"affine": float("nan")}, {"colour": -1.0}, {"cutout": 1.0}]
)
def test_strengths_out_of_range_are_refused(wrong):
    with pytest.raises(Refusal, match=next(iter(wrong))):
        Augment(**wrong)
