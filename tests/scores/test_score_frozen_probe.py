from dataclasses import replace

import numpy as np
import pytest
import torch
from every import assert_same, copied
from scores.fakes import images_from, noise
from torch import Generator, nn

from latelier.codes.rows import features
from latelier.core import Model
from latelier.data.images import Images
from latelier.data.order import Order
from latelier.data.seeds import mix
from latelier.data.sources.open import open_images
from latelier.data.subsets import hold_out
from latelier.engine.players import Player
from latelier.errors import Refusal
from latelier.nets import guarded
from latelier.runs.building import build
from latelier.scores import frozen_probe, trunk
from latelier.scores.common import Splits
from latelier.scores.frozen_probe import Course, train
from latelier.scores.record import run_scores
from latelier.scores.trunk import Inputs, Learner, cut, ends, kept

FC = 2048 * 512 + 512 + 512 * 100 + 100
CONV2_3, CONV4_5 = 147_968, 525_568
AFFINE2_3, AFFINE4_5 = 4 * 2 * 64, 5 * 2 * 128  # batch norms' weights and biases; conv4-5 has one in its shortcut
COURSE = Course(epochs=2, rate=0.1, batch=16, held=4, best=True, precision="fp32")
SMALL = (3, 8, 8)
NEAR = {"rtol": 1e-4, "atol": 1e-5}  # sums in another order


