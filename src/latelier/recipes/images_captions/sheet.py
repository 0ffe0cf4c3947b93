"""Pu et al. 2016, figure 2: captions of images that the model has not seen.

    latelier reproduce images-captions/sheet --data DIR/flickr8k-1000
    latelier reproduce images-captions/sheet --data scenes

Published are images of ImageNet's validation set with captions of the model that learned from COCO and ImageNet. The
run is the row "DGDN, joint" of images-captions/flickr8k.
"""

from latelier.bench import Bench, Job, Result, find_recipe
from latelier.bench.sheets import drawn

DATA = "flickr8k"
HOURS = "~0.1"
STATE = "rehearsed"
TABLE = find_recipe("images-captions/flickr8k")
WAY = "joint"


def reproduce(bench: Bench) -> Result:
    """One training, which the table shares, and the sheet of captions."""
    method, settings, jointly = TABLE.ENCODERS["DGDN"]
    whole = {"caption": "gru", **settings, **TABLE.WAYS[WAY], **jointly}
    training = {**TABLE.TRAINING, **TABLE.WATCHED}
    job = Job(f"DGDN, {WAY}", method, epochs=TABLE.EPOCHS, settings=whole, training=training)
    return drawn(bench, "Captions", job, ("captions",))
