"""The laws that every method keeps, over the modules found in ``latelier.models``: a new file is tested by being there.

A model fitted in closed form (``Fits``) has no moves; it is tested by its fit instead.
"""

import random
from collections import Counter
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from every import (
    CLASSES,
    CLOSED,
    GREY,
    LEARNING,
    SIZE,
    WORDS,
    Case,
    assert_same,
    batches_of,
    closed,
    copied,
    drawn,
    every,
    images_of,
    learning,
    outputs,
    over,
)
from reads import Reads
from torch import Generator
from torch.nn import functional

from latelier.config.lookup import find_module
from latelier.core import Batch, Captions, Encodes, Fits, Judges, Losses, Model, Progress, Weighs, has, need
from latelier.data.captions import Sentences
from latelier.data.images import Images
from latelier.engine import checkpoint
from latelier.engine.loop import train
from latelier.engine.move import play
from latelier.engine.plan import Plan
from latelier.engine.players import Player, Statistics, differentiate, players_of
from latelier.errors import Refusal
from latelier.runs.building import build, load


def prepared(case: Case) -> tuple[Model, dict[str, Player], Batch]:
    model, _ = case.build()
    return model.train(), players_of(model, model.optimisers()), batches_of(case).at(0)


def progress(seed: int = 0) -> Progress:
    return Progress(0, 10 * SIZE, Generator().manual_seed(seed))


@every
def test_every_weight_belongs_to_one_player(case: Case) -> None:
    model, _ = case.build()
    players = players_of(model, model.optimisers())
    owned = Counter(name for player in players.values() for name in player.names)
    assert owned == Counter(name for name, _ in model.named_parameters())
    assert all(player.names for player in players.values())


@learning
def test_a_move_reports_each_image_and_minimises_scalars(case: Case) -> None:
    model, players, batch = prepared(case)
    for move in model.moves():
        losses = move(batch, progress())
        assert losses.minimise.keys() <= players.keys()
        assert all(loss.shape == () and loss.isfinite() for loss in losses.minimise.values())
        assert losses.report
        for term, values in losses.report.items():
            assert values.shape == (SIZE,), term
            assert values.isfinite().all(), term
        for name, value in (losses.code or {}).items():
            assert value.shape == (SIZE, *model.latents[name].shape)


@learning
def test_each_players_loss_reaches_each_of_its_weights(case: Case) -> None:
    model, players, batch = prepared(case)
    reached = set()
    for step in range(3):  # what stands behind a weight that begins at zero is reached after a step
        for move in model.moves():
            for name, gradients in differentiate(move(batch, progress(step)), players).items():
                reached |= {
                    w for w, g in zip(players[name].names, gradients, strict=True) if g.isfinite().all() and g.any()
                }
                players[name].step(gradients, 1.0)
    assert reached == {name for name, _ in model.named_parameters()}


@learning
def test_a_players_step_leaves_the_others_as_they_were(case: Case) -> None:
    model, players, batch = prepared(case)
    for move in model.moves():
        for name, gradients in differentiate(move(batch, progress()), players).items():
            before = copied(model)
            players[name].step(gradients, 1.0)
            moved = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
            assert moved, name
            assert moved <= set(players[name].names), name


@learning
def test_a_move_is_a_function_of_weights_batch_and_generator(case: Case) -> None:
    def played(disturbance: int) -> list[Losses]:
        model, _, batch = prepared(case)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(disturbance)
            random.seed(disturbance)
            np.random.seed(disturbance)
            before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
            results = [move(batch, progress()) for move in model.moves()]
            after = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
        assert torch.equal(before[0], after[0])
        assert before[1:] == after[1:]
        return results

    for one, other in zip(played(1), played(2), strict=True):
        assert_same(one.minimise, other.minimise)
        assert_same(one.report, other.report)


@every
def test_outputs_do_not_depend_on_batch_mates(case: Case) -> None:
    model, _ = case.build()
    image = batches_of(case).at(0).image
    others = torch.cat([image[:1], 1 - image[1:]])
    # Not bit for bit: how a product of matrices is cut into blocks depends on their number.
    for name, value in outputs(model, image).items():
        torch.testing.assert_close(outputs(model, image[:1])[name], value[:1], rtol=0, atol=1e-5, msg=name)
        torch.testing.assert_close(outputs(model, others)[name][:1], value[:1], rtol=0, atol=1e-5, msg=name)


