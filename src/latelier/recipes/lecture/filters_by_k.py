"""Lecture, Makhzani & Frey's figure 1: filters of the k-sparse autoencoder by k (MNIST).

    latelier reproduce lecture/filters-by-k --data-root DIR

Small k gives whole digits, large k strokes.
"""

from latelier.bench import Bench, Job, Result
from latelier.core import HasFilters, need
from latelier.sheets.figures import side_by_side
from latelier.sheets.filters import as_images

DATA = "mnist"
HOURS = "~0.3"
STATE = "drawn; as published"
KS = (70, 40, 25, 10)
TRAINING = {"batch": 100, "rate": 1e-3, "decay": "cosine", "precision": "bf16"}
EPOCHS = 20
SHOWN = 64


def reproduce(bench: Bench) -> Result:
    """One training for each k."""
    jobs = [Job(f"k = {k}", "ksparse", epochs=EPOCHS, settings={"k": (k,)}, training=TRAINING) for k in KS]
    filters = {}
    for job, run in [(job, bench.train(job)) for job in jobs]:
        weights = need(run.model, HasFilters).filters().detach()
        filters[job.row] = as_images(weights[:SHOWN])
    footer = f"{SHOWN} of 1000 filters each; mid grey is 0, every filter scaled by its own largest weight."
    sheet = side_by_side("Filters of the k-sparse autoencoder", [filters], footer)
    return Result("Filters by k", sheet=sheet)
