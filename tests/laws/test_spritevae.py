"""SpriteVAE: sprites placed where their numbers say, one part a cell, and what its bound counts."""

import math
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from latelier.core import Batch, Code, Progress
from latelier.data.drawn.scenes import draw_scenes
from latelier.errors import Refusal
from latelier.models.spritevae import Model, SpritePosterior
from latelier.nets.sprite import HALF, REACH, SCALE, SIDE, TURN, Sprites, grid_of
from latelier.runs.building import build

IMAGE = (3, 32, 32)
CELL = 8  # px of the grid of 4 x 4


def made(image: tuple[int, int, int] = IMAGE, **settings: Any) -> Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build("spritevae", image, **settings)
    assert isinstance(model, Model)
    return model


def batch_of(n: int = 4) -> Batch:
    image = draw_scenes(n, size=32).floats(slice(None))
    none = torch.zeros(n, 0, dtype=torch.int64)
    return Batch(image, torch.arange(n), torch.full((n,), -1), none, none)


def square(model: Model) -> Sprites:
    """The decoder, whose sprite 0 fills its frame."""
    with torch.no_grad():
        model.decoder.weight[0] = 5.0
    return model.decoder


def placed(row: int = 1, column: int = 1, **place: float) -> tuple[Tensor, Tensor]:
    """Occurrence and place of sprite 0 at one cell; the numbers as tanh has them."""
    occurrence, numbers = torch.zeros(1, 16, 4, 4), torch.zeros(1, 4, 4, 4)
    occurrence[0, 0, row, column] = 1
    for name, value in place.items():
        numbers[0, ["right", "down", "scale", "turn"].index(name), row, column] = math.atanh(value)
    return occurrence, numbers


@torch.no_grad()
def cover(**place: float) -> Tensor:
    """[H, W] of sprite 0 at cell (1, 1)."""
    return square(made()).cover(*placed(**place)).sum(1)[0]


def test_a_sprite_lies_about_the_middle_of_its_cell() -> None:
    found = cover()
    middle = 1.5 * CELL
    at = torch.arange(32) + 0.5
    total = found.sum()
    assert float((found.sum(0) * at).sum() / total) == pytest.approx(middle, abs=1e-4)
    assert float((found.sum(1) * at).sum() / total) == pytest.approx(middle, abs=1e-4)
    side = 2 * HALF * CELL * (1 + 1 / SIDE)  # the border of a mask fades over half a point
    assert float(total) == pytest.approx(side**2, rel=0.01)
    assert float(found.max()) == pytest.approx(1)


def test_place_moves_right_and_down_by_pixels() -> None:
    by = 2 / (REACH * CELL)  # two pixels
    torch.testing.assert_close(cover(right=by)[:, 2:], cover()[:, :-2], atol=1e-5, rtol=0)
    torch.testing.assert_close(cover(down=by)[2:], cover()[:-2], atol=1e-5, rtol=0)


def test_place_scales() -> None:
    half = -math.log(2) / SCALE / 2  # a scale of 1 / sqrt 2
    assert float(cover(scale=half).sum()) == pytest.approx(float(cover().sum()) / 2, rel=0.04)  # to a pixel's edge


