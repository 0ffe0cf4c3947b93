"""What simple methods make of few labels, which a method that learns from unlabelled images has to beat.

    python benchmarks/few_labels.py --data-root DATA --out OUT [--sets digits,mnist] [--methods logistic,hog] [--table]

Accuracy, and its mean over classes ("balanced"), on all test images; mean and sd over five draws of N labels a
class. CPU seconds are those of one draw on one thread, with a fifth of what the five have in common (a PCA, a graph,
the test images' features). DATA holds `MNIST/raw`, `cifar100/*.parquet` with a column coarse_label, and
`smiles/*.parquet`; digits are embedded and scenes drawn. Cells that stand in OUT/results.jsonl are not made again.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cells
import numpy as np
import torch
from hog import hog

from latelier.codes.rows import pixels
from latelier.data.drawn.scenes import draw_scenes
from latelier.data.images import Images
from latelier.data.sources.open import open_images
from latelier.data.subsets import labelled_rows
from latelier.learners import regression
from latelier.learners.neighbours import nearest
from latelier.learners.patch_words import EACH, PatchWords, Teacher
from latelier.learners.propagation import neighbours_graph, propagate
from latelier.learners.space import COMPONENTS, principal, scaling
from latelier.scores.confusion import balanced_accuracy
from latelier.scores.propagation import blurred, joined, known_among
from latelier.terminal.tables import with_sd

DRAWS = 5
PATCHES = 200_000  # to learn words from
IMAGES = 15_000  # of the training images in a graph, at most
SETS = {
    "digits": (1, 5, 10),
    "mnist": (1, 10, 100),
    "cifar100 coarse": (25,),
    "smiles": (5, 10, 50),
    "scenes64": (25,),  # drawn, in colour, of one shape each, whose kind is the class
}
Rows = np.ndarray  # labelled rows of the training images
Method = Callable[[Images, Images, list[Rows]], list[np.ndarray]]  # the answers [m] of each draw


@cache
def images_of(data_root: Path, name: str) -> tuple[Images, Images]:
    """Training and test images."""
    if name == "scenes64":
        train, test = (draw_scenes(n, size=64, seed=seed) for seed, n in enumerate((9_000, 4_500)))
        return alone(train), alone(test)
    if name == "mnist32":
        train, test = images_of(data_root, "mnist")
        return padded(train), padded(test)
    if name in ("digits", "mnist"):
        train, test = (open_images(name, split=split, root=data_root) for split in ("train", "test"))
        return train, test
    folder = data_root / name.split()[0]
    train, test = (open_images(folder, split=split) for split in ("train", "test"))
    if not name.endswith("coarse"):
        return train, test
    import pyarrow.parquet

    names = tuple(json.loads((folder / "names.json").read_text())["coarse_label"])
    found = [
        replace(images, classes=names, label=np.asarray(column["coarse_label"], np.int64))
        for images, split in ((train, "train"), (test, "test"))
        if (column := pyarrow.parquet.read_table(folder / f"{split}.parquet", columns=["coarse_label"]))
    ]
    return found[0], found[1]


def padded(images: Images) -> Images:
    """With a margin of two black pixels, for nets that take sides of multiples of 8."""
    return replace(images, pixels=np.pad(images.pixels, ((0, 0), (2, 2), (2, 2), (0, 0))))


def alone(scenes: Images) -> Images:
    """Those of one shape."""
    return scenes.take(np.flatnonzero(scenes.attribute[:, scenes.attributes.index("two or more shapes")] == 0))


def fitted(read: Callable[[Images], np.ndarray]) -> Method:
    """Logistic regression, C = 1, of a space that is centred and scaled by one number on all labelled images."""

    def answers(train: Images, test: Images, draws: list[Rows]) -> list[np.ndarray]:
        unseen, found = read(test), []
        for rows in draws:
            known = read(train.take(rows))
            scaled = scaling(known)
            found.append(regression.fit(scaled(known), train.label[rows]).predict(scaled(unseen)))
        return found

    return answers


def by_components(train: Images, test: Images, draws: list[Rows]) -> list[np.ndarray]:
    """Logistic regression on a PCA of at most ``IMAGES`` training images."""
    seen = pixels(train.take(joined(len(train), [], IMAGES)))
    pca = principal(seen)
    return fitted(lambda images: pca.transform(pixels(images)))(train, test, draws)


def by_neighbours(train: Images, test: Images, draws: list[Rows]) -> list[np.ndarray]:
    """The commonest class among the 5 nearest labelled images, or as many as a class has."""
    unseen, found = pixels(test), []
    for rows in draws:
        count = min(5, int(np.bincount(train.label[rows]).max()))
        found.append(nearest(pixels(train.take(rows)), train.label[rows], unseen, count))
    return found


def oriented(images: Images) -> np.ndarray:
    return torch.cat([hog(block) for block in images.blocks()]).numpy()


def by_words(train: Images, test: Images, draws: list[Rows], *, mirrored: bool = False) -> list[np.ndarray]:
    """Logistic regression on words of patches of all training images, from the labelled ones, or from them and their
    mirror images; their number and C chosen on held-out training images."""
    rng = np.random.default_rng(0)
    some = np.sort(rng.permutation(len(train))[: PATCHES // EACH])
    words = PatchWords(train.take(some).blocks(), patches=PATCHES)

    def read(images: Images) -> np.ndarray:
        return torch.cat([words(block) for block in images.blocks(64)]).numpy()

    unseen, found = read(test), []
    for rows in draws:
        known, label = train.take(rows), train.label[rows]
        both = [known, replace(known, pixels=known.pixels[:, :, ::-1])] if mirrored else [known]
        taught = np.concatenate([read(images) for images in both])
        found.append(Teacher(taught, np.tile(label, len(both)), 0.01).predict(unseen))
    return found


def spread(read: Callable[[Images], np.ndarray]) -> Method:
    """Label propagation over one graph of at most ``IMAGES`` training images and of the test images without labels."""

    def answers(train: Images, test: Images, draws: list[Rows]) -> list[np.ndarray]:
        rows = joined(len(train), draws, IMAGES)
        graph = neighbours_graph(np.concatenate([read(train.take(rows)), read(test)]), centre=False)
        known = [known_among(rows, drawn, train.label, len(test)) for drawn in draws]
        return [propagate(graph, one, int(train.label.max()) + 1)[len(rows) :].argmax(1) for one in known]

    return answers


METHODS: dict[str, tuple[str, Method]] = {
    "logistic": ("logistic regression on pixels", fitted(pixels)),
    "pca": (f"logistic regression on PCA of {COMPONENTS}", by_components),
    "knn": ("nearest neighbours of pixels", by_neighbours),
    "hog": ("logistic regression on HOG", fitted(oriented)),
    "words": ("logistic regression on words of patches", by_words),
    "mirrored words": ("the same, labelled images mirrored too", partial(by_words, mirrored=True)),
    "propagation": ("label propagation on pixels", spread(blurred)),
    "propagation hog": ("label propagation on HOG", spread(oriented)),
}


def measured(method: Method, train: Images, test: Images, labels: int) -> dict[str, float]:
    """Percent, and CPU seconds of one draw."""
    draws = [labelled_rows(train.label, labels, draw) for draw in range(DRAWS)]
    began = time.process_time()
    answers = method(train, test, draws)
    seconds = time.process_time() - began
    right = [answer == test.label for answer in answers]
    values = {
        "accuracy": [float(one.mean()) for one in right],
        "balanced": [balanced_accuracy(test.label, answer) for answer in answers],
    }
    found = {name: round(100 * float(np.mean(each)), 2) for name, each in values.items()}
    found |= {f"{name} sd": round(100 * float(np.std(each, ddof=1)), 2) for name, each in values.items()}
    return found | {"CPU s": round(seconds / DRAWS, 2)}


def table(cells: list[dict]) -> str:  # type: ignore[type-arg]
    """Markdown: a table a set, a row a method, and a column a number of labels a class."""
    blocks = []
    for name in dict.fromkeys(cell["set"] for cell in cells):
        of_set = {(cell["method"], cell["labels"]): cell for cell in cells if cell["set"] == name}
        budgets = sorted({labels for _, labels in of_set})
        lines = [f"| {name} | " + " | ".join(f"{count} a class | balanced | CPU s" for count in budgets) + " |"]
        lines.append("|---" * (1 + 3 * len(budgets)) + "|")
        for method in dict.fromkeys(method for method, _ in of_set):
            row = [METHODS[method][0] if method in METHODS else method]
            for count in budgets:
                cell = of_set.get((method, count))
                row += [with_sd(cell[key], cell[f"{key} sd"]) if cell else "" for key in ("accuracy", "balanced")]
                row.append(str(cell["CPU s"]) if cell else "")
            lines.append("| " + " | ".join(row) + " |")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--table", action="store_true", help="print OUT/results.jsonl as tables, and measure nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = cells.read(arguments.out)
    done = {(cell["set"], cell["method"], cell["labels"]) for cell in found}
    wanted = [
        (name, method, labels)
        for name in arguments.sets.split(",")
        for method in arguments.methods.split(",")
        for labels in SETS[name]
    ]
    for name, method, labels in [] if arguments.table else wanted:
        if (name, method, labels) in done:
            continue
        train, test = images_of(arguments.data_root, name)
        cell = {"set": name, "method": method, "labels": labels}
        cell |= measured(METHODS[method][1], train, test, labels)
        found.append(cell)
        cells.keep(arguments.out, cell)
    print(table(found))


if __name__ == "__main__":
    main()
