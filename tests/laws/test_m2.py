"""Laws of the semi-supervised VAE."""

import math

import pytest
import torch
from every import CLASSES, GREY, Case, batches_of
from laws.spectra import progress
from torch import Generator
from torch.nn import functional

from latelier.core import Batch
from latelier.errors import Refusal
from latelier.models import m2
from latelier.objectives import gaussian
from latelier.runs.building import assemble
from latelier.training.supervision import shares

K = len(CLASSES)


def model_of(**settings: object) -> m2.Model:
    torch.manual_seed(0)
    net = {"net": "mlp", "net.widths": (8,), "latent": 3, "features": 8}
    model, _ = assemble("m2", GREY, CLASSES, {**net, **settings})
    assert isinstance(model, m2.Model)
    return model.eval()


@pytest.fixture
def batch() -> Batch:
    """Some of which is labelled, and some not."""
    found = batches_of(Case("m2", GREY)).at(0)
    assert 0 < int((found.label < 0).sum()) < len(found.label)
    return found


def bounds(model: m2.Model, batch: Batch) -> torch.Tensor:
    """[b, classes], L(x, y) of the draws that the move takes, one class at a time."""
    q = model.encode(batch.image)
    z = gaussian.sample(q.mean, q.log_variance, progress().generator)
    found = []
    for label in range(K):
        code = q.of(torch.full((len(z),), label), z)
        distortion = -model.likelihood.log_likelihood(batch.image, model.drawn(code))
        rate = gaussian.kl_to_standard(q.mean[:, label], q.log_variance[:, label]).sum(1)
        found.append(distortion + rate + math.log(K))
    return torch.stack(found, 1)


def test_where_a_class_is_unknown_the_bound_is_marginal_and_where_it_is_known_its_own(batch: Batch) -> None:
    model = model_of(alpha=3.0)
    losses, each = model.learn(batch, progress()), bounds(model, batch)
    q = model.classify(batch.image)
    marginal = (q * each).sum(1) + (q * q.log()).sum(1)  # eq. 7
    own = each.gather(1, batch.label.clamp(min=0)[:, None])[:, 0]  # eq. 6
    known = batch.label >= 0
    wanted = torch.where(known, own, marginal)
    torch.testing.assert_close(losses.report["bound"], wanted)
    torch.testing.assert_close(losses.report["distortion"] + losses.report["rate"], wanted)
    nll = functional.nll_loss(q.log(), batch.label, ignore_index=-1, reduction="none")
    torch.testing.assert_close(losses.minimise["model"], (wanted + 3 * nll).mean())


def test_the_marginal_bound_is_at_most_what_the_best_classifier_would_give(batch: Batch) -> None:
    """-log sum_y exp(-L(x, y)), at q(y|x) in proportion to exp(-L(x, y))."""
    model = model_of()
    unknown = batch._replace(label=torch.full_like(batch.label, -1))
    best = -(-bounds(model, batch)).logsumexp(1)
    assert (model.learn(unknown, progress()).report["bound"] >= best - 1e-3).all()


def test_a_known_label_teaches_the_classifier_by_alpha_alone(batch: Batch) -> None:
    known = batch._replace(label=torch.arange(len(batch.label)) % K)
    for alpha in (0.0, 2.0):
        model = model_of(alpha=alpha)
        gradient = torch.autograd.grad(model.learn(known, progress()).minimise["model"], list(model.tell.parameters()))
        assert any(bool(one.any()) for one in gradient) == (alpha > 0)


def test_weights_agree_with_the_bound_in_the_mean(batch: Batch) -> None:
    """log p(x, y, z) - log q(y, z | x) over draws of both is minus the bound of an unknown class."""
    model = model_of()
    unknown = batch._replace(label=torch.full_like(batch.label, -1))
    with torch.no_grad():
        weight = model.log_weight(batch.image, 400, Generator().manual_seed(1)).double()
        bound = torch.stack([model.learn(unknown, progress(seed)).report["bound"].double() for seed in range(2, 42)])
    error = (weight.var(0) / len(weight) + bound.var(0) / len(bound)).sqrt()
    assert ((weight.mean(0) + bound.mean(0)).abs() < 5 * error + 1e-3).all()


def test_the_rates_of_a_code_add_up_to_its_divergence(batch: Batch) -> None:
    q = model_of().encode(batch.image)
    rate = q.rate()["class"]
    assert (rate >= -1e-6).all()
    torch.testing.assert_close(rate.sum(1), (q.log_q.exp() * (q.log_q + math.log(K))).sum(1), rtol=1e-4, atol=1e-5)


def test_what_is_drawn_of_a_class_has_that_class() -> None:
    model, label = model_of(), torch.tensor([3, 3, 7])
    code = model.sample_class(label, Generator().manual_seed(0))
    assert torch.equal(code["class"].argmax(1), label)
    assert torch.equal(code["class"].sum(1), torch.ones(3))
    assert not torch.equal(code["z"][0], code["z"][1])
    drawn = model.sample_prior(2000, Generator().manual_seed(0))["class"].mean(0)
    assert (drawn - 0.1).abs().max() < 0.035  # five standard errors


def test_half_of_every_batch_is_labelled() -> None:
    assert shares(model_of()) == {"labelled": 0.5, "captioned": 0.0}
    assert shares(assemble("classifier", GREY, CLASSES, {})[0])["labelled"] == 1.0
    assert shares(assemble("vae", GREY, CLASSES, {})[0])["labelled"] == 0.0


def test_no_label_head_learns_beside_it() -> None:
    with pytest.raises(Refusal, match="m2: it predicts classes itself"):
        model_of(head="softmax")
