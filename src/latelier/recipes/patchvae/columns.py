"""PatchVAE, table 1, CIFAR-100, all columns: the trunk frozen up to Conv1, Conv[1-3] or Conv[1-5] under a new head.

    latelier reproduce patchvae/columns --data DIR/cifar100 --seeds 3

Published: Gupta et al. 2020, one seed each. The trainings are those of patchvae/cifar100, and so are the protocol
and the row of a trunk that learned ImageNet's labels.
"""

from collections.abc import Mapping
from typing import Any

from latelier.bench import Bench, Job, Result, find_recipe, spread

DATA = "cifar100"
HOURS = "~200"
STATE = "rehearsed"
SEEDS = 1
TABLE = find_recipe("patchvae/cifar100")
DEPTHS = {"Conv1": "conv1", "Conv[1-3]": "conv2-3", "Conv[1-5]": "conv4-5"}  # the last frozen stage
PUBLISHED = {
    "beta-VAE": (44.12, 39.65, 28.57),
    "beta-VAE + L_w": (44.96, 40.30, 28.33),
    "beta-VAE-GAN": (44.69, 40.13, 29.89),
    "beta-VAE-GAN + L_w": (45.61, 41.35, 31.53),
    "PatchVAE": (43.07, 38.58, 28.72),
    "PatchVAE + L_w": (43.75, 40.37, 30.55),
    "PatchVAE-GAN": (44.45, 40.57, 31.74),
    "PatchVAE-GAN + L_w": (45.39, 41.74, 32.65),
    "BiGAN": (47.72, 41.89, 31.58),
    TABLE.PRETRAINED: (55.99, 54.99, 54.36),
}


def reproduce(bench: Bench) -> Result:
    """A training for each row and seed, which the narrower table shares, and a classifier for each column."""
    return compared(bench, "CIFAR-100", PUBLISHED, TABLE.TRAINING, TABLE.EPOCHS, TABLE.PROBE)


def compared(
    bench: Bench,
    title: str,
    published: Mapping[str, tuple[float, ...]],
    training: Mapping[str, Any],
    epochs: float,
    probe: int,
) -> Result:
    """The table of these rows on one set of images, under the protocol of this file, and of an untrained trunk."""
    depths, made = bench.some(list(DEPTHS.items())), {**TABLE.possible(published), TABLE.UNTRAINED: ()}
    jobs = []
    for seed in range(bench.seeds):
        for row in made:
            method, settings = TABLE.settings(row)
            for column, frozen in depths:
                options = {"epochs": probe, "frozen": frozen, **TABLE.weights(row)}
                name = f"{row}, {column}"
                length = TABLE.length(row, epochs)
                jobs.append(Job(name, method, "frozen_probe", seed, length, settings, training, options))
    found = bench.measure(jobs)
    rows = []
    for row, figures in made.items():
        cells = list[str]()
        for place, (column, _) in enumerate(depths):
            measured = [one["accuracy %"] for one in found[f"{row}, {column}"]]
            cells += [f"{figures[place]:.2f}" if figures else "", spread(measured)]
        rows.append([row, *cells])
    columns = [name for column, _ in depths for name in (f"{column}, published", "measured")]
    note = (
        f"Accuracy on the test images in percent, the trunk frozen up to a depth; mean ± sd over {bench.seeds} seeds. "
        f"Learned without labels for {epochs * bench.share:g} epochs, where the published ones had {epochs}."
    )
    return Result(title, ("", *columns), rows, note=note)
