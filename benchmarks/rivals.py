"""Every method of the VAE's family beside its rivals, at one budget: the table of docs/rivals.md.

    python benchmarks/rivals.py --data-root DATA --out OUT [--sets mnist] [--rows vae,vq] [--seeds 3]
    python benchmarks/rivals.py --data-root DATA --out OUT --table

A cell is one training of `latelier train`, with nothing set but what ROWS says, on 10,000 training images (drawn by the
seed) and one thread, for the steps that stand in ROWS, and what is measured of it on 1,000 test images. Steps are such
that no cell takes more than about a minute of one core on MNIST. DATA holds `MNIST/raw`, `cifar100` and `smiles` as
Parquet; all sides are 32 px, which the nets of patchvae take. Cells that stand in OUT/results.jsonl are not made again.

Measured: the bound (mean ELBO of 200 images, a density of grey values, so that it may be above 0), Frechet distance of
1,000 samples (features of an untrained trunk, no FID) with the method's own prior and with a fitted one (`fit-prior`,
`gmm`; `sequence` for vq), PSNR of reconstructions, a linear probe of the codes (2,000 labels), label propagation over
them from 10 labels a class (2,000 training images, five label draws), and CPU seconds of the training.
"""

import argparse
import math
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cells
import numpy as np

IMAGES, TEST, BOUND, FIT = 10_000, 1_000, 200, 2_000  # trained on; measured on; bounded; of the probe and the graph
LABELS = 10  # a class
SETS = {"mnist": 32, "smiles": 32, "cifar100": 32}  # side in px


@dataclass(frozen=True)
class Row:
    """One training."""

    method: str
    steps: int
    settings: str = ""
    labelled: bool = False  # whether it learns from LABELS labels a class


