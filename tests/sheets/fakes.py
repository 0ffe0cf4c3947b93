"""A small model of random weights that keeps what it was asked to decode."""

from math import prod

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from latelier.codes.directions import Found
from latelier.core import (
    Captions,
    Code,
    Decodes,
    Directions,
    Encodes,
    HasFilters,
    HasLevels,
    HasParts,
    Imputes,
    Judges,
    Latent,
    Model,
    Parts,
    Posterior,
    Samples,
    Unpools,
    Written,
)
from latelier.data.augment import Augment
from latelier.data.words import SPECIAL
from latelier.nets.recurrent import Recurrent
from latelier.objectives.decoding import beam_search
from latelier.objectives.langevin import Chain
from latelier.sheets.view import SheetOptions, View

ONE = {"z": Latent((5,))}
TERMS = {
    "cycle z1": 4.0,
    "cycle z2": 6.0,
    "other images": 9.0,
    "embedded z1": 1.0,
    "embedded z2": 2.0,
    "other images embedded": 3.0,
}
FACTORS = ("shape", "scale", "rotation", "x", "y")


class Known(Posterior):
    """A posterior with given codes and, where ``rates`` tells them, given rates."""

    def __init__(self, code: Code, rates: dict[str, Tensor]):
        self.code, self.rates = code, rates

    def mode(self) -> Code:
        return self.code

    def sample(self, generator: Generator) -> Code:
        return self.code

    def rate(self) -> Code:
        return {name: rate.expand(self.code[name].shape) for name, rate in self.rates.items()}


class Fake(Model, Encodes, Decodes, Samples, HasFilters, Unpools):
    """Linear both ways, with latents of any names and shapes."""

    def __init__(self, image: tuple[int, int, int], latents: dict[str, Latent] = ONE, **rates: Tensor):
        super().__init__()
        self.image, self.latents, self.rates = image, latents, rates
        self.sizes = [prod(latent.shape) for latent in latents.values()]
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.into, self.out = nn.Linear(prod(image), sum(self.sizes)), nn.Linear(sum(self.sizes), prod(image))
        self.players = {"model": [self.into, self.out]}
        self.decoded: list[Code] = []

    def moves(self):
        return ()

    def code(self, numbers: Tensor) -> Code:
        parts = zip(self.latents.items(), numbers.split(self.sizes, 1), strict=True)
        return {name: part.reshape(-1, *latent.shape) for (name, latent), part in parts}

    def encode(self, image: Tensor) -> Posterior:
        return Known(self.code(self.into(image.flatten(1))), self.rates)

    def decode(self, code: Code) -> Tensor:
        self.decoded.append(code)
        numbers = torch.cat([code[name].reshape(len(code[name]), -1) for name in self.latents], 1)
        return (4 * self.out(numbers)).sigmoid().view(-1, *self.image)

    def unpooled(self, image):
        return image - 0.5

    def filters(self) -> Tensor:
        return self.into.weight.view(-1, *self.image)

    def sample_prior(self, n: int, generator: Generator) -> Code:
        return self.code(torch.randn(n, sum(self.sizes), generator=generator))


class Parted(Model, HasParts, Encodes, Decodes):
    """Of its three parts, 0 is light, as probable as a cell is bright, 1 is darkness, and 2 is nowhere. A part's
    appearance is the image's mean and greatest value, and is drawn wherever the part is."""

    def __init__(self, image: tuple[int, int, int], grid: tuple[int, int] = (2, 3)):
        super().__init__()
        self.image, self.grid, self.players = image, grid, {}
        self.latents = {"occurrence": Latent((3, *grid), "bernoulli"), "appearance": Latent((3, 2))}
        self.decoded: list[Code] = []

    def moves(self):
        return ()

    def parts(self, image: Tensor) -> Parts:
        light = adaptive_avg_pool2d(image.mean(1), self.grid)
        values = torch.stack([image.mean((1, 2, 3)), image.amax((1, 2, 3))], 1)
        return Parts(torch.stack([light, 1 - light, 0 * light], 1), values[:, None].repeat(1, 3, 1))

    def encode(self, image: Tensor) -> Posterior:
        occurrence, appearance = self.parts(image)
        return Known({"occurrence": (occurrence > 0.5).float(), "appearance": appearance}, {})

    def decode(self, code: Code) -> Tensor:
        self.decoded.append(code)
        placed = code["appearance"].mean(2)[:, :, None, None] * code["occurrence"]
        return interpolate(placed.sum(1, keepdim=True), self.image[1:]).expand(-1, self.image[0], -1, -1) / 3


