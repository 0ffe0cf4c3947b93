from dataclasses import replace

import numpy as np
import pytest
import torch
from every import assert_same, copied
from scores.fakes import noise
from torch import Generator

from latelier.core import Encodes, Fits, Model, need
from latelier.data.images import Images
from latelier.data.sources.open import open_images
from latelier.errors import Refusal
from latelier.runs.building import build
from latelier.scores import finetune
from latelier.scores.common import Splits
from latelier.scores.finetune import Course, Learner, train
from latelier.scores.record import run_scores

COURSE = Course(epochs=3, rate=1e-3, batch=64, dropout=0.0, best=False)


def first(split: str, n: int) -> Images:
    return open_images("digits", split=split).take(np.arange(n))


DATA = Splits(first("train", 400), first("test", 200))
SHAPE = DATA.test.shape


def encoder(seed: int = 0, method: str = "autoencoder", **settings) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(method, SHAPE, latent=16, net="mlp", **{"net.widths": (32,)}, **settings)
    return model.eval().requires_grad_(False)  # as a run is opened


def scored(model: Model, data: Splits = DATA, seed: int = 0, **options) -> dict[str, float]:
    return finetune.score(model, data, Generator().manual_seed(seed), **({"epochs": 3, "batch": 64} | options))


def test_it_learns_digits_and_leaves_the_model_as_it_was() -> None:
    model = encoder()
    before = copied(model)
    values = scored(model, epochs=20, rate=1e-2)
    assert 0 <= values["finetuned error %"] < 20  # a guess has 90
    assert_same(before, copied(model))
    assert not any(weight.requires_grad for weight in model.parameters())
    assert not model.training


def test_the_encoder_learns_and_the_decoder_is_not_reached() -> None:
    model = encoder()
    learner = Learner(finetune.copied(model), 10)
    finetune.train(learner, DATA.fit, COURSE, seed=0)
    for name, value in learner.encoder.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]) == name.startswith("decoder"), name


def test_of_a_model_with_a_head_the_encoder_inside_learns() -> None:
    joint = build("vae", SHAPE, latent=4, net="mlp", head="softmax", classes=10)
    before = copied(joint)
    assert scored(joint)["finetuned error %"] < 90
    assert_same(before, copied(joint))


def test_the_seed_decides_and_several_have_a_spread() -> None:
    model = encoder()
    one, other = scored(model), scored(model, seed=1)
    assert scored(model) == one
    assert set(one) == {"finetuned error %", "majority error %"}
    assert one != other
    several = scored(model, seeds=2, epochs=1)
    assert set(several) == {"finetuned error %", "finetuned error % sd", "majority error %"}


def test_fresh_weights_owe_nothing_to_training() -> None:
    fresh = scored(encoder(0), fresh=True)
    assert set(fresh) == {"error from fresh weights %", "majority error %"}
    assert fresh == scored(encoder(1), fresh=True)  # whatever the weights were
    assert scored(encoder(0)) != scored(encoder(1))
    drawn = [finetune.redrawn(encoder(), seed).state_dict() for seed in (1, 2)]
    assert all(not torch.equal(drawn[0][name], drawn[1][name]) for name in drawn[0] if name.endswith("weight"))


def test_features_of_a_depth_are_read_and_learn() -> None:
    """A k-sparse encoder is fine-tuned with the alpha k numbers that its features keep."""
    torch.manual_seed(0)
    model = build("ksparse", SHAPE, widths=(50,), k=(4,), alpha=3.0)
    learner, sparse = Learner(finetune.copied(model), 10, "layer1"), Learner(finetune.copied(model), 10)
    image = DATA.test.floats(slice(0, 5))
    assert ((learner.code(image) != 0).sum(1) == 12).all()
    assert ((sparse.code(image) != 0).sum(1) == 4).all()
    before = copied(learner.encoder)
    train(learner, DATA.fit, COURSE, 0)
    assert not torch.equal(before["stack.0.weight"], learner.encoder.state_dict()["stack.0.weight"])
    assert scored(model, depth="layer1") != scored(model)
    with pytest.raises(Refusal, match="no features, so no depth 'layer1'"):
        scored(build("pca", SHAPE, latent=2), depth="layer1")


def test_errors_stand_beside_that_of_naming_the_commonest_class() -> None:
    label = np.where(np.arange(200) < 150, 3, 4)
    values = scored(encoder(), Splits(DATA.fit, replace(DATA.test, label=label)), epochs=1)
    assert values["majority error %"] == 25


