"""What holds of VAC, IntroVAC and IntroVAE: facts.md 5.6, oracles 1, 3-6, 12."""

import copy
import math

import pytest
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from latelier.core import Batch, Model, Progress
from latelier.engine.plan import Plan, rate_factor
from latelier.engine.players import Player, differentiate, players_of
from latelier.errors import Refusal
from latelier.models.introspective import Introspective
from latelier.models.introvac import Model as IntroVac
from latelier.nets import introvac as nets
from latelier.objectives.attributes import cross_entropy
from latelier.objectives.gaussian import kl_to_standard
from latelier.runs.building import build

IMAGE = (3, 8, 8)
NAMES = ("smiling", "glasses")
SMALL = {"width": 0.125, "latent": 6}
EARLY, LATE = 0, 900  # images seen of 1,000: before and after pretraining


def built(name: str = "introvac", **settings: object) -> Introspective:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        own = {} if name == "introvae" else {"attributes": NAMES}
        model = build(name, IMAGE, **{**SMALL, **own, **settings})
    assert isinstance(model, Introspective)
    return model


def batch_of(seed: int = 0, n: int = 8) -> Batch:
    g = Generator().manual_seed(seed)
    rows = torch.arange(n)
    image, attribute = torch.rand(n, *IMAGE, generator=g), torch.randint(2, (n, len(NAMES)), generator=g)
    return Batch(image, rows, rows - 1, attribute, rows.new_zeros(n, 0))


def standing(seen: int = LATE, seed: int = 0) -> Progress:
    return Progress(seen, 1000, Generator().manual_seed(seed), {})


def step(model: Model, players: dict[str, Player], batch: Batch, progress: Progress) -> None:
    for move in model.moves():
        for name, gradient in differentiate(move(batch, progress), players).items():
            players[name].step(gradient, 1.0)


@pytest.mark.parametrize(
    ("side", "encoder", "decoder"),
    [(32, 1_634_464, 991_587), (64, 4_486_816, 2_878_819), (128, 13_796_000, 9_373_027), (256, 18_516_640, 14_093_667)],
)
def test_the_nets_have_as_many_weights_as_the_authors(side: int, encoder: int, decoder: int) -> None:
    """At 128 pixels by their printout; at other sizes by the same scheme."""
    plan = nets.Plan((3, side, side))
    with torch.device("meta"):
        decoding = nets.decoder(plan, 256)
    counts = [sum(w.numel() for w in net.parameters()) for net in (nets.encoder(plan, 512), decoding)]
    assert counts == [encoder, decoder]
    assert plan.top[1:] == (4, 4)


def test_a_vae_can_have_the_same_nets() -> None:
    model = build("vae", (3, 32, 32), net="introvac", latent=256, **{"net.width": 1.0})
    counts = [sum(w.numel() for w in net.parameters()) for net in (model.encoder, model.decoder)]  # type: ignore[union-attr]
    assert counts == [1_634_464, 991_587]
    with pytest.raises(Refusal, match=r"net\.width multiplies the nets' maps, so it must be above 0, not 0"):
        build("vae", (3, 32, 32), net="introvac", **{"net.width": 0.0})


def test_blocks_add_their_input_before_or_after_the_last_rectifier() -> None:
    x = torch.randn(2, 3, 4, 4, generator=Generator().manual_seed(0))
    for late in (False, True):
        block = nets.Block(3, 3, late).eval()
        y = block.conv2(functional.leaky_relu(block.norm1(block.conv1(x)), 0.2))
        scale = 1 / math.sqrt(1 + block.norm2.eps)  # fresh statistics: mean 0, variance 1
        expected = functional.leaky_relu((x + y) * scale, 0.2) if late else x + functional.leaky_relu(y * scale, 0.2)
        torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize("name", ["introvac", "introvae"])
