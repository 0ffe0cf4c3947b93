"""IntroVAC, table 1 and figures 4-8, on any images with attributes: edits, samples by class, and whose
reconstructions are nearer to the images as a set.

    latelier reproduce introvac/faces --data DIR/smiles
    latelier reproduce introvac/faces --data DIR/smiles --size 32

Published on CelebA at 128 pixels, by figures: edits by 3 and 4 steps, and a lower FID of reconstructions for IntroVAC
than for VAC (the two numbers are lost). Here all rows see as many images, in the same nets, at half their width and a
rate that suits 30 epochs. With LATELIER_INCEPTION=inception.safetensors before the command distances are FIDs in
Inception's features. The sheet is figure 7: images, and reconstructions by each row.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread
from latelier.bench.user_files import INCEPTION, named

DATA = "scenes"
HOURS = "~4.5"
STATE = "measured on faces of 32 px; the source's order"
SEEDS = 1
EPOCHS = 30
NETS: dict[str, Any] = {"width": 0.5}
SAME: dict[str, Any] = {"net": "introvac", "net.width": NETS["width"], "likelihood": "squared"}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "VAC": ("vac", NETS),
    "IntroVAC": ("introvac", NETS),
    "IntroVAE, fitted directions": ("introvae", {**NETS, "latent": 256, "margin": 80.0, "weight_rec": 10.0}),
    "VAE, fitted directions": ("vae", {"latent": 256, **SAME}),
}
TRAINING = {"size": 64, "batch": 64, "rate": 5e-4, "decay": "steps", "precision": "bf16"}
SCORES: dict[str, dict[str, Any]] = {
    "edit": {"deltas": (1.0, 3.0, 5.0, 6.0, 8.0)},
    "conditional": {},
    "fid": {},
    "reconstruction": {},
}
SHOWN = (
    *(("edit", f"changed at {by} %", 1) for by in (3, 5, 6)),
    ("edit", "identity at 6", 2),
    ("conditional", "carries %", 1),
    ("conditional", "accepted %", 1),
    ("fid", "Frechet distance of reconstructions", 3),
    ("fid", "Frechet distance of samples", 3),
    ("reconstruction", "PSNR dB", 1),
)


def reproduce(bench: Bench) -> Result:
    """A training and four scores for each row and seed, and the first seed's reconstructions."""
    own = {"fid": named(INCEPTION, "weights")}
    jobs = [
        Job(f"{row}: {score}", method, score, seed, EPOCHS, settings, TRAINING, options | own.get(score, {}))
        for seed in range(bench.seeds)
        for row, (method, settings) in ROWS.items()
        for score, options in SCORES.items()
    ]
    found = bench.measure(jobs)
    shown = [
        (score, name.replace("Frechet distance", "FID") if own.get(score) else name, d) for score, name, d in SHOWN
    ]
    rows = [
        [row, *(spread([one[name] for one in found[f"{row}: {score}"]], digits) for score, name, digits in shown)]
        for row in ROWS
    ]
    note = (
        "changed: verdicts of a classifier of real images that an edit by the steps given changes; identity: 1 is "
        "another image; carries: samples given an attribute, or its absence, that the same classifier takes for it; "
        "Frechet distances in features of an untrained trunk, FID in Inception's with the weights given."
    )
    return Result("Edits and images", ("", *(name for _, name, _ in shown)), rows, together(bench, jobs), note)


def together(bench: Bench, jobs: list[Job]) -> Any:
    """Figure 7: the same images by each run of the first seed."""
    from latelier.sheets.together import draw_together

    firsts = {job.row.partition(":")[0]: job for job in reversed(jobs) if job.seed == 0}
    views = []
    for row in ROWS:
        run = bench.train(firsts[row])
        views.append(run.view(bench.splits(run).test, row, most=10))
    return draw_together(views)
