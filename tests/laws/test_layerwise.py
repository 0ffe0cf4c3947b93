"""Layer-wise training: whose turn it is, and that a layer's turn changes that layer alone."""

import json
from pathlib import Path

import pytest
import torch
from torch import Generator

from latelier.core import Progress
from latelier.data.batches import Batches
from latelier.data.sources.open import open_images
from latelier.engine.loop import train
from latelier.engine.plan import Plan
from latelier.errors import Refusal
from latelier.models import autoencoder
from latelier.nets.mlp import layers_of
from latelier.objectives.layerwise import stage
from latelier.runs.building import build

DEEP = {
    "net": "mlp",
    "net.widths": (12, 8),
    "latent": 3,
    "net.activation": "sigmoid",
    "net.decoder_activation": "sigmoid",
}


def at(seen: int) -> Progress:
    return Progress(seen, 1000, Generator().manual_seed(0))


def test_after_the_end_of_a_run_of_layers_alone_the_last_has_learnt() -> None:
    """Where a share of the run is left all learn, which has the number after the last."""
    assert [stage(at(seen), 3) for seen in (0, 999, 1000, 2000)] == [
        (0, 0.0),
        (2, pytest.approx(0.997)),
        (2, 1.0),
        (2, 1.0),
    ]
    assert stage(at(1000), 3, 0.999) == (3, 1.0)


def test_layers_share_the_first_part_of_the_run() -> None:
    assert [stage(at(seen), 2, 0.5) for seen in (0, 125, 250, 499, 500, 999)] == [
        (0, 0.0),
        (0, 0.5),
        (1, 0.0),
        (1, pytest.approx(0.996)),
        (2, 1.0),
        (2, 1.0),
    ]
    assert [stage(at(seen), 4)[0] for seen in (0, 249, 250, 750, 999)] == [0, 0, 1, 3, 3]
    assert stage(at(0), 3, 0.0) == (3, 1.0)


def test_the_pairs_of_layers_make_up_the_whole() -> None:
    model = build("autoencoder", image=(1, 8, 8), **DEEP)
    assert isinstance(model, autoencoder.Model)
    image = torch.rand(4, 1, 8, 8)
    ups, downs = layers_of(model.encoder), layers_of(model.decoder)
    assert len(ups) == len(downs) == 3
    assert torch.equal(torch.nn.Sequential(*ups)(image.flatten(1)), model.encoder(image))
    z = torch.randn(4, 3)
    assert torch.equal(torch.nn.Sequential(*downs)(z), model.decoder(z))
    assert [(up[0] if i < 2 else up).in_features for i, up in enumerate(ups)] == [64, 12, 8]
    assert [down[0].out_features for down in downs[::-1]] == [64, 12, 8]


def test_each_layer_plays_in_its_turn_and_then_all() -> None:
    model = build("autoencoder", image=(1, 8, 8), layerwise=0.75, **DEEP)
    batch = Batches(open_images("digits", split="test"), 50, seed=0, device=torch.device("cpu")).at(0)
    turns = [[*model.moves()[0](batch, at(seen)).minimise] for seen in (0, 249, 250, 500, 749, 750)]
    assert turns == [["layer1"], ["layer1"], ["layer2"], ["layer3"], ["layer3"], ["layer1", "layer2", "layer3"]]


def test_training_lowers_the_error_of_each_turn(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = build("autoencoder", image=(1, 8, 8), layerwise=0.75, **DEEP)
    batches = Batches(open_images("digits", split="test"), 50, seed=0, device=torch.device("cpu"))
    train(model, batches, Plan(total=20_000, batch=50, rate=0.01, log_every=1000, save_every=10**9), tmp_path, {})
    errors = [json.loads(line)["terms"]["error"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    for turn in range(4):
        first, last = errors[5 * turn], errors[5 * turn + 4]
        assert last < first, turn


def test_together_all_players_minimise_the_whole_error() -> None:
    model = build("autoencoder", image=(1, 8, 8), layerwise=0.5, **DEEP)
    plain = build("autoencoder", image=(1, 8, 8), **DEEP)
    plain.load_state_dict(model.state_dict())
    batch = Batches(open_images("digits", split="test"), 20, seed=0, device=torch.device("cpu")).at(0)
    late = [each.moves()[0](batch, at(900)) for each in (model, plain)]
    assert torch.equal(late[0].report["error"], late[1].report["error"])
    assert set(late[0].minimise) == {"layer1", "layer2", "layer3"}


def test_convolutions_have_no_layers_to_train_alone() -> None:
    with pytest.raises(Refusal, match=r"layerwise=0.5 must be a share from 0 to 1, and needs net=mlp"):
        build("autoencoder", image=(1, 8, 8), layerwise=0.5)