VAE = 600
ROWS = {
    "pca": Row("pca", 0),
    "vae": Row("vae", VAE),
    "vae, beta 4": Row("vae", VAE, "penalty=beta penalty.weight=4"),
    "vae, mmd (infovae)": Row("vae", VAE, "penalty=mmd"),
    "vae, tc": Row("vae", VAE, "penalty=tc"),
    "vae, dip": Row("vae", VAE, "penalty=dip"),
    "vae, factor": Row("vae", VAE, "penalty=factor"),
    "vae, vamp": Row("vae", VAE, "prior=vamp"),
    "vae, iwae": Row("vae", VAE // 4, "objective=iwae objective.draws=5"),
    "autoencoder": Row("autoencoder", VAE),
    "autoencoder, l2": Row("autoencoder", VAE, "penalty=l2"),
    "autoencoder, gradient": Row("autoencoder", VAE // 2, "penalty=gradient"),
    "aae": Row("aae", VAE),
    "ksparse": Row("ksparse", VAE),
    "vq": Row("vq", VAE // 2),
    "cvae": Row("cvae", VAE),  # of all labels: it learns from no other image
    "m1m2": Row("m1m2", VAE, labelled=True),
    "m2": Row("m2", VAE // 4, labelled=True),
    "vac": Row("vac", VAE // 2, "latent=32"),
    "introvae": Row("introvae", VAE // 8, "latent=32"),
    "introvac": Row("introvac", VAE // 8, "latent=32"),
    "dgdn": Row("dgdn", VAE // 2),
    "patchvae": Row("patchvae", VAE // 8),
    "spritevae": Row("spritevae", VAE // 8),
}
LEFT_OUT = (("cifar100", "m2"),)  # decodes an image for each of 100 classes


def trained(row: Row, data: str, size: int, seed: int, run: Path, root: Path) -> dict[str, float]:
    """Trains by the command line into ``run``. CPU seconds of the process, its imports among them."""
    words = [sys.executable, "-m", "latelier", "train", row.method, "--data", data, "--out", str(run), "--quiet"]
    words += ["--data-root", str(root), "--size", str(size), "--images", str(IMAGES), "--seed", str(seed)]
    words += ["--steps", str(row.steps)] if row.steps else []
    words += ["--labels", str(LABELS)] if row.labelled else []
    words += ["--set", *row.settings.split()] if row.settings else []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1) or not (run / "config.json").exists():  # 1: of no use, and saved
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()[-500:]}")
    return {"CPU s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)}


def measured(run: Path, root: Path) -> dict[str, float]:
    """On test images, none of which the run saw."""
    import torch

    from latelier.codes.rows import codes, rows_of, some
    from latelier.core import Classifies, Decodes, Encodes, Quantises, Samples, Weighs, has, need
    from latelier.errors import Refusal
    from latelier.learners import regression
    from latelier.runs import fitted_prior
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.scores.record import run_scores

    torch.set_num_threads(1)
    opened, where = open_run(run), Where.of(root, False)
    model, splits = opened.model, opened.splits(None, where)
    fit, test = some(splits.fit, FIT, 0, labelled=True), some(splits.test, TEST, 0, labelled=True)
    splits = splits._replace(test=test)
    began, found = time.process_time(), dict[str, float](seen=opened.seen)

    def scored(name: str, of=model, **options) -> dict[str, float]:  # type: ignore[no-untyped-def]
        limit = BOUND if name == "likelihood" else TEST
        return run_scores(of, splits, [name], limit=limit, options={name: options})[0]["values"]

    if has(model, Encodes) and has(model, Decodes):
        found["PSNR dB"] = scored("reconstruction")["PSNR dB"]
        found["distance of reconstructions"] = scored("fid")["Frechet distance of reconstructions"]
    if has(model, Weighs) and has(model, Encodes):
        values = scored("likelihood", samples=(10,))
        found["bound"] = next(value for name, value in values.items() if "ELBO nats" in name or "+ KL" in name)
    if has(model, Samples) and has(model, Decodes):
        found["distance"] = scored("fid")["Frechet distance of samples"]
    if has(model, Encodes):
        known = codes(model, fit)
        centre, scale = known.mean(0), known.std() or 1.0
        machine = regression.fit((known - centre) / scale, fit.label)
        right = machine.predict((codes(model, test) - centre) / scale) == test.label
        found["probe %"] = 100 * float(right.mean())
        values = scored("propagation", labels=LABELS, images=FIT)
        budgets = ((kind, f"propagation {kind} {LABELS}/class %") for kind in ("codes", "pixels"))
        found |= {f"propagation {kind} %": values[name] for kind, name in budgets if name in values}
    if has(model, Classifies):
        answers = rows_of(model, test, need(model, Classifies).classify).argmax(1)
        found["own %"] = 100 * float((answers == test.label).mean())
    try:
        fitted_prior.fit(opened, "sequence" if has(model, Quantises) else "gmm", where, 0)
        found["distance, fitted"] = scored("fid", open_run(run).model)["Frechet distance of samples"]
    except Refusal as error:
        found["no fitted prior"] = str(error)
    found["measuring CPU s"] = time.process_time() - began
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in found.items()}


def made(row: Row, name: str, seed: int, out: Path, root: Path) -> dict[str, object]:
    """One cell, or why there is none."""
    run = out / "runs" / f"{list(ROWS.values()).index(row):02d}-{name}-{seed}"
    shutil.rmtree(run, ignore_errors=True)  # of a cell that was interrupted
    try:
        data = name if name == "mnist" else str(root / name)
        return trained(row, data, SETS[name], seed, run, root) | measured(run, root)
    except (RuntimeError, ValueError) as error:
        return {"error": str(error)[-300:]}
    finally:
        shutil.rmtree(run, ignore_errors=True)  # ten thousand images' worth of checkpoints


COLUMNS = {
    "bound": ("bound, nats", 1),
    "distance": ("samples", 2),
    "distance, fitted": ("samples, fitted prior", 2),
    "distance of reconstructions": ("reconstructions", 2),
    "PSNR dB": ("PSNR dB", 1),
    "probe %": ("probe %", 1),
    "propagation codes %": ("propagation %", 1),
    "own %": ("own classes %", 1),
    "CPU s": ("CPU s", 0),
}


def table(found: list[dict], name: str) -> str:  # type: ignore[type-arg]
    """Markdown of one set: a row a method, mean and sd (over n - 1) of the seeds that there are; pixels first."""
    head = ("method", "steps", "seeds", *(title for title, _ in COLUMNS.values()))
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    pixels = {c["seed"]: c["propagation pixels %"] for c in found if c["set"] == name and "propagation pixels %" in c}
    if pixels:
        values = {"seeds": str(len(pixels)), "propagation %": f"{np.mean(list(pixels.values())):.1f}"}
        lines.append("| " + " | ".join(["no method: pixels", *(values.get(title, "") for title in head[1:])]) + " |")
    for row, how in ROWS.items():
        cells_of = [cell for cell in found if (cell["row"], cell["set"]) == (row, name) and "error" not in cell]
        if not cells_of:
            continue
        shown = []
        for column, (_, digits) in COLUMNS.items():
            values = [cell[column] for cell in cells_of if column in cell and math.isfinite(cell[column])]
            sd = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 and column != "CPU s" else ""
            shown.append(f"{np.mean(values):.{digits}f}{sd}" if values else "")
        lines.append("| " + " | ".join([row, str(how.steps or ""), str(len(cells_of)), *shown]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--rows", default=";".join(ROWS), help="names of rows, with ; between them")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--table", action="store_true", help="print OUT/results.jsonl as tables, and train nothing")
    arguments = parser.parse_args()
    found = cells.read(arguments.out)
    if arguments.table:
        for name in arguments.sets.split(","):
            print(f"{name}\n\n{table(found, name)}\n")
        return
    done = {(cell["row"], cell["set"], cell["seed"]) for cell in found}
    for seed in range(arguments.seeds):  # outermost: what is stopped has all rows of the first seeds
        for name in arguments.sets.split(","):
            for row in arguments.rows.split(";"):
                if (row, name, seed) in done or (name, row) in LEFT_OUT:
                    continue
                cell = {"row": row, "set": name, "seed": seed, "steps": ROWS[row].steps}
                cells.keep(arguments.out, cell | made(ROWS[row], name, seed, arguments.out, arguments.data_root))


if __name__ == "__main__":
    main()
