"""IntroVAC, figures 4-9: attributes added to images, one by degrees, reconstructions, and samples.

    latelier reproduce introvac/sheets --data celeba-eye --data-root DIR --size 128
    latelier reproduce introvac/sheets --data celeba-facial --data-root DIR --size 128
    latelier reproduce introvac/sheets --data celeba-eyefacial --data-root DIR --size 128

Published are images of the sets Eye, Facial and EyeFacial, edits by 3 to 5 steps, after 150 epochs with the nets' whole
width. The run is the row IntroVAC of introvac/faces: half the width, 30 epochs, on drawn scenes unless data are given.
"""

from latelier.bench import Bench, Job, Result, find_recipe
from latelier.bench.sheets import drawn
from latelier.core import AttributeDirections, need
from latelier.sheets.view import SheetOptions

DATA = "scenes"
HOURS = "~1.5"
STATE = "rehearsed"
TABLE = find_recipe("introvac/faces")
ROW = "IntroVAC"
SHEETS = ("edits", "delta", "reconstruct", "samples")


def reproduce(bench: Bench) -> Result:
    """One training, which the table shares, and five sheets: the last, figure 8, samples given the first attribute."""
    method, settings = TABLE.ROWS[ROW]
    job = Job(ROW, method, epochs=TABLE.EPOCHS, settings=settings, training=TABLE.TRAINING)
    first = need(bench.train(job).model, AttributeDirections).directions().names[0]
    return drawn(bench, "Edits", job, (*SHEETS, ("samples", SheetOptions(given=(first,)))))
