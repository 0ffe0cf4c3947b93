"""Lecture, Radford et al.'s figure 1: what a DCGAN's generator draws from 100 uniform numbers.

    latelier reproduce lecture/dcgan-samples
    latelier reproduce lecture/dcgan-samples --data celeba --data-root DIR

Published is the generator for 64 pixels, made for LSUN's bedrooms; its samples stand in the source, not on the slide.
"""

from latelier.bench import Bench, Job, Result
from latelier.bench.sheets import drawn

DATA = "scenes"
HOURS = "~0.5"
STATE = "rehearsed"
TRAINING = {"size": 64, "batch": 128, "precision": "bf16"}
EPOCHS = 5


def reproduce(bench: Bench) -> Result:
    """One training with the source's nets and rates, and samples beside as many images."""
    job = Job("DCGAN", "dcgan", epochs=EPOCHS, training=TRAINING)
    return drawn(bench, "Samples of a DCGAN", job, ("samples", "losses"))
