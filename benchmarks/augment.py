"""Speed of random changes: images a second of `Augment` beside torchvision's own, and what they add to a step.

    python benchmarks/augment.py

torchvision draws one change for a whole batch, so that its transforms are called image by image, as a data set does.
The step is that of `vae` with a convolutional net. See README.md of this folder; with --threads 1 seconds are the
process's own, so that a busy machine does not count. Laps of all sides alternate, and the median of their ratios is
told.
"""

import statistics
from collections.abc import Callable

import numpy as np
import torch
from laps import alternated, options, stepping
from torch import Generator, Tensor

from latelier import build
from latelier.bench.stated import stated
from latelier.data.augment import Augment
from latelier.data.batches import Batches
from latelier.data.images import Images, to_float
from latelier.device import multiply_fast, pick_device

SHAPES = ((1, 28, 28), (3, 32, 32), (3, 64, 64))
STEPS = 4  # batches a lap
CUTOUT = 0.36


def bare(image: tuple[int, int, int], colour: bool) -> Callable[[Tensor], Tensor] | None:
    """The same changes by torchvision, of [b, c, h, w]; none where it is not installed."""
    try:
        from torchvision.transforms import v2
    except ImportError:
        return None
    area = CUTOUT**2
    parts: list[torch.nn.Module] = [
        v2.RandomAffine(20, translate=(3 / 28, 3 / 28), scale=(0.82, 1.22), shear=(-17, 17)),
        *([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)] if colour else []),
        v2.RandomErasing(p=1, scale=(area, area), ratio=(1, 1)),
    ]
    change = v2.Compose(parts)
    return lambda images: torch.stack([change(one) for one in images])


def changing(shape: tuple[int, int, int], batch: int) -> str:
    """Images a second of both, and their ratio."""
    image, generator = to_float(torch.from_numpy(drawn(shape, batch))).to(pick_device()), Generator().manual_seed(0)
    augment = everything(shape)
    by_hand = bare(shape, augment.colour > 0)

    def ours(_: int) -> None:
        augment(image, generator)

    if by_hand is None:
        (times,) = zip(*alternated([ours], list(range(STEPS))), strict=True)
        return f"{said(shape)}: {rate(batch, times)} images/s; torchvision is not installed"

    def theirs(_: int) -> None:
        by_hand(image)

    laps = alternated([ours, theirs], list(range(STEPS)))
    own, hand = zip(*laps, strict=True)
    ratio = statistics.median(b / a for a, b in laps)
    return f"{said(shape)}: {rate(batch, own)} images/s, torchvision {rate(batch, hand)}; {ratio:.1f}x"


def training(shape: tuple[int, int, int], batch: int) -> str:
    """A step without changes, with those that are asked for by hand, and with all of them."""
    pixels = drawn(shape, STEPS * batch)
    n = len(pixels)
    images = Images(pixels, np.full(n, -1), np.zeros((n, 0), np.int8), [[]] * n, [""] * n)
    changes = (Augment(), Augment(shift=2), Augment(affine=1, cutout=CUTOUT), everything(shape))
    sides = [step(images, shape, batch, augment) for augment in changes]
    laps = alternated(sides, [i * batch for i in range(STEPS)])
    plain, *changed = (1e3 * statistics.median(lap) / STEPS for lap in zip(*laps, strict=True))
    ratios = [statistics.median(lap[i] / lap[0] for lap in laps) for i in range(1, len(changes))]
    names = ("--shift 2", "--affine 1 --cutout .36", "and colour 1")
    of_each = (f"{name} {ms:.1f} ({ratio:.3f}x)" for name, ms, ratio in zip(names, changed, ratios, strict=True))
    return f"{said(shape)}: a step of {batch} {plain:.1f} ms; {', '.join(of_each)}"


def step(images: Images, shape: tuple[int, int, int], batch: int, augment: Augment) -> Callable[[int], None]:
    """One step of a VAE at a position."""
    torch.manual_seed(0)
    model = build("vae", shape, **stated("vae", {"net": "conv", "likelihood": "gaussian"}))
    multiply_fast(model)
    model = model.to(pick_device(), memory_format=torch.channels_last).train()
    batches = Batches(images, batch, seed=0, device=pick_device(), augment=augment)
    return stepping(model, batches)


def everything(shape: tuple[int, int, int]) -> Augment:
    """All changes, of colours where there are any."""
    return Augment(affine=1, cutout=CUTOUT, colour=1.0 if shape[0] == 3 else 0.0)


def drawn(shape: tuple[int, int, int], count: int) -> np.ndarray:
    """uint8 noise [n, h, w, c]: no time depends on what is seen."""
    c, h, w = shape
    return np.random.default_rng(0).integers(1, 256, (count, h, w, c), np.uint8)


def rate(batch: int, seconds: tuple[float, ...]) -> str:
    """Images a second, of laps."""
    return f"{STEPS * batch / statistics.median(seconds):,.0f}"


def said(shape: tuple[int, int, int]) -> str:
    """A shape in words."""
    return "x".join(map(str, shape))


def main() -> None:
    asked = options(__doc__)
    for measured in (changing, training):
        for shape in SHAPES:
            print(measured(shape, asked.batch), flush=True)


if __name__ == "__main__":
    main()