@every
def test_a_saved_model_is_the_same_when_loaded(case: Case, tmp_path: Path) -> None:
    model, card = case.build(seed=5)
    for tensor in model.state_dict().values():
        tensor += 1 if tensor.dtype == torch.int64 else 0.01  # no tensor is as it was built
    checkpoint.save(tmp_path, 128, model.state_dict(), card.json(), {}, {})
    loaded = load(tmp_path).to(memory_format=torch.channels_last)  # batch norm rounds by the layout
    assert loaded.latents == model.latents
    assert loaded.image == model.image
    assert_same(copied(loaded), copied(model))
    image = batches_of(case).at(0).image
    assert_same(outputs(loaded, image), outputs(model, image))


class Killed(Exception):
    pass


@learning
def test_a_killed_run_goes_on_bit_for_bit(case: Case, tmp_path: Path) -> None:
    plan = Plan(
        total=6 * SIZE,
        batch=SIZE,
        warmup=2 * SIZE,
        decay="cosine",
        clip=1.0,
        ema=SIZE,
        log_every=SIZE,
        save_every=2 * SIZE,
    )

    def run(folder: Path, seed: int, killed_at: int = -1) -> Model:
        def show(record: dict[str, Any]) -> None:
            if record["seen"] == killed_at:
                raise Killed

        folder.mkdir(exist_ok=True)
        model, card = case.build(seed)
        train(model, batches_of(case), plan, folder, card.json(), show=show)
        return model

    straight = run(tmp_path / "straight", seed=0)
    with pytest.raises(Killed):  # in the sixth step, after a checkpoint at the fourth
        run(tmp_path / "killed", seed=0, killed_at=5 * SIZE)
    resumed = run(tmp_path / "killed", seed=1)  # its own first weights must not matter
    assert_same(copied(resumed), copied(straight))
    assert_same(copied(load(tmp_path / "killed")), copied(load(tmp_path / "straight")))  # the averaged weights


@every
def test_an_unknown_field_is_refused_with_the_nearest(case: Case) -> None:
    known = fields(find_module("latelier.models", case.method, "model", "Model").Config)[0].name
    with pytest.raises(Refusal, match=f'{case.method} has no field .{known}z.; did you mean "{known}"'):
        build(case.method, case.image, classes=CLASSES, head=case.head, **{f"{known}z": 1})


def measures(model: Model, images: Images) -> dict[str, float]:
    """What learning must make smaller, as far as capabilities tell. A new kind of model adds its own here."""
    image, label = images.floats(slice(None)), torch.from_numpy(images.label)
    found, values = {}, outputs(model, image)
    if "reconstruction" in values:
        found["squared error"] = float((values["reconstruction"] - image).square().mean())
    if "probabilities" in values:
        found["cross-entropy"] = float(functional.nll_loss(values["probabilities"].log(), label, ignore_index=-1))
    if has(model, Captions):
        caption = Sentences(images, WORDS, 20).at(torch.arange(len(images)), seed=0)
        with torch.no_grad():
            code = need(model, Encodes).encode(image).mode()
            found["nats a caption"] = -float(need(model, Captions).log_caption(code, caption).mean())
    if has(model, Weighs):
        with torch.no_grad():
            found["negative elbo"] = -float(need(model, Weighs).log_weight(image, 4, Generator().manual_seed(0)).mean())
    return found


# Beside these a label weighs little, and codes grow (sd .6 to 1.5) while their encoder learns to redraw: so the head's
# first weights, drawn at random, are more sure and more wrong for a hundred steps (cross-entropy 2.31, then 2.49 and,
# after 200, 2.24). From weights of 0, or where codes do not grow, it falls from the start; the game changes nothing.
REDRAWN_FIRST = ("introvae",)


@cache
def by_adversary(method: str) -> bool:
    """Whether nobody but an adversary teaches it. No short run shows that it learns: laws/test_mixture.py does."""
    model, _ = Case(method, GREY).build()
    return "generator" in model.players or has(model, Judges)


