"""Pu et al. 2016, figure 3 and table 4: accuracy against the share of labelled images, Bayesian SVM beside softmax.

    latelier reproduce images-labels/label-share --data DIR/cifar100 --seeds 3

Published on ImageNet (top-1 and top-5 of 1,000 classes, another net), so only the shape can be compared: the SVM leads
by about 1 point under a share of 30 % and by .3 to .5 above. Pooling takes the largest here: drawn positions, as the
source has them, hold both heads back alike until they are learned, which a training this short does not come to. The
machine averages 5 draws, not 50; the softmax is of the most likely code. Shares are of 450 images a class.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "cifar100"
HOURS = "~30"
STATE = "measured on MNIST at share 0.05; order not seen"
SEEDS = 3
EACH = 500  # training images a class
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)  # of the labels
PUBLISHED = {  # top-1 on ImageNet, %
    "bayesian_svm": (43.98, 47.36, 48.41, 51.51, 59.73),
    "softmax": (42.89, 46.42, 47.51, 50.75, 59.33),
}
TOP_5 = {  # the same; the softmax's last is not legible in the text that we have
    "bayesian_svm": ("60.57", "62.67", "64.76", "75.67", "81.15"),
    "softmax": ("59.20", "61.40", "63.58", "74.96", ""),
}
HEADS: dict[str, dict[str, Any]] = {"bayesian_svm": {"head.draws": 5}, "softmax": {}}
EPOCHS = 20
TRAINING: dict[str, Any] = {"batch": 64, "rate": 1e-3, "decay": "linear", "clip": 5.0, "precision": "bf16"}
TRAINING |= {"flip": True, "validation": 0.1, "monitor": "label errors"}


def reproduce(bench: Bench) -> Result:
    """A training for each share, head and seed; both heads see the same labels."""
    jobs = [
        Job(
            f"{head} {share}",
            "dgdn",
            "probe",
            seed,
            EPOCHS,
            {"head": head, **options, "unpool": "deterministic"},
            {**TRAINING, "labels": round(0.9 * EACH * share)},
        )
        for seed in range(bench.seeds)
        for share in bench.some(SHARES)
        for head, options in HEADS.items()
    ]
    found = bench.measure(jobs)
    rows = []
    for place, share in enumerate(bench.some(SHARES)):
        svm, softmax = ([one["head %"] for one in found[f"{head} {share}"]] for head in PUBLISHED)
        lead = [a - b for a, b in zip(svm, softmax, strict=True)]
        published = (f"{figures[place]:.2f}" for figures in PUBLISHED.values())
        row = [f"{share:.0%}", *published, spread(svm), spread(softmax), spread(lead)]
        for head, figures in TOP_5.items():  # which images of few classes have not
            among = [one["head top-5 %"] for one in found[f"{head} {share}"] if "head top-5 %" in one]
            row += [figures[place], spread(among) if among else ""]
        rows.append(row)
    top_1 = ("SVM, published", "softmax, published", "SVM", "softmax", "SVM - softmax")
    columns = ("labelled", *top_1, "top-5: SVM, published", "SVM", "softmax, published", "softmax")
    note = (
        f"Accuracy on the test images in percent, mean ± sd over {bench.seeds} draws of the labels. The published are "
        "of ImageNet. The share is that of 450 training images a class; a tenth chooses the epoch."
    )
    return Result("Accuracy by the share of labels", columns, rows, note=note)
