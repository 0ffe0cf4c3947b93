"""The restricted Boltzmann machine against enumeration, and against scikit-learn's own."""

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from sklearn.neural_network import BernoulliRBM
from torch import Generator, Tensor

from latelier.models import rbm
from latelier.runs.building import build

PATTERNS = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1]]).float()


def fitted(**settings: object) -> rbm.Model:
    model = build("rbm", image=(1, 2, 2), **{"units": 3, "batch": 20, "epochs": 150, "rate": 0.2, **settings})
    assert isinstance(model, rbm.Model)
    data = PATTERNS.repeat(100, 1).view(-1, 1, 2, 2)

    def blocks() -> Iterator[Tensor]:
        yield from data.split(64)

    model.fit(blocks, Generator().manual_seed(0))
    return model


def joint(model: rbm.Model) -> tuple[Tensor, Tensor, Tensor]:
    """All v [16, 4] and h [8, 3], and p(v, h) [16, 8]."""
    v, h = (torch.tensor(list(itertools.product((0.0, 1.0), repeat=n))) for n in (4, 3))
    energy = v @ model.weight.T @ h.T + (v @ model.visible)[:, None] + h @ model.hidden
    return v, h, energy.flatten().softmax(0).view(16, 8)


def test_code_and_image_are_the_conditional_means() -> None:
    model = fitted(epochs=5)
    v, h, p = joint(model)
    expected = (p / p.sum(1, keepdim=True)) @ h
    assert torch.allclose(model.encode(v.view(-1, 1, 2, 2)).mode()["h"], expected, atol=1e-5)
    expected = (p / p.sum(0)).T @ v
    assert torch.allclose(model.decode({"h": h}).flatten(1), expected, atol=1e-5)


def test_code_is_scikit_learns() -> None:
    model = fitted(epochs=2)
    theirs = BernoulliRBM(3)
    theirs.components_ = model.weight.numpy()
    theirs.intercept_hidden_, theirs.intercept_visible_ = model.hidden.numpy(), model.visible.numpy()
    image = torch.rand(6, 1, 2, 2)
    ours = model.encode(image).mode()["h"].numpy()
    assert np.allclose(ours, theirs.transform(image.flatten(1).numpy()), atol=1e-6)


def test_it_learns_the_two_patterns() -> None:
    v, _, p = joint(fitted())
    of_patterns = float(p.sum(1)[(v[:, None] == PATTERNS).all(2).any(1)].sum())
    assert of_patterns > 0.7  # two of sixteen images: .125 by chance


def test_samples_follow_the_joint_distribution() -> None:
    model = build("rbm", image=(1, 2, 2), units=3)
    assert isinstance(model, rbm.Model)
    generator = Generator().manual_seed(1)
    for tensor in (model.weight, model.visible, model.hidden):
        tensor.copy_(torch.randn(tensor.shape, generator=generator))
    _, h, p = joint(model)
    drawn = model.sample_prior(4000, generator)["h"]
    found = (drawn[:, None] == h).all(2).float().mean(0)
    # Eight cells of 4,000 draws: .04 is five standard errors of .008, false alarm below 1e-5.
    assert (found - p.sum(0)).abs().max() < 0.04


def test_every_batch_is_full() -> None:
    rows = [torch.full((7, 1, 2, 2), float(i)) for i in range(9)]
    batches = list(rbm._batches(iter(rows), 20, np.random.RandomState(0)))
    assert [len(batch) for batch in batches] == [20] * 4
    assert {int(batch[i, 0]) for batch in batches for i in range(20)} == set(range(9))
