"""latelier demo: the main job, on embedded data, in a minute or two on two cores (scenes: six)."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from latelier.storage.paths import place
from latelier.terminal.say import say
from latelier.verbs.options import Place

TAKES = {"digits": "two", "scenes": "six"}  # minutes
SHEETS = ("parts", "part_crops", "swap")

if TYPE_CHECKING:
    from latelier.page import Figure, Table


def demo(*, out: Place = "runs/demo", data: Literal["digits", "scenes"] = "digits") -> Path:
    """Run the main job on embedded data: learn codes from many images and few labels, score, draw, report.

    Trains a convolutional VAE on all training images with five labels per class. Compares it, at 1, 5 and 10 labels per
    class over five label draws, with the same encoder trained on the labels alone, with logistic regression on pixels
    and on PCA, and with label propagation on pixels. All are measured on test images whose labels none of them saw.
    Writes OUT/report.html. On scenes it also trains a SpriteVAE for parts. Takes some two minutes on two cores; with
    scenes six minutes.

    Parameters
    ----------
    out
        The run folder. An earlier demo in it is replaced, anything else is not.
    data
        digits (real handwriting, 8x8) or scenes (drawn shapes, 32x32).
    """
    import time

    from latelier.storage.folders import emptied
    from latelier.terminal.progress import step

    began, minutes = time.perf_counter(), TAKES[data]
    out = place(out, "--out")
    beside = Path(f"{out}-parts")  # the run of a SpriteVAE, on scenes
    for folder in (out, beside) if data == "scenes" else (out,):
        emptied(folder, data)
    step(f"learning {data} from few labels, into {out}: some {minutes} minutes on two cores")  # before torch loads

    from latelier.bench.demo import BUDGETS, DRAWS, RECIPES, few_labels
    from latelier.page import Figure, Table, page
    from latelier.page.contents import material, winners
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.scores.common import majority
    from latelier.storage import files
    from latelier.terminal.tables import percent, table
    from latelier.verbs.score import score
    from latelier.verdict.verdict import conclude, verdict

    recipe = RECIPES[data]
    rows = few_labels(recipe, data, out, beside)
    step("scoring and drawing")
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
    figures: list[Figure] = []
    tables = [Table("What few labels are worth", columns, rows, note, best)]
    say(table(f"\n{data}: what few labels are worth (* the best)", columns, marked))
    say(note)
    if recipe.parts is not None:
        found, figures = _parts(beside)
        tables.append(found)
        say(table(f"\n{found.title}", found.columns, found.rows))
    numbers = verdict(run, splits, run.scores)[1]
    shown = material(run, test, verdict=said, measured=numbers, summary=summary, before=tables, first=figures)
    files.write(out / "report.html", page(shown))
    bound = next(name for name in values if name.endswith(" nats/image")).removesuffix(" nats/image")
    say(
        f"reconstruction: PSNR {values['PSNR dB']:.1f} dB, SSIM {values['SSIM']:.3f}; "
        f"{bound} {values[f'{bound} nats/image']:.1f} nats an image; {time.perf_counter() - began:.0f} s in all"
    )
    say(out / "report.html")
    return out / "report.html"


def _parts(run: Path) -> "tuple[Table, list[Figure]]":
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
