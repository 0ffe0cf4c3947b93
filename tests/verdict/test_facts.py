"""Facts that are known beforehand, of models that are not trained."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from every import Case, every, images_of
from scores.fakes import Bell, Fake, LinearGaussian, Names, Reads, Repaints, images_from, noise
from torch import Generator, Tensor

from latelier.core import Classifies, Code, Decodes, Samples, has
from latelier.data.images import Images
from latelier.scores.common import Splits
from latelier.verdict.facts import measured

SHAPE = (1, 8, 8)


def planes(n: int, seed: int) -> Images:
    """Images in three dimensions around mid-grey: PCA of three keeps all but the rounding."""
    bases = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 3)))[0]
    code = np.random.default_rng(seed).normal(size=(n, 3))
    return images_from((128 + 120 * code @ bases.T).clip(0, 255).reshape(n, 8, 8, 1).round())


def halves(n: int, seed: int) -> Images:
    """Class 1 is bright; every second image is of it."""
    label = np.arange(n) % 2
    pixels = np.random.default_rng(seed).integers(0, 100, (n, 8, 8, 1)) + 40 * label[:, None, None, None]
    return images_from(pixels, label)


def facts(model: Fake, fit: Images, test: Images, **options: Any) -> dict[str, float]:
    return measured(model, Splits(fit, test, seen=options.pop("seen", False)), **{"supervised": False, **options})


class Paints(Fake, Decodes, Samples):
    """Draws what a function makes of a standard normal code."""

    def __init__(self, paint: Any):
        super().__init__(SHAPE, z=3)
        self.paint = paint

    def decode(self, code: Code) -> Tensor:
        drawn: Tensor = self.paint(code["z"])
        return drawn

    def sample_prior(self, n: int, generator: Generator) -> Code:
        return {"z": torch.randn(n, 3, generator=generator)}


def test_reconstructions_stand_beside_pca_and_the_mean_of_other_images() -> None:
    fit, test = planes(200, 1), planes(100, 2)
    found = facts(Repaints(SHAPE, lambda image: image + 0.1), fit, test)
    assert found["PSNR"] == pytest.approx(20, abs=1e-3)
    assert found["own error"] == pytest.approx(0.01, rel=1e-4)
    mean = fit.floats(slice(None)).mean(0)
    errors = (test.floats(slice(None)) - mean).square().mean((1, 2, 3))
    assert found["PSNR of mean"] == pytest.approx(float(-10 * errors.log10().mean()), abs=1e-3)
    assert found["other error"] > 0.02
    assert found["images"] == 100
    assert found["seen"] == 0
    assert found["finite"] == 1


def test_pca_has_as_many_numbers_as_a_code_uses() -> None:
    class Three(Repaints):
        """Of its 64 numbers all but three are 0."""

        def encode(self, image: Tensor) -> Any:
            posterior = super().encode(image)
            posterior.mode()["z"][:, 3:] = 0
            return posterior

    found = facts(Three(SHAPE, lambda image: torch.full_like(image, 0.5)), planes(200, 1), planes(100, 2))
    assert found["components"] == found["numbers"] == 3
    assert found["PSNR of PCA"] > 40
    wide = facts(Repaints(SHAPE, lambda image: image), planes(100, 1), planes(100, 2))
    assert (wide["numbers"], wide["components"]) == (64, 16)  # 64 numbers would know 64 pixels by heart
    assert wide["PSNR of PCA"] > 40  # three would do
    assert wide["PSNR"] > 90


def test_baselines_know_the_images_that_the_model_saw() -> None:
    dark, light = images_from(np.full((70, 8, 8, 1), 50)), images_from(np.full((70, 8, 8, 1), 200))
    model = Repaints(SHAPE, lambda image: image)
    unseen, seen = facts(model, dark, light), facts(model, dark, light, seen=True)
    assert unseen["PSNR of mean"] == pytest.approx(-20 * math.log10(150 / 255), abs=0.01)
    assert seen["PSNR of mean"] == pytest.approx(-20 * math.log10(75 / 255), abs=0.01)


def test_units_without_content_are_not_active() -> None:
    images = noise(100, (1, 2, 4))
    found = facts(Bell((1, 2, 4), [0.9, 0.9, 0.0, 0.1]), images, images)
    assert (found["units"], found["active units"]) == (4, 2)
    assert "units" not in facts(Repaints(SHAPE, lambda image: image), planes(70, 1), planes(70, 2))  # no density


def test_what_is_not_finite_is_found() -> None:
    fit, test = planes(100, 1), planes(100, 2)
    assert facts(Reads(SHAPE, 64, lambda image: image.flatten(1) / 0), fit, test)["finite"] == 0
    broken = facts(Repaints(SHAPE, lambda image: image * math.nan), fit, test)
    assert broken["finite"] == 0
    assert "PSNR" not in broken
    assert facts(Paints(lambda z: (z @ torch.ones(3, 64)).view(-1, *SHAPE) * math.inf), fit, test)["finite"] == 0


def test_samples_of_the_law_are_near_and_grey_ones_are_alike() -> None:
    fit, test = planes(200, 1), planes(200, 2)
    bases = torch.from_numpy(np.linalg.qr(np.random.default_rng(0).normal(size=(64, 3)))[0]).float()

    def law(z: Tensor) -> Tensor:
        return ((128 + 120 * z @ bases.T) / 255).clamp(0, 1).view(-1, *SHAPE)

    right = facts(Paints(law), fit, test)
    grey = facts(Paints(lambda z: torch.full((len(z), *SHAPE), 0.5)), fit, test)
    assert right["drawn distance"] < 0.1 * right["drawn distance of mean"] < grey["drawn distance"]
    assert right["drawn distance of Gaussian"] < 0.1 * right["drawn distance of mean"]
    assert right["drawn apart"] == pytest.approx(1, abs=0.3)
    assert grey["drawn apart"] == 0


def test_a_probe_speaks_of_labels_only_where_the_model_never_saw_them() -> None:
    fit, test = halves(300, 1), halves(100, 2)
    model = Reads(SHAPE, 1, lambda image: image.mean((1, 2, 3))[:, None])
    found = facts(model, fit, test)
    assert found["accuracy of codes"] > 98
    assert found["largest class"] == 50
    assert found["labels a class"] == 100
    assert 0 <= found["accuracy lead error"] < 3
    assert "accuracy of codes" not in facts(model, fit, test, supervised=True)
    assert "accuracy of codes" not in facts(model, planes(100, 1), planes(100, 2))  # without labels


def test_a_classifier_stands_beside_guessing_and_a_baseline_of_as_many_labels() -> None:
    fit, test = halves(300, 1), halves(100, 2)
    model = Names(SHAPE, 1, lambda image: image.mean((1, 2, 3))[:, None])
    found = facts(model, fit, test, supervised=True)
    assert found["accuracy"] == found["largest class"] == 50
    assert found["baseline accuracy"] > 90
    assert found["baseline labels"] == 300
    assert facts(model, fit, test, supervised=True, labels=5)["baseline labels"] == 10


def test_a_classifier_that_no_measured_label_tells_of_is_found() -> None:
    fit, test = halves(300, 1), halves(100, 2)
    model = Names(SHAPE, 1, lambda image: image.mean((1, 2, 3))[:, None])
    one = np.where(np.arange(100) == 0, test.label, -1)
    found = facts(model, fit, replace(test, label=one), supervised=True)
    assert found["unlabelled"] == 1
    assert "accuracy" not in found
    assert "unlabelled" not in facts(model, fit, test, supervised=True)
    reads = Reads(SHAPE, 1, lambda image: image.mean((1, 2, 3))[:, None])
    assert "unlabelled" not in facts(reads, planes(100, 1), planes(100, 2))  # it tells none


def test_measuring_is_repeatable_and_leaves_torchs_own_noise_alone() -> None:
    images = noise(100)
    before = torch.random.get_rng_state()
    one, other = (facts(LinearGaussian(), images, images) for _ in range(2))
    assert one == other
    assert len(one) > 8
    assert torch.equal(torch.random.get_rng_state(), before)


@every
def test_every_method_untrained_is_told_that_it_has_not_learned(case: Case) -> None:
    model, _ = case.build()
    images = images_of(case)
    found = measured(model, Splits(images, images, seen=True), supervised=has(model, Classifies))
    assert all(math.isfinite(value) for value in found.values())
    says = [finding for finding in model.findings({**found, "shown": 0.0}) if finding.level == "warning"]
    assert any("not learned" in finding.text or "look all alike" in finding.text for finding in says)