def test_dropout_on_the_code_is_drawn_by_the_seed() -> None:
    model = encoder()
    assert scored(model, dropout=0.5) == scored(model, dropout=0.5) != scored(model)


def test_images_without_a_label_are_not_learned_from() -> None:
    label = np.where(np.arange(400) % 4, DATA.fit.label, -1)
    some = replace(DATA.fit, label=label)
    learners = [Learner(finetune.copied(encoder()), 10) for _ in range(2)]
    finetune.train(learners[0], some, COURSE, seed=0)
    finetune.train(learners[1], some.take(np.flatnonzero(label >= 0)), COURSE, seed=0)
    assert_same(*(learner.state_dict() for learner in learners))


def test_the_best_epoch_is_that_of_least_held_out_error(monkeypatch) -> None:
    states, given, answers = [], [], iter([30.0, 20.0, 20.0, 25.0])

    def error(learner: Learner, images: Images) -> float:
        states.append({name: value.clone() for name, value in learner.state_dict().items()})
        given.append(images)
        return next(answers)

    monkeypatch.setattr(Learner, "error", error)
    learner = Learner(finetune.copied(encoder()), 10)
    assert finetune.train(learner, DATA.fit, replace(COURSE, epochs=4, best=True), seed=0) == 20
    assert_same(states[2], learner.state_dict())
    assert len(given[0]) == 400 // 6
    assert given[0].source == DATA.fit.source


def test_held_out_images_are_not_trained_on(monkeypatch) -> None:
    seen, held = set(), set()
    at = finetune.Batches.at
    monkeypatch.setattr(
        finetune.Batches, "at", lambda *args: (batch := at(*args), seen.update(batch.index.tolist()))[0]
    )
    monkeypatch.setattr(Learner, "error", lambda _, images: held.update(images.names) or 1.0)
    numbered = replace(DATA.fit, names=[str(i) for i in range(400)])
    finetune.train(Learner(finetune.copied(encoder()), 10), numbered, replace(COURSE, best=True), seed=0)
    assert seen | {int(name) for name in held} == set(range(400))
    assert not seen & {int(name) for name in held}


@pytest.mark.slow
def test_it_is_left_out_unless_it_is_named() -> None:
    model = build("pca", SHAPE, latent=2)
    assert "finetune" not in [record["name"] for record in run_scores(model, DATA, limit=20)]
    record = run_scores(model, DATA, ["finetune"], limit=20, options={"finetune": {"epochs": 1, "best": True}})[0]
    assert record["n"] == 20
    assert record["options"] == {"epochs": 1, "best": True}
    assert set(record["values"]) == {"finetuned error %", "held-out error %", "majority error %"}


@pytest.mark.parametrize(
    "options", [{"epochs": 0}, {"batch": 0}, {"seeds": 0}, {"rate": 0.0}, {"dropout": 1.0}, {"dropout": -0.1}]
)
def test_options_out_of_range_are_refused(options) -> None:
    with pytest.raises(Refusal, match=f"finetune: .*{next(iter(options))}"):
        scored(encoder(), **options)


def test_what_cannot_be_learned_is_refused() -> None:
    alike = noise(20, SHAPE, label=np.zeros(20))
    with pytest.raises(Refusal, match="drawn must have 6 labels or more, of two or more classes"):
        scored(encoder(), Splits(alike, alike))
    with pytest.raises(Refusal, match="fresh weights were asked for"):
        scored(build("pca", SHAPE), fresh=True)
    with pytest.raises(Refusal, match="no longer finite at rate 1e\\+30"):
        scored(encoder(), rate=1e30)


def test_what_a_closed_form_has_found_is_trained_on() -> None:
    model = build("rbm", image=SHAPE, units=12, epochs=1)
    need(model, Fits).fit(DATA.fit.blocks, Generator().manual_seed(0))
    before = copied(model)
    learner = finetune.copied(model)
    assert {"weight", "hidden"} <= {name for name, _ in learner.named_parameters()}
    need(learner, Encodes).encode(DATA.fit.floats(slice(0, 4))).mode()["h"].sum().backward()
    assert learner.get_parameter("weight").grad.abs().sum() > 0
    train(Learner(learner, 10), DATA.fit, COURSE, 0)
    assert not torch.equal(learner.get_parameter("weight"), before["weight"])
    assert_same(copied(model), before)
