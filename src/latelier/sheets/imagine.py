"""Images of a caption: codes that explain it, drawn."""

import numpy as np
import torch

from latelier.core import Captions, Decodes, Encodes, Samples, need
from latelier.data.words import Vocabulary
from latelier.errors import Refusal
from latelier.objectives.langevin import Chain
from latelier.sheets.sheet import Cell, Grid, compose, fitting
from latelier.sheets.view import View, pixels
from latelier.uses.imagining import TRIED, imagine, read_back, tokens_of

needs = (Encodes, Decodes, Samples, Captions)
ON_REQUEST = True  # it needs a caption
TAKES = ("caption", "through", "step", "steps", "temperature")
CHAIN = Chain(step=3e-3, steps=200)
ROWS = 4


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]. Raises Refusal without a caption, or for words that the model does not know."""
    if not view.options.caption:
        raise Refusal('imagine needs a caption: --caption "..."')
    writer, chain = need(view.model, Captions), view.options.chain
    caption = tokens_of(view.options.caption, writer.words()).to(view.image.device)
    across = fitting(view.image.shape[3], view.image.shape[2])
    found = imagine(view.model, caption, ROWS * across, view.generator, chain, view.options.through)
    image = need(view.model, Decodes).decode(found.code)
    _, right = read_back(view.model, image, caption)
    words = Vocabulary(writer.words()).text(caption[0].tolist())
    cells = [Cell(shown, marked=hit) for shown, hit in zip(pixels(image), right, strict=True)]
    grid = Grid([cells[start : start + across] for start in range(0, len(cells), across)], heading=f'"{words}"')
    footer = (
        f"Mean images of codes drawn given the caption, heard through the {view.options.through}: the best of "
        f"{TRIED:,} draws of the prior, of which {found.effective:.0f} carry the weight, then {chain.steps} "
        f"Langevin steps of {chain.step:g}. In an orange frame: those of which the model, looking at the image alone, "
        f"writes the very caption ({np.mean(right):.0%})."
    )
    return compose(f"{view.title}: imagined", [[grid]], footer)
