"""PatchVAE, figures 3-6: where parts occur, what they fire at, one image's part in another, and the weights of L_w.

    latelier reproduce patchvae/sheets --data DIR/cifar100

Published are images, of CIFAR-100, ImageNet and Indoor67. The run is the row PatchVAE + L_w of patchvae/cifar100.
"""

from latelier.bench import Bench, Job, Result, find_recipe
from latelier.bench.sheets import drawn

DATA = "cifar100"
HOURS = "~4"
STATE = "rehearsed"
TABLE = find_recipe("patchvae/cifar100")
ROW = "PatchVAE + L_w"
SHEETS = ("parts", "part_crops", "swap", "weights")


def reproduce(bench: Bench) -> Result:
    """One training, which the table shares, and four sheets."""
    method, settings = TABLE.settings(ROW)
    job = Job(ROW, method, epochs=TABLE.EPOCHS, settings=settings, training=TABLE.TRAINING)
    return drawn(bench, "Parts", job, SHEETS)