@learning
def test_each_player_gets_what_it_wants_while_the_others_stand_still(case: Case) -> None:
    model, _, batch = prepared(case)
    for number, move in enumerate(model.moves()):
        for name in move(batch, progress()).minimise:
            model, players, batch = prepared(case)
            move, losses = model.moves()[number], []
            move(batch, progress())  # what it keeps of batches, as a scale of losses, has begun
            for _ in range(8):
                result = move(batch, progress())
                losses.append(float(result.minimise[name].detach()))
                players[name].step(differentiate(result, players)[name], 1.0)
            assert min(losses[1:]) < losses[0], (name, losses)


@over([case for case in LEARNING if not by_adversary(case.method)] + CLOSED)
def test_a_short_run_improves(case: Case, tmp_path: Path) -> None:
    model, card = case.build()
    images = images_of(case)
    before = measures(model, images)
    assert before, "measures() knows nothing that this kind of model must improve"
    if isinstance(model, Fits):
        model.fit(images.blocks, Generator().manual_seed(0))
    else:
        critic = "critic" in model.players  # which must not learn as fast as the rest
        slow = critic or any("running_var" in name for name in model.state_dict())  # its averages follow from afar
        steps = 200 if case.head != "none" and case.method in REDRAWN_FIRST else 100 if slow else 30
        plan = Plan(total=steps * SIZE, batch=SIZE, rate=None if critic else 1e-3)
        train(model, batches_of(case), plan, tmp_path, card.json())
    after = measures(model, images)
    assert all(after[name] < before[name] for name in before), (before, after)


@learning
def test_a_batch_may_be_played_in_two_parts(case: Case) -> None:
    plan = Plan(total=SIZE, batch=SIZE, parts=2)
    model, players, _ = prepared(case)
    before, batches, statistics = copied(model), batches_of(case), Statistics(model)
    parts = [batches.at(0, part, 2) for part in range(2)]
    for move in model.moves():
        report = play(move, parts, [progress(0), progress(1)], players, plan, batches, statistics)
        assert all(values.shape == (SIZE,) and values.isfinite().all() for values in report.values())
    after = copied(model)
    assert all(value.isfinite().all() for value in after.values())
    assert all(not torch.equal(after[name], before[name]) for name, _ in model.named_parameters())


@learning
def test_a_step_reads_nothing_from_the_device(case: Case) -> None:
    """Where the watch reads it instead, as on a GPU: that would wait for all that is queued there."""
    model, players, batch = prepared(case)
    flag, notes = torch.zeros(()), Progress(0, 10 * SIZE, Generator().manual_seed(0), {})
    plan, order, statistics = Plan(total=SIZE, batch=SIZE, clip=1.0), batches_of(case), Statistics(model)
    with Reads() as reads:
        for move in model.moves():
            play(move, [batch], [notes], players, plan, order, statistics, flag)
    # Captions are cut to the words that they have, and a search ends when its last caption has.
    assert case.caption != "none" or reads.found == []
    assert not flag


@pytest.mark.usefixtures("bf16")
@learning
def test_learns_in_bfloat16_with_losses_in_float32(case: Case) -> None:
    plan = Plan(total=SIZE, batch=SIZE, precision="bf16")
    model, players, batch = prepared(case)
    before = copied(model)
    for move in model.moves():
        report = play(move, [batch], [progress()], players, plan, batches_of(case), Statistics(model))
        assert all(values.dtype == torch.float32 and values.isfinite().all() for values in report.values())
    for name, weight in model.named_parameters():
        assert weight.dtype == torch.float32
        assert weight.isfinite().all()
        assert not torch.equal(weight, before[name])


@closed
def test_a_fit_is_a_function_of_images_and_generator(case: Case) -> None:
    def fitted(disturbance: int) -> Model:
        model, _ = case.build()
        assert model.moves() == ()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(disturbance)
            np.random.seed(disturbance)
            report = need(model, Fits).fit(lambda: drawn(case.image).blocks(SIZE), Generator().manual_seed(0))
        assert all(np.isfinite(value) for value in report.values())
        return model

    assert_same(copied(fitted(1)), copied(fitted(2)))


@closed
def test_no_head_is_put_on_a_model_without_moves(case: Case) -> None:
    with pytest.raises(Refusal, match="closed form"):
        replace(case, head="softmax").build()
