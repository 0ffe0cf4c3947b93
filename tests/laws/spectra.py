"""Tiny images whose principal components are known, and models whose weights are set by hand."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from latelier.core import Batch, Model, Progress
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.engine.players import differentiate, players_of

CPU = torch.device("cpu")
HADAMARD = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], dtype=torch.float64)


def images_from(pixels: np.ndarray) -> Images:
    """uint8 [n, h, w] as a set of grey images without labels."""
    n = len(pixels)
    names = [str(i) for i in range(n)]
    return Images(pixels[..., None], np.full(n, -1), np.zeros((n, 0), np.int8), [[]] * n, names)


def factorial(steps: Sequence[int], copies: int = 1) -> Images:
    """2x2 images 128 + sum_j +-steps[j] h_j, all signs, h_j rows of HADAMARD: nothing is rounded, so that their
    covariance has exactly the eigenvectors h_j / 2 and the eigenvalues (2 steps[j] / 255)^2."""
    signs = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * len(steps)).view(-1, len(steps))
    values = 128 + signs * torch.tensor(steps, dtype=torch.float64) @ HADAMARD[: len(steps)]
    return images_from(values.repeat(copies, 1).view(-1, 2, 2).numpy().astype(np.uint8))


def scattered(n: int = 32, side: int = 3) -> Images:
    """Images in a random basis with a falling spectrum."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((side**2, side**2)))[0]
    values = 0.5 + rng.standard_normal((n, side**2)) * 0.8 * 0.6 ** np.arange(side**2) @ basis
    return images_from((255 * values).clip(0, 255).round().astype(np.uint8).reshape(n, side, side))


def rows(images: Images) -> Tensor:
    """[n, pixels] float64 in [0, 1]."""
    return images.floats(slice(None)).flatten(1).double()


def principal(images: Images) -> tuple[Tensor, Tensor, Tensor]:
    """Mean [d], eigenvalues [d] of the covariance (over n, not n - 1), largest first, and its eigenvectors as rows."""
    x = rows(images)
    values, vectors = torch.linalg.eigh((x - x.mean(0)).T @ (x - x.mean(0)) / len(x))
    return x.mean(0), values.flip(0), vectors.T.flip(0)


def batch_of(images: Images) -> Batch:
    """All of them."""
    return Batches(images, len(images), seed=0, device=CPU).rows(torch.arange(len(images)))


def progress(seed: int = 0) -> Progress:
    return Progress(0, 1000, torch.Generator().manual_seed(seed))


def loss_and_gradient(model: Model, batch: Batch, seed: int = 0) -> tuple[float, list[Tensor]]:
    """What the one player of a model with one move minimises on the batch, and its gradient."""
    (move,) = model.moves()
    losses = move(batch, progress(seed))
    (gradient,) = differentiate(losses, players_of(model, model.optimisers())).values()
    return float(losses.minimise["model"].detach()), list(gradient)


def largest(gradient: Sequence[Tensor]) -> float:
    """The largest absolute value in it."""
    return max(float(g.abs().max()) for g in gradient)
