import numpy as np
import pytest
import torch
from scores.fakes import Fake, Point, noise
from torch import Generator, Tensor

from latelier.core import Code, Decodes, Encodes, HasLevels, Judges, Posterior, need
from latelier.runs.building import build
from latelier.scores.common import Splits
from latelier.scores.embedded_distance import distance, embedded, score
from latelier.scores.record import run_scores

SHAPE = (1, 2, 3)
DATA = Splits(noise(40, SHAPE, 0), noise(40, SHAPE, 1))


class Judged(Fake, Encodes, Decodes, Judges):
    """Its code is the image; its reconstruction is off by ``off`` in every pixel; its critic multiplies by 10."""

    def __init__(self, off: float = 0.0):
        super().__init__(SHAPE, z=6)
        self.off = off

    def encode(self, image: Tensor) -> Posterior:
        return Point({"z": image.flatten(1)})

    def decode(self, code: Code) -> Tensor:
        return (code["z"] + self.off).unflatten(1, SHAPE)

    def embed(self, image: Tensor, code: Code) -> Tensor:
        return torch.cat([6 * image.flatten(1), 8 * code["z"]], 1)


class Layered(Judged, HasLevels):
    """And of its two levels the upper one knows the first pixel alone."""

    def __init__(self):
        super().__init__()
        self.latents = Fake(SHAPE, z1=6, z2=1).latents

    def encode(self, image: Tensor) -> Posterior:
        return Point({"z1": image.flatten(1), "z2": image.flatten(1)[:, :1]})

    def decode(self, code: Code) -> Tensor:
        return (code["z1"] if "z1" in code else code["z2"].expand(-1, 6)).unflatten(1, SHAPE)

    def embed(self, image: Tensor, code: Code) -> Tensor:
        return image.flatten(1)

    def levels(self) -> tuple[str, ...]:
        return ("z1", "z2")

    def fill(self, code: Code, generator: Generator | None = None) -> Code:
        raise NotImplementedError


def scored(model, data: Splits = DATA, seed: int = 0) -> dict[str, float]:
    return score(model, data, Generator().manual_seed(seed))


def test_known_distances() -> None:
    values = scored(Judged(off=0.1))
    assert list(values) == ["embedded code", "embedded code to others", "pixels code", "pixels code to others"]
    assert values["pixels code"] == pytest.approx(0.1 * 6**0.5, rel=1e-5)
    assert values["embedded code"] == pytest.approx(10 * 0.1 * 6**0.5, rel=1e-5)
    assert values["embedded code to others"] == pytest.approx(10 * values["pixels code to others"], rel=1e-5)


def test_a_perfect_model_is_at_zero_and_others_at_the_mean_distance_of_pairs() -> None:
    values = scored(Judged())
    assert values["embedded code"] == values["pixels code"] == 0
    image = DATA.test.floats(slice(None)).flatten(1)
    pairs = distance(image.repeat_interleave(40, 0), image.repeat(40, 1).reshape(-1, 6))
    mean = float(pairs.sum()) / (40 * 39)
    assert values["pixels code to others"] == pytest.approx(mean, rel=0.2)  # an sd of about 0.04


def test_nobody_is_among_the_others_and_each_is_once() -> None:
    """Images whose only bright pixel tells them: all others are at sqrt(2), oneself would be at 0."""
    bright = noise(6, SHAPE)
    bright.pixels[:] = 255 * np.eye(6, dtype=np.uint8).reshape(6, 2, 3, 1)
    for seed in range(5):
        assert scored(Judged(), Splits(bright, bright), seed)["pixels code to others"] == pytest.approx(2**0.5)


def test_each_level_is_reconstructed_from_itself_alone() -> None:
    values = scored(Layered())
    image = DATA.test.floats(slice(None)).flatten(1)
    assert values["embedded z1"] == 0
    expected = float((image - image[:, :1]).norm(dim=1).mean())
    assert values["embedded z2"] == values["pixels z2"] == pytest.approx(expected, rel=1e-5)


def test_it_is_a_metric_on_embedded_images_of_a_real_critic() -> None:
    """Oracle 8: d(u, u) = 0, symmetric, and the triangle inequality holds."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build("hali", (1, 16, 16), levels=(8, 16), net="table", spread=0.2).eval().requires_grad_(False)
    u, v, w = torch.rand(3, 20, 1, 16, 16, generator=Generator().manual_seed(0))
    a, b, c = (embedded(model, one) for one in (u, v, w))
    assert torch.equal(a, need(model, Judges).embed(u, need(model, Encodes).encode(u).mode()))  # neither noise nor drop
    assert (distance(a, embedded(model, u)) == 0).all()
    assert torch.equal(distance(a, b), distance(b, a))
    assert (distance(a, b) > 0).all()
    assert (distance(a, c) <= (distance(a, b) + distance(b, c)) * (1 + 1e-6)).all()


def test_a_real_hierarchy_has_it() -> None:
    model = build("hali", (1, 16, 16), levels=(8, 16), net="table").eval().requires_grad_(False)
    images = noise(8, (1, 16, 16))
    (record,) = run_scores(model, Splits(images, images), ["embedded_distance"])
    assert list(record["values"])[:2] == ["embedded z1", "embedded z1 to others"]
    assert len(record["values"]) == 8