def quadrants(n: int, seed: int) -> Images:
    """Noise that is brighter in one quadrant: the class."""
    rng = np.random.default_rng(seed)
    label, pixels = rng.integers(0, 4, n), rng.integers(0, 128, (n, 16, 16, 3))
    for number, pixel in zip(label, pixels, strict=True):
        top, left = 8 * (number // 2), 8 * (number % 2)
        pixel[top : top + 8, left : left + 8] += 100
    return images_from(pixels, label)


def made(method: str, shape: tuple[int, int, int], **settings) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build(method, shape, **settings).eval().requires_grad_(False)  # as a run is opened


def patchvae(shape: tuple[int, int, int] = SMALL) -> Model:
    return made("patchvae", shape, parts=2)


def mlp() -> Model:
    return made("autoencoder", SMALL, latent=4, net="mlp", **{"net.widths": (24, 12)})


def inputs(images: Images) -> Inputs:
    return trunk.inputs(images, torch.device("cpu"))


def learner(model: Model, images: Images, frozen: str, moving: bool = False) -> Learner:
    """That computes all its features at each step."""
    return Learner(*cut(model, *ends(model, frozen, None)), inputs(images), 0, moving)


def scored(model: Model, data: Splits, seed: int = 0, **options) -> dict[str, float]:
    usual = {"epochs": 2, "batch": 16, "rate": 0.1, "held": 4}
    return frozen_probe.score(model, data, Generator().manual_seed(seed), **(usual | options))


FIT = noise(40, SMALL, label=np.arange(40) % 2)
DATA = Splits(FIT, noise(20, SMALL, seed=1, label=np.arange(20) % 2))


@pytest.mark.parametrize(
    ("frozen", "moving", "count"),
    [
        ("conv4-5", False, 1_100_388),
        ("conv2-3", False, 1_100_388 + CONV4_5),
        ("conv1", False, 1_100_388 + CONV4_5 + CONV2_3),
        ("conv4-5", True, 1_100_388),
        ("conv1", True, 1_100_388 + CONV4_5 + CONV2_3 - AFFINE4_5 - AFFINE2_3),
    ],
)
def test_so_many_weights_learn_as_the_paper_has_it(frozen: str, moving: bool, count: int) -> None:
    hundred = noise(100, (3, 32, 32), label=np.arange(100))
    assert FC == 1_100_388
    found = learner(patchvae((3, 32, 32)), hundred, frozen, moving).weights()
    assert sum(weight.numel() for weight in found.values()) == count


def test_the_head_is_drawn_small_and_by_the_seed() -> None:
    set_ = inputs(noise(100, (3, 32, 32), label=np.arange(100)))
    one, same, other = (Learner(*cut(patchvae((3, 32, 32)), "conv4-5", "conv4-5"), set_, seed) for seed in (1, 1, 2))
    assert_same(one.state_dict(), same.state_dict())
    for layer in (0, 2):
        drawn = one.head[layer].weight
        assert drawn.std().item() == pytest.approx(0.01, rel=0.03)  # 51,200 draws or more: over nine sds of it
        assert not torch.equal(drawn, other.head[layer].weight)
        assert not one.head[layer].bias.any()


@pytest.mark.parametrize("frozen", ["conv1", "conv2-3", "conv4-5"])
def test_one_step_moves_what_learns_and_no_bit_of_what_is_frozen(frozen: str) -> None:
    probe = learner(patchvae(), FIT, frozen)
    before = copied(probe)
    train(probe, inputs(FIT), replace(COURSE, epochs=1, batch=30), 0)
    assert any(name.startswith("below.") for name in before)
    for name, value in probe.state_dict().items():
        assert torch.equal(value, before[name]) == name.startswith("below."), name


def test_with_moving_statistics_move_everywhere_and_affine_weights_nowhere() -> None:
    probe = learner(patchvae(), FIT, "conv2-3", moving=True)
    before = copied(probe)
    train(probe, inputs(FIT), replace(COURSE, epochs=1, batch=30), 0)
    norms = [name for name, layer in probe.named_modules() if isinstance(layer, nn.BatchNorm2d)]
    affine = {f"{name}.{part}" for name in norms for part in ("weight", "bias")}
    for name, value in probe.state_dict().items():
        still = name in affine or (name.startswith("below.") and "running" not in name and "tracked" not in name)
        assert torch.equal(value, before[name]) == still, name


def test_with_moving_frozen_layers_use_the_statistics_of_the_batch() -> None:
    probe, images = learner(patchvae(), FIT, "conv4-5", moving=True).train(), inputs(FIT).read(torch.arange(40))
    same = torch.cat([images[:1], images[1:] * 0])
    assert not torch.allclose(probe(images)[0], probe(same)[0])
    still = learner(patchvae(), FIT, "conv4-5").train()
    torch.testing.assert_close(still(images)[0], still(same)[0])


@pytest.mark.parametrize("frozen", ["conv1", "conv2-3", "conv4-5"])
def test_kept_features_are_those_of_each_step(monkeypatch, frozen: str) -> None:
    model = patchvae()
    below, above = cut(model, frozen, "conv4-5")
    (stored,) = kept(below, [inputs(FIT)])
    rows = torch.tensor([3, 0, 39])
    torch.testing.assert_close(stored.read(rows).flatten(1).numpy(), features(model, FIT, frozen)[rows], **NEAR)
    probes = [Learner(nn.Sequential(), above, stored, 0), learner(model, FIT, frozen)]
    results = [train(probe, set_, COURSE, 0) for probe, set_ in zip(probes, (stored, inputs(FIT)), strict=True)]
    assert results[0] == results[1]
    for name, value in probes[0].state_dict().items():
        torch.testing.assert_close(value, probes[1].state_dict()[name], **NEAR, msg=name)
    whole = scored(model, DATA, frozen=frozen)
    monkeypatch.setattr(trunk, "KEPT_BYTES", 0)
    assert kept(below, [inputs(FIT)]) is None
    assert scored(model, DATA, frozen=frozen) == whole


def test_large_features_are_kept_in_half_the_memory(monkeypatch) -> None:
    below, _ = cut(patchvae(), "conv1", "conv4-5")
    rows = torch.arange(40)
    (whole,) = kept(below, [inputs(FIT)])
    monkeypatch.setattr(trunk, "FLOAT32_BYTES", 4 * whole.read(rows).numel() - 1)
    (half,) = kept(below, [inputs(FIT)])
    assert torch.equal(half.read(rows), whole.read(rows).bfloat16().float())


def test_it_is_the_plain_loop(monkeypatch) -> None:
    monkeypatch.setattr(trunk, "DROPOUT", 0.0)  # its draws are tested elsewhere
    assert frozen_probe.DECAY == 1e-4
    monkeypatch.setattr(frozen_probe, "DECAY", 0.1)  # so much that a few steps show it
    model, course = patchvae(), replace(COURSE, epochs=6, best=False)
    probe = learner(model, FIT, "conv4-5")
    linear = [nn.Linear(128, 512), nn.Linear(512, 2)]
    plain = nn.Sequential(linear[0], nn.ReLU(), linear[1])
    plain.load_state_dict(probe.head.state_dict())
    train(probe, inputs(FIT), course, seed=3)

    x, y = torch.from_numpy(features(model, FIT, "conv4-5")), torch.from_numpy(FIT.label)
    order = Order(torch.from_numpy(hold_out(40, 1 / 4, 3)[0]), mix(3, 1))
    sgd = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for step in range(12):  # of 16 out of 30: two an epoch
        sgd.param_groups[0]["lr"] = (0.1, 0.1, 0.01, 0.01, 0.001, 0.001)[step // 2]
        rows = order.at(16 * step, 16)
        sgd.zero_grad()
        nn.functional.cross_entropy(plain(x[rows]), y[rows]).backward()
        sgd.step()
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(probe.head.state_dict()[name], value, **NEAR)


@pytest.mark.usefixtures("bf16")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("frozen", ["conv1", None])
def test_it_learns_what_can_be_learned(frozen: str | None, precision: str) -> None:
    data = Splits(quadrants(160, 0), quadrants(80, 1))
    values = scored(patchvae((3, 16, 16)), data, frozen=frozen, precision=precision, epochs=6)
    assert values["accuracy %"] > 90  # a guess has 25
    assert values["held-out accuracy %"] > 90
    assert 1 <= values["epoch chosen"] <= 6


@pytest.mark.usefixtures("bf16")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_learns_in_bf16_is_guarded(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against what AMX gets wrong (nets/guarded.py); measurements, and the model itself, are left alone."""
    monkeypatch.setattr(guarded, "has_amx", lambda: True)
    learned = list[bool]()
    monkeypatch.setattr(guarded, "is_wrong", lambda part, image: learned.append(part.training) or True)
    model = patchvae((3, 16, 16))
    scored(model, Splits(quadrants(32, 0), quadrants(16, 1)), frozen="conv1", precision=precision, epochs=1)
    assert learned == [True] * len(learned)
    assert bool(learned) == (precision == "bf16")
    assert not any(isinstance(part, guarded.Guarded) for part in model.modules())


def test_of_shuffled_labels_it_knows_nothing() -> None:
    rng = np.random.default_rng(0)
    fit, test = (replace(images, label=rng.permutation(images.label)) for images in (quadrants(80, 0), noise400()))
    values = scored(patchvae((3, 16, 16)), Splits(fit, test))
    # Whatever it answers, 400 shuffled labels agree with a quarter: outside of these once in 100,000 draws.
    assert 15 <= values["accuracy %"] <= 35


def noise400() -> Images:
    return replace(quadrants(400, 1), label=np.arange(400) % 4)


def test_test_images_choose_nothing() -> None:
    model, fit, test = patchvae((3, 16, 16)), quadrants(80, 0), quadrants(40, 1)
    tests = test, replace(test, label=(test.label + 1) % 4), quadrants(7, 2)
    found = [scored(model, Splits(fit, images), epochs=4) for images in tests]
    accuracies = [values.pop("accuracy %") for values in found]
    commonest = [np.bincount(images.label).max() / len(images) for images in tests]
    assert [values.pop("majority %") for values in found] == pytest.approx([100 * share for share in commonest])
    assert accuracies[0] != accuracies[1]
    assert found[0] == found[1] == found[2]


def test_held_out_images_are_not_trained_on() -> None:
    learned, measured, probe, set_ = set(), set(), learner(mlp(), FIT, "hidden2"), inputs(FIT)

    def read(rows):
        (learned if probe.training else measured).update(rows.tolist())
        return set_.read(rows)

    train(probe, set_._replace(read=read), COURSE, 0)
    assert learned | measured == set(range(40))
    assert not learned & measured
    assert len(measured) == 10


@pytest.mark.parametrize(("best", "chosen", "most"), [(True, 3, 60.0), (False, 4, 55.0)])
def test_the_epoch_is_the_best_on_held_out_images_or_the_last(monkeypatch, best, chosen, most) -> None:
    states = []
    answers = iter([50.0, 60.0, 60.0, 55.0] if best else [55.0])

    def accuracy(probe, *_) -> float:
        states.append(copied(probe))
        return next(answers)

    monkeypatch.setattr(frozen_probe, "accuracy", accuracy)
    probe = learner(patchvae(), FIT, "conv2-3")
    assert train(probe, inputs(FIT), replace(COURSE, epochs=4, best=best), 0) == (chosen, most)
    assert_same(states[2 if best else -1], probe.state_dict())


def test_the_rate_falls_at_each_third(monkeypatch) -> None:
    factors = []
    monkeypatch.setattr(Player, "step", lambda _, gradients, factor: factors.append(factor))
    train(learner(mlp(), FIT, "hidden2"), inputs(FIT), replace(COURSE, epochs=9, batch=30), 0)
    assert factors == pytest.approx([1] * 3 + [0.1] * 3 + [0.01] * 3)


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("frozen", ["conv1", None])
def test_the_model_stays_as_it_was(frozen: str | None, moving: bool) -> None:
    model = patchvae()
    model.decoder.train()
    before, modes = copied(model), [part.training for part in model.modules()]
    scored(model, DATA, frozen=frozen, moving=moving)
    assert_same(before, copied(model))
    assert [part.training for part in model.modules()] == modes
    assert not any(weight.requires_grad for weight in model.parameters())


def test_the_seed_decides_and_several_have_a_spread() -> None:
    model, data = patchvae((3, 16, 16)), Splits(noise400(), quadrants(100, 0))
    one = scored(model, data, rate=0.01)
    assert scored(model, data, rate=0.01) == one != scored(model, data, seed=1, rate=0.01)
    assert set(one) == {"accuracy %", "held-out accuracy %", "epoch chosen", "trainable weights", "majority %"}
    spread = {f"{name} sd" for name in ("accuracy %", "held-out accuracy %", "epoch chosen")}
    assert set(scored(model, data, seeds=2, epochs=1)) == set(one) | spread


def test_images_without_a_label_are_not_learned_from() -> None:
    label = np.where(np.arange(40) % 4, FIT.label, -1)
    some = replace(FIT, label=label)
    assert scored(mlp(), DATA._replace(fit=some)) == scored(
        mlp(), DATA._replace(fit=some.take(np.flatnonzero(label >= 0)))
    )


@pytest.mark.parametrize(
    ("method", "settings", "top", "width"),
    [
        ("vae", {"net": "resnet9", "latent": 4}, "conv4-5", 128),  # not its "reduce"
        ("vae", {"latent": 4, "net.channels": (4, 6)}, "conv2", 6 * 2 * 2),
        ("vae", {"latent": 4, "net.channels": (4, 6), "head": "softmax", "classes": 2}, "conv2", 6 * 2 * 2),
        ("autoencoder", {"latent": 4, "net": "mlp", "net.widths": (24, 12)}, "hidden2", 12),
        ("ksparse", {"widths": (20,), "k": (5,)}, "layer1", 20),
    ],
)
@pytest.mark.parametrize("moving", [False, True])
def test_it_works_on_every_model_that_has_features(method, settings, top, width, moving) -> None:
    model = made(method, SMALL, **settings)
    assert ends(model, None, None) == (top, top)
    values = scored(model, DATA, moving=moving)
    assert 0 <= values["accuracy %"] <= 100
    assert values["trainable weights"] == width * 512 + 512 + 512 * 2 + 2


def test_the_top_may_be_any_depth() -> None:
    model = made("vae", SMALL, net="resnet9", latent=4)
    assert ends(model, None, "reduce") == ("reduce", "reduce")
    assert ends(model, "conv1", "conv2-3") == ("conv1", "conv2-3")
    assert scored(model, DATA, top="conv2-3")["trainable weights"] == 64 * 2 * 2 * 512 + 512 + 512 * 2 + 2


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        (patchvae, {"frozen": "conv9"}, 'frozen="conv9" is no depth of this model; it has conv1, conv2-3, conv4-5'),
        (patchvae, {"top": "pool"}, 'top="pool" is no depth'),
        (patchvae, {"top": "conv1", "frozen": "conv2-3"}, 'frozen="conv2-3" is above top="conv1"'),
        (mlp, {"frozen": "hidden1"}, 'has no stages .* must be the top, "hidden2"'),
    ],
)
def test_depths_that_cannot_be_are_refused(model, options, said) -> None:
    with pytest.raises(Refusal, match=f"^frozen_probe: .*{said}"):
        scored(model(), DATA, **options)


@pytest.mark.parametrize(
    "options",
    [{"epochs": 0}, {"batch": 0}, {"seeds": 0}, {"rate": 0.0}, {"rate": np.nan}, {"held": 1}, {"precision": "fp16"}],
)
def test_options_out_of_range_are_refused(options) -> None:
    with pytest.raises(Refusal, match=f"^frozen_probe: .*{next(iter(options))}"):
        scored(mlp(), DATA, **options)


def test_what_cannot_be_learned_is_refused() -> None:
    alike, few = noise(20, SMALL, label=np.zeros(20)), noise(3, SMALL, label=np.arange(3))
    for images in (alike, few):
        with pytest.raises(Refusal, match="drawn must have 4 labels or more, of two or more classes"):
            scored(mlp(), Splits(images, images))
    with pytest.raises(Refusal, match="no longer finite at rate 1e\\+30"):
        scored(mlp(), DATA, rate=1e30)


def test_it_is_scored_when_it_is_named() -> None:
    digits = Splits(*(open_images("digits", split=split).take(np.arange(60)) for split in ("train", "test")))
    model = made("autoencoder", digits.test.shape, latent=4, net="mlp", **{"net.widths": (24,)})
    assert frozen_probe.ON_REQUEST
    record = run_scores(model, digits, ["frozen_probe"], limit=20, options={"frozen_probe": {"epochs": 1}})[0]
    assert record["n"] == 20
    assert record["values"]["trainable weights"] == 24 * 512 + 512 + 512 * 10 + 10


def test_of_more_than_five_classes_the_five_most_probable_count_too() -> None:
    images = noise(80, SMALL, label=np.arange(80) % 8)
    found = scored(patchvae(), Splits(images, images))
    assert found["accuracy %"] <= found["top-5 accuracy %"] < 100
    assert "top-5 accuracy %" not in scored(patchvae(), DATA)
    net = learner(patchvae(), images, "conv4-5").eval()
    logits = net(inputs(images).read(torch.arange(80))).detach().numpy()
    ranks = (-logits).argsort(1, kind="stable")[:, :5]
    share = 100 * float((ranks == images.label[:, None]).any(1).mean())
    assert frozen_probe.accuracy(net, inputs(images), torch.arange(80), 5) == pytest.approx(share)