def test_no_loss_reaches_the_other_player_through_what_is_detached(name: str) -> None:
    """Oracle 3. What the coder learns of reconstructions and samples reaches no decoder; what the decoder learns
    reaches no code, and so no encoder that it came from."""
    model = built(name)
    model.train()
    code = model.encode(batch_of().image).sample(Generator().manual_seed(1))["z"]
    again = model.draw(code)
    told = sum(q.mean.sum() + q.log_variance.sum() for q in model.made(again, torch.randn_like(code)))
    assert isinstance(told, Tensor)
    found = torch.autograd.grad(told, [*model.decoder.parameters(), code], allow_unused=True, retain_graph=True)
    assert all(gradient is None for gradient in found)
    progress = standing()
    tell, paint = model.moves()
    tell(batch_of(), progress)
    assert progress.notes is not None
    assert not any(value.requires_grad for value in progress.notes.values())
    before = copy.deepcopy(model.state_dict())
    players = players_of(model, model.optimisers())
    gradients = differentiate(paint(batch_of(), progress), players)
    assert list(gradients) == ["decoder"]
    players["decoder"].step(gradients["decoder"], 1.0)
    moved = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert moved == {f"decoder.{key}" for key, _ in model.decoder.named_parameters()}  # no statistics either


def test_the_decoder_sees_the_codes_that_the_coder_has_seen_and_its_updated_weights() -> None:
    model, batch = built(), batch_of()
    model.train()
    players, progress = players_of(model, model.optimisers()), standing()
    tell, paint = model.moves()
    losses = tell(batch, progress)
    assert losses.code is not None
    players["coder"].step(differentiate(losses, players)["coder"], 1e3)
    z, prior = model.codes(batch, progress)
    assert torch.equal(z, losses.code["z"])
    report = paint(batch, progress).report
    with torch.no_grad():
        again, drawn = model.draw(z), model.draw(prior)
        torch.testing.assert_close(report["samples"], functional.softplus(logits(model, drawn)[:, -1]))
        pixels = 100 * (again - batch.image).abs().flatten(1).mean(1)
        torch.testing.assert_close(report["decoder"], pixels + 5 * (report["reconstructions"] + report["samples"]))


def logits(model: Introspective, image: Tensor) -> Tensor:
    assert isinstance(model, IntroVac)
    return model.logits(model.encode(image).mean)


@pytest.mark.parametrize(("settings", "seen"), [({"beta_ec": 0.0, "beta_g": 0.0}, LATE), ({}, EARLY)])
def test_without_its_adversarial_weights_introvac_is_vac_step_for_step(settings: dict[str, float], seen: int) -> None:
    """Oracle 4, running statistics of batch norm included; and so it is while it pretrains."""
    found = []
    for model in (built("vac"), built("introvac", **settings)):
        model.train()
        players = players_of(model, model.optimisers())
        for number in range(4):
            step(model, players, batch_of(number), standing(seen, number))
        found.append(model.state_dict())
    assert list(found[0]) == list(found[1])
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-5, atol=1e-6, msg=name)


def test_the_source_averages_where_we_sum() -> None:
    """Oracle 6, and the same of the error and the cross-entropy: the loss is the source's, of means."""
    model, batch = built("vac"), batch_of()
    q = model.train().encode(batch.image)
    z = q.sample(Generator().manual_seed(0))["z"]
    again = model.draw(z)
    loss, terms = model.bound(batch, q, z, again)
    kl = kl_to_standard(q.mean, q.log_variance)
    torch.testing.assert_close(kl.mean(), terms["rate"].mean() / SMALL["latent"])
    targets = torch.cat([batch.attribute, torch.zeros(len(z), 1)], 1)
    bce = functional.binary_cross_entropy_with_logits(model.logits(z), targets.float())
    l1 = functional.l1_loss(again, batch.image)
    torch.testing.assert_close(loss.mean(), 100 * l1 + 10 * bce + 3 * kl.mean())


