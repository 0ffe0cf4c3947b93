"""What raises the accuracy of a frozen trunk (Conv[1-5]) at a short length: one change at a time to the two main rows
of patchvae/cifar100.

    python benchmarks/patchvae_tries.py --data DATA/cifar100 --out OUT [--seeds 1] [--tries "as it is" colour]

Settings and the protocol of the accuracy are the recipe's (the classifier's epoch is chosen on held-out training
images), but for its precision, bf16. Cells that stand in OUT/results.jsonl are not measured again. "squares hidden" and
"coarse first" are nothing that a setting does: the encoder sees each image without half of its 8 px squares and has to
draw the whole; images are halved and doubled again in the first half of the training.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cells
import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, interpolate

import latelier
from latelier.bench import Bench, Job, find_recipe, spread
from latelier.core import Batch, Losses, Progress
from latelier.models import patchvae, vae
from latelier.runs.where import Where

RECIPE = find_recipe("patchvae/cifar100")
ROWS: dict[str, Any] = {"beta-VAE": vae.Model, "PatchVAE": patchvae.Model}
AUGMENTED: dict[str, dict[str, Any]] = {
    "shift and mirror": {"shift": 4, "flip": True},
    "colour": {"colour": 1.0},
    "cutout": {"cutout": 0.5},
    "shift, mirror and colour": {"shift": 4, "flip": True, "colour": 1.0},
}
FASTER: dict[str, dict[str, Any]] = {"rate 1e-3": {"optimiser.rate": 1e-3}}
MOVING = "batch norm's statistics move"  # those of the frozen trunk, as the classifier learns: the authors' code
OWN: dict[str, dict[str, dict[str, Any]]] = {  # changed settings of one row alone
    "beta-VAE": {
        "KL of weight .1": {"penalty": "beta", "penalty.weight": 0.1},
        "KL of weight 4": {"penalty": "beta", "penalty.weight": 4.0},
        "512 latent dimensions": {"latent": 512},
    },
    "PatchVAE": {
        "occurrences' KL of weight 2": {"beta_occurrence": 2.0},
        "occurrences' KL of weight .3": {"beta_occurrence": 0.3},
        "prior .3": {"prior": 0.3},
        "64 parts": {"parts": 64},
    },
}
SQUARE = 8  # pixels


def hidden(image: Tensor, generator: Generator) -> Tensor:
    """Half of its squares at mid-grey."""
    b, _, h, w = image.shape
    seen = torch.rand(b, 1, h // SQUARE, w // SQUARE, generator=generator, device=generator.device) < 0.5
    return torch.where(interpolate(seen.float().to(image.device), scale_factor=SQUARE) > 0, image, 0.5)


def squares_hidden(learn: Callable[..., Losses], model: Any, batch: Batch, progress: Progress) -> Losses:
    hook = model.encoder.register_forward_pre_hook(lambda _, seen: (hidden(seen[0], progress.generator),))
    try:
        return learn(model, batch, progress)
    finally:
        hook.remove()


def coarse_first(learn: Callable[..., Losses], model: Any, batch: Batch, progress: Progress) -> Losses:
    if progress.seen < progress.total / 2:
        batch = batch._replace(image=interpolate(avg_pool2d(batch.image, 2), scale_factor=2))
    return learn(model, batch, progress)


CHANGED = {"squares hidden": squares_hidden, "coarse first": coarse_first}
BOTH = ("as it is", *AUGMENTED, *CHANGED, *FASTER, MOVING)


@contextmanager
def learning(row: str, tried: str) -> Iterator[None]:
    """Inside, the row's method learns as that try has it."""
    kind, learn = ROWS[row], ROWS[row].learn
    if tried in CHANGED:
        kind.learn = lambda *args: CHANGED[tried](learn, *args)
    try:
        yield
    finally:
        kind.learn = learn


def accuracy(bench: Bench, row: str, tried: str, seed: int, epochs: float, probe: int) -> float:
    method, stated = RECIPE.settings(row)
    changed = (FASTER | OWN[row]).get(tried, {})
    job = Job(row, method, "", seed, epochs, stated | changed, RECIPE.TRAINING | AUGMENTED.get(tried, {}))
    with learning(row, tried):
        bench = replace(bench, out=bench.out / tried) if tried in CHANGED else bench
        bench.train(job)
    settings = [
        f"frozen_probe.epochs={probe}",
        "frozen_probe.precision=bf16",
        *(["frozen_probe.moving=true"] if tried == MOVING else []),
    ]
    (record,) = latelier.score(bench.out / job.folder, only="frozen_probe", settings=settings, quiet=True)
    return float(record["values"]["accuracy %"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--tries", nargs="+", help="those alone, by name")
    parser.add_argument("--epochs", type=float, default=1.25)
    parser.add_argument("--probe", type=int, default=RECIPE.PROBE, help="epochs of the classifier")
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    known = {one["key"]: one["accuracy"] for one in cells.read(asked.out)}

    def key(row: str, tried: str, seed: int) -> str:
        return f"{row} / {tried} / {asked.epochs:g} / {asked.probe} / {seed}"

    bench = Bench(asked.out, asked.data, Where())
    rows, wanted = asked.rows, asked.tries
    if unknown := set(wanted or ()) - {*BOTH, *(tried for row in rows for tried in OWN[row])}:
        parser.error(f"no try is called {', '.join(sorted(unknown))}")
    tries = {row: [one for one in (*BOTH, *OWN[row]) if wanted is None or one in wanted] for row in rows}
    for seed in range(asked.seeds):
        for row in rows:
            for tried in tries[row]:
                cell = key(row, tried, seed)
                if cell not in known:
                    known[cell] = accuracy(bench, row, tried, seed, asked.epochs, asked.probe)
                    cells.keep(asked.out, {"key": cell, "accuracy": known[cell]})
    print("| tried | " + " | ".join(rows) + " |\n" + "|---" * (len(rows) + 1) + "|")
    for tried in dict.fromkeys(one for row in rows for one in tries[row]):
        found = [
            spread([known[key(row, tried, seed)] for seed in range(asked.seeds)]) if tried in tries[row] else ""
            for row in rows
        ]
        print(f"| {tried} | " + " | ".join(found) + " |")


if __name__ == "__main__":
    main()
