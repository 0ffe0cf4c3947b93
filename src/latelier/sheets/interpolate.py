"""Images on the way between the codes of two images of the data."""

import numpy as np
import torch
from torch import Tensor

from latelier.core import Code, Decodes, Encodes, need
from latelier.errors import Refusal
from latelier.sheets.sheet import Cell, Grid, compose
from latelier.sheets.view import View, pixels

needs = (Encodes, Decodes)
PAIRS, STEPS = 8, 6  # rows at most; stops on each way, both ends included


@torch.no_grad()
def draw(view: View) -> np.ndarray:
    """uint8 [H, W, 3]: one row a pair of images, their originals at its ends. Raises Refusal for a single image."""
    pairs = min(PAIRS, len(view.image) // 2)
    if pairs == 0:
        raise Refusal(f"interpolate needs two images and was given {len(view.image)}: give data with at least two")
    image = view.image[: 2 * pairs]
    code = need(view.model, Encodes).encode(image).mode()
    spherical = {name for name, latent in view.model.latents.items() if latent.kind == "gaussian"}
    share = torch.linspace(0, 1, STEPS).tolist()
    stops = [pixels(need(view.model, Decodes).decode(between(code, t, spherical))) for t in share]
    real = pixels(image)
    cells = [
        [Cell(real[2 * i], marked=True), *(Cell(stop[i]) for stop in stops), Cell(real[2 * i + 1], marked=True)]
        for i in range(pairs)
    ]
    columns = ["original", *(f"{100 * t:.0f} %" for t in share), "original"]
    captions = [f"{view.caption(2 * i)} to {view.caption(2 * i + 1)}" for i in range(pairs)]
    footer = (
        "Each row goes from one image of the data (framed) to another: decodes of codes on "
        f"{_ways(set(code), spherical)} between their most likely codes; 0 % and 100 % are their reconstructions."
    )
    return compose(f"{view.title}: interpolation", [[Grid(cells, captions, columns)]], footer)


def between(code: Code, share: float, spherical: set[str]) -> Code:
    """The codes [p, ...] at that share of the way between rows 0 and 1, 2 and 3, ... of codes [2p, ...]: along an arc
    for the latents named in ``spherical``, along a straight line for the others."""
    return {
        name: (arc if name in spherical else torch.lerp)(value[0::2], value[1::2], share)
        for name, value in code.items()
    }


def arc(start: Tensor, end: Tensor, share: float) -> Tensor:
    """[p, ...]: spherical interpolation (Slerp; Shoemake 1985), each row taken as one vector; straight where the two
    vectors lie on one line. Under a Gaussian prior it keeps to lengths of code that the decoder has seen."""
    a, b = start.flatten(1), end.flatten(1)
    cosine = torch.cosine_similarity(a, b, dim=1).clamp(-1, 1)
    angle = cosine.arccos()[:, None]
    bent = (((1 - share) * angle).sin() * a + (share * angle).sin() * b) / angle.sin()
    return torch.where(cosine.abs()[:, None] < 0.9999, bent, torch.lerp(a, b, share)).view_as(start)


def _ways(names: set[str], spherical: set[str]) -> str:
    if names <= spherical:
        return "an arc (spherical interpolation)"
    if names & spherical:
        return f"arcs (latents {', '.join(sorted(names & spherical))}) and straight lines (the others)"
    return "a straight line"
