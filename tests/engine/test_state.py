"""What training carries: the average that a run gives is the one that is validated, and processes must agree."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from latelier.core import Model
from latelier.engine import checkpoint, parallel
from latelier.engine.players import players_of
from latelier.engine.state import State
from latelier.errors import Refusal
from latelier.runs.building import assemble


def small() -> Model:
    torch.manual_seed(0)
    return assemble("autoencoder", (1, 2, 2), (), {"net": "mlp", "net.widths": (), "latent": 2})[0]


def state_of(model: Model, average: bool = False) -> State:
    return State(model, players_of(model, model.optimisers()), average)


def shift(model: nn.Module, by: float) -> None:
    with torch.no_grad():
        for weight in model.parameters():
            weight += by


class OtherProcess:
    """Stands in for torch.distributed: a second process whose numbers differ from ours by ``ahead``."""

    def __init__(self, ahead: float):
        self.ahead = ahead
        self.ReduceOp = torch.distributed.ReduceOp

    def all_reduce(self, tensor: Tensor, op: Any) -> None:
        theirs = tensor + self.ahead
        tensor.copy_(torch.minimum(tensor, theirs) if op == self.ReduceOp.MIN else torch.maximum(tensor, theirs))

    def is_initialized(self) -> bool:
        return True

    def get_rank(self) -> int:
        return 0

    def get_world_size(self) -> int:
        return 2

    def all_gather_object(self, found: list[Any], value: Any) -> None:
        found[:] = [value, value]


def test_the_average_is_validated_and_the_raw_weights_come_back() -> None:
    model = small()
    state = state_of(model, average=True)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    shift(model, 1.0)
    state.follow(0.75)
    with suppress(KeyboardInterrupt), state.averaged():
        for name, weight in model.state_dict().items():
            torch.testing.assert_close(weight, before[name] + 0.25)
        raise KeyboardInterrupt
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, before[name] + 1.0)
    plain = state_of(small())
    with plain.averaged():
        assert torch.equal(plain.model.state_dict()["encoder.head.weight"], before["encoder.head.weight"])


@pytest.mark.parametrize("ahead", [0.0, 1e-9])
def test_processes_that_have_drifted_apart_save_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    state = state_of(small())
    state.seen = 64
    monkeypatch.setattr(parallel, "dist", OtherProcess(ahead))
    if ahead:
        with pytest.raises(RuntimeError, match="the processes no longer hold the same weights at 64 images"):
            state.save(tmp_path, {}, None, keep=1)
    else:
        state.save(tmp_path, {}, None, keep=1)
    assert len(checkpoint.checkpoints(tmp_path)) == (0 if ahead else 1)


def test_processes_that_see_different_checkpoints_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = state_of(small())
    state.seen = 64
    state.save(tmp_path, {}, None, keep=1)
    monkeypatch.setattr(parallel, "dist", OtherProcess(ahead=-64))  # it finds none
    with pytest.raises(Refusal, match=r"different checkpoints in .*; all machines must share one folder"):
        state_of(small()).resume(tmp_path, 64, 64, {})


def test_a_model_without_weights_of_its_own_is_the_same_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "dist", OtherProcess(ahead=0))
    model, _ = assemble("pca", (1, 2, 2), (), {"latent": 2})
    State(model, {}, average=False).save(tmp_path, {}, None, keep=1)
    assert (tmp_path / "manifest-00000000.json").exists()


def test_checkpoints_are_ordered_by_number_when_it_outgrows_its_digits(tmp_path: Path) -> None:
    state = state_of(small())
    for seen in (99_999_999, 100_000_000):
        state.seen = seen
        state.save(tmp_path, {}, None, keep=1)
    assert [found.seen for found in checkpoint.checkpoints(tmp_path)] == [100_000_000]
