"""HALI, tables 1 and 2, on any images with attributes: what codes know of them, and what reconstructions keep.

    latelier reproduce adversary/faces --data DIR/smiles

Published on CelebA, 40 attributes, full nets and a hundred and more epochs. Here all rows see as many images, with
nets that two cores can train.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, spread

DATA = "scenes"
HOURS = "0.7"
STATE = "measured on faces, one attribute; order not reached"
SEEDS = 1
PROBED = {"VAE": "73.30", "ALI": "73.88", "HALI z1": "", "HALI z2": "", "HALI z1 and z2": "83.75"}
PRESERVED = {"VAE": "81.28", "ALI": "84.60", "HALI z1": "91.35", "HALI z2": "86.28", "HALI z1 and z2": ""}
GAME: dict[str, Any] = {
    "optimiser.rate": 3e-4,
    "critic.optimiser.rate": 1e-3,
    "critic.dropout": 0.0,
    "noise": 0.1,
    "spread": 0.05,
}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "VAE": (
        "vae",
        {
            "latent": 256,
            "net": "conv",
            "net.channels": (32, 64, 128, 256),
            "likelihood": "gaussian",
            "optimiser.rate": 1e-3,
        },
    ),
    "ALI": ("ali", {**GAME, "latent": 256, "net.channels": 32, "net.hidden": 256}),
    "HALI": ("hali", {**GAME, "net.width": 0.25, "levels": (16, 64)}),
}
SPACES = {"HALI z1": "z1", "HALI z2": "z2", "HALI z1 and z2": "all"}
EPOCHS = 27
TRAINING = {"size": 32, "batch": 64, "precision": "bf16", "decay": "linear"}


def reproduce(bench: Bench) -> Result:
    """A training and two scores for each method and seed."""
    jobs = [
        Job(row, method, score, seed, EPOCHS, settings, TRAINING)
        for seed in range(bench.seeds)
        for row, (method, settings) in ROWS.items()
        for score in ("attribute_probe", "attribute_preservation")
    ]
    found = bench.measure(jobs)

    def told(row: str, *names: str) -> str:
        values = [one[name] for one in found[row.split()[0]] for name in names if name in one]
        return spread(values) if values else ""

    rows = []
    for row, probed in PROBED.items():
        space = SPACES.get(row, "codes")
        kept = told(row, f"preserved {space} %", "preserved code %") if space != "all" else ""
        rows.append([row, probed, told(row, f"{space} %"), PRESERVED[row], kept])
    rows.append(["pixels", "", told("VAE", "pixels %"), "", ""])
    columns = ("", "probe, published", "probe", "preserved, published", "preserved")
    note = "Balanced accuracy of linear machines, and of a judge on reconstructions as a share of that on originals."
    return Result("Attributes: codes and reconstructions", columns, rows, note=note)
