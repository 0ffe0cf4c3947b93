"""Lecture, Higgins et al.'s figure 7: what each latent follows, beta-VAE (beta = 4), VAE, InfoGAN and DC-IGN.

    latelier reproduce lecture/latent-map

Published are images. The images here are our own drawn 2-D shapes (`sprites`), 64x64. VAE and beta-VAE are trained by
Adam at 5e-4; the source's table has Adagrad at 1e-2. DC-IGN and InfoGAN have the source's optimisers.
"""

from latelier.bench import Bench, Job, Result
from latelier.sheets import draw_sheet
from latelier.sheets.figures import stacked

DATA = "sprites"
HOURS = "~1"
STATE = "measured on sprites; not separated as published"
SHAPES = {"net": "mlp", "net.widths": (1200, 1200), "latent": 10}  # the table's 2D-shapes row
VAES = {"beta-VAE (beta = 4)": 4.0, "VAE (beta = 1)": 1.0}
TRAINING = {"batch": 100, "rate": 5e-4, "precision": "bf16"}
EPOCHS = 40
GAME_EPOCHS = 10
CLAMPED_EPOCHS = 2  # a batch of DC-IGN costs thirty times as much


def reproduce(bench: Bench) -> Result:
    """One training each; a sheet each, one under the other; disentanglement scores beside them."""
    jobs = [
        Job(name, "vae", "disentanglement", 0, EPOCHS, {**SHAPES, "penalty.weight": beta}, TRAINING)
        for name, beta in VAES.items()
    ]
    jobs.append(Job("InfoGAN", "infogan", "disentanglement", 0, GAME_EPOCHS, {}, {"batch": 100, "precision": "bf16"}))
    jobs.append(Job("DC-IGN", "dcign", "disentanglement", 0, CLAMPED_EPOCHS, {}, {"batch": 20}))
    measured = bench.measure(jobs)
    sheets = []
    for job in jobs:
        run = bench.train(job)
        test = bench.splits(run).test
        sheets.append(draw_sheet("latent_map", run.view(test, f"{job.row} on {test.source}", most=len(test))))
    names = [name for name in measured[jobs[0].row][0] if name not in ("factors", "latents")]
    rows = [[row, *(f"{values[0][name]:.2f}" for name in names)] for row, values in measured.items()]
    return Result("What each latent follows", ("model", *names), rows, stacked(sheets))
