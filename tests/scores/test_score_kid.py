from dataclasses import replace

import numpy as np
import pytest
import torch
from scores.fakes import LinearGaussian, Repaints, images_from, noise
from torch import Generator

from latelier.errors import Refusal
from latelier.scores import kid
from latelier.scores.common import Splits
from latelier.scores.extractor import Pixels
from latelier.scores.kid import distance, score


def scored(data: Splits, repaint=lambda image: image, **options) -> dict[str, float]:
    return score(Repaints(data.test.shape, repaint), data, Generator().manual_seed(0), **options)


def test_the_formula_is_torchmetrics() -> None:
    from torchmetrics.image.kid import poly_mmd

    one, other = np.random.default_rng(0).normal(size=(2, 20, 7))
    other += 0.3
    expected = poly_mmd(torch.from_numpy(one), torch.from_numpy(other))
    assert distance(one, other) == pytest.approx(float(expected), rel=1e-10)


def test_the_formula_is_the_definition() -> None:
    one, other = np.random.default_rng(0).normal(size=(2, 5, 3))

    def kernel(a, b):
        return (a @ b / 3 + 1) ** 3

    pairs = [(i, j) for i in range(5) for j in range(5)]
    within = np.mean([kernel(one[i], one[j]) + kernel(other[i], other[j]) for i, j in pairs if i != j])
    assert distance(one, other) == pytest.approx(within - 2 * np.mean([kernel(one[i], other[j]) for i, j in pairs]))


def test_of_one_law_it_is_zero_on_average_and_grows_with_a_shift() -> None:
    # The mean of 400 has a standard error of 1/20 of their sd: outside of 5 of those once in 2 million.
    sets = np.random.default_rng(0).normal(size=(400, 2, 10, 4))
    drawn = np.array([distance(one, other) for one, other in sets])
    assert drawn.min() < 0
    assert abs(drawn.mean()) < 5 * drawn.std() / 20
    shifted = [np.mean([distance(one, other + shift) for one, other in sets]) for shift in (0.5, 1.0, 2.0)]
    assert 5 * drawn.std() / 20 < shifted[0] < shifted[1] < shifted[2]


def test_subsets_are_of_half_the_smaller_set_and_of_size_at_most(monkeypatch) -> None:
    sizes = []
    monkeypatch.setattr(kid, "distance", lambda one, other: sizes.append((len(one), len(other))) or float(len(sizes)))
    data = Splits(noise(9, (1, 4, 4)), noise(20, (1, 4, 4)))
    values = scored(data, subsets=2)
    assert sizes == [(10, 10)] * 2 + [(4, 4)] * 2  # of reconstructions, of training images
    assert values["kernel distance of reconstructions"] == 1.5
    assert values["kernel distance of reconstructions sd"] == 0.5
    monkeypatch.setattr(kid, "SIZE", 3)
    scored(data, subsets=1)
    assert sizes[4:] == [(3, 3)] * 2


def test_harm_is_farther_than_training_images_and_the_seed_draws_the_subsets() -> None:
    data = Splits(noise(40, (1, 8, 8), 1), noise(40, (1, 8, 8), 2))
    dark = scored(data, lambda image: image / 3, subsets=10)
    assert dark["kernel distance of reconstructions"] > 10 * abs(dark["kernel distance of training images"]) > 0
    again = scored(data, lambda image: image / 3, subsets=10)
    assert dark == again
    model = Repaints(data.test.shape, lambda image: image / 3)
    assert score(model, data, Generator().manual_seed(1), subsets=10) != dark


def test_samples_are_measured_where_there_is_a_prior() -> None:
    images = noise(8, (1, 2, 3))
    values = score(LinearGaussian(), Splits(images, images), Generator().manual_seed(0), subsets=2)
    assert "kernel distance of samples" in values


def test_a_judge_of_the_images_own_classes_can_be_asked(monkeypatch) -> None:
    label = np.arange(60) % 2
    pixels = np.random.default_rng(0).integers(0, 60, (60, 8, 8, 1)).astype(np.uint8)
    pixels[label == 1, :4] += 150  # the upper half is light
    known = replace(images_from(pixels, label), classes=("dark", "light above"))
    data = Splits(known, known)
    upside_down = scored(data, lambda image: image.flip(2), subsets=4, features="judge")
    assert set(upside_down) >= {"kernel distance by a judge of reconstructions"}
    assert all("by a judge" in name or name == "judge %" for name in upside_down)
    assert upside_down["judge %"] > 90
    away = upside_down["kernel distance by a judge of reconstructions"]
    assert away > 10 * abs(upside_down["kernel distance by a judge of training images"])
    bare = Splits(noise(8, (1, 4, 4)), noise(8, (1, 4, 4)))
    with pytest.raises(Refusal, match=r"kid: .* a classifier of an attribute learns from at least 6 images"):
        scored(bare, features="judge")
    with pytest.raises(Refusal, match="features=judge asks for a judge; give one of the two"):
        scored(bare, features="judge", weights="some.safetensors")


def test_too_few_are_refused() -> None:
    few = Splits(noise(3, (1, 4, 4)), noise(8, (1, 4, 4)))
    with pytest.raises(Refusal, match="kid: 4 images a split and 1 subset are needed at least, not 3 and 100"):
        scored(few)
    with pytest.raises(Refusal, match=r"kid: weights=\S*none.safetensors cannot be read"):
        scored(Splits(few.test, few.test), weights="none.safetensors")
    with pytest.raises(Refusal, match="kid: not all reconstructions are finite"):
        scored(Splits(few.test, few.test), lambda image: image * torch.nan)


def test_pixels_in_closed_form_and_they_know_where_things_are() -> None:
    grey = images_from(np.full((8, 20, 4, 1), 102))  # of 20 px a side, 16 are left
    values = scored(Splits(grey, grey), lambda image: image + 0.2, subsets=2, features="pixels")
    exact = 1.16**3 + 1.36**3 - 2 * 1.24**3  # the kernel of .4 and .6
    assert values["kernel distance in pixels of reconstructions"] == pytest.approx(exact, rel=1e-4)
    assert values["kernel distance in pixels of training images"] == pytest.approx(0, abs=1e-6)
    assert Pixels()(torch.zeros(8, 3, 20, 4)).shape == (8, 3 * 16 * 4)
    above = np.random.default_rng(0).integers(0, 60, (40, 32, 32, 1))
    above[:, :16] += 150
    data = Splits(images_from(above), images_from(above))
    turned = {
        kind: scored(data, lambda image: image.flip(2), subsets=4, features=kind) for kind in ("random", "pixels")
    }
    black = {kind: scored(data, torch.zeros_like, subsets=4, features=kind) for kind in turned}
    shares = {
        kind: next(iter(turned[kind].values())) / next(iter(black[kind].values())) for kind in turned
    }  # of reconstructions that are turned upside down, and black
    assert shares["pixels"] > 2 * shares["random"]
    with pytest.raises(Refusal, match="features=pixels asks for pixels; give one of the two"):
        scored(data, features="pixels", weights="some.safetensors")
