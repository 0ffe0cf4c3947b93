"""What `latelier demo` trains: one run to be shown, and the table of what few labels are worth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latelier.bench import few_labels as few
from latelier.bench import processes
from latelier.bench.pace import Pace
from latelier.bench.stated import stated, unlike_defaults
from latelier.bench.values import TRAINING
from latelier.config.settings import words
from latelier.data.packing.pool import cores
from latelier.data.sources.open import open_images
from latelier.heads.joint import AVERAGED
from latelier.runs.options import Options
from latelier.terminal.progress import Progress, step
from latelier.terminal.tables import decimals, with_sd
from latelier.training.run import start

BUDGETS = (1, 5, 10)  # labels a class
DRAWS = 5


@dataclass(frozen=True)
class Recipe:
    """What the demo does on one of the embedded data sets. Chosen on a part of the training images, never on test."""

    settings: dict[str, Any]  # of the VAE and of the classifier beside it
    vae: dict[str, Any]  # of the VAE alone
    shift: int  # pixels by which training images are moved, for both
    affine: float  # strength of the views that labels are learned from: by consistency in the VAE
    main: int  # images shown to the VAE that is drawn and reported
    images: int  # to each VAE of the table
    alone: int  # to each classifier, which sees only labelled ones
    views: str  # in words: how images are changed
    parts: dict[str, Any] | None = None  # arguments of latelier.train for a SpriteVAE beside it


RECIPES = {
    "digits": Recipe(
        settings={
            "latent": 32,
            "net.stem": 32,
            "net.channels": (64, 64),
            "net.norm": "group",
            "net.hidden": 0,
            "net.activation": "leaky_relu",
            "net.up": "resize",
        },
        vae={
            "head": "softmax",
            "head.unlabelled": "consistent",
            "head.rounds": (0.0, 0.1, 0.3, 0.6),
            "head.weight": 1000.0,
            "head.optimiser.rate": 1e-2,
            "likelihood": "gaussian",
            "optimiser.rate": 2e-3,
        },
        shift=0,
        affine=0.75,  # as ``augment.strong`` has it for images so small
        views="Both nets learn labels from images that are turned, scaled, sheared and moved at random.",
        main=48_000,
        images=32_000,
        alone=25_600,
    ),
    "scenes": Recipe(
        settings={"latent": 64},
        vae={"head": "softmax", "head.unlabelled": "none", "optimiser.rate": 1e-3, "likelihood": "gaussian"},
        shift=2,
        affine=0.0,
        views="Both nets learn from images moved by up to 2 px at random.",
        main=20_000,
        images=2_000,  # ten labels a class say next to nothing here, with any method
        alone=1_000,
        parts={"size": 64, "images": 8_000, "epochs": 6, "batch": 32, "precision": "bf16"},
    ),
}


def few_labels(recipe: Recipe, data: str, out: Path, beside: Path) -> list[list[str]]:
    """Trains everything, the main run included. Returns rows of the table: a name, then one cell per budget."""
    train_images, test = open_images(data, split="train"), open_images(data, split="test")
    joint, alone = "VAE and label head, all images", "same encoder, labels alone"
    whole = {**recipe.settings, **recipe.vae}
    main = {**TRAINING, "model": "vae", "data": data, "out": str(out), "labels": 5, "batch": 64, "decay": "linear"}
    main |= {"epochs": recipe.main / len(train_images), "shift": recipe.shift}
    main |= {"settings": words(unlike_defaults("vae", whole))}
    same: dict[str, Any] = {"data": data, "shift": recipe.shift}
    plan = {"decay": "linear", "precision": "fp32"}
    views = {**same, "affine": recipe.affine}
    averaged = {**plan, "ema": round(AVERAGED * recipe.images)} if whole["head.unlabelled"] == "consistent" else plan
    trials = [
        trial
        for draw in range(DRAWS)
        for k in BUDGETS
        for trial in (
            few.Trial(joint, "vae", stated("vae", whole), k, draw, recipe.images, **same, plan=averaged),
            few.Trial(
                alone, "classifier", stated("classifier", recipe.settings), k, draw, recipe.alone, **views, plan=plan
            ),
        )
    ]
    runs = [main]
    if recipe.parts is not None:  # the longest first, so that no core waits for it at the end
        parts = {**TRAINING, "model": "spritevae", "data": data, "out": str(beside), **recipe.parts}
        runs.insert(0, {**parts, "settings": words(unlike_defaults("spritevae", {}))})
    jobs: list[tuple[Any, Any]] = [*((main_run, run) for run in runs), *((few.accuracy, trial) for trial in trials)]
    with Progress("training models", len(jobs), unit="models") as bar:
        step(f"training {len(jobs)} models, {min(len(jobs), cores())} at once")
        pace = Pace(bar, [*(run["model"] for run in runs), *(trial.row for trial in trials)])
        results = processes.run_all(jobs, pace.done)[len(runs) :]
    step("fitting logistic regressions and label propagation")
    found: dict[str, dict[int, list[float]]] = {}
    for trial, value in zip(trials, results, strict=True):
        found.setdefault(trial.row, {}).setdefault(trial.labels, []).append(value)
    for draw in range(DRAWS):
        for name, row in few.baselines(train_images, test, BUDGETS, draw, recipe.settings["latent"]).items():
            for k, value in row.items():
                found.setdefault(name, {}).setdefault(k, []).append(value)
    most = decimals(len(test))

    def cell(right: list[float]) -> str:
        return with_sd(100 * float(np.mean(right)), 100 * float(np.std(right, ddof=1)), most)

    return [[name, *(cell(row[k]) for k in BUDGETS)] for name, row in found.items()]


def main_run(arguments: dict[str, Any]) -> None:
    """Trains the run that is drawn and reported, as `latelier train` trains."""
    start(Options(**arguments, quiet=True))
