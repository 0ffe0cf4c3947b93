"""Disentanglement of a VAE and of what is made of its penalty for it, on drawn scenes, by five metrics, over seeds.

    latelier reproduce lecture/disentanglement --seeds 5

VAE, beta-VAE (Higgins et al. 2017), beta-TCVAE (Chen et al. 2018), DIP-VAE of both kinds (Kumar et al. 2018) and
FactorVAE (Kim & Mnih 2018), each with one weight, that of its source or near it; the source of none has these images,
so that nothing is published for them. The table says whether any helps here.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "scenes"
HOURS = "0.1"
STATE = "measured; nothing published"
SEEDS = 5
PENALTIES: dict[str, dict[str, Any]] = {
    "beta = 1": {"penalty.weight": 1.0},
    "beta = 4": {"penalty.weight": 4.0},
    "beta-TCVAE, weight 4": {"penalty": "tc", "penalty.weight": 4.0},
    "DIP-VAE i, 10": {"penalty": "dip", "penalty.version": "i"},
    "DIP-VAE ii, 10": {"penalty": "dip", "penalty.version": "ii"},
    "FactorVAE, 35": {"penalty": "factor", "penalty.weight": 35.0},
}
SETTINGS = {"latent": 10, "net": "conv"}
TRAINING = {"batch": 64, "rate": 1e-3, "decay": "cosine", "precision": "bf16"}
EPOCHS = 3


def reproduce(bench: Bench) -> Result:
    """Ten latents, Bernoulli likelihood, as in the lecture's table; what differs is the penalty."""
    jobs = [
        Job(row, "vae", "disentanglement", seed, EPOCHS, {**SETTINGS, **penalty}, TRAINING)
        for row, penalty in PENALTIES.items()
        for seed in range(bench.seeds)
    ]
    measured = bench.measure(jobs)
    names = [name for name in measured[jobs[0].row][0] if name not in ("factors", "latents")]
    rows = [[row, *(spread([one[name] for one in values], 3) for name in names)] for row, values in measured.items()]
    note = f"Mean ± sd over {bench.seeds} seeds of training and scoring."
    return Result("Disentanglement on drawn scenes", ("model", *names), rows, note=note)
