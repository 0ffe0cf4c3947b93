"""Joint beside two-step captions on Flickr8k photos, beside two captioners that copy.

    latelier reproduce images-captions/flickr8k --data DIR/flickr8k-1000 --seeds 3

Published (Pu et al. 2016, table 3, with DGDN): 6,000 photos of 256 pixels and a net of five layers. DIR/flickr8k-1000
has 762 to learn from, at 128 pixels at most; they cannot reach the published figures, and only the order of the rows
can be compared. METEOR needs its authors' Java program: LATELIER_METEOR=meteor-1.5.jar before the command.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from latelier.bench import Bench, Job, Result, spread
from latelier.bench.user_files import METEOR, named

DATA = "flickr8k"
HOURS = "~0.8"
STATE = "measured on 762 photos; joint ahead for one encoder"
SEEDS = 3
PUBLISHED: dict[str, tuple[float, ...]] = {
    "two-step": (0.61, 0.41, 0.27, 0.17, 15.82),
    "joint": (0.70, 0.49, 0.33, 0.22, 15.24),
    "joint, uncaptioned too": (0.72, 0.52, 0.36, 0.25, 13.24),
}
METRICS = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "perplexity", "CIDEr", "METEOR", "ROUGE_L")
EPOCHS = 160  # of which the first half is of photos alone, in two steps and jointly
BEYOND: dict[str, Any] = {  # an encoder with nonlinearities, that pools by the largest values
    **{"unpool": "deterministic", "pooling": "largest", "nonlinearity": "relu", "norm": "group"},
    **{"likelihood": "calibrated"},
}
# The source's encoder, that with ReLU and norm, and a residual one; the last settings are those of joint training.
# Validation photos prefer a caption's default weight, 1,024, for the last, and for the first, by a little, 16 to 64. In
# two steps the writer learns alone, and Adam heeds no scale of a loss.
ENCODERS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "DGDN": ("dgdn", {"estimator": "relaxed", "caption.least": 3}, {"caption.weight": 64.0}),
    "DGDN, beyond": ("dgdn", {**BEYOND, "caption.least": 3}, {"caption.weight": 64.0}),
    "residual": ("vae", {"net": "resnet9", "latent": 128, "likelihood": "gaussian", "caption.least": 3}, {}),
}
WAYS: dict[str, dict[str, Any]] = {
    "two-step": {"caption.learning": "twostep", "caption.captioned": 1.0},
    "joint": {"caption.captioned": 1.0, "caption.learning.share": 0.5},
    "joint, uncaptioned too": {"caption.captioned": 0.5, "caption.learning.share": 0.5},
}
# The rate does not fall: the writer of two steps, which learns in the second half of its run, has the joint one's.
AUGMENTED: dict[str, Any] = {"shift": 8, "flip": True}  # half as far: .03 nats a word more on validation photos
TRAINING: dict[str, Any] = {"size": 32, "batch": 32, "rate": 1e-3, "clip": 5.0, "precision": "bf16", **AUGMENTED}
WATCHED: dict[str, Any] = {"validation": 0.1, "monitor": "caption loss", "save_every": 4.0}


def reproduce(bench: Bench) -> Result:
    """A training a row and seed."""
    return compared(bench, ENCODERS, TRAINING, EPOCHS, ("two-step", "joint"))


def compared(
    bench: Bench,
    encoders: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]],
    training: Mapping[str, Any],
    epochs: float,
    ways: Sequence[str],
    figures: Mapping[str, tuple[float, ...]] = PUBLISHED,
) -> Result:
    """The table of these ways to learn with each encoder, under the protocol of this file, beside the published
    ``figures``, a row a way, in the order of ``METRICS`` as far as they go."""
    options = named(METEOR, "meteor")
    jobs = []
    for seed in range(bench.seeds):
        for encoder, (model, settings, jointly) in encoders.items():
            for way in ways:
                whole = {"caption": "gru", **settings, **WAYS[way]}
                own = whole if way == "two-step" else {**whole, **jointly}
                jobs.append(
                    Job(f"{encoder}, {way}", model, "captions", seed, epochs, own, {**training, **WATCHED}, options)
                )
    found = bench.measure(jobs)
    first = next(iter(found.values()))[0]
    metrics = [m for place, m in enumerate(METRICS) if m in first or any(place < len(row) for row in figures.values())]
    rows = []
    for encoder, way in product(encoders, ways):
        row = f"{encoder}, {way}"
        published = dict(zip(METRICS, figures[way], strict=False)) if encoder == "DGDN" else {}
        cells = [[_figure(published.get(m)), _mean(m, found[row])] for m in metrics]
        rows.append([row, *(text for pair in cells for text in pair)])
    for copy in ("commonest", "nearest"):
        cells = [["", f"{first[f'{m} {copy}']:.3f}" if f"{m} {copy}" in first else ""] for m in metrics]
        rows.append([f"{copy} caption", *(text for pair in cells for text in pair)])
    columns = [name for metric in metrics for name in (f"{metric}, published", "measured")]
    note = (
        f"On the test photos, mean ± sd over {bench.seeds} seeds; the best checkpoint by the caption loss of a tenth "
        "of the training photos; DGDN's captions are averaged over 50 samples of its code. Both ways learn from photos "
        "alone for the first half; in the second, two-step keeps the encoder as it is. Perplexities depend on the "
        "vocabulary, which the source does not give. The last rows copy."
    )
    return Result("Captions, joint and in two steps", ("", *columns), rows, note=note)


def _mean(metric: str, found: Sequence[Mapping[str, float]]) -> str:
    return spread([one[metric] for one in found], 3) if metric in found[0] else ""


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
