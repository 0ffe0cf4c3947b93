"""Several attributes at once on drawn scenes, of which every attribute is known exactly: what an edit changes, and what
else it changes.

    latelier reproduce introvac/scenes

Nothing is published for this. Each row sees as many images; VAE and PatchVAE are edited along classifiers fitted on
their codes after the fact.
"""

from typing import Any

from latelier.bench import Bench, Job, Result, find_recipe, spread

DATA = "scenes"
HOURS = "~1"
STATE = "measured at share 0.5; nothing published"
SEEDS = 1
EPOCHS = 20
ATTRIBUTES = ("has red", "has large", "two or more shapes", "ground is striped", "ground is dark")
PAIR = ("has red", "ground is dark")
NETS: dict[str, Any] = {"width": 0.5, "attributes": ATTRIBUTES}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "VAC": ("vac", NETS),
    "IntroVAC": ("introvac", NETS),
    "VAE, fitted directions": ("vae", {"latent": 256, **find_recipe("introvac/faces").SAME}),
    "PatchVAE, fitted directions": ("patchvae", {"beta_occurrence": 2.0}),
}
TRAINING = {"size": 32, "batch": 64, "rate": 5e-4, "decay": "steps", "precision": "bf16"}
BY = "6"
ALONE = {"attributes": ATTRIBUTES, "deltas": (2.0, 4.0, 6.0)}
BOTH = {"attributes": PAIR, "deltas": (2.0, 5.0), "together": True}


def reproduce(bench: Bench) -> Result:
    """A training and two scores for each row and seed: each attribute alone, and two at once."""
    jobs = [
        Job(f"{row}: {kind}", method, "edit", seed, EPOCHS, settings, TRAINING, options)
        for seed in range(bench.seeds)
        for row, (method, settings) in ROWS.items()
        for kind, options in (("alone", ALONE), ("both", BOTH))
    ]
    found = bench.measure(jobs)

    def cell(row: str, kind: str, name: str, digits: int = 1) -> str:
        return spread([one[name] for one in found[f"{row}: {kind}"]], digits)

    rows = [
        [
            row,
            *(cell(row, "alone", f"{what} at {BY} %") for what in ("changed", "others kept")),
            cell(row, "alone", f"identity at {BY}", 2),
            *(cell(row, "both", f"{what} at 5 %") for what in ("changed", "others kept")),
        ]
        for row in ROWS
    ]
    columns = ("", f"changed at {BY} %", "others kept %", "identity", "both changed at 5 %", "others kept %")
    note = f"Mean over {len(ATTRIBUTES)} attributes; both: {' and '.join(PAIR)} at once, by 5."
    return Result("Edits of scenes", columns, rows, note=note)
