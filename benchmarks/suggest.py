"""What suggested labels are worth: a simulated labeller, images drawn at random against those that `suggest` names.

    python benchmarks/suggest.py --data-root DATA --out OUT [--sets digits,mnist] [--codes vae,pca] [--seeds 5]
        [--table] [--curves FILE.png]

Of up to 10,000 training images the labeller, who makes no mistakes, labels 20 and then 10 at a time, which the row of
the table chooses; `learners.suggestion.light` learns from these, and errs on a share of up to 5,000 test images that
nobody labels. Codes are those of a short training of a VAE on the 10,000, and of their PCA; OUT keeps them, and a line
for each labeller in OUT/results.jsonl, who is not asked again. DATA as for few_labels.py. One thread, 15 minutes.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cells
import numpy as np
import torch
from few_labels import images_of

from latelier.bench.few_labels import Trial, trained
from latelier.codes.rows import codes, pixels, some
from latelier.data.images import Images
from latelier.learners.space import principal
from latelier.learners.suggestion import Suggestion, cross_validated, light, suggest
from latelier.scores.confusion import balanced_accuracy
from latelier.sheets.plot import blank, rendered
from latelier.sheets.plot import light as pale
from latelier.sheets.sheet import png
from latelier.terminal.tables import with_sd

LABELLED, MEASURED = 10_000, 5_000  # images
BUDGETS, FIRST, ROUND = (20, 30, 50, 100, 200), 20, 10
BATCH = 64


class Set(NamedTuple):
    """How long a VAE is trained on it, and how long its codes are."""

    steps: int
    latent: int = 32


SETS = {"digits": Set(2_000, 16), "mnist": Set(1_500), "smiles": Set(1_000), "cifar100 coarse": Set(1_500)}
ROWS: dict[str, dict[str, Any]] = {  # how labels are chosen, the first ones and the others
    "random": {"first": "random", "then": "random"},
    "groups, then random": {"first": "margin", "then": "random"},
    "suggested": {"first": "margin", "then": "margin"},
    "suggested, none at random": {"first": "margin", "then": "margin", "share": 0.0},
    "unlike": {"first": "margin", "then": "unlike"},
}
COLOURS = dict(zip(ROWS, ("#2d2d2d", "#8a8a8a", "#d75f00", "#0072b2", "#009e73"), strict=True))


class Codes(NamedTuple):
    """Codes [n, d] of images to label and of test images, and their classes [n]."""

    rows: np.ndarray
    label: np.ndarray
    test: np.ndarray
    truth: np.ndarray


def codes_of(out: Path, data_root: Path, name: str, kind: str) -> Codes:
    """Kept in OUT."""
    kept = out / f"{name.split()[0]}-{kind}.npz"
    if not kept.exists():
        train, test = images_of(data_root, name)
        train, test = some(train, LABELLED, 0), some(test, MEASURED, 0)
        rows, others = (of_vae if kind == "vae" else of_pca)(name, train, test)
        np.savez(kept, rows=rows, label=train.label, test=others, truth=test.label)
    found = np.load(kept)
    return Codes(*(found[field] for field in Codes._fields))


def of_vae(name: str, train: Images, test: Images) -> tuple[np.ndarray, np.ndarray]:
    here = SETS[name]
    settings = {"latent": here.latent}
    model = trained(Trial("vae", "vae", settings, 0, 0, here.steps * BATCH, name, BATCH), train)
    return codes(model, train), codes(model, test)


def of_pca(name: str, train: Images, test: Images) -> tuple[np.ndarray, np.ndarray]:
    seen, unseen = pixels(train), pixels(test)
    found = principal(seen, SETS[name].latent)
    return found.transform(seen).astype(np.float32), found.transform(unseen).astype(np.float32)


def asked(here: Codes, row: str, seed: int) -> Iterator[tuple[np.ndarray, list[int]]]:
    """After each round the labels int64 [n], -1 where there is none, and the rows of those drawn at random."""
    how = ROWS[row]
    share = {"share_random": how["share"]} if "share" in how else {}
    label, random, known = np.full(len(here.rows), -1), list[int](), 0
    while known < max(BUDGETS):
        kind, count = (how["then"], ROUND) if known else (how["first"], FIRST)
        new: list[Suggestion] = suggest(here.rows, label, count, seed=1_000 * seed + known, kind=kind, **share)
        rows = [one.row for one in new]
        label[rows] = here.label[rows]
        random += [one.row for one in new if one.why == "random"]
        known += len(new)
        yield label, random


def labels_after(here: Codes, row: str, seed: int) -> dict[int, np.ndarray]:
    """The labels int64 [n] after each of ``BUDGETS``."""
    rounds = ((int((label >= 0).sum()), label) for label, _ in asked(here, row, seed))
    return {known: label.copy() for known, label in rounds if known in BUDGETS}


def labelled(here: Codes, row: str, seed: int) -> dict[str, float]:
    """Errors in percent after each budget, plain and as the mean over classes, and what cross-validation says of them:
    by the labels that were drawn at random, and by all."""
    found = dict[str, float]()
    for label, random in asked(here, row, seed):
        if (known := int((label >= 0).sum())) in BUDGETS:
            found |= judged(here, label, random, f" {known}")
    return found


def judged(here: Codes, label: np.ndarray, random: list[int], after: str) -> dict[str, float]:
    """The errors of what these labels teach."""
    both = np.concatenate([here.rows, here.test])
    unknown = np.full(len(here.test), -1)
    classes = int(here.label.max()) + 1
    answer = light(both, np.concatenate([label, unknown]), classes)[len(here.rows) :].argmax(1)
    found = {
        f"error{after}": 100 * float((answer != here.truth).mean()),
        f"balanced{after}": 100 * (1 - balanced_accuracy(here.truth, answer)),
    }
    for name, rows in (("random", random), ("all", range(len(label)))):
        right = cross_validated(here.rows, label, rows)
        if right is not None:
            found[f"told by {name}{after}"] = 100 * (1 - right)
    return found


def everything(here: Codes) -> dict[str, float]:
    """The error with a label of every image: less than that no choice can reach."""
    return judged(here, here.label, [], " all")


def mean(found: list[dict[str, Any]], field: str) -> str:
    values = [cell[field] for cell in found if field in cell]
    return with_sd(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0) if values else "-"


Key = tuple[str, str, str]  # set, codes, row


def groups(found: list[dict[str, Any]]) -> Iterator[tuple[Key, list[dict[str, Any]]]]:
    """Of each row the cells of all seeds."""
    for key in dict.fromkeys((cell["set"], cell["codes"], cell["row"]) for cell in found if cell["row"] != "all"):
        yield key, [cell for cell in found if (cell["set"], cell["codes"], cell["row"]) == key]


def least(found: list[dict[str, Any]], name: str, kind: str) -> dict[str, Any]:
    """The cell of all labels."""
    return next(cell for cell in found if (cell["set"], cell["codes"], cell["row"]) == (name, kind, "all"))


def table(found: list[dict[str, Any]]) -> str:
    """Markdown: errors, those balanced over classes, and how far cross-validation is from them."""
    lines = []
    for field in ("error", "balanced"):
        lines += [f"\n| set | codes | {field} % | {' | '.join(map(str, BUDGETS))} | all |", "|---" * 9 + "|"]
        for key, seeds in groups(found):
            values = [mean(seeds, f"{field} {budget}") for budget in BUDGETS]
            lines.append(f"| {' | '.join((*key, *values))} | {least(found, *key[:2])[f'{field} all']:.1f} |")
    by = [(budget, name) for budget in (100, 200) for name in ("random", "all")]
    lines.append(f"\n| set | codes | row | {' | '.join(f'{budget} labels, by {name}' for budget, name in by)} |")
    lines.append("|---" * 7 + "|")
    for key, seeds in groups(found):
        values = []
        for budget, name in by:
            told = [cell for cell in seeds if f"told by {name} {budget}" in cell]
            off = [{"off": cell[f"told by {name} {budget}"] - cell[f"error {budget}"]} for cell in told]
            values.append(mean(off, "off"))
        lines.append(f"| {' | '.join((*key, *values))} |")
    return "\n".join(lines)


def curves(found: list[dict[str, Any]]) -> np.ndarray:
    """uint8 [H, W, 3]: error over labels, a panel for each set and kind of codes; the mean of the seeds and its sd."""
    panels = list(dict.fromkeys((cell["set"], cell["codes"]) for cell in found))
    across, down = -(-len(panels) // 2), min(2, len(panels))
    figure = blank(3.2 * across, 3.0 * down + 0.4)
    for place, (name, kind) in enumerate(sorted(panels, key=lambda one: one[1] != "vae")):
        panel = figure.add_subplot(down, across, place + 1)
        for row in ("random", "suggested", "unlike"):
            chosen = [cell for cell in found if (cell["set"], cell["codes"], cell["row"]) == (name, kind, row)]
            values = np.array([[cell[f"error {budget}"] for budget in BUDGETS] for cell in chosen])
            middle, spread = values.mean(0), values.std(0, ddof=1)
            panel.plot(BUDGETS, middle, marker="o", markersize=3, color=COLOURS[row], label=row, linewidth=1.4)
            panel.fill_between(BUDGETS, middle - spread, middle + spread, color=COLOURS[row], alpha=0.15, linewidth=0)
        panel.axhline(
            least(found, name, kind)["error all"], color="#8a8a8a", linestyle=":", linewidth=1.2, label="all labels"
        )
        panel.set_title(f"{name}, {'VAE' if kind == 'vae' else 'PCA'}", fontsize=10)
        panel.set_xscale("log")
        panel.set_xticks(BUDGETS, [str(budget) for budget in BUDGETS])
        panel.minorticks_off()
        panel.set_xlabel("labels")
        panel.set_ylabel("test error, %")
        pale(panel)
        if place == 0:
            panel.legend(frameon=False, fontsize=8)
    return rendered(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--codes", default="vae,pca")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--table", action="store_true", help="print OUT/results.jsonl as a table, and measure nothing")
    parser.add_argument("--curves", type=Path, help="write the curves as PNG")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = cells.read(arguments.out)
    done = {(cell["set"], cell["codes"], cell["row"], cell["seed"]) for cell in found}
    wanted = [(name, kind) for name in arguments.sets.split(",") for kind in arguments.codes.split(",")]
    for name, kind in [] if arguments.table else wanted:
        here = codes_of(arguments.out, arguments.data_root, name, kind)
        for row, seed in [*((row, seed) for row in ROWS for seed in range(arguments.seeds)), ("all", 0)]:
            if (name, kind, row, seed) in done:
                continue
            cell = {"set": name, "codes": kind, "row": row, "seed": seed}
            cell |= everything(here) if row == "all" else labelled(here, row, seed)
            found.append(cell)
            cells.keep(arguments.out, cell)
    print(table(found))
    if arguments.curves:
        arguments.curves.write_bytes(png(curves([cell for cell in found if (cell["set"], cell["codes"]) in wanted])))


if __name__ == "__main__":
    main()
