"""A folder of images with classes and a run on it, for what is said of runs."""

from pathlib import Path
from typing import Any

from made import folder

import latelier
from latelier.runs.run import Run, open_run
from latelier.runs.where import Where
from latelier.scores.common import Splits

TINY: dict[str, Any] = {"settings": {"net": "mlp", "net.widths": (8,), "latent": 2}, "batch": 8}


def train(pets: Path, out: Path, model: str = "vae", **options: Any) -> Path:
    return Path(latelier.train(model, data=str(pets), out=str(out), **{"epochs": 2, **TINY, **options}))


def pets_and_run(place: Path) -> Path:
    """Two classes of twenty images, and a run on them that said its verdict."""
    for name in ("cats", "dogs"):
        folder(place / "pets" / name, 20, "L", size=(8, 8))
    train(place / "pets", place / "run")
    return place


def opened(place: Path, name: str = "run") -> tuple[Run, Splits]:
    run = open_run(place / name)
    return run, run.splits(str(place / "pets"), Where())
