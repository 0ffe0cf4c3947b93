"""Disentanglement of VAE and beta-VAE on drawn scenes, by five metrics, over seeds.

    latelier reproduce lecture/disentanglement --seeds 5

Nothing is published for these images: the table says whether beta helps here.
"""

from latelier.bench import Bench, Job, Result, spread

DATA = "scenes"
HOURS = "0.1"
STATE = "measured; nothing published"
SEEDS = 5
BETAS = (1.0, 4.0)
SETTINGS = {"latent": 10, "net": "conv"}
TRAINING = {"batch": 64, "rate": 1e-3, "decay": "cosine", "precision": "bf16"}
EPOCHS = 3


def reproduce(bench: Bench) -> Result:
    """Ten latents, Bernoulli likelihood, as in the lecture's table; what differs is beta."""
    jobs = [
        Job(f"beta = {beta:g}", "vae", "disentanglement", seed, EPOCHS, {**SETTINGS, "penalty.weight": beta}, TRAINING)
        for beta in BETAS
        for seed in range(bench.seeds)
    ]
    measured = bench.measure(jobs)
    names = [name for name in measured[jobs[0].row][0] if name not in ("factors", "latents")]
    rows = [[row, *(spread([one[name] for one in values], 3) for name in names)] for row, values in measured.items()]
    note = f"Mean ± sd over {bench.seeds} seeds of training and scoring."
    return Result("Disentanglement on drawn scenes", ("model", *names), rows, note=note)
