"""Draws of independent priors, as latents declare them."""

from collections.abc import Mapping

import torch
from torch import Generator

from latelier.core import Code, Latent


def drawn(latents: Mapping[str, Latent], n: int, generator: Generator, device: torch.device) -> Code:
    """n codes on the device: N(0, 1) for a gaussian latent, from -1 to 1 for a uniform one. The noise comes from the
    generator's device. Raises ValueError for a latent of another kind."""
    code: Code = {}
    for name, latent in latents.items():
        if latent.kind not in ("gaussian", "uniform"):
            raise ValueError(f"the prior of a {latent.kind} latent ({name}) is its model's own")
        draw = torch.randn if latent.kind == "gaussian" else torch.rand
        z = draw(n, *latent.shape, generator=generator, device=generator.device)
        code[name] = (z if latent.kind == "gaussian" else 2 * z - 1).to(device)
    return code
