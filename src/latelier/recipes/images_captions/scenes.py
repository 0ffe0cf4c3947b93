"""Captions of drawn scenes: all captions, and a tenth of them with and without the other images.

    latelier reproduce images-captions/scenes --seeds 3

Nothing was published on these images: the published columns are empty. Right word for word is one of an image's true
captions; learned is the first of each, which follows from the image: a model that may name two shapes in any order must
find out, after "a large red", which of them that was. "A tenth alone" is the same model and as many steps on as many
captioned images; other images come beside them. A caption weighs eight times its default: words then come sooner,
and these images are easy. "Maps, cells" writes by looking at the cells of a code that is a map; "DGDN, beyond" has
ReLU, normalisation and wider maps, which the source has not, and "DGDN, cells" has a code that is a map besides.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "scenes"
HOURS = "~19"
STATE = "measured at shares; nothing published"
SEEDS = 3
PUBLISHED: dict[str, float] = {}
TRAIN = 20_000  # images
TENTH = TRAIN // 10
EPOCHS = 60
BATCH = 64  # images with captions a step
BEYOND: dict[str, Any] = {  # wider, with nonlinearities, pooling by the largest values
    **{"unpool": "deterministic", "pooling": "largest", "nonlinearity": "relu", "norm": "group"},
    **{"likelihood": "calibrated"},
    **{"maps": (64, 128, 256), "kernels": (5, 5, 5), "pools": (2, 2)},
}
CELLS: dict[str, Any] = {  # 4x4 places
    **BEYOND,
    **{"top": "cells", "caption.look": "cells"},
    **{"maps": (64, 64, 128, 128, 32), "kernels": (3, 3, 3, 3, 1), "pools": (2, 1, 2, 1)},
}
ENCODERS: dict[str, tuple[str, dict[str, Any], float]] = {  # and the rate
    "residual": ("vae", {"net": "resnet9", "latent": 128, "likelihood": "gaussian"}, 2e-3),
    "maps, cells": ("vae", {"net": "maps", "latent": 16, "likelihood": "gaussian", "caption.look": "cells"}, 1e-3),
    "DGDN": ("dgdn", {"estimator": "relaxed"}, 3e-3),  # by 1e-3 words come half as soon
    "DGDN, beyond": ("dgdn", BEYOND, 2e-3),
    "DGDN, cells": ("dgdn", CELLS, 2e-3),
}
WEIGHT = 8.0 * 32 * 32  # of -log p a token, over the captioned share of a batch
CAPTION: dict[str, Any] = {
    "caption": "gru",
    "caption.most": 1,
    "caption.dropout": 0.2,
    "caption.hidden": 256,
    "caption.embedding": 64,
}
TRAINING: dict[str, Any] = {"decay": "cosine", "clip": 5.0, "precision": "bf16", "shift": 4}
COLUMNS = ("exact", "parts", "colours", "shapes", "relations")


def rows_of(name: str, seed: int) -> list[Job]:
    """The rows of one encoder."""
    model, settings, rate = ENCODERS[name]
    ways: dict[str, tuple[float, dict[str, Any]]] = {  # captioned share of a batch
        "all captions": (1.0, {}),
        "a tenth, other images too": (0.5, {"captions": TENTH}),
        "a tenth alone": (1.0, {"captions": TENTH}),
    }
    jobs = []
    for way, (share, few) in ways.items():
        fields = {**settings, **CAPTION, "caption.captioned": share, "caption.weight": WEIGHT / share}
        training = {**TRAINING, **few, "rate": rate, "batch": round(BATCH / share)}
        jobs.append(Job(f"{name}, {way}", model, "scene_captions", seed, EPOCHS / share, fields, training))
    return jobs


def reproduce(bench: Bench) -> Result:
    """A training for each encoder, way and seed."""
    jobs = [job for seed in range(bench.seeds) for name in ENCODERS for job in rows_of(name, seed)]
    found = bench.measure(jobs)
    rows = [
        [row, *(spread([one[f"{name} %"] for one in values], 1) for name in COLUMNS)] for row, values in found.items()
    ]
    note = (
        f"Percent of the test images, mean ± sd over {bench.seeds} seeds; {TRAIN:,} training images, a tenth is "
        f"{TENTH:,} with captions. Steps, and captions a step, are the same in every row. DGDN's captions are "
        "averaged over 50 samples of its code, but those of the rows beyond the source."
    )
    return Result("Captions of scenes", ("", *COLUMNS), rows, note=note)
