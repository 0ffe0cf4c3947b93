"""HALI's shapes, sizes and chains: facts.md 2.1, 2.6 oracles 5, 7, 8, 12, 14."""

from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from latelier import build
from latelier.core import Batch, Progress
from latelier.engine.players import differentiate, players_of
from latelier.errors import Refusal
from latelier.models.collapse import EVERY
from latelier.models.hali import Chain, Gaussian, Model
from latelier.nets.joint import TABLES

SMALL = {"levels": (8, 16), "net": "table", "net.width": 0.125}


def made(image: tuple[int, int, int] = (3, 16, 16), **settings: Any) -> Model:
    torch.manual_seed(0)
    model = build("hali", image, **{**SMALL, **settings})
    assert isinstance(model, Model)
    return model


def count(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


def images(n: int = 6, shape: tuple[int, int, int] = (3, 16, 16)) -> Tensor:
    return torch.rand(n, *shape, generator=Generator().manual_seed(1))


def batch(n: int = 6) -> Batch:
    known = torch.full((n,), -1)
    return Batch(
        images(n), torch.arange(n), known, torch.zeros(n, 0, dtype=torch.int64), torch.zeros(n, 0, dtype=torch.int64)
    )


def at(seen: int = 1, seed: int = 0) -> Progress:
    return Progress(seen, 1000, Generator().manual_seed(seed))


def test_the_rebuilt_table_has_its_weights() -> None:
    model = build("hali", (3, 128, 128), net="table", levels=(64, 256), **{"net.width": 1.0, "critic.norm": "weight"})
    assert isinstance(model, Model)
    assert [count(net) for net in (model.encoder, model.upwards, model.downwards, model.decoder)] == [
        212_768,
        11_097_600,
        3_270_528,
        207_779,
    ]
    last = count(model.judge.stages[2]) + count(model.judge.verdict)
    assert [count(model.judge.stages[0]), count(model.judge.stages[1]), last] == [93_472, 6_409_472, 1_838_081]


@pytest.mark.parametrize(("side", "lowest"), [(28, 14), (32, 16), (64, 16), (128, 32)])
def test_codes_have_the_sources_shapes(side: int, lowest: int) -> None:
    model = made((1, side, side), **{"levels": (64, 256), "net.width": 1 / 32})
    assert {name: latent.shape for name, latent in model.latents.items()} == {"z1": (64, lowest, lowest), "z2": (256,)}
    model.eval()
    with torch.no_grad():
        code = model.encode(images(2, (1, side, side))).mode()
        assert {name: tuple(value.shape[1:]) for name, value in code.items()} == {
            name: latent.shape for name, latent in model.latents.items()
        }
        assert model.decode({"z2": code["z2"]}).shape == model.decode({"z1": code["z1"]}).shape == (2, 1, side, side)
        assert model.embed(images(2, (1, side, side)), code).shape == (2, 32)


@pytest.mark.parametrize("levels", [(16,), (4, 8, 16), (4, 4, 8, 8)])
def test_any_number_of_levels_plays(levels: tuple[int, ...]) -> None:
    model = made(levels=levels, cycle=(20.0, 5.0)[: len(levels)])
    assert len(model.levels()) == len(levels)
    losses = model.train().play(batch(), at(EVERY - 1))  # the batch with the 8,192nd image is looked at
    assert "other images" not in model.play(batch(), at(0)).report
    found = differentiate(losses, players_of(model, model.optimisers()))
    assert all(gradient.isfinite().all() for gradients in found.values() for gradient in gradients)
    assert [name for name in losses.report if name.startswith("cycle")] == [
        f"cycle {level}" for level in model.levels()
    ]


def test_a_gaussian_without_spread_is_its_mean_and_draws_have_its_moments() -> None:
    mean, log_sd = torch.tensor([[1.0, -2.0]]), torch.tensor([[-0.5, 0.3]])
    narrow = Gaussian(torch.cat([mean, torch.full_like(log_sd, -99)], 1))
    torch.testing.assert_close(narrow.sample(Generator().manual_seed(0)), mean, atol=1e-4, rtol=0)
    many = Gaussian(torch.cat([mean, log_sd], 1).expand(100_000, 4)).sample(Generator().manual_seed(0))
    # Standard errors .0019 and .0043 of the means, .0014 and .003 of the sds: five of them once in 1.7 million.
    torch.testing.assert_close(many.mean(0), mean[0], atol=0.021, rtol=0)
    torch.testing.assert_close(many.std(0), log_sd[0].exp(), atol=0.015, rtol=0)


def test_the_chain_infers_each_level_from_the_draw_below() -> None:
    """With linear conditionals z1 = x + n, z2 = 2 z1 + n: draws of z2 have mean 2 x and variance 4 s1^2 + s2^2."""

    class Doubled(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return torch.cat([2 * z, torch.full_like(z, 0.5).log()], 1)

    x = torch.full((200_000, 1), 0.7)
    chain = Chain(Gaussian(torch.cat([x, torch.full_like(x, 0.3).log()], 1)), ("z1", "z2"), nn.ModuleList([Doubled()]))
    assert torch.equal(chain.mode()["z2"], 2 * x)
    code = chain.sample(Generator().manual_seed(0))
    # Standard errors: .0017 of the mean, .0019 of the variance, .0012 of the covariance; five of them.
    assert float(code["z2"].mean()) == pytest.approx(1.4, abs=0.009)
    assert float(code["z2"].var()) == pytest.approx(4 * 0.09 + 0.25, abs=0.01)
    assert float(((code["z2"] - 1.4) * (code["z1"] - 0.7)).mean()) == pytest.approx(2 * 0.09, abs=0.006)


def test_an_upper_level_is_filled_in_from_its_conditional() -> None:
    model = made().eval()
    with torch.no_grad():
        z = torch.randn(4, 16, generator=Generator().manual_seed(0))
        filled = model.fill({"z2": z})
        assert list(filled) == ["z1", "z2"]
        assert torch.equal(model.decode({"z2": z}), model.decode({"z1": filled["z1"]}))
        drawn = [model.fill({"z2": z}, Generator().manual_seed(seed))["z1"] for seed in (0, 0, 1)]
        assert torch.equal(drawn[0], drawn[1])
        assert not torch.equal(drawn[0], drawn[2])
        both = {"z1": filled["z1"] + 1, "z2": z}
        assert torch.equal(model.fill(both)["z1"], both["z1"])  # what is there stays
    with pytest.raises(Refusal, match="none of the levels z1, z2"):
        model.fill({"z": z})


def test_neither_player_learns_from_the_others_loss() -> None:
    model = made().train()
    losses = model.play(batch(), at())
    found = differentiate(losses, players_of(model, model.optimisers()))
    alone = {
        name: torch.autograd.grad(
            model.play(batch(), at()).minimise[name], [w for part in model.players[name] for w in part.parameters()]
        )
        for name in ("critic", "coder")
    }
    for name, gradients in found.items():
        for one, other in zip(gradients, alone[name], strict=True):
            torch.testing.assert_close(one, other)


def test_weight_norm_sees_the_direction_alone() -> None:
    model = made().eval()
    code = model.encode(images()).mode()
    before = model.judge(images(), *code.values())
    with torch.no_grad():
        for name, weight in model.judge.named_parameters():
            if name.endswith("original1"):  # v of v / |v|
                weight *= 3
    torch.testing.assert_close(model.judge(images(), *code.values()), before)


def test_the_critics_noise_comes_from_the_generator_alone() -> None:
    model = made(**{"critic.dropout": 1}).train()
    code = model.encode(images()).mode()
    logits = [model.judge(images(), *code.values(), generator=Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])
    assert torch.equal(model.judge(images(), *code.values()), model.judge(images(), *code.values()))


def test_inpainting_keeps_what_is_known_and_changes_what_is_not() -> None:
    model, image = made().eval(), images()
    known = torch.zeros(1, 1, 16, 16)
    known[..., :8] = 1
    with torch.no_grad():
        filled = model.impute(image, known, Generator().manual_seed(0))
        assert torch.equal(filled[..., :8], image[..., :8])
        assert not torch.equal(filled[..., 8:], image[..., 8:])
        assert torch.equal(model.impute(image, torch.ones_like(known), Generator()), image)
        other = torch.where(known.bool(), image, 1 - image)  # what is hidden must not be seen
        assert torch.equal(model.impute(other, known, Generator()), filled)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"levels": (8, 0)}, "levels takes whole numbers above 0"),
        ({"net": "table", "net.width": 0}, "must be above 0"),
        ({"noise": -1}, "noise -1 must be at least 0"),
        ({"critic.norm": "batch"}, "critic.norm cannot be batch"),
        ({"critic.r1": -1}, "critic.r1 and critic.r2 are weights"),
        ({"critic.dropout": 2}, "from 0 to below 2"),
        ({"first_sd": 1}, "above 0 and below 1, not 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence):
        made(**settings)


@pytest.mark.parametrize(("side", "sizes"), [(32, [28, 13, 10, 4, 1, 1]), (64, [63, 29, 13, 4, 1, 1])])
def test_alis_own_nets_have_its_sizes(side: int, sizes: list[int]) -> None:
    torch.manual_seed(0)
    model = build("ali", (3, side, side), net="valid", latent=256).eval()
    image = images(2, (3, side, side))
    found = []
    for stage in model.encoder.stages.values():  # type: ignore[union-attr, operator]
        image = stage(image)
        found.append(image.shape[-1])
    assert found == sizes
    assert len(found) == len(TABLES[side, side].up)
    assert model.decode({"z": torch.zeros(2, 256)}).shape == (2, 3, side, side)  # type: ignore[operator]


def test_remarks_name_the_sign_and_what_to_do() -> None:
    model = made()
    fine = {"critic accuracy": 0.7, "other images": 10.0, "cycle z1": 3.0, "drawn apart": 9.0, "data apart": 10.0}
    assert model.remarks(fine, 10**6) == []
    for change, sign in [
        ({"critic accuracy": 0.99}, "the critic recognises nearly every drawn side"),
        ({"cycle z1": 9.9}, "come apart"),
        ({"drawn apart": 0.1}, "collapse onto few modes"),
    ]:
        (sentence,) = model.remarks({**fine, **change}, 10**6)
        assert sign in sentence
        assert "critic.r1" in sentence
    assert model.remarks({**fine, "cycle z1": 9.9, "drawn apart": 0.1}, 1000) == []  # early on it is always so
