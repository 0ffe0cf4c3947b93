"""The linear autoencoder is PCA (Bourlard & Kamp 1988): its optimum, its saddles, its loss; and ``pca`` is
scikit-learn's."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from laws.spectra import CPU, batch_of, factorial, images_from, largest, loss_and_gradient, principal, rows, scattered
from sklearn.decomposition import PCA, IncrementalPCA
from torch import Tensor

from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.engine.loop import train
from latelier.engine.plan import Plan
from latelier.models import autoencoder, pca
from latelier.runs.building import assemble


def linear(image: tuple[int, int, int], latent: int, widths: tuple[int, ...] = ()) -> autoencoder.Model:
    torch.manual_seed(0)
    settings = {"net": "mlp", "net.widths": widths, "net.activation": "none", "net.decoder_activation": "none"}
    settings |= {"latent": latent, "optimiser.betas": (0.9, 0.99)}
    model, _ = assemble("autoencoder", image, (), settings)
    assert isinstance(model, autoencoder.Model)
    return model


def learn(model: autoencoder.Model, images: Images, steps: int, folder: Path) -> None:
    """By our own loop; the batch is the whole set, so that nothing is random after the first weights."""
    n = len(images)
    plan = Plan(total=n * steps, batch=n, rate=0.03, decay="linear", log_every=10**9, save_every=10**9)
    train(model, Batches(images, n, seed=0, device=CPU), plan, folder, {})


def reconstructions(model: autoencoder.Model, images: Images) -> Tensor:
    """[n, d], before they are clamped to [0, 1]."""
    with torch.no_grad():
        return model.decoder(model.encoder(images.floats(slice(None)))).flatten(1).double()


def place(model: autoencoder.Model, directions: Tensor, mean: Tensor) -> None:
    """Tied orthonormal weights: encoder and decoder of these directions [r, d] about the mean."""
    encoder, (decoder, _) = model.encoder.head, model.decoder.children()
    with torch.no_grad():
        encoder.weight.copy_(directions)
        encoder.bias.copy_(-directions @ mean)
        decoder.weight.copy_(directions.T)
        decoder.bias.copy_(mean)


@pytest.mark.parametrize("widths", [(), (5,)], ids=["linear", "deep-linear"])
def test_training_reaches_the_principal_subspace_and_its_loss(tmp_path: Path, widths: tuple[int, ...]) -> None:
    images, r = scattered(), 2
    mean, values, vectors = principal(images)
    model = linear((1, 3, 3), r, widths)
    learn(model, images, 1200, tmp_path)
    ideal = vectors[:r].T @ vectors[:r]  # symmetric, idempotent, of trace r: the projection
    found = reconstructions(model, images)
    torch.testing.assert_close(found, mean + (rows(images) - mean) @ ideal, rtol=0, atol=2e-3)
    # The sine of the largest principal angle: the part of an orthonormal basis of theirs that sticks out of PCA's.
    basis = torch.linalg.svd(found - found.mean(0)).Vh[:r]
    assert torch.linalg.matrix_norm(basis - basis @ ideal, 2) < 1e-3
    loss, _ = loss_and_gradient(model, batch_of(images))
    assert loss == pytest.approx(float(values[r:].sum()), rel=1e-4)


def test_as_many_codes_as_the_images_have_dimensions_leave_no_error(tmp_path: Path) -> None:
    images = factorial((60, 30))
    model = linear((1, 2, 2), latent=2)
    learn(model, images, 600, tmp_path)
    assert loss_and_gradient(model, batch_of(images))[0] < 1e-8


@pytest.mark.parametrize("chosen", [(0, 1), (0, 2), (1, 3), (2, 8)])
def test_every_set_of_eigenvectors_is_stationary_and_all_but_the_first_are_saddles(chosen: tuple[int, int]) -> None:
    images = scattered()
    mean, values, vectors = principal(images)
    model, batch = linear((1, 3, 3), latent=2), batch_of(images)
    place(model, vectors[list(chosen)], mean)
    loss, gradient = loss_and_gradient(model, batch)
    assert largest(gradient) < 1e-5
    assert loss == pytest.approx(float(values.sum() - values[list(chosen)].sum()), rel=1e-4)

    # Turning one direction a little towards the best of those left out.
    better = min(set(range(9)) - set(chosen))
    turned = vectors[list(chosen)].clone()
    turned[1] = math.cos(0.2) * turned[1] + math.sin(0.2) * vectors[better]
    place(model, turned, mean)
    after, gradient = loss_and_gradient(model, batch)
    gain = math.sin(0.2) ** 2 * float(values[better] - values[chosen[1]])
    assert after == pytest.approx(loss - gain, abs=1e-5)
    assert (gain > 0) == (chosen != (0, 1))
    assert largest(gradient) > 1e-2


@pytest.mark.parametrize("whiten", [False, True])
def test_pca_is_scikit_learns(whiten: bool) -> None:
    images = scattered()
    model = pca.Model(pca.Config(latent=4, whiten=whiten), (1, 3, 3))
    report = model.fit(images.blocks, torch.Generator().manual_seed(0))
    x, whole = rows(images).numpy(), images.floats(slice(None))
    theirs = PCA(4, whiten=whiten).fit(x)
    code = model.encode(whole).mode()
    assert np.allclose(code["z"], theirs.transform(x), atol=1e-5)
    assert np.allclose(
        model.decode(code).flatten(1), theirs.inverse_transform(theirs.transform(x)).clip(0, 1), atol=1e-5
    )
    assert np.allclose(model.variance, theirs.explained_variance_, rtol=1e-5)
    assert report["explained variance"] == pytest.approx(theirs.explained_variance_ratio_.sum(), rel=1e-5)


@pytest.mark.parametrize("whiten", [False, True])
def test_images_that_are_all_one_have_a_code_of_zeros(whiten: bool) -> None:
    model = pca.Model(pca.Config(latent=4, whiten=whiten), (1, 3, 3))
    images = images_from(np.full((8, 3, 3), 128, np.uint8))
    assert model.fit(images.blocks, torch.Generator().manual_seed(0)) == {"explained variance": pytest.approx(1)}
    whole = images.floats(slice(None))
    code = model.encode(whole).mode()
    assert code["z"].abs().max() == 0
    assert torch.allclose(model.decode(code), whole)


@pytest.mark.parametrize(("n", "latent"), [(2500, 2), (2001, 2), (2500, 4)])
def test_beyond_the_limit_pca_is_fitted_in_blocks(monkeypatch: pytest.MonkeyPatch, n: int, latent: int) -> None:
    monkeypatch.setattr(pca, "WHOLE", 0)
    rng = np.random.default_rng(0)
    spread = np.array([40.0, 25.0, 12.0, 6.0]) * np.linalg.qr(rng.standard_normal((4, 4)))[0]
    images = images_from((128 + rng.standard_normal((n, 4)) @ spread.T).clip(0, 255).astype(np.uint8).reshape(n, 2, 2))
    model = pca.Model(pca.Config(latent=latent), (1, 2, 2))
    model.fit(images.blocks, torch.Generator().manual_seed(0))
    x = rows(images).numpy()
    # With all components nothing is cut off between blocks, and the result is the exact one.
    theirs = PCA().fit(x) if latent == 4 else IncrementalPCA(latent, batch_size=1000).fit(x)
    assert np.allclose(model.mean, theirs.mean_, atol=1e-5)
    assert np.allclose(model.variance, theirs.explained_variance_, rtol=1e-4)
    assert np.allclose(np.abs(model.components.numpy() @ theirs.components_.T), np.eye(latent), atol=1e-3)
