"""Reconstructions beside a game (ALICE), the same nets without one, and slopes in the data's own length."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

import latelier
from latelier import build
from latelier.core import Batch, Progress
from latelier.engine.players import differentiate, players_of
from latelier.errors import Refusal
from latelier.models.adversarial import Adversarial
from latelier.models.game_settings import Critic, spread
from latelier.objectives.game import steepness
from latelier.runs.compatibility import settings_of
from latelier.runs.run import open_run

IMAGE = (1, 8, 8)
CYCLES = {"ali": (5.0,), "bigan": (5.0,), "hali": (5.0, 2.0)}
METHODS: dict[str, dict[str, Any]] = {
    "ali": {"latent": 4, "net": "strided", "net.channels": 4, "net.hidden": 8},
    "bigan": {"latent": 4, "net.widths": (16,)},
    "hali": {"levels": (4, 8), "net": "table", "net.width": 0.125},
}


def made(method: str, **settings: Any) -> Adversarial:
    torch.manual_seed(0)
    model = build(method, IMAGE, **METHODS[method], **settings)
    assert isinstance(model, Adversarial)
    return model.train()


def batch(n: int = 6) -> Batch:
    image = torch.rand(n, *IMAGE, generator=Generator().manual_seed(1))
    return Batch(image, torch.arange(n), torch.full((n,), -1), *[torch.zeros(n, 0, dtype=torch.int64)] * 2)


def at(seen: int = 1) -> Progress:
    return Progress(seen, 1000, Generator().manual_seed(0))


def buffers(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.named_buffers()}


@pytest.mark.parametrize("method", METHODS)
def test_the_coder_alone_learns_from_reconstructions(method: str) -> None:
    plain, cycled = made(method, cycle=(0.0,)), made(method, cycle=CYCLES[method])
    found = [
        differentiate(model.play(batch(), at()), players_of(model, model.optimisers())) for model in (plain, cycled)
    ]
    assert all(torch.equal(a, b) for a, b in zip(found[0]["critic"], found[1]["critic"], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(found[0]["coder"], found[1]["coder"], strict=True))


@pytest.mark.parametrize("method", METHODS)
def test_reconstructions_leave_running_statistics_as_they_are(method: str) -> None:
    plain, cycled = made(method, cycle=(0.0,)), made(method, cycle=CYCLES[method])
    for model in (plain, cycled):
        model.play(batch(), at())
    one, other = buffers(plain), buffers(cycled)
    assert one
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("method", METHODS)
def test_the_cycle_of_a_perfect_autoencoder_is_0(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, image = made(method, cycle=CYCLES[method]), batch().image
    code = model.encode(image).mode()
    monkeypatch.setattr(model, "decode", lambda code: image)
    total, report = model.cycled(image, code, Generator())
    assert total.tolist() == [0] * 6
    assert list(report) == [f"redrawn {level}" for level in model.levels()]
    monkeypatch.setattr(model, "decode", lambda code: image + 0.25)  # half a unit of pixels in [-1, 1]
    total, report = model.cycled(image, code, Generator())
    assert total.tolist() == pytest.approx([0.25 * (7.0 if len(report) == 2 else 5.0)] * 6)


@pytest.mark.parametrize("method", METHODS)
def test_without_a_game_nobody_judges(method: str, tmp_path: Path) -> None:
    model = made(method, game="off", cycle=(5.0,))
    assert list(model.players) == list(model.optimisers()) == ["coder"]
    assert not [name for name, _ in model.named_parameters() if name.startswith("judge")]
    losses = model.play(batch(), at())
    assert list(losses.minimise) == ["coder"]
    found = differentiate(losses, players_of(model, model.optimisers()))["coder"]
    assert any(gradient.abs().max() > 0 for gradient in found)
    with pytest.raises(Refusal, match="game=off has no critic"):
        model.embed(batch().image, model.encode(batch().image).mode())
    settings = [f"{k}={','.join(map(str, v)) if isinstance(v, tuple) else v}" for k, v in METHODS[method].items()]
    few: dict[str, Any] = {"data": "digits", "steps": 12, "batch": 16, "validation": 0.1, "quiet": True}
    run = latelier.train(method, out=tmp_path / "run", settings=[*settings, "game=off", "cycle=5"], **few)
    validation = [record["validation"] for record in open_run(run).log if "validation" in record]
    assert all(0 < values["ratio to other images"] < 2 for values in validation)
    assert validation
    assert len(latelier.score(run, only=["reconstruction"], quiet=True)) == 1
    assert latelier.draw(run, "samples").exists()
    with pytest.raises(Refusal, match="game=on"):
        latelier.draw(run, "distances")
    assert not model.remarks({"critic accuracy": 1.0}, 10**9)


def test_cycles_teach_reconstruction(tmp_path: Path) -> None:
    few: dict[str, Any] = {"data": "digits", "steps": 120, "batch": 64, "precision": "fp32", "validation": 0.1}
    settings = ["latent=8", "net=dense", "net.widths=128", "paired=true", "critic.r1=0.01", "critic.r2=0.01"]
    ratios = []
    for cycle in ("0", "20"):
        run = latelier.train("ali", out=tmp_path / cycle, settings=[*settings, f"cycle={cycle}"], quiet=True, **few)
        told = [record["validation"] for record in open_run(run).log if "validation" in record]
        ratios.append(told[-1]["ratio to other images"])
    assert ratios[1] < 0.5 * ratios[0]  # .21 to .24 over three seeds


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cycle": (-1.0,)}, "cycle gives each level a weight of 0 or more"),
        ({"cycle": ()}, "cycle gives each level a weight of 0 or more"),
        ({"cycle": (5.0, 2.0, 1.0)}, "cycle=5,2,1 names 3 weights, but there are codes of 2 levels .z1, z2."),
        ({"game": "off", "cycle": (0.0,)}, "game=off with cycle=0 leaves z2 nothing to learn from"),
        ({"game": "off", "cycle": (1.0, 0.0)}, "game=off with cycle=1,0 leaves z2 nothing to learn from"),
    ],
)
def test_what_leaves_nothing_to_learn_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        made("hali", **settings)


def test_slopes_are_counted_in_the_datas_own_length() -> None:
    points, weight = torch.randn(32, 5), torch.randn(5)

    def slope(scale: float) -> Tensor:
        seen = scale * points  # what is told of a point does not depend on the unit that it is given in
        return steepness(lambda x: (x / scale) @ weight, seen, units=[spread(seen)])

    assert torch.allclose(slope(1.0), slope(100.0), rtol=1e-4)
    assert slope(1.0)[0] == pytest.approx(float(weight.square().sum() * spread(points)), rel=1e-4)
    assert spread(torch.ones(4, 3)) == 1


def test_the_slopes_of_a_share_stand_for_those_of_the_batch() -> None:
    points = torch.randn(8, 3, generator=Generator().manual_seed(0))

    def judge(x: Tensor, *, generator: Generator | None = None) -> Tensor:
        return x.square().sum(1)

    def slopes(share: float) -> tuple[Tensor, Tensor]:
        critic = Critic(r1=2.0, share=share, unit="one")
        found, penalty = critic.slopes(judge, (points,), (points,), Generator())
        assert torch.equal(penalty, found["slope"])  # half the weight is 1
        return found["slope"], penalty

    every = 4 * points.square().sum(1)  # of x^2 the slope is 2 x
    torch.testing.assert_close(slopes(1.0)[0], every)
    torch.testing.assert_close(slopes(0.25)[0], every[:2].repeat(4))
    torch.testing.assert_close(slopes(0.01)[0], every[:1].repeat(8))
    with pytest.raises(Refusal, match="above 0 and at most 1, not 0"):
        Critic(share=0.0)


def test_a_run_from_before_cycles_keeps_its_game_and_the_unit_of_its_slopes() -> None:
    old = settings_of({"model": "ali", "config": {"latent": 4, "critic": {"r1": 0.1, "norm": "none"}}})
    slopes = {"unit": "one", "share": 1.0, "r1": 0.1, "norm": "none"}
    assert old == {"latent": 4, "cycle": (0.0,), "critic": slopes}
    hierarchy = settings_of({"model": "hali", "config": {"levels": [8, 16], "width": 0.25, "slope": 0.02}})
    assert hierarchy == {
        "cycle": (0.0,),
        "levels": [8, 16],
        "net": {"kind": "table", "width": 0.25, "slope": 0.02},
    }
    new = {"cycle": (5.0,), "net": {"kind": "compact"}, "critic": {"r1": 0.1, "unit": "distance", "share": 0.25}}
    assert settings_of({"model": "hali", "config": new}) == new
    assert settings_of({"model": "dcgan", "config": {"latent": 4}}) == {"latent": 4}
