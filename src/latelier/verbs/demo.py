"""latelier demo: the main job, on embedded data, in a minute or two on two cores (scenes: six)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from latelier.storage.paths import place
from latelier.terminal.say import say
from latelier.verbs.options import Place

if TYPE_CHECKING:
    from latelier.page import Picture, Table

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


SHEETS = ("parts", "part_crops", "swap")
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


def demo(*, out: Place = "runs/demo", data: Literal["digits", "scenes"] = "digits") -> Path:
    """Run the main job on embedded data: learn codes from many images and few labels, score, draw, report.

    Trains a convolutional VAE on all training images with five labels per class. Compares it, at 1, 5 and 10 labels per
    class over five label draws, with the same encoder trained on the labels alone, with logistic regression on pixels
    and on PCA, and with label propagation on pixels. All are measured on test images whose labels none of them saw.
    Writes OUT/report.html. On scenes it also trains a SpriteVAE for parts. Takes some 80 seconds on two cores; with
    scenes six minutes.

    Parameters
    ----------
    out
        The run folder. An earlier demo in it is replaced, anything else is not.
    data
        digits (real handwriting, 8x8) or scenes (drawn shapes, 32x32).
    """
    import time

    from latelier.page import Picture, Table, page
    from latelier.page.contents import material, winners
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.scores.common import majority
    from latelier.storage import files
    from latelier.storage.folders import emptied
    from latelier.terminal.progress import Progress
    from latelier.terminal.tables import percent, table
    from latelier.verbs.score import score
    from latelier.verdict.verdict import conclude, verdict

    began = time.perf_counter()
    recipe = RECIPES[data]
    out = place(out, "--out")
    beside = Path(f"{out}-parts")  # the run of recipe.parts
    for folder in (out, beside) if recipe.parts else (out,):
        emptied(folder, data)
    rows = _few_labels(recipe, data, out, beside, Progress)
    best = winners(rows)
    columns = ("accuracy on test images, %", *(f"{k} label{'s' if k > 1 else ''} a class" for k in BUDGETS))
    marked = [
        [row[0], *(f"{'* ' if (i, j) in best else ''}{cell}" for j, cell in enumerate(row[1:], 1))]
        for i, row in enumerate(rows)
    ]
    records = score(str(out), only=["reconstruction", "likelihood"], quiet=True)
    values = {f"{name}": value for record in records for name, value in record["values"].items()}
    run = open_run(out)
    splits = run.splits(None, Where())
    test, said = splits.test, conclude(run, splits, run.scores)
    commonest = percent(majority(test.label), len(test))
    note = (
        f"Mean ± sd over {DRAWS} label draws, on {len(test)} test images that no method saw, but for label "
        "propagation, which sees them without their labels; the best is marked. "
        f"Naming the commonest class is right on {commonest}. "
        f"{recipe.views}"
    )
    summary = (
        f"A variational autoencoder learned {data} from all training images, with labels for five per class, and a "
        "label head beside its decoder. Below: what few labels are worth with and without the unlabelled images, how "
        "well the codes keep the images, and what they hold."
    )
    pictures: list[Picture] = []
    tables = [Table("What few labels are worth", columns, rows, note, best)]
    say(table(f"\n{data}: what few labels are worth (* the best)", columns, marked))
    say(note)
    if recipe.parts is not None:
        found, pictures = _parts(beside)
        tables.append(found)
        say(table(f"\n{found.title}", found.columns, found.rows))
    numbers = verdict(run, splits, run.scores)[1]
    shown = material(run, test, verdict=said, measured=numbers, summary=summary, before=tables, first=pictures)
    files.write(out / "report.html", page(shown))
    bound = next(name for name in values if name.endswith(" nats/image")).removesuffix(" nats/image")
    say(
        f"reconstruction: PSNR {values['PSNR dB']:.1f} dB, SSIM {values['SSIM']:.3f}; "
        f"{bound} {values[f'{bound} nats/image']:.1f} nats an image; {time.perf_counter() - began:.0f} s in all"
    )
    say(out / "report.html")
    return out / "report.html"


def main_run(arguments: dict[str, Any]) -> None:
    """Trains the run that is drawn and reported, with the verb that every user has."""
    from latelier.verbs.train import train

    train(**arguments, quiet=True)


def _parts(run: Path) -> "tuple[Table, list[Picture]]":
    """What the SpriteVAE's parts find, and its sheets."""
    from latelier.page import Table
    from latelier.page.contents import sheets
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.verbs.score import score

    (record,) = score(str(run), only=["part_consistency"], quiet=True)
    values, opened = record["values"], open_run(run)
    rows = [
        [f"SpriteVAE, {opened.seen:,} images without labels", "AP any parts matched", "AP class parts best part"],
        ["k-means of its trunk's features", "AP any k-means matched", "AP class k-means best part"],
        ["chance", "AP any base", "AP class base"],
    ]
    cells = [[name, *(f"{values[key]:.3f}" for key in keys)] for name, *keys in rows]
    note = f"{record['protocol']} n = {record['n']:,}, {record['seconds']:.0f} s."
    table = Table("What the parts find: average precision", ("", "any shape", "a kind of shape"), cells, note)
    return table, sheets(opened, opened.splits(None, Where()).test, SHEETS).drawn


def _few_labels(recipe: Recipe, data: str, out: Path, beside: Path, progress: Any) -> list[list[str]]:
    """Trains everything, the main run included. Returns rows of the table: a name, then one cell per budget."""
    import numpy as np

    from latelier.bench.few_labels import Trial, accuracy, baselines, run_all
    from latelier.bench.stated import stated, unlike_defaults
    from latelier.bench.values import TRAINING
    from latelier.config.settings import words
    from latelier.data.sources.open import open_images
    from latelier.heads.joint import AVERAGED
    from latelier.terminal.tables import decimals, with_sd

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
            Trial(joint, "vae", stated("vae", whole), k, draw, recipe.images, **same, plan=averaged),
            Trial(
                alone, "classifier", stated("classifier", recipe.settings), k, draw, recipe.alone, **views, plan=plan
            ),
        )
    ]
    runs = [main]
    if recipe.parts is not None:  # the longest first, so that no core waits for it at the end
        parts = {**TRAINING, "model": "spritevae", "data": data, "out": str(beside), **recipe.parts}
        runs.insert(0, {**parts, "settings": words(unlike_defaults("spritevae", {}))})
    jobs: list[tuple[Any, Any]] = [*((main_run, run) for run in runs), *((accuracy, trial) for trial in trials)]
    with progress("training models", len(jobs), unit="models") as bar:
        results = run_all(jobs, bar.at)[len(runs) :]
    found: dict[str, dict[int, list[float]]] = {}
    for trial, value in zip(trials, results, strict=True):
        found.setdefault(trial.row, {}).setdefault(trial.labels, []).append(value)
    for draw in range(DRAWS):
        for name, row in baselines(train_images, test, BUDGETS, draw, recipe.settings["latent"]).items():
            for k, value in row.items():
                found.setdefault(name, {}).setdefault(k, []).append(value)
    most = decimals(len(test))

    def cell(right: list[float]) -> str:
        return with_sd(100 * float(np.mean(right)), 100 * float(np.std(right, ddof=1)), most)

    return [[name, *(cell(row[k]) for k in BUDGETS)] for name, row in found.items()]
