import numpy as np
import pytest

from latelier.objectives.two_points import Encoder, solve
from latelier.sheets.sheet import MARGIN
from latelier.sheets.two_points import draw_two_points, normal, reconstruction

Z, X = np.linspace(-6, 6, 2001), np.linspace(-4, 4, 1601)


def test_a_reconstruction_is_a_density_and_that_of_its_samples():
    q, sigma = solve(sigma=0.3, alpha=1, weight=1000), 0.3
    density = reconstruction(X, Z, normal(Z, q.m, q.s), q, sigma)
    assert density.sum() * (X[1] - X[0]) == pytest.approx(1, abs=1e-6)
    generator = np.random.default_rng(0)
    drawn = np.tanh(q.m * (q.m + q.s * generator.normal(size=100_000)) / q.s**2) + sigma * generator.normal(
        size=100_000
    )
    mean = (X * density).sum() * (X[1] - X[0])
    assert mean == pytest.approx(drawn.mean(), abs=5 * drawn.std() / 100_000**0.5)  # false alarm < 1e-6


def test_the_prior_is_decoded_between_the_images_under_infovae_alone():
    """What the figure shows: codes near 0 are decoded to neither image, and only InfoVAE uses them."""
    near = np.abs(X) < 0.25
    share = {}
    for name, alpha, weight in (("elbo", 0, 1), ("infovae", 1, 1000)):
        q = solve(sigma=0.3, alpha=alpha, weight=weight)
        own = reconstruction(X, Z, normal(Z, q.m, q.s), q, 0.3)
        share[name] = own[near].sum() * (X[1] - X[0])
    assert share["elbo"] < 0.02 < 0.08 < share["infovae"]


def test_a_mass_is_that_of_the_density():
    q = Encoder(0.7, 0.4)
    law = (normal(Z, 0.7, 0.4) + normal(Z, -0.7, 0.4)) / 2
    assert q.mass() == pytest.approx(law[np.abs(Z) < 0.25].sum() * (Z[1] - Z[0]), abs=0.003)
    assert Encoder(0, 1).mass() == pytest.approx(0.1974, abs=1e-4)


def test_the_figure_is_drawn():
    sheet = draw_two_points(sigma=0.5)
    assert sheet.dtype == np.uint8
    assert (sheet[:, -MARGIN:] == 255).all()
    for channel in (0, 1):  # red and green lines
        others = np.delete(sheet.astype(int), channel, 2).max(2)
        assert (sheet[..., channel] - others > 80).sum() > 500
