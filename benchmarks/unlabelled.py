"""What images without a label add to few labels, method by method, and what that costs.

    python benchmarks/unlabelled.py --data-root DATA --out OUT [--cells mnist:10:encoder,labels] [--draws 0,1,2,3,4]
        [--validation] [--table]

Errors on all test images (with --validation on a tenth of the training images, or 5,000, which are then not trained
on), as they are and as the mean over classes; one line a training in OUT/results.jsonl, whose cells are not made
again. CPU seconds are those of the training, on one thread. Simple rivals are in few_labels.py, whose draws these are;
DATA as there.
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cells
import numpy as np
import torch
from few_labels import images_of
from torch import Tensor

from latelier.bench.few_labels import Trial, trained
from latelier.bench.values import GAME
from latelier.codes.rows import rows_of
from latelier.config.own_code import Named
from latelier.core import Classifies, Decides, Model, has, need
from latelier.data.augment import strong
from latelier.data.images import Images
from latelier.data.subsets import hide_labels, hold_out
from latelier.heads.unlabelled import over_views
from latelier.scores.confusion import balanced_accuracy
from latelier.terminal.tables import with_sd
from latelier.training.unlabelled import VIEWS, labelled_share

BOTH = {"head": "softmax", "head.unlabelled": "consistent"}
EARLY, LATE = (0.0, 0.1, 0.3, 0.6), (0.05, 0.15, 0.3, 0.5, 0.7, 0.85)  # rounds of propagation
PLAN = {"decay": "linear", "precision": "bf16"}
AVERAGED = 0.02  # half-life of averaged weights, as a share of the run


@dataclass(frozen=True)
class Set:
    """How nets are trained on it."""

    net: Mapping[str, Any]
    classes: int
    steps: int
    rounds: tuple[float, ...]
    batch: int = 96
    shift: int = 0
    affine: float = 1.0  # of labelled images where labels are alone
    colour: float = 0.0
    cutout: float = 0.0


CONV = {"net.norm": "group", "net.channels": (32, 64, 128), "latent": 64}
SETS = {
    "digits": Set({"net.norm": "group", "net.stem": 32, "net.channels": (64, 64)}, 10, 1_600, EARLY, affine=0.75),
    "mnist": Set(CONV, 10, 7_000, LATE, shift=2, cutout=0.36),
    "mnist32": Set(CONV, 10, 7_000, LATE, shift=2, cutout=0.36),  # padded, for patchvae
    "cifar100 coarse": Set(CONV, 20, 3_000, LATE, shift=2, cutout=0.36, colour=1.0),
    "scenes64": Set(CONV, 10, 1_500, LATE, shift=2, cutout=0.36, colour=1.0),
    "smiles": Set(CONV, 2, 2_000, LATE, shift=2, cutout=0.36, colour=1.0),
}


ALONE = {  # the games without reconstructions
    **{name: value for name, value in GAME.items() if name != "first_sd"},  # bigan has none
    "critic.r1": 0.0,
    "critic.r2": 0.0,
}
TABLE = {"levels": (64, 256), "net": "table", "critic.norm": "weight"}
HEAVY, CORNERS = {"head.weight": 1000.0, "head.optimiser.rate": 1e-2}, {"unpool": "deterministic"}
METHODS = {  # beside which a head learns: what is not its default
    "vae": {**CONV, **HEAVY, "optimiser.rate": 2e-3},
    "dgdn": {**CORNERS, "likelihood": "gaussian", "likelihood.sigma": 0.3, "likelihood.floor": 0.05, **HEAVY},
    "dgdn-calibrated": {**CORNERS, **HEAVY},
    "dgdn-exact": HEAVY,
    "dgdn-relu": {**CORNERS, "nonlinearity": "relu", "norm": "group", **HEAVY},
    "dgdn-exact-relu": {"nonlinearity": "relu", "norm": "group", **HEAVY},
    "patchvae": HEAVY,
    # Beside bigan 100 was the best label weight of 1, 10 and 100 on held-out images.
    "bigan": {**ALONE, "head.weight": 100.0, "head.optimiser.rate": 1e-2},
    "hali": {**ALONE, **TABLE, "head.weight": 100.0, "head.optimiser.rate": 1e-2},
    "hali-encoder": {"head.weight": 1.0, "head.optimiser.rate": 2e-3},
}
OWN = {"hali-encoder": Named(str(Path(__file__).with_name("hali_encoder.py")))}  # methods that the package has not
STEPS, LABELLED = 1_000, 0.125  # of a method of the last table: steps, and the labelled share of a batch
WIDE, LONG = {"net.channels": (64, 128, 256)}, 20_000  # of an encoder that is given twenty minutes


def trial(name: str, row: str, labels: int, draw: int) -> Trial:
    """``row``: "labels" (an encoder on the labelled images alone, changed as strongly), "mirrored" (and mirrored),
    "encoder" (with the others), "wide" (twice as wide a one, for longer), "words" (mirrored, for longer, and taught by
    words of patches), a method with a label head ("vae labels"), or one whose head learns from the others too ("vae").
    """
    here, (method, *alone) = SETS[name], row.split()
    common = {"row": row, "labels": labels, "draw": draw, "data": name, "batch": here.batch}
    if row in ("labels", "mirrored"):
        changes = {"affine": here.affine, "cutout": here.cutout, "colour": here.colour, "flip": row == "mirrored"}
        plan, settings, images = {**PLAN, "rate": 2e-3}, here.net, 64 * here.steps // 3
        return Trial(**common, method="classifier", settings=settings, images=images, plan=plan, **changes)
    steps = {"encoder": here.steps, "words": 2 * here.steps, "wide": LONG}.get(row, STEPS)
    plan = {**PLAN, "ema": round(AVERAGED * steps * here.batch)}
    if row in ("encoder", "words", "wide"):
        net = {**here.net, **WIDE} if row == "wide" else here.net
        method, settings = "classifier", {**net, **BOTH, "head.weight": 1.0, "optimiser.rate": 2e-3}
        settings["head.labelled"] = labelled_share(labels * here.classes, row == "words")
    else:
        settings = {**METHODS[method], **BOTH, "head.labelled": LABELLED}
    if row == "words":
        settings["head.unlabelled"] = "words"
    else:
        settings |= {"head.unlabelled": "none"} if alone else {"head.rounds": here.rounds}
    named, images = OWN.get(method, method.partition("-")[0]), steps * here.batch
    changes = {"shift": here.shift, "flip": row == "words"}
    return Trial(**common, method=named, settings=settings, images=images, plan=plan, **changes)


def measured(trial: Trial, train: Images, test: Images) -> dict[str, float]:
    """Errors in percent by the mean of an image's views, in every row, and by the image as it is; and CPU seconds of
    the training."""
    known, began = hide_labels(train, trial.labels, trial.draw), time.process_time()
    model = trained(trial, known)
    seconds = time.process_time() - began
    found = {"CPU s": seconds}
    for of, views in (("", VIEWS), (" of one view", 0)):
        answer = rows_of(model, test, asked(model, views)).argmax(1)
        right, even = float((answer == test.label).mean()), balanced_accuracy(test.label, answer)
        found |= {f"error{of}": 100 * (1 - right), f"balanced{of}": 100 * (1 - even)}
    return found


def asked(model: Model, views: int) -> Callable[[Tensor], Tensor]:
    """Class probabilities [b, classes] of images as they are, or the mean over this many changed ``views`` of each,
    whatever the model learned from."""
    once = need(model, Decides).likeliest if has(model, Decides) else need(model, Classifies).classify
    return partial(over_views, once, change=replace(strong(model.image), cutout=0.0), views=views) if views else once


def parted(train: Images) -> tuple[Images, Images]:
    """What is trained on, and a part of the training images to choose settings by."""
    rows, held = hold_out(len(train), min(5_000, max(300, len(train) // 10)) / len(train), 0)
    return train.take(rows), train.take(held)


def table(cells: list[dict]) -> str:  # type: ignore[type-arg]
    """Markdown: a row for each set, number of labels a class, and method."""
    lines = ["| set | labels a class | row | draws | error % | of one view | balanced | CPU s |", "|---" * 8 + "|"]
    for key in dict.fromkeys((cell["set"], cell["labels"], cell["row"]) for cell in cells):
        some = [cell for cell in cells if (cell["set"], cell["labels"], cell["row"]) == key]
        found = []
        for name in ("error", "error of one view", "balanced"):
            values = [cell[name] for cell in some]
            found.append(with_sd(float(np.mean(values)), float(np.std(values, ddof=1)) if len(some) > 1 else 0.0))
        seconds = np.mean([cell["CPU s"] for cell in some])
        lines.append(f"| {' | '.join(map(str, key))} | {len(some)} | {' | '.join(found)} | {seconds:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cells", nargs="*", default=[], help="SET:LABELS A CLASS:ROW,ROW")
    parser.add_argument("--draws", default="0,1,2,3,4")
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--table", action="store_true", help="print OUT/results.jsonl as a table, and measure nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = cells.read(arguments.out)
    done = {(cell["set"], cell["row"], cell["labels"], cell["draw"]) for cell in found}
    wanted = [
        (name, row, int(labels), int(draw))
        for name, labels, rows in (cell.split(":") for cell in arguments.cells)
        for row in rows.split(",")
        for draw in arguments.draws.split(",")
    ]
    for name, row, labels, draw in [] if arguments.table else wanted:
        if (name, row, labels, draw) in done:
            continue
        train, test = images_of(arguments.data_root, name)
        if arguments.validation:
            train, test = parted(train)
        cell = {"set": name, "row": row, "labels": labels, "draw": draw}
        cell |= measured(trial(name, row, labels, draw), train, test)
        found.append(cell)
        cells.keep(arguments.out, cell)
    print(table(found))


if __name__ == "__main__":
    main()