@torch.no_grad()
def test_place_turns_clockwise_as_seen() -> None:
    decoder = square(made())
    decoder.weight[0, :, : SIDE // 2] = -5.0  # what is left is the right half of the frame
    found = decoder.cover(*placed(turn=0.9)).sum(1)[0]
    at, angle, arm = torch.arange(32) + 0.5, 0.9 * TURN, HALF * CELL / 2
    total = found.sum()
    assert float((found.sum(0) * at).sum() / total) == pytest.approx(1.5 * CELL + arm * math.cos(angle), abs=0.1)
    assert float((found.sum(1) * at).sum() / total) == pytest.approx(1.5 * CELL + arm * math.sin(angle), abs=0.1)


@torch.no_grad()
def test_the_ground_alone_where_nothing_occurs_and_the_colour_alone_where_a_sprite_covers() -> None:
    model = made()
    decoder = square(model)
    occurrence, place = placed()
    ground = torch.randn(1, 12, generator=Generator().manual_seed(0))
    code = {"occurrence": occurrence, "place": place, "appearance": torch.zeros(1, 3, 4, 4), "ground": ground}
    code["appearance"][0, :, 1, 1] = torch.tensor([2.0, 0.0, -2.0])
    empty = decoder({**code, "occurrence": torch.zeros_like(occurrence)})
    found = decoder(code)
    torch.testing.assert_close(empty, decoder.ground(ground).tanh() / 2)
    torch.testing.assert_close(found[0, :, 12, 12], code["appearance"][0, :, 1, 1].tanh() / 2, atol=1e-3, rtol=0)
    torch.testing.assert_close(found[0, :, 24:], empty[0, :, 24:])


def test_an_oblong_image_has_about_square_cells() -> None:
    assert grid_of((3, 32, 32), 4) == (4, 4)
    assert grid_of((3, 32, 64), 4) == (4, 8)
    assert grid_of((1, 30, 20), 3) == (4, 3)
    model = made((1, 30, 20), cells=3)
    code = model.encode(torch.rand(2, 1, 30, 20)).mode()
    assert code["occurrence"].shape == (2, 16, 4, 3)
    assert model.decode(code).shape == (2, 1, 30, 20)


def posterior(temperature: float | None) -> SpritePosterior:
    g = Generator().manual_seed(0)
    logits = torch.randn(2, 4, 3, 3, generator=g).requires_grad_()
    zero = torch.zeros(2, 1, 3, 3)
    prior = torch.tensor([0.1, 0.1, 0.1, 0.7]).log()[:, None, None]
    return SpritePosterior(logits.log_softmax(1), {"place": (zero, zero)}, prior, temperature)


def test_at_a_cell_occurs_one_part_or_none_as_often_as_q_says() -> None:
    q, g = posterior(None), Generator().manual_seed(1)
    q.log_p = q.log_p.detach()
    draws = torch.stack([q.sample(g)["occurrence"] for _ in range(2000)])
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    assert float(draws.sum(2).max()) == 1
    assert float((draws.mean(0) - q.log_p.exp()[:, :-1]).abs().max()) < 0.06  # five sds of a mean of 2,000


def test_a_gradient_passes_a_draw_in_training_alone() -> None:
    still = posterior(None).sample(Generator().manual_seed(0))["occurrence"]
    assert not still.requires_grad
    q = posterior(0.5)
    drawn = q.sample(Generator().manual_seed(0))["occurrence"]
    torch.testing.assert_close(drawn.detach(), drawn.detach().round(), atol=1e-6, rtol=0)  # hard, as without
    drawn[:, 0].sum().backward()
    with pytest.raises(RuntimeError, match="second time"):  # it went through the logits
        q.log_p.sum().backward()


def test_the_rate_of_occurrences_is_enumerated_and_that_of_places_counts_where_something_occurs() -> None:
    q = posterior(None)
    rate = q.rate()
    p = q.log_p.exp()
    by_hand = sum(p[:, k] * (p[:, k] / q.log_prior[k].exp()).log() for k in range(4))
    torch.testing.assert_close(rate["occurrence"].sum(1), by_hand)
    off = SpritePosterior(
        torch.tensor([-30.0, -30.0, 0.0])[:, None, None].expand(1, 3, 2, 2).log_softmax(1),
        {"place": (torch.ones(1, 4, 2, 2), torch.zeros(1, 4, 2, 2)), "ground": (torch.ones(1, 5), torch.zeros(1, 5))},
        torch.tensor([0.1, 0.1, 0.8]).log()[:, None, None],
    ).rate()
    assert float(off["place"].abs().max()) < 1e-6
    torch.testing.assert_close(off["ground"], torch.full((1, 5), 0.5))


@torch.no_grad()
def test_maps_of_parts_share_out_what_is_covered() -> None:
    model = made()
    image = batch_of().image
    found = model.parts(image)
    q = model.encode(image)
    cover = model.decoder.cover(q.log_p.exp()[:, :-1], q.mode()["place"]).sum(1)
    pooled = torch.nn.functional.adaptive_avg_pool2d(cover, (8, 8))
    torch.testing.assert_close(found.occurrence.sum(1), pooled, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_repainting_changes_the_colour_at_the_parts_cells_alone() -> None:
    model = made()
    occurrence = torch.zeros(2, 16, 4, 4)
    occurrence[:, 3, 0, 0], occurrence[:, 3, 2, 2], occurrence[:, 5, 1, 1] = 1, 1, 1
    code: Code = {"occurrence": occurrence, "appearance": torch.randn(2, 3, 4, 4), "ground": torch.zeros(2, 12)}
    source = {name: value[:1] for name, value in code.items()}
    after = model.repainted(code, source, 3, by=5)["appearance"]
    want = code["appearance"].clone()
    want[:, :, 0, 0] = want[:, :, 2, 2] = code["appearance"][0, :, 1, 1]
    torch.testing.assert_close(after, want)


def test_the_loss_is_its_terms_with_their_weights() -> None:
    model = made(beta_occurrence=3.0, beta_appearance=0.5)
    losses = model.learn(batch_of(), Progress(50, 100, Generator().manual_seed(0)))
    terms = {name: float(value.detach().mean()) for name, value in losses.report.items()}
    rest = terms["KL place"] + terms["KL appearance"] + terms["KL ground"]
    want = terms["distortion"] + 3 * terms["KL occurrence"] + 0.5 * rest
    assert model.measures(terms)["objective"] == pytest.approx(want, rel=1e-4)
    assert float(losses.minimise["model"].detach()) == pytest.approx(want + terms["fit of masks"], rel=1e-4)
    risen = model.learn(batch_of(), Progress(10, 100, Generator().manual_seed(0)))  # half of warmup
    less = {name: float(value.detach().mean()) for name, value in risen.report.items()}
    half = less["distortion"] + 1.5 * less["KL occurrence"] + less["fit of masks"]
    half += 0.5 * (less["KL place"] + less["KL appearance"] + less["KL ground"])
    assert float(risen.minimise["model"].detach()) == pytest.approx(half, rel=1e-4)


def test_that_nothing_occurs_is_remarked() -> None:
    model = made()
    assert model.remarks({"occurrences": 0.01}, 1000) != []
    assert model.remarks({"occurrences": 2.0}, 1000) == model.remarks({}, 1000) == []


@torch.no_grad()
def test_errors_are_those_of_the_images_drawn_with_each_sprite() -> None:
    """In the frame, beside what is drawn with none; to the step between an image's pixels and a mask's points."""
    model = made((1, 64, 64), parts=4, cells=2)
    decoder, g = model.decoder, Generator().manual_seed(0)
    decoder.weight.copy_(6 * (torch.rand(4, 1, 1, generator=g) - 0.5) / 20 + decoder.weight)
    image = torch.nn.functional.avg_pool2d(torch.rand(1, 1, 74, 74, generator=g), 11, 1)
    code = {"place": torch.zeros(1, 4, 2, 2), "appearance": torch.full((1, 1, 2, 2), 2.0)}
    code |= {"ground": torch.zeros(1, 12)}
    errors = decoder.errors(image, code)
    assert errors.shape == (1, 4, 2, 2)

    def error(part: int | None) -> float:
        occurrence = torch.zeros(1, 4, 2, 2)
        if part is not None:
            occurrence[0, part, 0, 0] = 1
        drawn = decoder({**code, "occurrence": occurrence})
        return float((image - 0.5 - drawn).square().sum())

    whole = torch.tensor([error(part) for part in range(4)])
    torch.testing.assert_close(whole - whole.mean(), errors[0, :, 0, 0] - errors[0, :, 0, 0].mean(), rtol=0.1, atol=0.5)
    assert float((whole - whole.mean()).abs().max()) > 5  # there is something to tell


def test_which_part_occurs_is_the_posterior_of_its_error() -> None:
    model = made()
    image = batch_of().image
    q, taught = model.posterior(image)
    with torch.no_grad():
        error = 4 * model.decoder.errors(image, q.mode())
    p = q.log_p.exp()
    torch.testing.assert_close(p.sum(1), torch.ones(4, 4, 4))
    given = p[:, :-1] / p[:, :-1].sum(1, keepdim=True)
    torch.testing.assert_close(given, (-error).softmax(1), atol=1e-4, rtol=1e-3)
    want = (p[:, :-1] * error).sum((1, 2, 3))
    torch.testing.assert_close(taught, want, rtol=1e-3, atol=1e-2)
    taught.sum().backward()
    assert model.decoder.weight.grad is not None
    assert float(model.decoder.weight.grad.abs().sum()) > 0
    assert all(weight.grad is None for weight in model.encoder.parameters())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"chance": 1.0}, "chance is a probability"),
        ({"chance": 1e-60}, "chance is a probability"),
        ({"warmup": 5.0}, "warmup is a share of a run"),
        ({"cells": 17}, "17 cells to 32 pixels were asked for"),
        ({"parts": 0}, "must be 1 or more"),
        ({"cells": 0}, "1 or more"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        made(**settings)
