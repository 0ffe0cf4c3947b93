import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.linalg import sqrtm
from scores.fakes import LinearGaussian, Repaints, noise
from torch import Generator, Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from latelier.core import Code, Samples
from latelier.data.drawn.scenes import draw_scenes
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.scores import extractor as machinery
from latelier.scores.common import Splits
from latelier.scores.extractor import Inception, RandomTrunk, features, inception
from latelier.scores.fid import Gaussian, fitted, frechet, score

GOLDEN = [0.00846765, 0.01192225, 0.20023683, 0.04349425]
KINDS = ["reconstructions", "training images"]


def scored(data: Splits, repaint=lambda image: image, **options) -> dict[str, float]:
    return score(Repaints(data.test.shape, repaint), data, Generator().manual_seed(0), **options)


@pytest.fixture(scope="module")
def scenes() -> Splits:
    images = draw_scenes(160, size=32, seed=0)
    return Splits(images.take(np.arange(80)), images.take(np.arange(80, 160)))


# ---- the formula


def gaussian(mean: np.ndarray, covariance: np.ndarray) -> Gaussian:
    return Gaussian(mean, np.linalg.cholesky(covariance).T)


def test_diagonal_gaussians_in_closed_form() -> None:
    sd, other, shift = np.array([0.1, 1.0, 3.0]), np.array([2.0, 0.0, 3.5]), np.array([1.0, -2.0, 0.5])
    one, two = Gaussian(np.zeros(3), np.diag(sd)), Gaussian(shift, np.diag(other))
    assert frechet(one, two) == pytest.approx(np.square(shift).sum() + np.square(sd - other).sum(), rel=1e-12)


def test_any_gaussians_as_by_the_matrix_square_root() -> None:
    m, k, *x = np.random.default_rng(0).normal(size=(26, 6))
    s, t = np.cov(x[:12], rowvar=False), np.cov(x[12:], rowvar=False)
    expected = np.square(m - k).sum() + np.trace(s + t - 2 * sqrtm(s @ t).real)
    assert frechet(gaussian(m, s), gaussian(k, t)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("n", [3, 20, 200])  # 20 features: both singular covariances and others
def test_of_rows_it_is_zero_of_a_set_with_itself_symmetric_and_the_squared_shift(n) -> None:
    shift, *rest = np.random.default_rng(0).normal(size=(2 * n + 1, 20))
    rows, others = np.array(rest[:n]) + 100, np.array(rest[n:])
    assert frechet(fitted(rows), fitted(rows)) == pytest.approx(0, abs=1e-10)
    assert frechet(fitted(rows), fitted(rows[::-1])) == pytest.approx(0, abs=1e-10)
    assert frechet(fitted(rows), fitted(rows + shift)) == pytest.approx(np.square(shift).sum(), rel=1e-10)
    assert frechet(fitted(rows), fitted(others)) == pytest.approx(frechet(fitted(others), fitted(rows)), rel=1e-10)
    centred = (rows - rows.mean(0)) * 3
    scaled = fitted(rows.mean(0) + centred)  # equal means, 9 times the covariance: (3 - 1)^2 of its trace
    assert frechet(fitted(rows), scaled) == pytest.approx(4 * rows.var(0, ddof=1).sum(), rel=1e-10)


def test_a_singular_covariance_is_as_exact_as_another() -> None:
    """Two sets on lines at an angle: tr (S1 S2)^(1/2) is sd1 sd2 |cos|, which squares of rounding errors would spoil:
    sqrt(1e-16) is 1e-8 for each of 300 directions."""
    step = np.linspace(-1, 1, 50)[:, None]
    one, two = np.zeros((1, 300)), np.zeros((1, 300))
    one[0, 0], two[0, :2] = 1, (0.6, 0.8)
    variance = step.var(ddof=1)
    assert frechet(fitted(step * one), fitted(step * two)) == pytest.approx(2 * variance * (1 - 0.6), abs=1e-13)


def test_its_bias_falls_with_the_number_of_rows() -> None:
    # Of two samples of one normal, in 20 dimensions: about 250 / n. A ratio under 3, where 10 is expected, is over 8
    # sds off (of its logarithm, over 200 repetitions): a false alarm in 10^15.
    rng = np.random.default_rng(0)
    values = [frechet(fitted(rng.normal(size=(n, 20))), fitted(rng.normal(size=(n, 20)))) for n in (50, 500, 5_000)]
    assert values[0] > 3 * values[1] > 9 * values[2] > 0


# ---- its own features


def test_the_extractor_is_the_same_everywhere_and_leaves_the_worlds_randomness_alone() -> None:
    state = torch.get_rng_state()
    extractor = RandomTrunk()
    assert torch.equal(torch.get_rng_state(), state)
    ramp = torch.linspace(0, 1, 3 * 32 * 40).reshape(1, 3, 32, 40)
    found = features(extractor, [ramp])
    assert found.shape == (1, 512)
    # Other weights would give other distances under the same protocol: these numbers may not move.
    np.testing.assert_allclose(found[0, [0, 64, 200, 511]], GOLDEN, rtol=1e-3)


def test_features_are_means_and_sds_over_places_of_every_stage() -> None:
    extractor, image = RandomTrunk(), torch.rand(2, 3, 48, 32, generator=Generator().manual_seed(0))
    maps = [(255 * image).round() / 255]
    with evaluating(extractor):
        for stage in extractor.stages:
            maps.append(stage(maps[-1]))
    del maps[0]
    assert [tuple(x.shape[1:]) for x in maps] == [(64, 12, 8), (64, 12, 8), (128, 6, 4)]
    expected = np.concatenate([f(x.numpy(), axis=(2, 3)) for x in maps for f in (np.mean, np.std)], 1)
    np.testing.assert_allclose(features(extractor, [image]), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "sides"), [((8, 8), (32, 32)), ((28, 28), (32, 32)), ((36, 43), (40, 40)), ((64, 32), (64, 32))]
)
def test_sides_become_multiples_of_8_and_32_at_least(shape, sides) -> None:
    extractor, image = RandomTrunk(), torch.rand(2, 3, *shape, generator=Generator().manual_seed(0))
    resized = interpolate(image, sides, mode="bilinear", antialias=True)
    with evaluating(extractor):
        torch.testing.assert_close(extractor(image), extractor(resized))


