"""What the game helps: HALI and ALI with cycles, beside the same nets and cycles without a critic, a VAE and PCA.

    latelier reproduce adversary/control --data DIR/smiles

Nothing is published for this: papers compare games with other models, not with their own nets without the game. Each
length is a training of its own, since rates fall to zero at its end. Images need attributes or classes, and 256 values
or more.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latelier.bench import Bench, Job, Result, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DATA = "scenes"
HOURS = "0.6"
STATE = "measured on faces; nothing published"
SEEDS = 1
EPOCHS = 8  # of the longest
SHARES = (0.125, 0.25, 0.5, 1.0)
GAME: dict[str, Any] = {
    "net": "compact",
    "paired": True,
    "noise": 0.0,
    "critic.norm": "none",
    "critic.dropout": 0.0,
    "critic.r1": 0.5,
    "critic.r2": 0.5,
    "critic.unit": "distance",
    "critic.share": 0.25,
    "optimiser.rate": 1e-3,
}
HALI: dict[str, Any] = {**GAME, "levels": (8, 32), "cycle": (20.0, 5.0)}
ALI: dict[str, Any] = {**GAME, "latent": 64, "cycle": (20.0,)}
VAE: dict[str, Any] = {  # as it is by default, but for the size of its code
    "latent": 256,
    "net": "conv",
    "net.hidden": 0,
    "net.activation": "leaky_relu",
    "net.up": "resize",
    "likelihood": "gaussian",
    "optimiser.rate": 1e-3,
}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "HALI, game and cycles": ("hali", HALI),
    "HALI, cycles alone": ("hali", {**HALI, "game": "off"}),
    "ALI, game and cycle": ("ali", ALI),
    "ALI, cycle alone": ("ali", {**ALI, "game": "off"}),
    "VAE": ("vae", VAE),
}
LINEAR = {f"PCA, {latent} numbers": latent for latent in (32, 64, 256)}  # as many as z2, ALI's code and the VAE's
COLOURS = ("#d75f00", "#2d2d2d", "#e6a06a", "#9a9a9a", "#0072b2", "#009e73", "#4db892", "#99d6be")
TRAINING = {"size": 32, "batch": 64, "precision": "bf16", "decay": "linear"}
SCORES: tuple[tuple[str, dict[str, Any]], ...] = (
    *((name, {}) for name in ("attribute_preservation", "attribute_probe", "reconstruction", "kid", "fid")),
    *(("kid", {"features": kind}) for kind in ("judge", "pixels")),
)
SHOWN = {  # column -> value: of two levels, and of one code
    "preserved z1 %": ("preserved z1 %", "preserved code %"),
    "preserved z2 %": ("preserved z2 %", ""),
    "probe %": ("all %", "codes %"),
    "PSNR z1, dB": ("PSNR dB", ""),
    "PSNR z2, dB": ("PSNR dB of z2", ""),
    "samples": ("kernel distance of samples", ""),
    "samples, by a judge": ("kernel distance by a judge of samples", ""),
    "samples, in pixels": ("kernel distance in pixels of samples", ""),
    "samples, Frechet": ("Frechet distance of samples", ""),
    "reconstructions, Frechet": ("Frechet distance of reconstructions", ""),
}
DIGITS = {  # of others one
    "samples": 4,
    "samples, by a judge": 3,
    "samples, in pixels": 4,
    "samples, Frechet": 2,
    "reconstructions, Frechet": 3,
}


def reproduce(bench: Bench) -> Result:
    """A training for each row, length and seed, and a curve over lengths for each score."""
    jobs = [
        Job(f"{row}, {EPOCHS * share:g} epochs", method, score, seed, EPOCHS * share, settings, TRAINING, options)
        for seed in range(bench.seeds)
        for row, (method, settings) in ROWS.items()
        for share in bench.some(SHARES)
        for score, options in SCORES
    ]
    jobs += [
        Job(row, "pca", score, seed, 1, {"latent": latent}, {"size": TRAINING["size"]}, options)
        for seed in range(bench.seeds)
        for row, latent in LINEAR.items()
        for score, options in SCORES
    ]
    found = bench.measure(jobs)

    lengths = {EPOCHS * share * bench.share: f"{EPOCHS * share:g} epochs" for share in bench.some(SHARES)}

    def values(row: str, epochs: float, column: str) -> list[float]:
        records = found[row if row in LINEAR else f"{row}, {lengths[epochs]}"]
        return [one[name] for one in records for name in SHOWN[column] if name in one]

    rows = []
    for row in (*ROWS, *LINEAR):
        for epochs in (0,) if row in LINEAR else lengths:
            cells = [(values(row, epochs, column), DIGITS.get(column, 1)) for column in SHOWN]
            trained = f"{epochs:g}" if epochs else ""
            rows.append([row, trained, *(spread(cell, digits) if cell else "" for cell, digits in cells)])
    note = "Every row of one length has seen as many images. Distances are kernel ones unless named; smaller is nearer."
    title = "What a game adds to the same nets without it"
    return Result(title, ("", "epochs", *SHOWN), rows, drawn(title, values, list(lengths)), note)


def drawn(title: str, values: Any, lengths: Sequence[float]) -> np.ndarray:
    """uint8 [H, W, 3]: a panel a score, a line a row, over lengths in epochs."""
    from latelier.sheets.plot import blank, light, rendered

    figure = blank(13.0, 13.0)
    figure.suptitle(title)
    for place, column in enumerate(SHOWN):
        panel: Axes = figure.add_subplot(4, 3, place + 1)
        light(panel)
        for row, colour in zip((*ROWS, *LINEAR), COLOURS, strict=True):
            points = [(epochs, float(np.mean(seen))) for epochs in lengths if (seen := values(row, epochs, column))]
            if points:
                panel.plot(*zip(*points, strict=True), color=colour, marker="o", label=row)
        panel.set_xscale("log", base=2)
        panel.set_xticks(lengths, [f"{epochs:g}" for epochs in lengths])
        panel.set_title(column)
        panel.set_xlabel("epochs")
        if place == 0:
            panel.legend(frameon=False)
    return rendered(figure)
