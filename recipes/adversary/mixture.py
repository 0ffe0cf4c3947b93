"""ALI's toy: how many of 25 Gaussians a game's samples cover, and whether x -> z -> x stays in its mode.

    latelier reproduce adversary/mixture

Published (Dumoulin et al. 2017, appendix A): on average over a grid of settings 13.4 modes with ALI, 10.4 with a GAN.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "mixture"
SEEDS = 10
PUBLISHED = {"ALI": 13.4, "GAN": 10.4}
NET: dict[str, Any] = {"net": "dense", "net.widths": (400, 400), "latent": 2}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "ALI": ("ali", {**NET, "critic.dropout": 0.0}),
    "BiGAN": ("bigan", {**NET, "critic.norm": "none"}),
    "GAN": ("dcgan", {**NET, "critic.norm": "none"}),
}
EPOCHS = 100
TRAINING = {"batch": 256, "rate": 2e-4}
SHOWN = ("modes covered", "samples of high quality %", "reconstructions that stay in their mode %")


def reproduce(bench: Bench) -> Result:
    """A training and a count for each row and seed."""
    jobs = [
        Job(row, method, "coverage", seed, EPOCHS, settings, TRAINING)
        for seed in range(bench.seeds)
        for row, (method, settings) in ROWS.items()
    ]
    found = bench.measure(jobs)
    rows = [
        [
            row,
            str(PUBLISHED.get(row, "")),
            *(spread([one[name] for one in values if name in one] or [float("nan")]) for name in SHOWN),
        ]
        for row, values in found.items()
    ]
    all_of_it = sum(one["modes covered"] == one["modes"] for one in found["ALI"])
    note = f"ALI covers all 25 modes in {all_of_it} of {len(found['ALI'])} seeds."
    return Result("25 Gaussians", ("", "modes, published", *SHOWN), rows, note=note)
