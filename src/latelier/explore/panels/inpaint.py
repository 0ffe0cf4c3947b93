"""What the model fills in where a person has painted."""

import base64
import shlex
from typing import Any

import numpy as np
import torch

from latelier.core import Imputes
from latelier.errors import Refusal
from latelier.explore.opened_run import Place, chosen, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Asked
from latelier.objectives import impute

TITLE, PLACE = "Inpaint", 6
LINE = "Paint over what shall be missing, and see what the model fills in."
needs = (Imputes,)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"fill": fill, "command": command}


def fill(place: Place, asked: Asked) -> dict[str, Any]:
    """The image with what the mask hides filled in; known pixels stay as they are."""
    image, hidden = place.image(chosen(place, asked)), _hidden(place, asked)
    known = torch.from_numpy(~hidden).to(image).expand_as(image)
    generator = place.generator(asked.whole("seed", 0, 2**31, 0))
    filled = impute.filled(place.model, image, known, generator)
    return {"picture": drawn(filled)[0], "missing": float(hidden.mean())}


def command(place: Place, asked: Asked) -> dict[str, Any]:
    """The command that fills in the same of every image, with the mask in a file."""
    seed = str(asked.whole("seed", 0, 2**31, 0))
    words = ["latelier", "inpaint", str(place.run.folder), place.shown.source, "--mask", "mask.png", "--seed", seed]
    return {"command": shlex.join([*words, "--out", "filled"]), "file": "mask.png"}


def _hidden(place: Place, asked: Asked) -> np.ndarray:
    """bool [h, w] from bits, a row after another, in base 64. Raises Refusal for anything but a mask of this size that
    leaves something known."""
    _, height, width = place.model.image
    text = asked.text("hidden", "")
    try:
        packed = base64.b64decode(text, validate=True)
    except ValueError as error:  # of base64, or of text that is not ASCII
        raise Refusal("the mask is not in base 64; paint it again") from error
    if len(packed) != (height * width + 7) // 8:
        raise Refusal(f"the mask is not of {height} x {width} pixels; paint it again")
    hidden = np.unpackbits(np.frombuffer(packed, np.uint8), count=height * width).astype(bool).reshape(height, width)
    if hidden.all():
        raise Refusal("all of the image is painted over, so nothing is known of it: undo a stroke")
    return hidden
