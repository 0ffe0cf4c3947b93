"""The room that a model takes, told before any of it is taken."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from every import COLOUR, GREY, SMALL
from torch import nn

from latelier.config.lookup import find_module, module_names
from latelier.config.settings import configure
from latelier.engine import memory
from latelier.engine.memory import check_room, needed
from latelier.errors import Refusal
from latelier.runs.building import config_of

METHODS = sorted(module_names("latelier.models", "Model"))


@pytest.mark.parametrize("image", [GREY, COLOUR])
@pytest.mark.parametrize("method", METHODS)
def test_the_room_is_that_of_the_model_which_is_then_built(method: str, image: tuple[int, int, int]) -> None:
    settings = dict(SMALL.get(method, {}))
    if "classes" in config_of(method).__dataclass_fields__:
        settings.setdefault("classes", 3)
    module = find_module("latelier.models", method, "model", "Model")
    make = partial(module.Model, configure(module.Config, settings, method), image=image)
    built = make()
    assert needed(make) == sum(part.numel() * part.element_size() for part in (*built.parameters(), *built.buffers()))


class Nets(nn.Module):
    """What shortcuts are taken for, in one net whose last layer's width hangs on all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 5, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2))
        self.rest = nn.Sequential(
            *(nn.Conv2d(5, 4, 3, padding="same"), nn.BatchNorm2d(4), nn.LeakyReLU(), nn.MaxPool2d(3, 2, padding=1)),
            *(nn.GroupNorm(2, 4), nn.Softplus(), nn.AvgPool2d(2), nn.Dropout(), nn.Flatten(), nn.LazyLinear(7)),
        )
        seen = self.rest[:-1](self.first(2 * torch.rand(1, 3, 33, 21) - 1).square())
        self.rest[-1] = nn.Linear(seen.shape[1], 7)
        nn.init.normal_(self.rest[-1].weight)
        self.register_buffer("points", torch.linspace(-1, 1, 9) + torch.eye(9) - torch.randn(9, 1))
        self.register_buffer("spread", 3 * self.points.std())


def test_shapes_are_those_of_torch() -> None:
    built = Nets()
    assert needed(Nets) == sum(part.numel() * part.element_size() for part in (*built.parameters(), *built.buffers()))


def test_a_model_that_is_too_large_is_refused_before_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory", lambda: 4000)
    check_room("m", partial(nn.Linear, 99, 10))
    with pytest.raises(Refusal, match="its weights alone take"):
        check_room("m", partial(nn.Linear, 100, 10))


BUILDING = """
import sys
import latelier
from latelier.config.settings import parse_assignments
from latelier.runs.building import assemble

def told(what):
    print(what, [name for name in ("torch._dynamo", "sympy") if name in sys.modules])

for method in sys.argv[2:]:
    name, *settings = method.split()
    assemble(name, (3, 32, 32), ("a", "b"), parse_assignments(settings))
    told(method)
latelier.train("vae", data="digits", out=sys.argv[1], steps=2, batch=8, quiet=True)
told("training")
"""


def test_building_and_training_import_no_compiler(tmp_path: Path) -> None:
    """It takes longer than a short training: torch's own optimisers import it."""
    sampled = "dgdn_sampled maps=48,128 kernels=5,5 pools=4"
    methods = ["vae", "hali", "hali net=table", "patchvae", "dgdn", sampled, "classifier", "dcign"]
    code = [sys.executable, "-c", BUILDING, str(tmp_path / "run"), *methods]
    ran = subprocess.run(code, capture_output=True, text=True, check=True)
    assert [line for line in ran.stdout.splitlines() if line.endswith("]")] == [
        f"{what} []" for what in (*methods, "training")
    ]
