"""latelier draw: one sheet of a run as a PNG."""

from pathlib import Path
from typing import TYPE_CHECKING

from latelier.verbs.options import Place, Seed

if TYPE_CHECKING:
    import numpy as np

    from latelier.pictures.view import View


def draw(
    run: Place,
    sheet: str,
    *,
    data: Place | None = None,
    out: Place | None = None,
    seed: Seed = 0,
    data_root: Place | None = None,
    download: bool = False,
) -> Path:
    """Draw one sheet of a run: reconstruct, samples, traverse, interpolate, inpaint, manifold, latent_map, codes,
    filters, parts, part-crops, swap, levels, level-traverse, innovation, distances, weights, losses.

    Returns the PNG's path. Raises Refusal (exit 2) for a sheet that the model has not the capabilities for, or the
    pictures not what it takes: latent_map needs known factors, as sprites and scenes have them.

    Parameters
    ----------
    run
        A run folder.
    sheet
        The sheet's name.
    data
        Pictures to show; by default the test split of what the run was trained on.
    out
        The PNG; by default RUN/pictures/SHEET.png.
    seed
        Of the choice of pictures and of drawn codes.
    data_root
        Where torchvision's data sets are.
    download
        Let torchvision download the data set.
    """
    from latelier.pictures import find, wanted
    from latelier.pictures.sheet import save
    from latelier.runs import Where, open_run

    module = find(sheet)  # an unknown sheet is refused before any picture is read
    name = module.__name__.removeprefix("latelier.pictures.")  # one file, however the sheet was spelt
    opened = open_run(run)
    path = Path(out) if out else opened.home("--out FILE.png") / "pictures" / f"{name}.png"
    test = opened.splits(data, Where.of(data_root, download)).test
    title = f"{opened.name} ({opened.card.model}) on {test.source}"
    save(draw_sheet(sheet, opened.view(test, title, seed, wanted(module))), path)
    print(path)
    return path


def draw_sheet(sheet: str, view: "View") -> "np.ndarray":
    """The sheet as uint8 [H, W, 3]. Raises Refusal when the model lacks a capability that it needs, or the data what it
    takes."""
    from latelier.core import Refusal, missing
    from latelier.pictures import find, possible

    module = find(sheet)
    if lacking := missing(view.model, module.needs):
        raise Refusal(
            f"sheet '{sheet}' needs {', '.join(lacking)}, which this model lacks; it can draw: "
            f"{', '.join(possible(view.model))}"
        )
    sheet_pixels: np.ndarray = module.draw(view)
    return sheet_pixels
