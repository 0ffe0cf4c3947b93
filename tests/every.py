"""What the tests over all methods share: the methods found, small drawn pictures, and all that a model gives for them.

Each method is tried on grey and on colour pictures, bare and, where it encodes and learns by moves, with a label head.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from latelier.building import Card, assemble
from latelier.core import Classifies, Decodes, Encodes, Features, Fits, Model, has, need
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.data.scenes import draw_scenes
from latelier.lookup import find_module, module_names

GREY, COLOUR = (1, 8, 8), (3, 16, 16)
CLASSES = tuple("0123456789")
SIZE = 16  # pictures a batch
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Case:
    """A method, for pictures of one shape, with a head or none."""

    method: str
    image: tuple[int, int, int]
    head: str = "none"

    def __str__(self) -> str:
        return "-".join([self.method, "x".join(map(str, self.image)), *([self.head] if self.head != "none" else [])])

    def build(self, seed: int = 0) -> tuple[Model, Card]:
        """Laid out in memory as training has it."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model, card = assemble(self.method, self.image, CLASSES, {"head": self.head})
        return model.to(memory_format=torch.channels_last), card


def cases(closed: bool) -> list[Case]:
    """All that learn by moves, or all that are fitted in closed form."""
    found = []
    for method in module_names("latelier.models", "Model"):
        model = find_module("latelier.models", method, "model", "Model").Model
        heads = ["none", "softmax"] if issubclass(model, Encodes) and not closed else ["none"]
        if issubclass(model, Fits) == closed:
            found += [Case(method, image, head) for image in (GREY, COLOUR) for head in heads]
    return found


LEARNING, CLOSED = cases(closed=False), cases(closed=True)
learning = pytest.mark.parametrize("case", LEARNING, ids=str)
closed = pytest.mark.parametrize("case", CLOSED, ids=str)
every = pytest.mark.parametrize("case", LEARNING + CLOSED, ids=str)


@cache
def drawn(image: tuple[int, int, int]) -> Images:
    """48 drawn scenes, shrunk; every third has no label."""
    scenes = draw_scenes(48)
    small = functional.interpolate(scenes.floats(slice(None)), image[1:], mode="area")
    small = small.mean(1, keepdim=True) if image[0] == 1 else small
    pixels = small.mul(255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    return replace(scenes, pixels=pixels, label=np.where(np.arange(48) % 3, scenes.label, -1), truth={})


def batches_of(case: Case, size: int = SIZE) -> Batches:
    return Batches(drawn(case.image), size, seed=0, device=CPU, labelled=0.5)


def copied(model: Model) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    """Bit for bit."""
    assert list(one) == list(other)
    for name in one:
        assert torch.equal(one[name], other[name]), name


def outputs(model: Model, image: Tensor) -> dict[str, Tensor]:
    """All that a user gets for pictures without a generator."""
    model.eval()
    found: dict[str, Tensor] = {}
    with torch.no_grad():
        if has(model, Encodes):
            posterior = need(model, Encodes).encode(image)
            found |= {f"code {name}": value for name, value in posterior.mode().items()}
            found |= {f"rate {name}": value for name, value in posterior.rate().items()}
            if has(model, Decodes):
                found["reconstruction"] = need(model, Decodes).decode(posterior.mode())
        if has(model, Features):
            trunk = need(model, Features)
            found |= {f"features {depth}": trunk.features(image, depth) for depth in trunk.depths()}
        if has(model, Classifies):
            found["probabilities"] = need(model, Classifies).classify(image)
    return found
