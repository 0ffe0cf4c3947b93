"""The loop: gradients reach their own player, every length is in images, and a stopped run goes on bit for bit."""

import math
import signal
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from latelier import device
from latelier.core import Batch, Losses, Model, Move, Optimiser, Progress
from latelier.core.looks import Looks
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.data.subsets import hide_labels
from latelier.device import Precision
from latelier.engine import checkpoint, loop
from latelier.engine.loop import look, train
from latelier.engine.move import Diverged
from latelier.engine.plan import Plan, rate_factor
from latelier.engine.players import differentiate, players_of
from latelier.engine.state import State
from latelier.errors import Refusal
from latelier.runs.learning_curve import read_log
from latelier.storage.schemas import CardNote

CPU = torch.device("cpu")
CARD = {"model": "game", "image": [1, 4, 4], "config": {}, "classes": []}


def some_images(n: int = 64, classes: int = 4) -> Images:
    rng = np.random.default_rng(0)
    return Images(
        pixels=rng.integers(0, 256, (n, 4, 4, 1), np.uint8),
        label=np.arange(n) % classes,
        attribute=np.zeros((n, 0), np.int8),
        captions=[[]] * n,
        names=[f"{i:03}.png" for i in range(n)],
        classes=tuple("abcd"[:classes]),
        source="noise",
    )


class Game(Model):
    """Two players on one graph: y = a b x; a wants y small, b wants it large. ``spoil`` makes b's term infinite."""

    def __init__(self, spoil_after: int | None = None):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.tensor(3.0))
        self.image, self.latents = (1, 4, 4), {}
        self.players: dict[str, list[nn.Module | nn.Parameter]] = {"a": [self.a], "b": [self.b]}
        self.spoil_after = spoil_after

    def moves(self) -> tuple[Move, ...]:
        return (self.play,)

    def optimisers(self) -> dict[str, Optimiser]:
        return {"a": Optimiser("sgd", 0.1, (0.0, 0.0)), "b": Optimiser("sgd", 0.01, (0.0, 0.0))}

    def play(self, batch: Batch, progress: Progress) -> Losses:
        x = batch.image.flatten(1).mean(1)
        y = self.a * self.b * x
        other = torch.where(batch.index == 5, math.inf, -y) if progress.seen == self.spoil_after else -y
        noise = torch.rand(1, generator=progress.generator)
        return Losses({"a": y.mean(), "b": other.mean()}, {"y": y, "other": other, "noise": noise.expand(len(y))})


def batches(size: int = 16, **options: Any) -> Batches:
    return Batches(some_images(), size, seed=3, device=CPU, **options)


def test_each_player_gets_the_gradient_of_its_own_loss_only(tmp_path: Path) -> None:
    game = Game()
    batch = batches().at(0)
    x = float(batch.image.mean())
    train(game, batches(), Plan(total=16, batch=16, seed=3), tmp_path, {})
    # Both gradients are taken at (2, 3), before either player steps.
    assert game.a.item() == pytest.approx(2 - 0.1 * 3 * x)
    assert game.b.item() == pytest.approx(3 + 0.01 * 2 * x)


def test_a_weight_without_an_owner_or_with_two_is_named() -> None:
    game = Game()
    game.players = {"a": [game.a]}
    with pytest.raises(ValueError, match="weight b belongs to no player"):
        players_of(game, game.optimisers())
    game.players = {"a": [game.a, game.b], "b": [game.b]}
    with pytest.raises(ValueError, match="weight b belongs to 'a' and to 'b'"):
        players_of(game, game.optimisers())


def test_a_weight_that_its_loss_does_not_reach_is_named() -> None:
    game = Game()
    players = players_of(game, game.optimisers())
    with pytest.raises(ValueError, match="player 'b' does not reach its weight b"):
        differentiate(Losses({"a": game.a * game.b, "b": game.a * 2}, {}), players)


@pytest.mark.parametrize("share", [None, 0.5])
def test_a_weight_is_named_whose_player_has_others_that_its_loss_reaches(share: float | None) -> None:
    game = Game()
    game.players = {"both": [game.a, game.b]}
    players = players_of(game, {"both": Optimiser("sgd", 0.1, (0.0, 0.0))})
    with pytest.raises(ValueError, match=r"^the loss of player 'both' does not reach its weight b$"):
        differentiate(Losses({"both": game.a.square()}, {}), players, share=share)


