"""Pu et al. 2016, table 2: errors on MNIST from 10, 60, 100 and 300 labels a class, with and without other images.

    latelier reproduce images-labels/few-labels --data-root DIR --seeds 5

Published: means over 20 splits of the training images. The xi = 0 rows learn without labels, then a transductive SVM
learns on the codes; the others learn with the Bayesian SVM. Epochs are chosen on 10,000 validation images, as in the
source. Ours are: "exact", whose code is read off the largest values and whose positions learn by their expectation;
"max-pooling", without positions (the source's VAE-d); each of the two "beyond" the source, with consistency and
propagation, so that images without a label speak of classes; "labels alone", max-pooling on the labelled images
alone, changed as strongly as those are; and label propagation on pixels and on the codes of xi = 0, measured on 5,000
test images. Training images are moved by up to two pixels, which the source does not say, and predictions average 10
draws, not 50. Ten labels a class, where errors depend most on which, get every split; the other numbers get a fifth.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "mnist"
HOURS = "~40"
STATE = "measured at share 0.05; no row reached"
SEEDS = 5
LABELS = (10, 60, 100, 300)
PUBLISHED = {
    "TSVM on pixels": (16.81, 6.16, 5.38, 3.45),
    "xi = 0, TSVM": (5.83, 2.19, 1.75, 1.42),
    "xi = N_x / (C rho)": (1.49, 0.77, 0.63, 0.51),
}
FROZEN: tuple[
    tuple[str, str, dict[str, Any]], ...
] = (  # what learns from codes or pixels afterwards: row, score, and where it reads
    ("TSVM on pixels", "tsvm", {"depth": "pixels"}),
    ("xi = 0, TSVM", "tsvm", {}),
    ("propagation on pixels", "propagation", {"depth": "pixels"}),
    ("xi = 0, propagation", "propagation", {}),
)
CALIBRATED = {"likelihood": "calibrated"}
LARGEST = {**CALIBRATED, "pooling": "largest", "estimator": "exact"}
HEAD: dict[str, Any] = {"head": "bayesian_svm", "head.draws": 10}
BEYOND: dict[str, Any] = {
    **HEAD,
    **{"head.unlabelled": "consistent", "head.rounds": (0.05, 0.15, 0.3, 0.5, 0.7, 0.85)},
    **{"head.weight": 1000.0, "head.optimiser.rate": 1e-2, "head.labelled": 0.25},
}
STRONG: dict[str, Any] = {"affine": 1.0, "cutout": 0.36}  # as views are changed
ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # settings, and arguments of latelier.train
    "xi = N_x / (C rho)": (HEAD, {}),
    "exact": ({**HEAD, **LARGEST}, {}),
    "max-pooling": ({**HEAD, **LARGEST, "unpool": "deterministic"}, {}),
    "exact, beyond": ({**BEYOND, **LARGEST}, {}),
    "max-pooling, beyond": ({**BEYOND, **LARGEST, "unpool": "deterministic"}, {}),
    "labels alone": ({**HEAD, **LARGEST, "unpool": "deterministic", "head.labelled": 1.0}, STRONG),
}
EPOCHS = 40
TRAINING: dict[str, Any] = {"batch": 64, "rate": 1e-3, "decay": "linear", "clip": 5.0, "precision": "bf16", "shift": 2}
WATCHED = {"validation": 1 / 6, "save_every": 1.0}
JUDGED = {**WATCHED, "monitor": "label errors"}


def reproduce(bench: Bench) -> Result:
    """A training for each number of labels and seed, and one without labels for all machines of a seed."""
    jobs = []
    for seed in range(bench.seeds):
        for count in bench.some(LABELS) if seed < max(1, bench.seeds // 5) else LABELS[:1]:
            few = {"labels": count}
            options = {**few, "draws": 1, "first": seed}
            for row, score, depth in FROZEN:
                jobs.append(
                    Job(f"{row} {count}", "dgdn", score, seed, EPOCHS, {}, {**TRAINING, **WATCHED}, options | depth)
                )
            for row, (settings, changes) in ROWS.items():
                training = {**TRAINING, **JUDGED, **few, **changes}
                jobs.append(Job(f"{row} {count}", "dgdn", "probe", seed, EPOCHS, settings, training))
    found = bench.measure(jobs)
    rows = []
    for row in dict.fromkeys([*PUBLISHED, *ROWS, *(row for row, *_ in FROZEN)]):
        cells = []
        for place, count in enumerate(bench.some(LABELS)):
            values = found[f"{row} {count}"]
            errors = [_error(one, count) for one in values]
            cells += [f"{PUBLISHED[row][place]:.2f}" if row in PUBLISHED else "", spread(errors)]
        rows.append([row, *cells])
    columns = [name for count in bench.some(LABELS) for name in (f"{count} a class, published", "measured")]
    note = f"Error on the test images in percent, mean ± sd over {bench.seeds} splits, or a fifth of them from 60 on."
    return Result("MNIST from few labels", ("", *columns), rows, note=note)


def _error(values: dict[str, float], count: int) -> float:
    """Of a machine, of label propagation (of codes, where they are read) or of the model's own head."""
    if "TSVM error %" in values:
        return values["TSVM error %"]
    names = (*(f"propagation {space} {count}/class %" for space in ("codes", "pixels")), "head %")
    return 100 - next(values[name] for name in names if name in values)