def test_a_nat_of_kl_outweighs_a_unit_of_absolute_error_as_the_source_has_it() -> None:
    assert pytest.approx(3 / 256) == 5.76 * 100 / (3 * 128 * 128)


def test_the_mean_over_two_logits_is_half_their_sum() -> None:
    """Oracle 5."""
    g = Generator().manual_seed(0)
    logit, truth = torch.randn(50, 2, generator=g), torch.randint(2, (50, 2), generator=g)
    sums = -(torch.where(truth == 1, logit.sigmoid(), 1 - logit.sigmoid()).log()).sum(1)
    torch.testing.assert_close(cross_entropy(logit, truth).mean(1), sums / 2)


def test_a_flipped_attribute_pulls_its_logit_the_other_way_and_leaves_the_fake_one() -> None:
    """Oracle 12: the two pulls are 1 apart, and opposite where the classifier knows nothing."""
    logit = torch.tensor([[0.0, 0.7], [1.5, -2.0]], requires_grad=True)
    pulls = [torch.autograd.grad(cross_entropy(logit, torch.tensor([[y, 0], [y, 0]])).sum(), logit)[0] for y in (0, 1)]
    torch.testing.assert_close(pulls[0][:, 0] - pulls[1][:, 0], torch.ones(2))
    assert pulls[0][0, 0] == -pulls[1][0, 0]
    assert torch.equal(pulls[0][:, 1], pulls[1][:, 1])


def test_unknown_attributes_teach_nothing_and_the_known_weigh_as_all() -> None:
    logit = torch.randn(10, 2, generator=Generator().manual_seed(0), requires_grad=True)
    truth = torch.randint(2, (10, 2), generator=Generator().manual_seed(1))
    truth[3:, 0] = -1
    found = cross_entropy(logit, truth)
    assert not found[3:, 0].any()
    expected = functional.binary_cross_entropy_with_logits(logit[:3, 0], truth[:3, 0].float())
    torch.testing.assert_close(found[:, 0].mean(), expected)
    (slope,) = torch.autograd.grad(found.sum(), logit)
    assert not slope[3:, 0].any()
    nothing = cross_entropy(logit, torch.full_like(truth, -1))
    assert nothing.isfinite().all()
    assert not nothing.any()


def test_the_encoders_statistics_are_of_the_data_alone() -> None:
    """However unlike drawn images are."""
    model = built(beta_ec=5.0)
    with torch.no_grad():
        model.decoder[-1].bias.fill_(50.0)
    model.train()
    model.moves()[0](batch_of(), standing())
    norm = next(part for part in model.encoder.modules() if isinstance(part, nn.BatchNorm2d))
    seen = model.encoder.stages["stem"][0](batch_of().image)
    torch.testing.assert_close(norm.running_mean, 0.1 * seen.mean((0, 2, 3)))


@pytest.mark.parametrize("margin", [0.0, 1e4])
def test_the_introspective_vae_wants_drawn_images_beyond_its_margin(margin: float) -> None:
    """The encoder's part is what their KL lacks, mean of both kinds, and 0 beyond."""
    model = built("introvae", margin=margin, weight_rec=0.0, weight_neg=0.5)
    losses = model.train().moves()[0](batch_of(), standing())
    added = losses.minimise["coder"] - losses.report["rate"].mean()
    kinds = [losses.report[f"rate of {kind}"] for kind in ("reconstructions", "samples")]
    expected = 0.5 * torch.stack([(margin - kind).clamp(min=0) for kind in kinds]).mean()
    torch.testing.assert_close(added, expected, rtol=1e-4, atol=1e-3)
    assert bool(expected) == bool(margin)


def test_the_rate_is_halved_at_epochs_60_90_and_120_of_150() -> None:
    plan = Plan(total=150 * 64, batch=64, decay="steps")
    found = [rate_factor(plan, 64 * epoch) for epoch in (0, 59, 60, 89, 90, 119, 120, 149)]
    assert found == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
