"""Models small enough that what a score must say of them is known exactly."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Generator, Tensor, nn

from latelier.core import (
    Classifies,
    Code,
    Decodes,
    Encodes,
    Features,
    HasLevels,
    Latent,
    Model,
    Move,
    Posterior,
    Samples,
    Weighs,
)
from latelier.data.images import Images
from latelier.errors import Refusal


def images_from(pixels: np.ndarray, label: np.ndarray | None = None) -> Images:
    n = len(pixels)
    return Images(
        pixels=pixels.astype(np.uint8),
        label=np.full(n, -1, np.int64) if label is None else label.astype(np.int64),
        attribute=np.zeros((n, 0), np.int8),
        captions=[[]] * n,
        names=[str(i) for i in range(n)],
        source="drawn",
    )


def lit(n: int, seed: int) -> Images:
    """A quarter has a bright left half, half a bright upper half; the rest is noise."""
    rng = np.random.default_rng(seed)
    attribute = (rng.random((n, 2)) < (0.25, 0.5)).astype(np.int8)
    pixels = rng.integers(0, 100, (n, 16, 16, 1))
    pixels[:, :, :8] += 60 * attribute[:, 0, None, None, None]
    pixels[:, :8] += 60 * attribute[:, 1, None, None, None]
    return replace(images_from(pixels), attribute=attribute, attributes=("left", "above"))


def noise(n: int, shape: tuple[int, int, int] = (1, 2, 3), seed: int = 0, label: np.ndarray | None = None) -> Images:
    c, h, w = shape
    return images_from(np.random.default_rng(seed).integers(0, 256, (n, h, w, c)), label)


def marked(n: int, seed: int, classes: int = 4) -> Images:
    """Noise of 4 x 4 pixels whose first tells the class, which a few labels hardly find among sixteen."""
    images = noise(n, (1, 4, 4), seed, label=np.arange(n) % classes)
    images.pixels[:, 0, 0, 0] = 64 * images.label
    return images


def crossed(levels: int, factors: int) -> np.ndarray:
    """Every combination of levels once, int64 [levels^factors, factors]: the factors are exactly independent."""
    return np.stack(np.unravel_index(np.arange(levels**factors), [levels] * factors), 1)


class Fake(Model):
    """Not trained; one weight, so that it has a device."""

    def __init__(self, image: tuple[int, int, int], **latents: int):
        super().__init__()
        self.image = image
        self.latents = {name: Latent((size,)) for name, size in latents.items()}
        self.weight = nn.Parameter(torch.zeros(()))
        self.players = {"model": [self.weight]}

    def moves(self) -> tuple[Move, ...]:
        return ()


class Point(Posterior):
    def __init__(self, code: Code):
        self.code = code

    def mode(self) -> Code:
        return self.code

    def sample(self, generator: Generator) -> Code:
        return self.code


class Normal(Posterior):
    """Independent normals over one latent called z, against the standard normal."""

    def __init__(self, mean: Tensor, sd: Tensor):
        self.mean, self.sd = mean, sd.expand_as(mean)

    def mode(self) -> Code:
        return {"z": self.mean}

    def sample(self, generator: Generator) -> Code:
        return {"z": self.mean + self.sd * torch.randn(self.mean.shape, generator=generator)}

    def rate(self) -> Code:
        return {"z": (self.mean**2 + self.sd**2 - 1) / 2 - self.sd.log()}


class Reads(Fake, Encodes):
    """Its code is any function of the image."""

    def __init__(self, image: tuple[int, int, int], size: int, read: Callable[[Tensor], Tensor]):
        super().__init__(image, z=size)
        self.reader = read  # not ``read``, which names latents

    def encode(self, image: Tensor) -> Posterior:
        return Point({"z": self.reader(image)})


class Names(Reads, Classifies):
    """Has a head as well, that always names class 0."""

    def classify(self, image: Tensor) -> Tensor:
        return torch.tensor([0.9, 0.1]).expand(len(image), 2)


class Deep(Reads, Features):
    """The image itself is the one depth."""

    def depths(self) -> tuple[str, ...]:
        return ("trunk",)

    def features(self, image: Tensor, depth: str) -> Tensor:
        if depth not in self.depths():
            raise Refusal(f"no depth '{depth}'")
        return image.flatten(1)


class Repaints(Fake, Encodes, Decodes):
    """Its code is the image, and its reconstruction any function of it."""

    def __init__(self, image: tuple[int, int, int], repaint: Callable[[Tensor], Tensor]):
        super().__init__(image, z=math.prod(image))
        self.repaint = repaint
        self.modes: list[bool] = []

    def encode(self, image: Tensor) -> Posterior:
        self.modes.append(self.training)
        return Point({"z": image.flatten(1)})

    def decode(self, code: Code) -> Tensor:
        return self.repaint(code["z"].unflatten(1, self.image))


class Layered(Fake, Encodes, Decodes, HasLevels):
    """Its lower level is the image, its upper level the image turned left to right."""

    def __init__(self, image: tuple[int, int, int]):
        super().__init__(image, z1=math.prod(image), z2=math.prod(image))

    def encode(self, image: Tensor) -> Posterior:
        return Point({"z1": image.flatten(1), "z2": image.flip(3).flatten(1)})

    def decode(self, code: Code) -> Tensor:
        (level,) = code  # one alone
        return code[level].unflatten(1, self.image)

    def levels(self) -> tuple[str, ...]:
        return ("z1", "z2")

    def fill(self, code: Code, generator: Generator | None = None) -> Code:
        raise NotImplementedError


class Bell(Fake, Encodes, Samples):
    """q(z_j | x) = N(a_j g_j(x) + shift, 1 - a_j^2) where g_j is standard normal over images of noise: without a shift
    the codes of all images together are the prior. A unit with a_j = 0 is dead."""

    def __init__(self, image: tuple[int, int, int], a: list[float], shift: float = 0.0):
        super().__init__(image, z=len(a))
        self.a, self.shift = torch.tensor(a), shift

    def encode(self, image: Tensor) -> Normal:
        uniform = (image.flatten(1)[:, : len(self.a)] * 255 + 0.5) / 256
        g = torch.special.ndtri(uniform.double()).float()
        return Normal(self.a * g + self.shift, (1 - self.a**2).sqrt())

    def sample_prior(self, n: int, generator: Generator) -> Code:
        return {"z": torch.randn(n, len(self.a), generator=generator)}


class LinearGaussian(Fake, Encodes, Decodes, Samples, Weighs):
    """x = W z + m + noise with orthogonal columns of W: log p(x) and p(z | x) are known (Tipping and Bishop 1999).

    Its q(z | x) is the exact posterior with the sd times ``widen``."""

    noise = 0.3

    def __init__(self, widen: float = 1.0):
        super().__init__((1, 2, 3), z=2)
        columns, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 2)))
        self.w, self.m, self.widen = torch.tensor(columns, dtype=torch.float32) * torch.tensor([0.8, 0.4]), 0.5, widen
        self.decoded: list[int] = []

    def posterior(self, image: Tensor) -> Normal:
        precision = self.w.square().sum(0) + self.noise**2
        return Normal((image.flatten(1) - self.m) @ self.w / precision, self.noise / precision.sqrt())

    def encode(self, image: Tensor) -> Normal:
        exact = self.posterior(image)
        return Normal(exact.mean, exact.sd * self.widen)

    def decode(self, code: Code) -> Tensor:
        return (code["z"] @ self.w.T + self.m).unflatten(-1, self.image)

    def sample_prior(self, n: int, generator: Generator) -> Code:
        return {"z": torch.randn(n, 2, generator=generator)}

    def log_weight(self, image: Tensor, samples: int, generator: Generator) -> Tensor:
        self.decoded.append(samples * image.numel())
        q = self.encode(image)
        z = q.mean + q.sd * torch.randn(samples, *q.mean.shape, generator=generator)
        x = torch.distributions.Normal(self.decode({"z": z}).flatten(2), self.noise).log_prob(image.flatten(1)).sum(-1)
        prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
        return x + prior - torch.distributions.Normal(q.mean, q.sd).log_prob(z).sum(-1)

    def evidence(self, image: Tensor) -> Tensor:
        """[b] log p(x) in nats."""
        covariance = (self.w @ self.w.T).double().numpy() + self.noise**2 * np.eye(6)
        off = image.flatten(1).double().numpy() - self.m
        squared = (off @ np.linalg.inv(covariance) * off).sum(1)
        return torch.from_numpy(-(squared + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2)
