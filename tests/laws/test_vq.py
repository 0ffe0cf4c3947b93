"""Laws of the codebook and of the vector-quantised autoencoder."""

import math

import pytest
import torch
from every import GREY, Case, batches_of
from laws.spectra import progress
from torch import Generator, Tensor

from latelier.core import Batch, Samples
from latelier.engine.players import Statistics
from latelier.errors import Refusal
from latelier.models import vq
from latelier.nets.codebook import Codebook, perplexity
from latelier.objectives.importance import elbo, iwae
from latelier.runs.building import assemble

CENTRES = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 3.0], [0.0, -3.0]])


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def clustered(b: int, seed: int = 0) -> Tensor:
    """[b, 2, 1, 2]: in the left cell one of the first two centres, in the right one any, each with a little noise."""
    generator = seeded(seed)
    left, right = (torch.randint(most, (b,), generator=generator) for most in (2, 4))
    z = CENTRES[torch.stack([left, right], 1)] + 0.05 * torch.randn(b, 2, 2, generator=generator)
    return z.movedim(2, 1)[:, :, None]


def followed(book: Codebook, batches: int, b: int = 64, start: int = 0) -> Codebook:
    for seed in range(start, start + batches):
        z = clustered(b, seed)
        book.revive(z, seeded(seed))
        book.follow(z, book.nearest(z))
    return book


def test_entries_become_the_means_of_what_is_near_them_and_usage_their_shares() -> None:
    book = followed(Codebook(16, 2, (1, 2), decay=0.9, revive=0.1), 100)  # with four, two may share a centre
    apart, centre = torch.cdist(book.entries(), CENTRES).min(1)
    assert apart.max() < 0.2
    shares = torch.stack([book.chances()[centre == number].sum(0)[0] for number in range(4)])
    wanted = torch.tensor([[0.5, 0.25], [0.5, 0.25], [0.0, 0.25], [0.0, 0.25]])
    torch.testing.assert_close(shares, wanted, rtol=0, atol=0.06)
    torch.testing.assert_close(book.chances().sum(0), torch.ones(1, 2))
    assert book.chances().min() > 0


def test_an_entry_that_nothing_is_near_begins_anew_and_others_stay() -> None:
    def spoiled(revive: float) -> Codebook:
        book = followed(Codebook(5, 2, (1, 2), decay=0.9, revive=revive), 3)
        book.total[:, 4] = 100 * book.share[4]
        return followed(book, 60, start=3)

    assert spoiled(0.0).entries()[4].abs().max() > 50
    assert spoiled(0.2).entries().abs().max() < 4
    book = followed(Codebook(4, 2, (1, 2), decay=0.9, revive=0.1), 50)
    before = book.entries()
    book.revive(clustered(64, 99), seeded())
    assert torch.equal(book.entries(), before)


def test_the_parts_of_a_batch_move_the_codebook_as_the_whole_does() -> None:
    book, whole = (followed(Codebook(4, 2, (1, 2), decay=0.9, revive=0.1), 50) for _ in range(2))
    z = clustered(64, 99)
    whole.follow(z, whole.nearest(z))
    statistics = Statistics(book)
    for part in z.chunk(4):
        book.follow(part, book.nearest(part))
        statistics.collect()
    statistics.settle(4)
    for one, other in zip(book.buffers(), whole.buffers(), strict=True):
        torch.testing.assert_close(one, other)


def test_perplexity_counts_codes_that_are_used_alike() -> None:
    assert float(perplexity(torch.full((2, 3, 3), 5), 8)) == pytest.approx(1)
    assert float(perplexity(torch.arange(8).view(2, 2, 2), 8)) == pytest.approx(8)
    uneven = torch.tensor([0, 0, 0, 1]).view(1, 2, 2)
    assert float(perplexity(uneven, 8)) == pytest.approx(math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25))))


def model_of(**settings: object) -> vq.Model:
    torch.manual_seed(0)
    net = {"net.channels": (8,), "net.width": 8, "net.blocks": 1, "codes": 6, "latent": 3}
    model, _ = assemble("vq", GREY, (), {**net, **settings})
    assert isinstance(model, vq.Model)
    return model


@pytest.fixture
def batch() -> Batch:
    return batches_of(Case("vq", GREY)).at(0)


def test_the_decoders_gradient_reaches_the_encoder_as_if_nothing_had_been_quantised(batch: Batch) -> None:
    model = model_of(commitment=0.0)
    losses = model.learn(batch, progress())
    weights = list(model.encoder.parameters())
    found = torch.autograd.grad(losses.minimise["model"], weights)
    z = model.encoder(batch.image).float()
    entries = model.codebook.vectors(model.codebook.nearest(z)).requires_grad_()
    model.eval()  # the codebook has moved by a batch; on the very entries that the move saw it must agree
    again = model.learn(batch, progress())
    distortion = model.likelihood.distortion(batch.image, model.decoder(entries)).mean()
    torch.testing.assert_close(again.minimise["model"], distortion)
    (at_entries,) = torch.autograd.grad(distortion, entries)
    wanted = torch.autograd.grad(z, weights, at_entries)
    still = torch.autograd.grad(again.minimise["model"], weights)
    for one, other in zip(still, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)  # sums in another order
    assert any(float(one.abs().max()) > 0 for one in found)


def test_the_loss_is_the_distortion_and_the_weighted_commitment(batch: Batch) -> None:
    model = model_of(commitment=2.0).eval()
    losses = model.learn(batch, progress())
    z = model.encoder(batch.image).float()
    commitment = (z - model.encode(batch.image).mode()["z"]).square().sum((1, 2, 3))
    torch.testing.assert_close(losses.report["commitment"], commitment)
    torch.testing.assert_close(losses.minimise["model"], (losses.report["distortion"] + 2 * commitment).mean())


def test_its_bound_is_its_report_and_no_draw_changes_it(batch: Batch) -> None:
    model = model_of().eval()
    weight = model.log_weight(batch.image, 4, seeded())
    torch.testing.assert_close(elbo(weight), model.learn(batch, progress()).report["elbo"])
    torch.testing.assert_close(iwae(weight), elbo(weight))


def test_codes_are_entries_and_edited_ones_become_entries_again(batch: Batch) -> None:
    model = model_of().eval()
    z = model.encode(batch.image).mode()["z"]
    drawn = model.decode({"z": z})
    entries = model.codebook.entries()
    nearest = (entries[:, None] - entries).norm(dim=-1).fill_diagonal_(torch.inf).min() / 2
    aside = 0.9 * nearest * torch.nn.functional.normalize(torch.randn(z.shape, generator=seeded()), dim=1)
    torch.testing.assert_close(model.decode({"z": z + aside}), drawn)


def test_codes_of_the_prior_are_entries_as_often_as_they_were_used() -> None:
    model = model_of()
    assert isinstance(model, Samples)
    usage = torch.rand(model.codebook.usage.shape, generator=seeded())
    model.codebook.usage.copy_(usage / usage.sum(0))
    index = model.codebook.nearest(model.sample_prior(4000, seeded())["z"])
    found = torch.stack([(index == code).float().mean(0) for code in range(6)])
    torch.testing.assert_close(found, model.codebook.chances(), rtol=0, atol=0.04)  # five standard errors


@pytest.mark.parametrize("wrong", [{"codes": 1}, {"decay": 1.0}, {"revive": 1.5}])
def test_what_is_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Refusal, match="vq: "):
        model_of(**wrong)
