"""What the model fills in where a person has painted."""

import base64
from typing import Any

import numpy as np
import torch

from latelier.core import Imputes
from latelier.errors import Refusal
from latelier.explore.opened_run import OpenedRun, chosen, drawn
from latelier.explore.panels import Action
from latelier.explore.requests import Question
from latelier.explore.saving import FOLDER, of_image
from latelier.objectives import impute
from latelier.slices import Slices

TITLE, PLACE = "Inpaint", 11
GROUP, KEY = "Tasks", "f"
LINE = "Paint over what shall be missing, and see what the model fills in."
needs = (Imputes,)


def actions() -> dict[str, Action]:
    """What can be asked."""
    return {"fill": fill, "command": command}


def fill(opened: OpenedRun, question: Question) -> Slices[dict[str, Any]]:
    """The image with what the mask hides filled in; known pixels stay as they are."""
    image, hidden = opened.image(chosen(opened, question)), _hidden(opened, question)
    known = torch.from_numpy(~hidden).to(image).expand_as(image)
    generator = opened.generator(question.whole("seed", 0, 2**31, 0))
    filled = yield from impute.filling(opened.model, image, known, generator)
    return {"image": drawn(filled)[0], "missing": float(hidden.mean())}


def command(opened: OpenedRun, question: Question) -> dict[str, Any]:
    """The command that fills in the same of the image, with the mask in a file."""
    seed = str(question.whole("seed", 0, 2**31, 0))
    words = ["inpaint", str(opened.run.folder), FOLDER, "--mask", "mask.png", "--seed", seed, "--out", "filled"]
    return of_image(words, "mask.png")


def _hidden(opened: OpenedRun, question: Question) -> np.ndarray:
    """bool [h, w] from bits, a row after another, in base 64. Raises Refusal for anything but a mask of this size that
    leaves something known."""
    _, height, width = opened.model.image
    text = question.text("hidden", "")
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
