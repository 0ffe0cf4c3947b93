"""Convolutions of which AMX makes garbage in bfloat16 run in float32, whatever processor this is."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latelier.core import Model
from latelier.data.batches import Batches
from latelier.data.sources.open import open_images
from latelier.device import Precision
from latelier.engine.loop import Plan, train
from latelier.engine.timing import step_seconds
from latelier.nets import guarded
from latelier.nets.guarded import Guarded, guard
from latelier.nets.regularised import layer
from latelier.runs.building import assemble
from latelier.runs.learning_curve import read_log

Shape = tuple[int, int]
CASES: list[tuple[nn.Module, Shape, bool]] = [  # a convolution, the height and width that it sees, whether it is wrong
    (nn.Conv2d(3, 4, 3, 2, 1), (4, 2), True),
    (nn.Conv2d(3, 4, 3, 2, 1), (2, 4), False),  # one row is right
    (nn.Conv2d(3, 4, 4, 2, 1), (8, 3), True),
    (nn.Conv2d(3, 4, 4, 2, 1), (8, 4), False),
    (nn.Conv2d(3, 4, 3, 1, 1), (4, 1), False),  # a stride of 1 is right
    (nn.Conv2d(3, 4, 3, (2, 1), 1), (4, 1), False),
    (nn.Conv2d(3, 4, 3, 2, 2, dilation=2), (4, 2), True),
    (nn.Conv2d(3, 4, 1, 2), (8, 8), True),  # a stride longer than the kernel
    (nn.ConvTranspose2d(3, 4, 4, 2, 1), (4, 1), True),  # on the way back
    (nn.ConvTranspose2d(3, 4, 4, 2, 1), (1, 4), False),
    (nn.ConvTranspose2d(3, 4, 4, 1), (1, 1), False),
]


@pytest.fixture(autouse=True)
def amx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "has_amx", lambda: True)


def in_bf16(net: nn.Module, image: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        out: Tensor = net(image)
    return out


@pytest.mark.parametrize(("convolution", "size", "wrong"), CASES)
def test_wrong_shapes_alone_are_computed_in_float32(convolution: nn.Module, size: Shape, wrong: bool) -> None:
    torch.manual_seed(0)
    net, image = nn.Sequential(copy.deepcopy(convolution)), torch.rand(2, 3, *size, requires_grad=True)
    right = net(image)
    assert in_bf16(net, image).dtype == torch.bfloat16
    guard(net)
    guard(net)  # twice is once
    out = in_bf16(net, image.bfloat16())  # as from a layer before
    assert out.dtype == (torch.float32 if wrong else torch.bfloat16)
    torch.testing.assert_close(out.float(), right, rtol=0.02, atol=0.02)
    if wrong:
        assert torch.equal(in_bf16(net, image), right)
        (back,) = torch.autograd.grad(in_bf16(net, image).sum(), image)
        (usual,) = torch.autograd.grad(right.sum(), image)
        assert torch.equal(back, usual)
    assert torch.equal(net(image), right)  # without autocast nothing changes
    assert copy.deepcopy(net).state_dict().keys() == net.state_dict().keys() == {"0.weight", "0.bias"}


@pytest.mark.parametrize("norm", ["weight", "spectral"])
def test_normed_weights_stay_normed(norm: str) -> None:
    net = nn.Sequential(layer(nn.Conv2d(3, 4, 3, 2, 1), 0.2, norm))
    names = net.state_dict().keys()
    guard(net)
    assert in_bf16(copy.deepcopy(net.eval()), torch.rand(1, 3, 2, 2)).dtype == torch.float32
    assert net.state_dict().keys() == names


def test_other_processors_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "has_amx", lambda: False)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1))
    guard(net)
    assert in_bf16(net, torch.rand(1, 3, 2, 2)).dtype == torch.bfloat16


def small() -> tuple[Model, Batches]:
    """Digits of 8x8 pixels and a net of three halvings: its last two convolutions see four columns, and two."""
    images = open_images("digits").take(np.arange(32))
    model, _ = assemble("vae", images.shape, images.classes, {"net": "conv", "net.channels": (4, 4, 4), "latent": 2})
    return model, Batches(images, 16, seed=0, device=torch.device("cpu"))


@pytest.mark.usefixtures("bf16")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_training_in_bf16_is_guarded(precision: Precision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps, logged each, and a validation."""
    (model, batches), (_, validation) = small(), small()
    narrow = list[bool]()
    monkeypatch.setattr(guarded, "is_wrong", lambda part, image: narrow.append(image.shape[-1] <= 2) or narrow[-1])
    plan = Plan(total=32, batch=16, precision=precision, log_every=16)
    train(model, batches, plan, tmp_path, {}, validation=validation)
    assert any(narrow) == (precision == "bf16")
    assert any(isinstance(part, Guarded) for part in model.modules()) == (precision == "bf16")
    said = [record["remark"] for record in read_log(tmp_path) if "remark" in record]
    assert said == ([guarded.SAID] if precision == "bf16" else [])


@pytest.mark.usefixtures("bf16")
def test_nothing_is_said_where_nothing_would_be_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, batches = small()
    monkeypatch.setattr(guarded, "is_wrong", lambda part, image: False)
    train(model, batches, Plan(total=16, batch=16, precision="bf16"), tmp_path, {})
    assert any(isinstance(part, Guarded) for part in model.modules())
    assert [record for record in read_log(tmp_path) if "remark" in record] == []


@pytest.mark.usefixtures("bf16")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_step_that_is_timed_beforehand_is_guarded(precision: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a training could end before it began: that step may not be finite."""
    model, batches = small()
    asked = list[bool]()
    monkeypatch.setattr(guarded, "is_wrong", lambda part, image: asked.append(True) or True)
    step_seconds(model, batches, Plan(total=32, batch=16, precision=precision))
    assert any(asked) == (precision == "bf16")
    assert not any(isinstance(part, Guarded) for part in model.modules())
