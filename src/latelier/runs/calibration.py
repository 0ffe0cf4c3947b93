"""The temperature of a run's probabilities: fitted on images that it held out, and kept as RUN/calibration.json."""

from contextlib import suppress
from typing import NamedTuple

import numpy as np

from latelier.codes.rows import rows_of, some
from latelier.core import Classifies, need
from latelier.data.images import Images
from latelier.data.sources.matching import source_parts
from latelier.errors import Refusal
from latelier.runs.learned import kept_back, parted
from latelier.runs.run import Run
from latelier.runs.where import Where
from latelier.scores.calibration import BOUNDS, fit_temperature
from latelier.storage import json_records
from latelier.storage.schemas import TemperatureNote

DRAWS = 50  # of the code, over which the mean and the spread of a class's score are taken
KEPT = "calibration.json"
FEWEST, WRONG = 50, 10  # labels, and wrong answers among them, from which on a temperature is off by about a fifth (sd)
MOST = 2_000  # images to fit on: more would change nothing that matters


class Temperature(NamedTuple):
    """What the logits of a run are divided by, and the labels that it was fitted on."""

    value: float
    labels: int
    fingerprint: str  # of the images that these are of, or are a part of


def probabilities(run: Run, images: Images) -> np.ndarray:
    """float32 [n, classes], as the model gives them. Raises Refusal where they are no numbers."""
    return numbers(run, rows_of(run.model, images, need(run.model, Classifies).classify))


def numbers(run: Run, found: np.ndarray) -> np.ndarray:
    """The same. Raises Refusal where they are no numbers."""
    if not np.isfinite(found).all():
        raise Refusal(f"{run.folder} gives no numbers: the model is broken; train it anew, with a lower --rate")
    return found


def temperature_of(run: Run, where: Where) -> Temperature:
    """Of the run's checkpoint: as kept, or fitted now and kept. Raises Refusal with why there is none."""
    found = kept(run)
    if found is not None:
        return found
    held = some(_held_out(run, where), MOST, 0, labelled=True)
    if len(held) < FEWEST:
        raise Refusal(f"that takes {FEWEST} images of known class that the run held out, and there are {len(held)}")
    probability = probabilities(run, held)
    wrong = int((probability.argmax(1) != held.label).sum())
    if wrong < WRONG:
        of = f"of {len(held)} images of known class that the run held out it gets {wrong or 'none'} wrong"
        raise Refusal(f"that takes {WRONG} mistakes to learn from, and {of}")
    found = Temperature(fit_temperature(probability, held.label), len(held), held.fingerprint)
    if run.keeps:
        with suppress(Refusal):  # a run that cannot be written to is fitted again the next time
            json_records.write(run.folder / KEPT, {"seen": run.seen, **found._asdict()})
    return found


def kept(run: Run) -> Temperature | None:
    """The temperature that is kept for the run's checkpoint, if it is one."""
    found = json_records.kept(run.folder / KEPT, TemperatureNote, "it is fitted anew") if run.keeps else None
    if found is None:
        return None
    value, labels = found["value"], found["labels"]
    known = found["seen"] == run.seen and BOUNDS[0] <= value <= BOUNDS[1] and 0 < labels <= MOST
    return Temperature(value, labels, found["fingerprint"]) if known else None


def _held_out(run: Run, where: Where) -> Images:
    """The images that the run held out, with the labels that it might know. Raises Refusal where there are none."""
    data = run.config.get("data", {})
    split = data.get("held_out", {}).get("split")
    if not run.config:
        raise Refusal("a lone weights file does not say what was held out")
    if not split and not kept_back(run.config):
        raise Refusal("the run held out no images")
    if not split and run.config["request"].get("labels") is not None:
        raise Refusal("of what the run held out --labels hid the labels")
    try:
        source = run.source
    except Refusal:
        raise Refusal("the images that the run was trained on are no longer where they were") from None
    if split:
        return run.images(source_parts(source)[0], where, split, quiet=True, sample=True)
    whole = run.images(source, where, quiet=True, sample=True)
    if whole.fingerprint != data.get("fingerprint"):
        raise Refusal(f"the images or labels of {source} are not those that the run was begun with")
    return whole.take(parted(run.config, len(whole))[1])
