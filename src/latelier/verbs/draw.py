"""latelier draw: one sheet of a run as a PNG."""

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from latelier.terminal.say import say
from latelier.verbs.options import As, Names, Place, Seed, Whole

if TYPE_CHECKING:
    from latelier.sheets.view import SheetOptions


def draw(
    run: Place,
    sheet: str,
    *,
    data: Place | None = None,
    out: Place | None = None,
    seed: Seed = 0,
    attribute: Names = None,
    by: float | None = None,
    given: Names = None,
    step: float | None = None,
    steps: Whole | None = None,
    temperature: float | None = None,
    caption: str | None = None,
    through: Literal["image", "code"] | None = None,
    as_: As = None,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Draw one sheet of a run as a PNG.

    Sheets: reconstruct, samples, traverse, interpolate, edits, delta, inpaint, manifold, latent_map, codes, filters,
    unpooling, parts, part_crops, swap, levels, level_traverse, innovation, distances, weights, losses, augmented,
    captions, imagine.

    Returns the path of the PNG. Raises Refusal (exit 2) if the model or the images lack what the sheet needs:
    latent_map needs known factors, as sprites and scenes have them.

    Parameters
    ----------
    run
        A run folder.
    sheet
        The sheet's name.
    data
        Images to show; by default the test split of what the run was trained on.
    out
        The PNG; by default RUN/sheets/SHEET.png.
    seed
        Seed of the choice of images and of sampled codes.
    attribute
        For edits and delta: NAME to add the attribute, NAME=0 to remove it; by default the first few attributes.
    by
        For edits and delta: how far to move, in the steps of latelier edit.
    given
        For samples: NAME=1 or NAME=0 for each attribute that the samples should have or lack.
    step
        Step size of the Langevin chain, by default 2e-4 for samples --given and 3e-3 for imagine.
    steps
        Number of steps of the chain, by default 5000 for samples --given and 200 for imagine.
    temperature
        Temperature of the chain, 1 by default; 0 climbs to the most likely code.
    caption
        For imagine: what the images should show, in words of the captions that the run was trained on.
    through
        For imagine: image finds codes whose decoded image gets the caption from the model; code finds codes that get
        the caption themselves, whatever their image shows.
    data_root
        Folder of torchvision's data sets.
    download
        Let torchvision download the data set.
    """
    from latelier.config.lookup import known
    from latelier.config.own_code import Named

    # Before torch loads: one that is not known is refused at once.
    sheet = known("latelier.sheets", Named(sheet), "sheet", "draw")

    from latelier.core import Encodes, missing
    from latelier.runs import edit_basis
    from latelier.runs.run import open_run
    from latelier.runs.where import Where
    from latelier.sheets import draw_sheet, find, takes, wanted
    from latelier.sheets.sheet import save
    from latelier.verbs.writing import new_file

    module = find(sheet)
    options = {
        "attribute": attribute,
        "by": by,
        "given": given,
        "step": step,
        "steps": steps,
        "temperature": temperature,
        "caption": caption,
        "through": through,
    }
    chosen = options_of(sheet, module, {name: value for name, value in options.items() if value is not None})
    name = module.__name__.removeprefix("latelier.sheets.")  # one file, however the sheet was spelt
    opened = open_run(run)
    path = new_file(out, "--out", "sheet") if out else opened.home("--out FILE.png") / "sheets" / f"{name}.png"
    where = Where.of(data_root, download, as_)
    splits = opened.splits(data, where)
    title = f"{opened.name} ({opened.card.model}) on {splits.test.source}"
    view = opened.view(splits.test, title, seed, wanted(module))._replace(options=chosen)
    if (chosen.given or "attribute" in takes(module)) and not missing(opened.model, (Encodes,)):
        found = view.found or edit_basis.directions(opened, where, splits.fit)
        view = view._replace(found=found, judge=edit_basis.judge(opened, where, splits.fit))
    save(draw_sheet(sheet, view), path)
    say(path)
    return path


def options_of(sheet: str, module: ModuleType, options: dict[str, Any]) -> "SheetOptions":
    """The options that were given. Raises Refusal for an option that the sheet does not take."""
    from dataclasses import replace

    from latelier.config.renamed import today
    from latelier.errors import Refusal
    from latelier.objectives.langevin import Chain
    from latelier.sheets import takes
    from latelier.sheets.view import SheetOptions
    from latelier.verbs.writing import far

    if unused := [name for name in options if name not in takes(module)]:
        able = ", ".join(f"--{name}" for name in takes(module)) or "none of these options"
        raise Refusal(f"sheet '{sheet}' has no use for --{unused[0]}; it takes {able}")
    usual: Chain = getattr(module, "CHAIN", Chain())
    chain = replace(usual, **{name: options[name] for name in ("step", "steps", "temperature") if name in options})
    attribute, given = tuple(options.get("attribute", ())), tuple(options.get("given", ()))
    imagined = {name: today(name, options[name]) for name in ("caption", "through") if name in options}
    return SheetOptions(attribute, far(options.get("by")), given, chain, **imagined)
