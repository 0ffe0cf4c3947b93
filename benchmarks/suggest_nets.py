"""Whether labels that `suggest` chose for a light classifier serve a net that is trained with them.

    python benchmarks/suggest_nets.py --data-root DATA --out OUT [--seeds 0,1,2,3,4] [--table]

The labellers are those of suggest.py on the digits, with the codes that it keeps in OUT. With the labels of each budget
the two nets of `latelier demo` are trained: a VAE with a label head that learns from all images, and the same encoder
on labels alone. Errors are of the 500 test images. Cells that stand in OUT/nets/results.jsonl are not made again. One
thread, 10 minutes.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cells
import torch
from few_labels import images_of
from suggest import Codes, codes_of, labels_after, mean

from latelier.bench.demo import RECIPES
from latelier.bench.few_labels import Trial, trained
from latelier.bench.stated import stated
from latelier.codes.rows import rows_of
from latelier.core import Classifies, need
from latelier.heads.joint import AVERAGED

BUDGETS = (20, 50, 100)
NETS = ("VAE and label head, all images", "same encoder, labels alone")
ROWS = ("random", "suggested")


def trial(net: str, seed: int) -> Trial:
    """The net's training, as the demo has it."""
    recipe, plan = RECIPES["digits"], {"decay": "linear", "precision": "fp32"}
    if net == NETS[0]:
        settings, plan = {**recipe.settings, **recipe.vae}, {**plan, "ema": round(AVERAGED * recipe.images)}
        return Trial(net, "vae", stated("vae", settings), 0, seed, recipe.images, "digits", plan=plan)
    settings = stated("classifier", recipe.settings)
    return Trial(net, "classifier", settings, 0, seed, recipe.alone, "digits", affine=recipe.affine, plan=plan)


def error(data_root: Path, here: Codes, row: str, net: str, labels: int, seed: int) -> float:
    """Of test images, in percent."""
    train, test = images_of(data_root, "digits")
    label = labels_after(here, row, seed)[labels]
    assert (label[label >= 0] == train.label[label >= 0]).all(), "codes are of other images"
    model = trained(trial(net, seed), replace(train, label=label))
    answer = rows_of(model, test, need(model, Classifies).classify).argmax(1)
    return 100 * float((answer != test.label).mean())


def table(found: list[dict]) -> str:  # type: ignore[type-arg]
    """Markdown."""
    lines = [f"| net | labels | {' | '.join(map(str, BUDGETS))} |", "|---" * 5 + "|"]
    for net in NETS:
        for row in ROWS:
            some = [[one for one in found if (one["net"], one["row"], one["labels"]) == (net, row, n)] for n in BUDGETS]
            lines.append(f"| {net} | {row} | {' | '.join(mean(of, 'error') for of in some)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--table", action="store_true", help="print what is there, and measure nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = cells.read(arguments.out / "nets")
    done = {(cell["net"], cell["row"], cell["labels"], cell["seed"]) for cell in found}
    wanted = [
        (net, row, labels, int(seed))
        for seed in arguments.seeds.split(",")
        for labels in BUDGETS
        for net in NETS
        for row in ROWS
    ]
    here = codes_of(arguments.out, arguments.data_root, "digits", "vae")
    for net, row, labels, seed in [] if arguments.table else wanted:
        if (net, row, labels, seed) not in done:
            cell = {"net": net, "row": row, "labels": labels, "seed": seed}
            cell["error"] = error(arguments.data_root, here, row, net, labels, seed)
            found.append(cell)
            cells.keep(arguments.out / "nets", cell)
    print(table(found))


if __name__ == "__main__":
    main()
