"""What each level of a hierarchy keeps: originals and, level by level, their reconstructions (HALI, figure 1)."""

import numpy as np
import torch

from latelier.core import Decodes, Encodes, HasLevels, need
from latelier.sheets.reconstruct import beside, mean_psnr, shown_of
from latelier.sheets.sheet import compose
from latelier.sheets.view import View

needs = (HasLevels, Encodes, Decodes)


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: images of the data above the decodes of each level's most likely code alone."""
    image, names = shown_of(view), need(view.model, HasLevels).levels()
    codes, decoder = need(view.model, Encodes).encode(image).mode(), need(view.model, Decodes)
    again = {name: decoder.decode({name: codes[name]}) for name in names}
    means = ", ".join(f"{name} {mean_psnr(image, drawn)}" for name, drawn in again.items())
    footer = (
        f"Each row draws the images again from the most likely code of one level alone, {names[0]} being nearest to "
        f"the image; levels below it are at their means. Under each its PSNR. Means over these {len(image)}: {means}."
    )
    bands = beside(view, {f"from {name}": drawn for name, drawn in again.items()})
    return compose(f"{view.title}: reconstructions by level", bands, footer)
