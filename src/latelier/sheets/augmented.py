"""Originals above what training shows of them: other changes at every look."""

from dataclasses import asdict

import numpy as np
import torch

from latelier.core import Fits, has, need
from latelier.data.augment import Augment
from latelier.errors import Refusal
from latelier.heads.joint import Joint
from latelier.sheets.sheet import Cell, Grid, compose, fitting
from latelier.sheets.view import View, pixels

needs: tuple[type, ...] = ()
LOOKS = 4  # at each image, of each kind


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: a column an image; below it what training shows of it, and the strong views of that from which
    the run learns without labels, if it does. Raises Refusal for a run that is shown its images as they are."""
    shown, strong = view.augment, strong_of(view)
    if has(view.model, Fits) and not view.model.moves():
        raise Refusal("augmented needs a method that is trained step by step, and this one is fitted: train another")
    if shown == strong == Augment():
        raise Refusal(
            "augmented needs a run that is shown changed images, and this one is shown them as they are: train with "
            "--affine 1, --shift 2 or --flip"
        )
    height, width = view.image.shape[2:]
    image = view.image[: fitting(width, height)]
    rows = {"original": image}
    changed = [shown(image, view.generator) for _ in range(LOOKS)]
    if shown != Augment():
        rows |= {f"as shown {i}": again for i, again in enumerate(changed, 1)}
    if strong != Augment():
        rows |= {f"strong view {i}": strong(again, view.generator) for i, again in enumerate(changed, 1)}
    cells = [[Cell(drawn) for drawn in pixels(some)] for some in rows.values()]
    grid = Grid(cells, list(rows), [view.caption(i) for i in range(len(image))])
    return compose(f"{view.title}: as training shows them", [[grid]], _footer(shown, strong))


def strong_of(view: View) -> Augment:
    """The changes through which the label head's images without a label are seen, if it learns from them."""
    unlabelled = getattr(need(view.model, Joint).head, "unlabelled", None) if has(view.model, Joint) else None
    return unlabelled.view if unlabelled else Augment()


def _footer(shown: Augment, strong: Augment) -> str:
    said = []
    if shown != Augment():
        said = [f"Each time that training comes to an image it changes it anew: {_said(shown)}."]
    if strong != Augment():
        said += [f"The label head learns from strong views too, where it is sure of the image: {_said(strong)}."]
    return " ".join([*said, "Changes that hide from you what an image shows are too strong."])


def _said(changes: Augment) -> str:
    given = {name: value for name, value in asdict(changes).items() if value}
    return ", ".join(name if value is True else f"{name} {value:g}" for name, value in given.items())
