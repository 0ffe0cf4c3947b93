"""HALI, tables 1 and 2, on any images with attributes: what codes know of them, and what reconstructions keep.

    latelier reproduce adversary/faces --data DIR/smiles

Published on CelebA, 40 attributes, full nets and a hundred and more epochs. Here all rows see as many images, with
nets that two cores can train. With LATELIER_VGG16=vgg16.safetensors before the command, your file of torchvision's
weights, the judge of reconstructions reads that net's maps.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from latelier.bench import Bench, Job, Result, spread
from latelier.bench.user_files import VGG16, named

DATA = "scenes"
HOURS = "0.7"
STATE = "measured on faces, one attribute; order not reached"
SEEDS = 1
PROBED = {
    "VAE": "73.30 (9.65, 0)",
    "ALI": "73.88 (10.16, 0)",
    "HALI z1": "",
    "HALI z2": "",
    "HALI z1 and z2": "83.75 (8.96, 15)",
}
PRESERVED = {
    "VAE": "81.28 (10.50, 5)",
    "ALI": "84.60 (5.73, 3)",
    "HALI z1": "91.35 (5.62, 27)",
    "HALI z2": "86.28 (5.64, 3)",
    "HALI z1 and z2": "",
}
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
        Job(row, method, score, seed, EPOCHS, settings, TRAINING, options)
        for seed in range(bench.seeds)
        for row, (method, settings) in ROWS.items()
        for score, options in {"attribute_probe": {}, "attribute_preservation": named(VGG16, "weights")}.items()
    ]
    found = bench.measure(jobs)

    probed = {row: _named(found[row.split()[0]], SPACES.get(row, "codes")) for row in PROBED}
    kept = {row: _named(found[row.split()[0]], f"preserved {SPACES.get(row, 'code')}") for row in PROBED}
    rows = [[row, PROBED[row], _cell(row, probed), PRESERVED[row], _cell(row, kept)] for row in PROBED]
    pixels = _named(found["VAE"], "pixels")
    rows.append(["pixels", "", _cell("pixels", {"pixels": pixels}).partition(" (")[0], "", ""])
    columns = ("", "probe, published", "probe", "preserved, published", "preserved")
    note = (
        "Balanced accuracy of linear machines, and of a judge on reconstructions as a share of that on originals: mean "
        "(sd over attributes, attributes on which no other row is better). The published columns are of CelebA, and "
        "count the best of seven methods in the probe."
    )
    return Result("Attributes: codes and reconstructions", columns, rows, note=note)


def _named(found: Sequence[Mapping[str, float]], space: str) -> dict[str, list[float]]:
    """Values over seeds of one space: "" for the mean over attributes, and each attribute's by its name."""
    names = [
        name for name in found[0] if name == f"{space} %" or (name.startswith(f"{space} ") and name.endswith(" %"))
    ]
    return {name[len(space) : -1].strip(): [one[name] for one in found if name in one] for name in names}


def _cell(row: str, named: Mapping[str, Mapping[str, list[float]]]) -> str:
    """Mean (sd over attributes, how many of them no other row is better on); of one attribute the mean alone."""
    own = {name: float(np.mean(values)) for name, values in named[row].items() if name}
    if "" not in named[row]:
        return ""
    if len(own) < 2:
        return spread(named[row][""])
    best = sum(
        value >= max(float(np.mean(o[name])) for o in named.values() if name in o) for name, value in own.items()
    )
    return f"{spread(named[row][''])} ({np.std(list(own.values()), ddof=1):.2f}, {best})"
