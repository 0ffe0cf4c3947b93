"""Laws of M1+M2."""

import math

import pytest
import torch
from every import CLASSES, GREY, Case, batches_of
from laws.spectra import progress
from torch import Generator

from latelier.core import Batch
from latelier.errors import Refusal
from latelier.models import m1m2
from latelier.objectives import gaussian
from latelier.runs.building import assemble


def model_of(**settings: object) -> m1m2.Model:
    torch.manual_seed(0)
    net = {"net": "mlp", "net.widths": (8,), "latent": 5, "above": 3, "features": 8, "top.widths": (8,)}
    model, _ = assemble("m1m2", GREY, CLASSES, {**net, **settings})
    assert isinstance(model, m1m2.Model)
    return model.eval()


@pytest.fixture
def batch() -> Batch:
    return batches_of(Case("m1m2", GREY)).at(0)


def test_each_model_learns_by_its_own_loss(batch: Batch) -> None:
    model = model_of()
    losses = model.learn(batch, progress())
    for player, own in (("model", "below"), ("above", "above")):
        model.zero_grad()
        losses.minimise[player].backward(retain_graph=True)
        named = model.named_parameters()
        assert {name.partition(".")[0] for name, p in named if p.grad is not None and p.grad.any()} == {own}


def test_below_it_is_a_vae_and_above_m2_of_its_codes(batch: Batch) -> None:
    model, draw = model_of(alpha=3.0), progress()
    losses = model.learn(batch, draw)
    again = progress()
    lower = model.below.learn(batch, again)
    torch.testing.assert_close(losses.minimise["model"], lower.minimise["model"])
    assert lower.code is not None
    upper = model.above.learn(batch._replace(image=m1m2.as_image(lower.code["z"])), again)
    torch.testing.assert_close(losses.minimise["above"], upper.minimise["model"])
    torch.testing.assert_close(losses.report["code bound"], upper.report["bound"])


def test_where_m2_says_the_prior_of_codes_the_bound_is_the_vaes(batch: Batch) -> None:
    """M2's marginal of z1 in the place of N(0, I), with the volume that a code loses as an image."""
    model = model_of()

    def standard(image: torch.Tensor, samples: int, generator: Generator) -> torch.Tensor:
        z = m1m2.SPAN * (image.flatten(1) - m1m2.MIDDLE)
        return (gaussian.log_standard(z) + z.shape[1] * math.log(m1m2.SPAN)).expand(samples, -1)

    model.above.log_weight = standard  # type: ignore[method-assign]
    with torch.no_grad():
        found = model.log_weight(batch.image, 200, Generator().manual_seed(0))
        expected = model.below.log_weight(batch.image, 200, Generator().manual_seed(1))
    error = (found.var(0) / 200 + expected.var(0) / 200).sqrt()
    assert ((found.mean(0) - expected.mean(0)).abs() < 5 * error + 1e-3).all()


def test_a_code_of_a_class_is_drawn_by_both(batch: Batch) -> None:
    model, label = model_of(), torch.tensor([2, 7])
    code = model.sample_class(label, Generator().manual_seed(0))
    assert torch.equal(code["class"].argmax(1), label)
    z = m1m2.SPAN * (model.above.decode(code).flatten(1) - m1m2.MIDDLE)
    torch.testing.assert_close(model.decode(code), model.below.decode({"z": z}))
    torch.testing.assert_close(model.classify(batch.image), model.encode(batch.image).log_q.exp())  # type: ignore[attr-defined]


def test_no_label_head_learns_beside_it() -> None:
    with pytest.raises(Refusal, match="it predicts classes itself"):
        model_of(head="softmax")
