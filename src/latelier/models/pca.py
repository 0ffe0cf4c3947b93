"""Principal component analysis: scikit-learn's, under the same verbs. The linear autoencoder's closed form.

With p(z) the Gaussian of the component variances it also draws samples (probabilistic PCA without its noise; Tipping &
Bishop 1999). Beyond 1 GiB of pixels it is fitted by scikit-learn's IncrementalPCA, in blocks.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from latelier.core import Code, Decodes, Encodes, Finding, Fits, HasFilters, Latent, Move, Refusal, Samples
from latelier.core import Model as Base
from latelier.models.autoencoder import Point
from latelier.rules.shared import usual

WHOLE = 1 << 30  # bytes of float32 pixels up to which the exact solver sees all of them at once


@dataclass(frozen=True)
class Config:
    """How many components."""

    latent: int = 32
    whiten: bool = False  # codes of unit variance

    def __post_init__(self) -> None:
        if self.latent < 1:
            raise Refusal(f"pca: latent is the number of components, at least 1, not {self.latent}")


class Model(Base, Encodes, Decodes, Samples, HasFilters, Fits):
    """Codes are projections on the leading components, largest variance first."""

    fitted = "in closed form, which has no length"
    mean: Tensor  # [pixels]
    components: Tensor  # [latent, pixels], orthonormal rows
    variance: Tensor  # [latent] of each projection over the training images

    def __init__(self, config: Config, image: tuple[int, int, int]):
        super().__init__()
        self.config, self.image = config, image
        pixels = math.prod(image)
        if config.latent > pixels:
            raise Refusal(
                f"pca: {config.latent} components were asked of images of {pixels} values; at most {pixels} exist"
            )
        self.latents = {"z": Latent((config.latent,))}
        self.players = {}
        self.register_buffer("mean", torch.zeros(pixels))
        self.register_buffer("components", torch.eye(config.latent, pixels))
        self.register_buffer("variance", torch.ones(config.latent))

    def moves(self) -> tuple[Move, ...]:
        return ()

    def fit(self, images: Callable[[], Iterator[Tensor]], generator: Generator) -> dict[str, float]:
        from sklearn.decomposition import PCA, IncrementalPCA

        count = sum(len(block) for block in images())
        if count < self.config.latent:
            raise Refusal(f"pca: {self.config.latent} components need as many images, but there are {count}")
        if count * math.prod(self.image) * 4 <= WHOLE:
            seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
            rows = torch.cat([block.flatten(1) for block in images()]).numpy()
            with np.errstate(invalid="ignore"):  # of 0 by 0, where images are all one
                solver = PCA(self.config.latent, random_state=seed).fit(rows)
        else:
            solver = IncrementalPCA(self.config.latent)
            for block in regrouped(images(), max(1000, 5 * self.config.latent), self.config.latent):
                solver.partial_fit(block.numpy())
        for name, values in (
            ("mean", solver.mean_),
            ("components", solver.components_),
            ("variance", solver.explained_variance_),
        ):
            getattr(self, name).copy_(torch.from_numpy(values))
        shares = solver.explained_variance_ratio_  # NaN of images that are all one, of which nothing is left over
        return {"explained variance": float(np.nan_to_num(shares, nan=1 / len(shares)).sum())}

    def _spread(self) -> Tensor:
        """float32 [latent], that of codes; none is 0, so that what does not vary has codes of 0, as in scikit-learn."""
        return self.variance.sqrt().clamp(min=torch.finfo(self.variance.dtype).eps)

    def encode(self, image: Tensor) -> Point:
        z = (image.flatten(1) - self.mean) @ self.components.T
        return Point({"z": z / self._spread() if self.config.whiten else z})

    def decode(self, code: Code) -> Tensor:
        z = code["z"] * self._spread() if self.config.whiten else code["z"]
        return (z @ self.components + self.mean).clamp(0, 1).view(-1, *self.image)

    def findings(self, facts: Mapping[str, float]) -> list[Finding]:
        """Beside itself it says nothing."""
        return usual({name: value for name, value in facts.items() if name != "PSNR of PCA"})

    def filters(self) -> Tensor:
        return self.components.view(-1, *self.image)

    def sample_prior(self, n: int, generator: Generator) -> Code:
        noise = torch.randn(n, self.config.latent, generator=generator, device=generator.device).to(self.mean.device)
        return {"z": noise if self.config.whiten else noise * self.variance.sqrt()}


def regrouped(blocks: Iterator[Tensor], size: int, least: int) -> Iterator[Tensor]:
    """Blocks of images as rows [size, pixels]; a remainder below ``least`` rows joins the block before it."""
    held: list[Tensor] = []
    for block in blocks:
        held.append(block.flatten(1))
        if sum(map(len, held)) >= size + least:
            rows = torch.cat(held)
            yield rows[:size]
            held = [rows[size:]]
    yield torch.cat(held)
