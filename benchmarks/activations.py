"""A training step of `vae` (net=conv) at 64 pixels with activations in place, and with its nets compiled.

    python benchmarks/activations.py --threads 1 [--batch 64] [--laps 7] [--compiled yes]

Sides take turns within a lap; a ratio is of the seconds within one (processor seconds with one thread), and the median
over the laps after the first stands in the line.
"""

import json
import os
import statistics
from copy import deepcopy

import laps
import numpy as np
import torch
from torch import nn

from latelier.core import Model
from latelier.data.batches import Batches
from latelier.data.images import Images
from latelier.device import multiply_fast
from latelier.runs.building import assemble

SIDE, STEPS = 64, 3
ACTIVATIONS = nn.ReLU, nn.LeakyReLU, nn.SiLU


def model_of(activation: str) -> Model:
    torch.manual_seed(0)
    settings = {"net": "conv", "net.activation": activation, "optimiser.rate": 1e-4}
    model, _ = assemble("vae", (3, SIDE, SIDE), (), settings)
    multiply_fast(model)
    return model.to(memory_format=torch.channels_last)


def in_place(model: Model) -> Model:
    for part in model.modules():
        if isinstance(part, ACTIVATIONS):
            part.inplace = True
    return model


def compiled(model: Model) -> Model:
    """As ``latelier train --compile`` does."""
    for net in (model.encoder, model.decoder):
        net.compile()  # type: ignore[operator, union-attr]
    return model


def main() -> None:
    options = laps.options(__doc__, laps="7", compiled="", activations="leaky_relu,relu")
    laps.LAPS = int(options.laps)
    pixels = np.random.default_rng(0).integers(0, 256, (STEPS * options.batch, SIDE, SIDE, 3), np.uint8)
    n = len(pixels)
    images = Images(pixels, np.full(n, -1), np.zeros((n, 0), np.int8), [[]] * n, [str(row) for row in range(n)])
    for activation in options.activations.split(","):
        plain = model_of(activation)
        models = {"plain": plain, "in place": in_place(deepcopy(plain))}
        if options.compiled:
            models["compiled"] = compiled(deepcopy(plain))
        batches = Batches(images, options.batch, seed=0, device=torch.device("cpu"))
        sides = [laps.stepping(model, batches) for model in models.values()]
        found = laps.alternated(sides, [step * options.batch for step in range(STEPS)])
        times = dict(zip(models, zip(*found, strict=True), strict=True))
        pairs = {name: list(zip(own, times["plain"], strict=True)) for name, own in times.items() if name != "plain"}
        ratios = {
            f"{name} of plain": round(statistics.median(own / of for own, of in both), 3)
            for name, both in pairs.items()
        }
        seconds = {f"{name} ms a step": round(1e3 * statistics.median(own) / STEPS, 1) for name, own in times.items()}
        other = models["in place"].state_dict()
        same = all(torch.equal(value, other[name]) for name, value in plain.state_dict().items())
        facts = {"benchmark": "activations", "activation": activation, "batch": options.batch}
        facts |= {"threads": options.threads, "laps": len(found), "load": round(os.getloadavg()[0], 1)}
        print(json.dumps(facts | seconds | ratios | {"in place ends in the same bits": same}))


if __name__ == "__main__":
    main()
