"""DC-IGN: what the clamp lets through, and what comes back through it (Kulkarni et al. 2015 and their code)."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from every import shrunk
from torch import Generator, Tensor

import latelier
from latelier.core import Batch, Encodes, Progress, need
from latelier.data.batches import Batches
from latelier.data.drawn.sprites import FACTORS, draw_sprites
from latelier.engine.loop import train
from latelier.engine.plan import Plan
from latelier.errors import Refusal
from latelier.models.dcign import Config, Model
from latelier.runs.building import assemble, build

CPU = torch.device("cpu")
GROUPS = {"shape": slice(0, 5), "scale": slice(5, 6), "rotation": slice(6, 7), "x": slice(7, 8), "y": slice(8, 9)}


def dcign(**settings: object) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build("dcign", (1, 8, 8), **({"net.channels": (8, 8, 8)} | settings))
    assert isinstance(model, Model)
    return model


def levels(n: int, *varied: str) -> Tensor:
    """[n, 5], all 1 but for those factors, which run through 0, 1, 2."""
    table = torch.ones(n, len(FACTORS), dtype=torch.int64)
    for name in varied:
        table[:, FACTORS.index(name)] = torch.arange(n) % 3
    return table


def draws(n: int = 6) -> Tensor:
    return torch.randn(n, 10, generator=Generator().manual_seed(1), requires_grad=True)


def batch_of(n: int, factor: Tensor) -> Batch:
    image = torch.rand(n, 1, 8, 8, generator=Generator().manual_seed(2))
    nothing = torch.zeros(n, 0, dtype=torch.int64)
    return Batch(image, torch.arange(n), torch.full((n,), -1), nothing, nothing, factor)


@pytest.mark.parametrize("clamp", ["first", "mean"])
@pytest.mark.parametrize("name", FACTORS)
def test_all_rows_are_the_first_but_for_the_latents_of_what_varies(name: str, clamp: str) -> None:
    z = draws()
    used, _ = dcign(clamp=clamp).clamped(z, levels(6, name))
    free = torch.zeros(10, dtype=torch.bool)
    free[GROUPS[name]] = True
    anchor = z[0] if clamp == "first" else z.mean(0)
    assert torch.equal(used[:, free], z[:, free])
    assert torch.equal(used[:, ~free], anchor[~free].expand(6, -1))


@pytest.mark.parametrize("strength", [0.0, 0.7])
@pytest.mark.parametrize("name", FACTORS)
def test_clamped_latents_get_the_pull_alone(name: str, strength: float) -> None:
    z = draws()
    used, pull = dcign(invariance=strength).clamped(z, levels(6, name))
    weight = torch.randn(6, 10, generator=Generator().manual_seed(3))  # what a decoder would send back
    (gradient,) = torch.autograd.grad((used * weight).sum() + pull.sum(), z)
    free = torch.zeros(10, dtype=torch.bool)
    free[GROUPS[name]] = True
    assert torch.equal(gradient[:, free], weight[:, free])
    expected = strength * (z - z.mean(0))[:, ~free]
    torch.testing.assert_close(gradient[:, ~free], expected.detach())
    assert gradient[:, ~free].sum(0).abs().max() < 1e-5
    assert pull.shape == (6,)


@pytest.mark.parametrize("varied", [(), ("x", "y"), FACTORS])
def test_other_batches_are_a_vaes(varied: tuple[str, ...]) -> None:
    z = draws()
    used, pull = dcign(invariance=2.0).clamped(z, levels(6, *varied))
    assert torch.equal(used, z)
    assert not pull.any()
    model = dcign(invariance=2.0).eval()
    vae = build("vae", (1, 8, 8), latent=10, net="mlp", likelihood="bernoulli", **{"net.widths": (4,)})
    vae.encoder, vae.decoder = model.encoder, model.decoder
    batch, progress = batch_of(6, levels(6, *varied)), Progress(0, 6, Generator().manual_seed(0))
    ours = model.learn(batch, progress)
    (move,) = vae.moves()
    theirs = move(batch, Progress(0, 6, Generator().manual_seed(0)))
    assert torch.equal(ours.minimise["model"], theirs.minimise["model"])


def test_a_latent_of_no_factor_learns_from_the_kl_alone() -> None:
    model = dcign()
    weight = model.encoder.head.weight
    for name in FACTORS:
        losses = model.learn(batch_of(6, levels(6, name)), Progress(0, 6, Generator().manual_seed(0)))
        (gradient,) = torch.autograd.grad(losses.report["distortion"].sum(), weight)
        reached = gradient.abs().sum(1).reshape(2, 10) > 0  # of each latent's mean and log-variance
        expected = torch.zeros(10, dtype=torch.bool)
        expected[GROUPS[name]] = True
        assert torch.equal(reached, expected.expand(2, 10))


def test_refusals_say_what_to_do() -> None:
    for groups in ((), (1, 0), (5, 1, 1, 1, 3)):
        with pytest.raises(Refusal, match="groups says how many latents each factor has"):
            Config(groups=groups)
    with pytest.raises(Refusal, match=r"groups=2,2 is for 2 factors, but these images have 5"):
        dcign(groups=(2, 2)).clamped(draws(), levels(6, "x"))
    with pytest.raises(Refusal, match=r"groups=5,1,1,1,1 is for 5 factors, but these images have 0"):
        dcign().learn(batch_of(6, torch.zeros(6, 0, dtype=torch.int64)), Progress(0, 6, Generator()))
    with pytest.raises(Refusal, match="give images whose sides are multiples of 8, not 28x28"):
        build("dcign", (1, 28, 28))


def test_training_refuses_images_without_factors(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"digits:train have no known factors.*sprites"):
        latelier.train("dcign", data="digits", out=tmp_path / "run", epochs=1)
    assert not (tmp_path / "run").exists()


def test_the_optimiser_is_the_sources() -> None:
    """Their rmsprop: averages m and v of the gradient and its square, decay 0.9 and 0.99, both bias-corrected."""
    chosen = dcign().optimisers()["model"]
    weight = torch.nn.Parameter(torch.tensor(1.0))
    adam = torch.optim.Adam([weight], lr=chosen.rate, betas=chosen.betas)
    m = v = 0.0
    expected = 1.0
    for step, gradient in enumerate((2.0, -0.5, 0.3), 1):
        weight.grad = torch.tensor(gradient)
        adam.step()
        m, v = 0.9 * m + 0.1 * gradient, 0.99 * v + 0.01 * gradient**2
        expected -= 5e-4 * (m / (1 - 0.9**step)) / math.sqrt(v / (1 - 0.99**step))
    assert chosen.kind == "adam"
    assert float(weight.detach()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_each_factor_ends_in_its_own_latents(tmp_path: Path) -> None:
    """One ellipse at 144 places: the latents of x and y learn x and y, and no other learns a thing. Over ten
    seeds the correlations with their own were at least 0.977 and with the other at most 0.16."""
    whole = draw_sprites(size=32)
    images = shrunk(whole.take(np.flatnonzero((whole.truth["levels"][:, :3] == [1, 5, 0]).all(1))), (1, 16, 16))
    torch.manual_seed(0)
    settings = {"net": "mlp", "net.widths": (128,), "optimiser.rate": 3e-3}
    model, card = assemble("dcign", images.shape, (), settings)
    batches = Batches(images, 20, seed=0, device=CPU, one_factor=True)
    records: list[dict[str, Any]] = []
    plan = Plan(total=15_000, batch=20, log_every=3_000, save_every=10**9)
    train(model, batches, plan, tmp_path, card.json(), show=records.append)
    losses = [record["terms"]["distortion"] for record in records if "terms" in record]
    assert losses[-1] < 0.6 * losses[0]
    with torch.no_grad():
        q = need(model, Encodes).encode(images.floats(slice(None)))
    rate = q.rate()["z"].mean(0)
    own = rate[[7, 8]]
    assert own.min() > 1
    assert rate.sum() - own.sum() < 0.1
    for latent, column, other in ((7, 3, 4), (8, 4, 3)):
        z = q.mode()["z"][:, latent].numpy()
        assert abs(np.corrcoef(z, images.truth["levels"][:, column])[0, 1]) > 0.9
        assert abs(np.corrcoef(z, images.truth["levels"][:, other])[0, 1]) < 0.4