def test_what_diverged_is_said_in_one_line(tmp_path: Path) -> None:
    game = Game(spoil_after=192)
    with pytest.raises(Diverged) as raised:
        train(game, batches(64), Plan(total=640, batch=64, seed=3, save_every=128), tmp_path, {})
    line = str(raised.value)
    assert "player 'b': term 'other' is not finite on 1 of 64 images (005.png)" in line
    assert "at 192 images, before the step" in line
    assert line.endswith(
        "; the checkpoint at 128 images is intact: go on by --resume with a lower --rate or with --clip 1"
    )
    weights = game.a.item(), game.b.item()
    again = Game()
    (tmp_path / "one").mkdir()
    train(again, batches(64), Plan(total=192, batch=64, seed=3), tmp_path / "one", {})
    assert weights == (again.a.item(), again.b.item())  # neither player took the fourth step


def test_a_checkpoint_that_diverges_at_once_is_not_said_to_be_of_use(tmp_path: Path) -> None:
    """Its weights meet the same batch, whatever the rate."""
    with pytest.raises(Diverged, match="; the checkpoint there leads nowhere: begin anew in another --out"):
        train(Game(spoil_after=64), batches(64), Plan(total=640, batch=64, seed=3, save_every=64), tmp_path, {})


def test_what_diverged_before_anything_was_saved_says_that_nothing_was(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="; nothing was saved: begin anew by --resume with a lower"):
        train(Game(spoil_after=64), batches(64), Plan(total=640, batch=64, seed=3, save_every=640), tmp_path, {})