def test_images_are_clipped_rounded_to_8_bits_and_grey_is_repeated() -> None:
    extractor, levels = RandomTrunk(), torch.tensor([0.0, 51.0, 255.0]).repeat_interleave(32 * 32).view(3, 1, 32, 32)
    image = levels / 255
    off = image + torch.tensor([-0.3, 0.0019, 0.4]).view(3, 1, 1, 1)
    read = features(extractor, [image])
    assert np.array_equal(features(extractor, [off]), read)
    assert np.array_equal(features(extractor, [image.expand(-1, 3, -1, -1)]), read)
    assert len(np.unique(read.sum(1))) == 3


# ---- the score


def test_exact_reconstructions_are_at_zero_and_training_images_at_the_floor(scenes) -> None:
    values = scored(scenes)
    assert list(values) == [f"Frechet distance of {kind}" for kind in KINDS]
    assert values["Frechet distance of reconstructions"] == pytest.approx(0, abs=1e-9)
    black = scored(scenes, torch.zeros_like)["Frechet distance of reconstructions"]
    assert 0 < 5 * values["Frechet distance of training images"] < black


def soft(image: Tensor, width: int) -> Tensor:
    return interpolate(avg_pool2d(image, width), image.shape[2:], mode="bilinear")


def noisy(image: Tensor, sd: float) -> Tensor:
    return image + sd * torch.randn(image.shape, generator=Generator().manual_seed(1))


@pytest.mark.parametrize(("harm", "strengths"), [(soft, (2, 4, 8)), (noisy, (0.02, 0.1, 0.5))])
def test_it_grows_with_blur_and_with_noise(scenes, harm, strengths) -> None:
    found = [
        scored(scenes, lambda image, s=s: harm(image, s))["Frechet distance of reconstructions"] for s in strengths
    ]
    assert 0 < 1.5 * found[0] < found[1] < found[2] / 1.5


def test_the_order_of_the_images_does_not_matter(scenes) -> None:
    order = np.random.default_rng(0).permutation(80)
    mixed = Splits(scenes.fit.take(order), scenes.test.take(order))
    assert scored(mixed, lambda image: image**2) == pytest.approx(scored(scenes, lambda image: image**2), rel=1e-5)


def test_as_many_training_images_as_test_images_are_drawn_by_the_seed(scenes, monkeypatch) -> None:
    few, read = scenes._replace(test=scenes.test.take(np.arange(30))), []
    blocks = Images.blocks
    monkeypatch.setattr(Images, "blocks", lambda self, size=512: read.append(len(self)) or blocks(self, size))
    first, second = [
        score(Repaints(few.test.shape, torch.zeros_like), few, Generator().manual_seed(seed)) for seed in (1, 2)
    ]
    assert read == [30, 30, 30] * 2  # test images, those to reconstruct, training images
    assert first["Frechet distance of reconstructions"] == second["Frechet distance of reconstructions"]
    assert first["Frechet distance of training images"] != second["Frechet distance of training images"]


