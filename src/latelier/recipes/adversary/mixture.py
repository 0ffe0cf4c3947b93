"""ALI's toy: how many of 25 Gaussians a game's samples cover, and whether x -> z -> x stays in its mode.

    latelier reproduce adversary/mixture

Published (Dumoulin et al. 2017, appendix A): on average over a grid of settings 13.4 modes with ALI, 10.4 with a GAN.
Here a mode counts if it holds samples of high quality, a narrower thing. All critics see points through drawn waves.
Expectation maximisation, which is told that there are 25 Gaussians, stands beside them.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread
from latelier.scores.common import Splits

DATA = "mixture"
HOURS = "~2"
STATE = "measured, rows beside it with one seed; all modes in ten of ten seeds"
SEEDS = 10
BESIDE = 2  # seeds, of the rows that are there for comparison
PUBLISHED = {"ALI": 13.4, "GAN": 10.4}
NET: dict[str, Any] = {"net": "dense", "net.widths": (128, 128, 128), "net.norm": "none", "net.waves": 5.0, "latent": 2}
RATES = {"optimiser.rate": 1e-3, "critic.optimiser.rate": 1e-3, "noise": 0.0, "critic.dropout": 0.0}
PAIRED: dict[str, Any] = {"paired": True, "critic.r1": 0.004, "critic.r2": 0.004, "critic.unit": "distance"}
RIVAL = "25 Gaussians by expectation maximisation"
STEADY = "ALI, pairs compared, R1 and R2, a cycle"
OURS: dict[str, Any] = {**NET, **RATES, **PAIRED, "net.slope": 0.02}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "ALI": ("ali", {**NET, **RATES}),
    "ALI, pairs compared, R1 and R2": ("ali", OURS),
    STEADY: ("ali", {**OURS, "cycle": (2.0,)}),
    "the cycle alone": ("ali", {**OURS, "cycle": (2.0,), "game": "off"}),
    "GAN": ("dcgan", {**NET, **RATES, "critic.norm": "none"}),
}
EPOCHS = 250
TRAINING = {"batch": 256, "decay": "linear"}
SHOWN = ("modes covered", "samples of high quality %", "reconstructions that stay in their mode %")


def reproduce(bench: Bench) -> Result:
    """A training and a count for each row and seed."""
    jobs = [
        Job(row, method, "coverage", seed, EPOCHS, settings, TRAINING)
        for row, (method, settings) in ROWS.items()
        for seed in range(bench.seeds if row == STEADY else min(bench.seeds, BESIDE))
    ]
    found = bench.measure(jobs)
    data = bench.splits(bench.train(jobs[0]))
    found[RIVAL] = [maximised(data, seed) for seed in range(bench.seeds)]
    rows = [
        [
            row,
            str(PUBLISHED.get(row, "")),
            *(spread([one[name] for one in values]) if name in values[0] else "" for name in SHOWN),
        ]
        for row, values in found.items()
    ]
    best = [one["modes covered"] == one["modes"] for one in found[STEADY]]
    note = f"With pairs compared and a cycle, ALI covers all 25 modes in {sum(best)} of {len(best)} seeds."
    return Result("25 Gaussians", ("", "modes, published", *SHOWN), rows, note=note)


def maximised(data: Splits, seed: int) -> dict[str, float]:
    """The values of ``coverage`` of a mixture of as many Gaussians as there are modes, fitted by expectation
    maximisation."""
    from sklearn.mixture import GaussianMixture

    from latelier.scores.coverage import SAMPLES, counted, modes

    centres, reach = modes(data)
    machine = GaussianMixture(len(centres), random_state=seed).fit(data.fit.floats(slice(None)).flatten(1).numpy())
    return counted(machine.sample(SAMPLES)[0], data, centres, reach)
