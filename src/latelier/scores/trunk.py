"""A copy of a model's trunk, cut in two under a new head: stages that stay frozen, whose outputs are computed once
where memory allows, and stages that learn again."""

import copy
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from latelier.codes.rows import BLOCK
from latelier.core import Features, HasStages, Model, need
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.objectives.corruption import drop

HIDDEN = 512  # units of the head
DROPOUT = 0.5  # share of the features dropped before it
SD = 0.01  # of its first weights
FLOAT32_BYTES = 1 << 30  # outputs of frozen stages are kept as float32 up to this many bytes, beyond as bfloat16
KEPT_BYTES = 2 << 30  # and up to this many kept at all


class Inputs(NamedTuple):
    """A set of images as a learner takes them."""

    read: Callable[[Tensor], Tensor]  # rows [b] -> images [b, c, h, w], or what the frozen stages make of them
    label: Tensor  # [n] int64


class Whole(nn.Module):
    """A model that has no stages, as one stage."""

    def __init__(self, model: Model, depth: str):
        super().__init__()
        self.model, self.depth = model, depth

    def forward(self, image: Tensor) -> Tensor:
        return need(self.model, Features).features(image, self.depth)


class Learner(nn.Module):
    """Frozen stages ``below`` (none where the inputs are their outputs), stages ``above`` that learn, and the head.

    Frozen batch norm keeps its running statistics. With ``moving`` it uses and moves them as any other, and no batch
    norm's affine weights learn."""

    def __init__(self, below: nn.Module, above: nn.Module, inputs: Inputs, seed: int, moving: bool = False):
        super().__init__()
        self.below, self.above, self.moving = below.requires_grad_(False), above.requires_grad_(True), moving
        if moving:
            for layer in above.modules():
                if isinstance(layer, _BatchNorm):
                    layer.requires_grad_(False)
        with evaluating(self):
            width = self.above(self.below(inputs.read(torch.arange(1)))).numel()
        first, last = nn.Linear(width, HIDDEN), nn.Linear(HIDDEN, int(inputs.label.max()) + 1)
        generator = Generator().manual_seed(seed)
        for layer in (first, last):
            nn.init.normal_(layer.weight, 0, SD, generator=generator)
            nn.init.zeros_(layer.bias)
        self.head = nn.Sequential(first, nn.ReLU(), last).to(inputs.label.device)

    def train(self, mode: bool = True) -> "Learner":
        super().train(mode)
        self.below.train(mode and self.moving)
        return self

    def forward(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Logits [b, classes]; with a generator, features are dropped by it."""
        with torch.no_grad():
            x = self.below(x)
        features = self.above(x).flatten(1)
        logits: Tensor = self.head(features if generator is None else drop(features, DROPOUT, generator))
        return logits.float()

    def weights(self) -> dict[str, nn.Parameter]:
        """Those that learn."""
        return {name: weight for name, weight in self.named_parameters() if weight.requires_grad}


def ends(model: Model, frozen: str | None, top: str | None) -> tuple[str, str]:
    """Names of the last frozen stage and of the one under the head, by default the same: the last whose name begins
    with conv, else the last. Raises Refusal for unknown ones, and where the model has no stages to cut between."""
    depths = need(model, Features).depths()
    top = top or ([depth for depth in depths if depth.startswith("conv")] or depths)[-1]
    frozen = frozen or top
    for option, depth in {"top": top, "frozen": frozen}.items():
        if depth not in depths:
            raise Refusal(f'frozen_probe: {option}="{depth}" is no depth of this model; it has {", ".join(depths)}')
    if depths.index(frozen) > depths.index(top):
        raise Refusal(f'frozen_probe: frozen="{frozen}" is above top="{top}"; give {top} or a depth below it')
    if frozen != top and not isinstance(need(model, Features), HasStages):
        raise Refusal(
            f'frozen_probe: this model has no stages that learn by themselves, so frozen="{frozen}" must be the top, '
            f'"{top}"; leave it out'
        )
    return frozen, top


def cut(model: Model, frozen: str, top: str) -> tuple[nn.Module, nn.Module]:
    """Copies of the stages up to ``frozen``, and of those above it up to ``top``."""
    part = need(model, Features)
    if not isinstance(part, HasStages):
        return Whole(copy.deepcopy(model), top), nn.Sequential()
    names, stages = list(part.depths()), copy.deepcopy(part.stages())
    place, end = names.index(frozen) + 1, names.index(top) + 1
    below = nn.Sequential(*(stages[name] for name in names[:place]))
    above = nn.Sequential(*(stages[name] for name in names[place:end]))
    layout = torch.channels_last  # as convolutions like it
    return below.to(memory_format=layout), above.to(memory_format=layout)


def inputs(images: Images, device: torch.device) -> Inputs:
    """The images themselves, on the device."""
    batches = Batches(images, BLOCK, seed=0, device=device)
    return Inputs(lambda rows: batches.rows(rows).image, torch.from_numpy(images.label).to(device))


def kept(below: nn.Module, sets: Sequence[Inputs]) -> list[Inputs] | None:
    """The sets with the outputs of the frozen stages, each computed once; None where memory does not allow it."""
    with evaluating(below):
        numbers = below(sets[0].read(torch.arange(1))).numel() * sum(len(one.label) for one in sets)
    if 2 * numbers > KEPT_BYTES:
        return None
    # Not float16: nothing that float32 holds may overflow.
    return [_kept(below, one, torch.float32 if 4 * numbers <= FLOAT32_BYTES else torch.bfloat16) for one in sets]


def _kept(below: nn.Module, inputs: Inputs, dtype: torch.dtype) -> Inputs:
    store = torch.empty(0)
    for rows in torch.arange(len(inputs.label)).split(BLOCK):
        with evaluating(below):
            block = below(inputs.read(rows)).movedim(1, -1)  # channels last, so that batches are too
        if rows[0] == 0:
            store = torch.empty(len(inputs.label), *block.shape[1:], dtype=dtype, device=block.device)
        store[rows[0] : rows[-1] + 1] = block
    return Inputs(lambda rows: store.index_select(0, rows.to(store.device)).float().movedim(-1, 1), inputs.label)
