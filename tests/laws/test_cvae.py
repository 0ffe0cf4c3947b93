"""Laws of the conditional VAE."""

import math

import pytest
import torch
from every import CLASSES, GREY, Case, batches_of
from laws.spectra import progress
from torch import Generator, Tensor, nn
from torch.distributions import MultivariateNormal

from latelier.core import Batch
from latelier.errors import Refusal
from latelier.models import cvae
from latelier.objectives.likelihood import GREY as MIDDLE
from latelier.runs.building import assemble
from latelier.training.supervision import shares

K, PIXELS, WIDTH = len(CLASSES), math.prod(GREY), 3


def model_of(**settings: object) -> cvae.Model:
    torch.manual_seed(0)
    net = {"net": "mlp", "net.widths": (8,), "latent": WIDTH, "features": 8}
    model, _ = assemble("cvae", GREY, CLASSES, {**net, **settings})
    assert isinstance(model, cvae.Model)
    return model.eval()


@pytest.fixture
def batch() -> Batch:
    found = batches_of(Case("cvae", GREY)).at(0)
    return found._replace(label=torch.arange(len(found.label)) % K)


def linear() -> tuple[cvae.Model, Tensor]:
    """p(x|y, z) = N(W z + c_y, .2^2), W with orthogonal columns, and the exact q(z|x, y); log p(x|y) as a function's
    parts: means [k, d] and the covariance [d, d]."""
    model = model_of(likelihood="gaussian", **{"likelihood.sigma": 0.2, "likelihood.learned": False})
    basis = torch.linalg.qr(torch.randn(PIXELS, WIDTH, dtype=torch.float64))[0] * torch.tensor([0.3, 0.5, 0.8])
    centre = 0.3 * torch.randn(K, PIXELS, dtype=torch.float64)
    variance = 1 / (1 + (basis / 0.2).square().sum(0))  # of q: the columns are orthogonal
    gain = variance[:, None] * basis.T / 0.2**2
    model.encoder = nn.Flatten()  # type: ignore[assignment]
    model.infer = nn.Linear(PIXELS + K, 2 * WIDTH)
    model.decoder = nn.Sequential(nn.Linear(K + WIDTH, PIXELS), nn.Unflatten(1, GREY))
    with torch.no_grad():
        model.decoder[0].weight.copy_(torch.cat([centre.T, basis], 1))
        model.decoder[0].bias.zero_()
        nothing = torch.zeros(WIDTH, PIXELS + K, dtype=torch.float64)
        model.infer.weight.copy_(torch.cat([torch.cat([gain, -gain @ centre.T], 1), nothing]))
        model.infer.bias.copy_(torch.cat([-gain @ torch.full((PIXELS,), MIDDLE).double(), variance.log()]))
    spread = basis @ basis.T + 0.2**2 * torch.eye(PIXELS, dtype=torch.float64)
    within = torch.linalg.solve(spread, centre.T)  # p(y|x) is a softmax of linear functions: one covariance for all
    model.tell = nn.Linear(PIXELS, K)
    with torch.no_grad():
        model.tell.weight.copy_(within.T)
        model.tell.bias.copy_(-((centre / 2 + MIDDLE) * within.T).sum(1))
    image = torch.rand(5, *GREY, dtype=torch.float64)
    each = [MultivariateNormal(one + MIDDLE, spread).log_prob(image.flatten(1)) for one in centre]
    return model, torch.cat([image.flatten(1), torch.stack(each, 1)], 1)


def test_in_a_linear_gaussian_world_every_draw_weighs_log_p_and_a_linear_classifier_is_bayes_own() -> None:
    model, found = linear()
    image, log_p = found[:, :PIXELS].unflatten(1, GREY).float(), found[:, PIXELS:]
    with torch.no_grad():
        torch.testing.assert_close(model.classify(image).double(), log_p.softmax(1), rtol=1e-2, atol=1e-4)
        weight = model.log_weight(image, 7, Generator().manual_seed(0)).double()
    wanted = log_p.logsumexp(1) - math.log(K)
    torch.testing.assert_close(weight, wanted.expand(7, -1), rtol=1e-4, atol=1e-2)


def test_the_mean_bound_there_is_log_p_of_the_known_class() -> None:
    model, found = linear()
    image, log_p = found[:, :PIXELS].unflatten(1, GREY).float(), found[:, PIXELS:]
    label = torch.arange(5)
    many = Batch(*(part.repeat_interleave(400, 0) for part in blank(image, label)))
    with torch.no_grad():
        bound = model.learn(many, progress()).report["bound"].double().view(5, 400)
    wanted = -log_p.gather(1, label[:, None])[:, 0]
    error = bound.std(1) / 20
    assert ((bound.mean(1) - wanted).abs() < 5 * error + 1e-2).all()


def blank(image: Tensor, label: Tensor) -> Batch:
    """A batch of which nothing else is known."""
    n = len(image)
    return Batch(image, torch.arange(n), label, torch.empty(n, 0).long(), torch.empty(n, 0).long())


def test_the_class_changes_the_image_and_leaves_the_code(batch: Batch) -> None:
    model = model_of()
    codes = [model.sample_class(torch.full((4,), label), Generator().manual_seed(0)) for label in (2, 7)]
    assert torch.equal(codes[0]["z"], codes[1]["z"])
    assert (model.decode(codes[0]) != model.decode(codes[1])).any()
    with torch.no_grad():
        first, other = (
            model.learn(batch._replace(label=torch.full_like(batch.label, label)), progress()) for label in (2, 7)
        )
    assert not torch.equal(first.report["rate"], other.report["rate"])  # the encoder is told the class as well
    assert torch.equal(other.code["class"].argmax(1), torch.full_like(batch.label, 7))


def test_the_loss_reaches_encoder_and_decoder(batch: Batch) -> None:
    model = model_of()
    model.learn(batch, progress()).minimise["model"].backward()
    for part in (model.encoder, model.tell, model.infer, model.decoder):
        assert all(p.grad is not None and bool(p.grad.any()) for p in part.parameters())


def test_an_image_without_a_label_teaches_nothing(batch: Batch) -> None:
    model = model_of()
    losses = model.learn(batch._replace(label=torch.full_like(batch.label, -1)), progress())
    assert not losses.report["bound"].any()
    losses.minimise["model"].backward()
    assert not any(p.grad is not None and bool(p.grad.any()) for p in model.parameters())
    assert shares(model)["labelled"] == 1.0


def test_the_label_loss_weighs_alpha_and_leaves_the_decoder(batch: Batch) -> None:
    model = model_of(alpha=3.0)
    losses = model.learn(batch, progress())
    left = losses.minimise["model"] - losses.report["bound"].mean()
    torch.testing.assert_close(left, 3 * losses.report["label loss"].mean(), rtol=1e-4, atol=1e-4)
    left.backward()
    touched = {name.partition(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert {"tell", "encoder"} <= touched
    none = model_of(alpha=0.0)
    none.learn(batch, progress()).minimise["model"].backward()
    assert all(p.grad is None or not p.grad.any() for p in none.tell.parameters())


def test_no_label_head_learns_beside_it() -> None:
    with pytest.raises(Refusal, match="cvae: it is conditioned on classes"):
        model_of(head="softmax")