class Remembers(Repaints, Samples):
    """Its prior is the images that it was given, in their order."""

    def __init__(self, images: Images):
        super().__init__(images.shape, torch.zeros_like)
        self.repaint = lambda image: image
        self.memory, self.asked = images.floats(slice(None)).flatten(1), []

    def sample_prior(self, n: int, generator: Generator) -> Code:
        start = sum(self.asked)
        self.asked.append(n)
        return {"z": self.memory[start : start + n]}


def test_samples_are_as_many_as_the_test_images(scenes, monkeypatch) -> None:
    monkeypatch.setattr(machinery, "BLOCK", 32)
    model = Remembers(scenes.fit)
    values = score(model, scenes, Generator())
    assert model.asked == [32, 32, 16]
    assert values["Frechet distance of samples"] == pytest.approx(values["Frechet distance of training images"])
    assert list(values)[1] == "Frechet distance of samples"


def test_samples_are_the_generators(scenes) -> None:
    images = noise(4, (1, 2, 3))
    drawn = [score(LinearGaussian(), Splits(images, images), Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    values = [one["Frechet distance of samples"] for one in drawn]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize("counts", [(1, 4), (4, 1)])
def test_one_image_has_no_covariance(counts) -> None:
    with pytest.raises(Refusal, match="fid: drawn has 1 image, but the spread of a set needs two at least"):
        scored(Splits(*(noise(n, (1, 4, 4)) for n in counts)))


def test_images_that_are_not_numbers_are_refused() -> None:
    images = noise(3, (1, 4, 4))
    with pytest.raises(Refusal, match="fid: not all reconstructions are finite numbers"):
        scored(Splits(images, images), lambda image: image * torch.nan)


# ---- Inception's


def test_inception_is_given_299_px_in_minus_1_to_1() -> None:
    image = torch.rand(2, 1, 16, 400, generator=Generator().manual_seed(0))
    resized = interpolate((255 * image).round() / 255, (299, 299), mode="bilinear", antialias=True)
    found = features(Inception(nn.Flatten()), [image])
    np.testing.assert_allclose(found, (2 * resized - 1).expand(-1, 3, -1, -1).flatten(1).numpy(), atol=1e-6)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict as torchvision writes it, with the auxiliary head; nobody's weights."""
    from torchvision.models import inception_v3

    path = tmp_path_factory.mktemp("weights") / "inception.safetensors"
    torch.manual_seed(0)
    net = inception_v3(weights=None, init_weights=False)
    kept = {name: tensor.half() for name, tensor in net.state_dict().items() if not name.endswith("batches_tracked")}
    save_file(kept, path)
    return path


@pytest.mark.slow
def test_inceptions_features_are_torchvisions_pooled_ones(weights) -> None:
    from safetensors.torch import load_file
    from torchvision.models import inception_v3

    net = inception_v3(weights=None, init_weights=False)
    net.load_state_dict(load_file(weights), strict=False)
    pooled = []
    net.avgpool.register_forward_hook(lambda _, given, answer: pooled.append(answer.flatten(1)))
    image = torch.rand(2, 1, 16, 24, generator=Generator().manual_seed(0))
    levels = interpolate((255 * image).round() / 255, (299, 299), mode="bilinear", antialias=True)
    with evaluating(net):
        net((levels.expand(-1, 3, -1, -1) - 0.5) / 0.5)
    found = features(inception(weights, "fid"), [image])
    assert found.shape == (2, 2048)
    np.testing.assert_allclose(found, pooled[0].numpy(), rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_with_weights_values_are_named_fid(weights) -> None:
    images = noise(2, (1, 4, 4))
    values = scored(Splits(images, images), weights=str(weights))
    assert values == pytest.approx({f"FID of {kind}": 0 for kind in KINDS}, abs=1e-6)


def test_weights_that_do_not_fit_are_refused(tmp_path) -> None:
    images = noise(2, (1, 4, 4))
    data, file = Splits(images, images), tmp_path / "some.safetensors"
    with pytest.raises(Refusal, match=r"fid: weights=\S*some.safetensors cannot be read"):
        scored(data, weights=str(file))
    file.write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(Refusal, match=r"fid: weights=\S*some.safetensors cannot be read .*; give a safetensors file"):
        scored(data, weights=str(file))
    save_file({"weight": torch.zeros(2)}, file)
    with pytest.raises(
        Refusal, match=r"not of torchvision's inception_v3: .* has no tensor 'Conv2d_1a_3x3.conv.weight'"
    ):
        scored(data, weights=str(file))


def test_without_torchvision_one_line_says_what_to_install(monkeypatch, tmp_path) -> None:
    images = noise(2, (1, 4, 4))
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(Refusal, match=r"fid: weights are read by torchvision .*: pip install 'latelier\[vision\]'"):
        scored(Splits(images, images), weights=str(tmp_path / "weights"))