@pytest.mark.parametrize(
    "extra", [{}, {"ema": 48}, {"clip": 0.1}, {"decay": "cosine", "warmup": 20}, {"parts": 2}, {"precision": "bf16"}]
)
def test_a_run_in_two_halves_equals_one_run_bit_for_bit(tmp_path: Path, extra: dict[str, Any]) -> None:
    plan = Plan(total=160, batch=16, seed=3, **extra)
    whole, first, second = Game(), Game(), Game()
    for name in ("whole", "halves"):
        (tmp_path / name).mkdir()
    train(whole, batches(), plan, tmp_path / "whole", CARD)

    class Enough(Exception):
        pass

    def stop(record: dict[str, Any]) -> None:
        if record["seen"] > 90:
            raise Enough

    with pytest.raises(Enough):
        train(
            first,
            batches(),
            Plan(**{**vars(plan), "save_every": 80, "log_every": 16}),
            tmp_path / "halves",
            CARD,
            show=stop,
        )
    train(second, batches(), plan, tmp_path / "halves", CARD)
    assert (whole.a.item(), whole.b.item()) == (second.a.item(), second.b.item())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_convolutions_are_guarded_where_a_cpu_computes_in_bfloat16(
    precision: Precision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    game, guarded = Game(), list[Model]()
    monkeypatch.setattr(loop, "guard", guarded.append)
    train(game, batches(), Plan(total=16, batch=16, precision=precision), tmp_path, {})
    assert guarded == ([game] if precision == "bf16" else [])


def test_noise_depends_on_the_position_and_the_part_alone(tmp_path: Path) -> None:
    seen: list[float] = []

    class Listens(Game):
        def play(self, batch: Batch, progress: Progress) -> Losses:
            losses = super().play(batch, progress)
            seen.append(float(losses.report["noise"][0]))
            return losses

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        torch.rand(7)  # the world's own generator is nobody's business
        train(Listens(), batches(), Plan(total=32, batch=16, seed=3, parts=2), tmp_path / name, {})
    assert seen[:4] == seen[4:]
    assert len(set(seen)) == 4


def test_the_rate_rises_and_falls_with_images_seen() -> None:
    plan = Plan(total=1000, batch=10, warmup=100, decay="linear")
    assert rate_factor(plan, 0) == pytest.approx(10 / 110)
    assert rate_factor(plan, 90) < rate_factor(plan, 100) == 1
    assert rate_factor(plan, 550) == pytest.approx(0.5)
    assert rate_factor(Plan(total=1000, decay="cosine"), 500) == pytest.approx(0.5)
    assert rate_factor(Plan(total=1000), 999) == 1


class Looking(Game, Looks):
    """Keeps what a look is told and what it finds."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[Progress, Batches]] = []
        self.found: list[tuple[bool, bool, bool, float]] = []

    def times(self) -> tuple[float, ...]:
        return (0.0, 0.5)

    def look(self, batches: Batches, progress: Progress) -> dict[str, float]:
        self.told.append((progress, batches))
        reduced = torch.is_autocast_enabled(batches.device.type)
        self.found.append((self.training, torch.is_grad_enabled(), reduced, self.a.item()))
        return {"a": self.a.item()}


def test_a_look_is_told_where_training_stands_and_finds_averaged_weights_in_eval_mode(tmp_path: Path) -> None:
    game, data, records = Looking(), batches(), list[dict[str, Any]]()
    plan = Plan(total=64, batch=16, seed=3, ema=48, save_every=32)
    train(game, data, plan, tmp_path, {**CARD, "head": None}, show=records.append)
    assert [(told.seen, told.total, of is data) for told, of in game.told] == [(0, 64, True), (32, 64, True)]
    assert len({told.generator.initial_seed() for told, _ in game.told}) == 2  # each look has noise of its own
    averaged = checkpoint.read(checkpoint.Checkpoint(tmp_path, 32).weights, CardNote)[0]["a"].item()
    assert game.found == [(False, False, False, 2.0), (False, False, False, averaged)]
    assert [r for r in records if "look" in r] == [
        {"seen": seen, "look": {"a": a}} for seen, a in ((0, 2.0), (32, averaged))
    ]
    assert game.training


def test_a_look_over_a_stream_is_refused() -> None:
    game = Looking()
    state = State(game, players_of(game, game.optimisers()), average=False)
    with pytest.raises(Refusal, match=r"^a stream of shards cannot give a look over its images; --pack always "):
        look(game, state, SimpleNamespace(device=CPU), Plan(total=64))


def test_what_is_passed_over_is_logged_where_training_goes_on(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = []
    plan = Plan(total=64, batch=16, seed=3, save_every=32)
    train(Game(), batches(), plan, tmp_path, {**CARD, "head": None})
    (tmp_path / "state-00000064.safetensors").unlink()
    train(Game(), batches(), plan, tmp_path, {**CARD, "head": None}, show=records.append)
    passed = "state-00000064.safetensors is missing; going on from 32 images"
    assert [record for record in records if "remark" in record] == [{"seen": 32, "remark": passed}]


def test_what_a_model_remarks_on_its_terms_is_logged_once(tmp_path: Path) -> None:
    asked: dict[int, set[str]] = {}

    class Remarks(Game):
        def remarks(self, terms: dict[str, float], seen: int) -> list[str]:
            asked[seen] = asked.get(seen, set()) | set(terms)
            return ["late"] if seen >= 32 else []

    records: list[dict[str, Any]] = []
    train(Remarks(), batches(), Plan(total=64, batch=16, seed=3, log_every=16), tmp_path, CARD, show=records.append)
    assert [record for record in records if "remark" in record] == [{"seen": 32, "remark": "late"}]
    assert asked == {seen: {"y", "other", "noise"} for seen in (16, 32, 48, 64)}
    assert read_log(tmp_path) == records


def test_what_is_said_after_a_checkpoint_is_logged_and_a_score_may_end_the_training(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = []
    scores: list[float] = []

    def halt(score: float) -> bool:
        scores.append(score)
        return len(scores) == 2

    plan = Plan(total=160, batch=16, seed=3, save_every=32)
    told = {"saved": lambda: ["copied"], "show": records.append, "halt": halt}
    outcome = train(Game(), batches(), plan, tmp_path, CARD, validation=batches(), **told)
    assert (outcome.seen, outcome.why) == (64, "no better")
    assert [r for r in records if "remark" in r] == [{"seen": seen, "remark": "copied"} for seen in (32, 64)]
    assert scores == [one.score for one in checkpoint.checkpoints(tmp_path)]


def test_patience_ends_a_run_that_gets_no_better(tmp_path: Path) -> None:
    # The losses of the two players cancel in the sum, so that no validation is better than the first.
    plan = Plan(total=16_000, batch=16, seed=3, save_every=16, patience=3)
    outcome = train(Game(), batches(), plan, tmp_path, {}, validation=batches())
    assert outcome.why == "no better"
    assert outcome.seen == 16 * 4


def test_a_signal_saves_and_stops(tmp_path: Path) -> None:
    def interrupt(record: dict[str, Any]) -> None:
        if record["seen"] == 32:
            signal.raise_signal(signal.SIGTERM)

    assert threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    outcome = train(
        Game(), batches(), Plan(total=1600, batch=16, log_every=16, save_every=10**6), tmp_path, {}, show=interrupt
    )
    assert (outcome.why, outcome.signal) == ("stopped", signal.SIGTERM)
    assert (tmp_path / f"manifest-{outcome.seen:08d}.json").exists()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_terminal_that_closes_says_so_twice_and_the_training_is_saved(tmp_path: Path) -> None:
    """The kernel and a shell both send SIGHUP."""

    def close(record: dict[str, Any]) -> None:
        if record["seen"] == 32:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGHUP)

    plan = Plan(total=1600, batch=16, log_every=16, save_every=10**6)
    outcome = train(Game(), batches(), plan, tmp_path, {}, show=close)
    assert (outcome.why, outcome.signal) == ("stopped", signal.SIGHUP)
    assert (tmp_path / f"manifest-{outcome.seen:08d}.json").exists()


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    def close(record: dict[str, Any]) -> None:
        signal.raise_signal(signal.SIGHUP)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        outcome = train(Game(), batches(), Plan(total=64, batch=16, log_every=16), tmp_path, {}, show=close)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (outcome.why, outcome.seen) == ("done", 64)


def test_an_epoch_shows_every_image_once_and_the_next_in_another_order() -> None:
    order = batches()
    epochs = [torch.cat([order.at(epoch * 64 + i * 16).index for i in range(4)]) for epoch in range(2)]
    for rows in epochs:
        assert sorted(rows.tolist()) == list(range(64))
    assert epochs[0].tolist() != epochs[1].tolist()
    assert order.at(48).index.tolist() == batches().at(48).index.tolist()  # whatever was asked before


def test_batches_straddle_epochs_and_parts_make_up_the_whole() -> None:
    order = batches(24)
    rows = torch.cat([order.at(i * 24).index for i in range(8)])  # three epochs of 64
    assert all((rows == row).sum() == 3 for row in range(64))
    parts = torch.cat([order.at(48, part, 2).index for part in range(2)])
    assert sorted(parts.tolist()) == sorted(order.at(48).index.tolist())


def test_half_a_batch_is_labelled_where_a_head_wants_it() -> None:
    images = hide_labels(some_images(), per_class=1, seed=0)
    order = Batches(images, 16, seed=0, device=CPU, labelled=0.5)
    for step in range(20):
        assert (order.at(step * 16).label >= 0).sum() >= 8
    alone = Batches(images, 16, seed=0, device=CPU, labelled=1.0)
    assert (alone.at(32).label >= 0).all()


def test_images_are_floats_of_their_own_row_in_channels_last() -> None:
    images = some_images()
    batch = batches().at(0)
    for place, row in enumerate(batch.index.tolist()):
        assert np.array_equal((batch.image[place] * 255).round().byte().numpy()[0], images.pixels[row, :, :, 0])
        assert batch.label[place] == images.label[row]
    assert (batch.factor.shape, batch.truth.shape) == ((16, 0), (0,))
    assert batch.image.min() >= 0
    assert batch.image.max() <= 1


@pytest.mark.parametrize(("flags", "said"), [("fpu avx2", [device.EMULATED]), ("fpu avx512_bf16", [])])
def test_bf16_that_a_processor_would_emulate_is_computed_in_float32_and_the_log_says_so(
    flags: str, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_flags", lambda: frozenset(flags.split()))
    train(Game(), batches(), Plan(total=32, batch=16, precision="bf16"), tmp_path, CARD)
    assert [record["remark"] for record in read_log(tmp_path) if "remark" in record] == said