class Stacked(Fake, HasLevels, Judges, Imputes):
    """Two levels, linear: a vector of three numbers draws two maps of 2 x 2 as W z2 + b, with noise of sd 0.5, and the
    maps draw the image. What is missing it fills with 0.25."""

    def __init__(self, image: tuple[int, int, int]):
        super().__init__(image, {"z1": Latent((2, 2, 2), "point"), "z2": Latent((3,))})
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.down, self.out = nn.Linear(3, 8), nn.Linear(8, prod(image))

    def levels(self) -> tuple[str, ...]:
        return "z1", "z2"

    def fill(self, code: Code, generator: Generator | None = None) -> Code:
        if "z1" in code:
            return code
        mean = self.down(code["z2"]).view(-1, 2, 2, 2)
        noise = 0 if generator is None else 0.5 * torch.randn(mean.shape, generator=generator)
        return {"z1": mean + noise, **code}

    def decode(self, code: Code) -> Tensor:
        self.decoded.append(code)
        return (2 * self.out(self.fill(code)["z1"].flatten(1))).sigmoid().view(-1, *self.image)

    def sample_prior(self, n: int, generator: Generator) -> Code:
        return self.fill({"z2": torch.randn(n, 3, generator=generator)}, generator)

    def embed(self, image: Tensor, code: Code) -> Tensor:
        return image.flatten(1)

    def impute(self, image: Tensor, known: Tensor, generator: Generator) -> Tensor:
        return torch.where(known.bool(), image, 0.25)


class Telling(Fake, Captions):
    """Writes in three words, as an untrained net does."""

    def __init__(self, image: tuple[int, int, int]):
        super().__init__(image)
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.net = Recurrent(nn.GRU, 5, len(self.words()), 4, 4, dropout=0.0)

    def words(self) -> tuple[str, ...]:
        return (*SPECIAL, "a", "dark", "place")

    def log_caption(self, code: Code, caption: Tensor) -> Tensor:
        return self.net.log_likelihood(code["z"], caption)

    def describe(self, codes, beam: int, longest: int) -> Written:
        return beam_search(self.net, torch.stack([code["z"] for code in codes], 1), width=beam, longest=longest)


def places(model: Model) -> Found:
    """Random directions of two attributes in the first latent that is there."""
    latents = getattr(model, "latents", None) or getattr(model, "inner", model).latents
    name, latent = next(iter(latents.items()))
    weight = torch.randn(2, *latent.shape, generator=Generator().manual_seed(4))
    return Found(Directions(("glad", "old"), {name: weight}, torch.zeros(2)), "random directions")


def view(model: Model, n: int = 7, log: list[dict] | None = None, **changes: object) -> View:
    """Random images of the model's shape and random levels of factors; every second one has a class."""
    generator = Generator().manual_seed(3)
    return View(
        model=model,
        image=torch.rand(n, *model.image, generator=Generator().manual_seed(1)),
        names=[f"folder/image number {i}.png" for i in range(n)],
        label=["cat" if i % 2 else "" for i in range(n)],
        log=[{"seen": 100 * i, "terms": TERMS | {"elbo": -9.0 + i}} for i in range(1, 4)] if log is None else log,
        title="fake on noise",
        generator=Generator().manual_seed(2),
        factors=FACTORS,
        found=places(model),
        augment=Augment(affine=1, cutout=0.3),
        options=SheetOptions(caption="a dark place", chain=Chain(1e-3, 3)),
        levels=torch.stack([torch.randint(top, (n,), generator=generator) for top in (3, 4, 5, 6, 6)], 1),
    )._replace(**changes)
