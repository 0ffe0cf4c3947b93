import numpy as np
import pytest
import torch
from scores.fakes import Deep, Fake, Point, Repaints, noise
from torch import Tensor, nn

from latelier.codes.rows import codes, features, reconstructions, some
from latelier.core import Encodes, Posterior
from latelier.errors import Refusal

SHAPE = (1, 2, 3)


class TwoLatents(Fake, Encodes):
    """Declares "top" before "low", and its posterior names them the other way round."""

    def __init__(self) -> None:
        super().__init__(SHAPE, top=1, low=6)

    def encode(self, image: Tensor) -> Posterior:
        return Point({"low": image, "top": image.amax((1, 2, 3))[:, None]})


def test_codes_are_all_latents_in_the_declared_order_whatever_the_block() -> None:
    images, model = noise(23, SHAPE), TwoLatents()
    whole = codes(model, images)
    flat = images.floats(slice(None)).flatten(1).numpy()
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(whole, np.concatenate([flat.max(1, keepdims=True), flat], 1))
    np.testing.assert_array_equal(codes(model, images, batch=5), whole)


def test_features_are_read_at_the_named_depth() -> None:
    images, model = noise(9, SHAPE), Deep(SHAPE, 6, lambda image: image.flatten(1))
    np.testing.assert_array_equal(features(model, images, "trunk", batch=4), images.floats(slice(None)).flatten(1))
    with pytest.raises(Refusal, match="no depth 'leaf'"):
        features(model, images, "leaf")


def test_reconstructions_pair_each_image_with_its_mean_without_a_gradient() -> None:
    model = Repaints(SHAPE, lambda image: image / 2 + model.weight)
    pairs = list(reconstructions(model, noise(7, SHAPE), batch=3))
    assert [len(image) for image, _ in pairs] == [3, 3, 1]
    assert all(torch.equal(mean, image / 2) and not mean.requires_grad for image, mean in pairs)
    assert torch.is_grad_enabled()


def test_reading_is_in_evaluation_mode_and_leaves_each_part_as_it_was() -> None:
    model = Repaints(SHAPE, lambda image: image)
    model.frozen = nn.Dropout().eval()
    codes(model, noise(3, SHAPE))
    assert model.modes == [False]
    assert model.training
    assert not model.frozen.training


def test_some_are_drawn_by_the_seed_in_order_and_only_labelled_ones_if_asked() -> None:
    label = np.array([-1, 0, 1, 1, -1, 0, 2, 2, 1, 0])
    images = noise(10, SHAPE, label=label)
    assert some(images, 10, 0) is images
    drawn = some(images, 4, 0)
    rows = [int(name) for name in drawn.names]
    assert rows == sorted(set(rows))
    assert len(rows) == 4
    assert some(images, 4, 0).names == drawn.names
    assert len({tuple(some(images, 4, seed).names) for seed in range(5)}) > 1
    assert [int(name) for name in some(images, 10, 0, labelled=True).names] == [1, 2, 3, 5, 6, 7, 8, 9]


def test_no_images_is_refused() -> None:
    with pytest.raises(Refusal, match="no images"):
        codes(TwoLatents(), noise(0, SHAPE))
