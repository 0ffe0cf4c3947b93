"""What a frozen trunk knows of classes over the images that it was shown: beta-VAE beside PatchVAE, by length.

    python benchmarks/patchvae_curve.py --data DATA/cifar100 --out OUT [--rows PatchVAE] [--epochs 1.25,20] [--probe 90]

Rows, their settings and the protocol of the accuracy are those of the recipe patchvae/cifar100 (Conv[1-5], the
classifier's epoch chosen on held-out training images), one seed. A row is one training, measured where it reaches each
length. Lengths that stand in OUT/results.jsonl are not measured again; one below those needs another OUT, as does
another ``--probe``.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cells

import latelier
from latelier.bench import Bench, Job, find_recipe
from latelier.engine.checkpoint import checkpoints
from latelier.runs.options import Options
from latelier.runs.where import Where
from latelier.training.run import start

RECIPE = find_recipe("patchvae/cifar100")
ROWS = ("beta-VAE", "PatchVAE")


def measured(bench: Bench, row: str, lengths: list[float], probe: int, known: dict[str, float]) -> None:
    """Trains the row from each length to the next, and measures it there."""
    method, settings = RECIPE.settings(row)
    folder = bench.out / row
    for epochs in lengths:
        key = f"{row} {epochs:g} {probe}"
        if key in known:
            continue
        if any(float(one.rsplit(" ", 2)[1]) >= epochs for one in known if one.startswith(f"{row} ")):
            raise SystemExit(f"{folder} has been trained to {epochs:g} epochs or further; give another --out")
        if checkpoints(folder):
            start(Options(out=str(folder), resume=True, quiet=True, epochs=epochs))
        else:
            job = Job(row, method, epochs=epochs, settings=settings, training=RECIPE.TRAINING)
            start(Options(method, out=str(folder), quiet=True, **bench.arguments(job)))
        (record,) = latelier.score(folder, only="frozen_probe", settings=[f"frozen_probe.epochs={probe}"], quiet=True)
        known[key] = record["values"]["accuracy %"]
        cells.keep(bench.out, {"key": key, "accuracy": known[key]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--epochs", default="1.25,2.5,5,10,20")
    parser.add_argument("--probe", type=int, default=RECIPE.PROBE, help="epochs of the classifier")
    asked = parser.parse_args()
    lengths = sorted(float(length) for length in asked.epochs.split(","))
    known = {one["key"]: one["accuracy"] for one in cells.read(asked.out)}
    for row in asked.rows.split(","):
        measured(Bench(asked.out, asked.data, Where()), row, lengths, asked.probe, known)
    print("| epochs | " + " | ".join(ROWS) + " |\n" + "|---" * (len(ROWS) + 1) + "|")
    for epochs in lengths:
        line = [f"{known[key]:.2f}" if (key := f"{row} {epochs:g} {asked.probe}") in known else "" for row in ROWS]
        print(f"| {epochs:g} | " + " | ".join(line) + " |")


if __name__ == "__main__":
    main()
