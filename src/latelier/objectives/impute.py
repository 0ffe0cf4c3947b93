"""Filling in what is missing of images: by reconstructing them again and again, and by the most likely code of what
is known."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.optim.adam import adam

from latelier.core import Decodes, Encodes, HasLevels, Imputes, Model, Samples, has, need
from latelier.slices import Slices, done

ROUNDS = 10
STEPS, RATE = 60, 0.1  # of Adam, from which the rate falls linearly to 0; a hundred steps change .05 dB
VARIANCE = 0.1  # of known pixels in [-1, 1] about what a code draws: wide, since errors of neighbours go together
PRIORS = ("gaussian", "uniform")
ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False, "maximize": False}


def filled(model: Model, image: Tensor, known: Tensor, generator: Generator, *, rounds: bool = False) -> Tensor:
    """The image [b, c, h, w] with what is not ``known`` (1 or 0, of its shape) filled in by the model's own way, and
    then, unless only ``rounds`` are asked for, from the most likely code of the known pixels, where codes have a prior
    that says what is likely. Of a hierarchy that is the top level: lower ones repeat what they are shown. Raises
    ``Refusal`` for a model that cannot fill in."""
    return done(filling(model, image, known, generator, rounds=rounds))


def filling(
    model: Model, image: Tensor, known: Tensor, generator: Generator, *, rounds: bool = False
) -> Slices[Tensor]:
    """``filled`` in slices."""
    with torch.no_grad():
        first = need(model, Imputes).impute(image, known, generator)
    if rounds or not (has(model, Samples) and has(model, Encodes) and has(model, Decodes)):
        return first
    yield 0.0
    with torch.no_grad():
        start = need(model, Encodes).encode(first).mode()
    if has(model, HasLevels):
        top = need(model, HasLevels).levels()[-1]
        start = {top: start[top]}
    if not any(model.latents[name].kind in PRIORS for name in start):
        return first
    likeliest = yield from _likeliest(model, image, known, start)
    return torch.where(known.bool(), image, likeliest)


def drawn_by_likeliest(model: Model, image: Tensor, known: Tensor, start: dict[str, Tensor]) -> Tensor:
    """The image that the code decodes to which is the most likely given the known pixels, sought from ``start``:
    N(decoded, VARIANCE) of those in [-1, 1], times the latents' priors. Latents of no simple prior stay."""
    return done(_likeliest(model, image, known, start))


def _likeliest(model: Model, image: Tensor, known: Tensor, start: dict[str, Tensor]) -> Slices[Tensor]:
    decoder = need(model, Decodes)
    code = {
        name: z.detach().clone().requires_grad_() for name, z in start.items() if model.latents[name].kind in PRIORS
    }
    moved = list(code.values())
    mean, square = ([torch.zeros_like(z) for z in moved] for _ in range(2))
    steps = [torch.zeros(()) for _ in moved]
    for step in range(STEPS):
        with torch.enable_grad():
            error = (known * (decoder.decode({**start, **code}) - image)).square().sum()
            normal = [z.square().sum() for name, z in code.items() if model.latents[name].kind == "gaussian"]
            loss = 4 * error / (2 * VARIANCE) + 0.5 * sum(normal)
            slopes = list(torch.autograd.grad(loss, moved))
        with torch.no_grad():  # the class imports torch's compiler, which takes 1.3 s
            rate = RATE * (1 - step / STEPS)
            adam(moved, slopes, mean, square, [], steps, foreach=True, lr=rate, **ADAM)  # type: ignore[arg-type]
            for name, z in code.items():
                if model.latents[name].kind == "uniform":
                    z.clamp_(-1, 1)
        yield step / STEPS
    with torch.no_grad():
        return decoder.decode({**start, **code}).clamp(0, 1)


def refilled(image: Tensor, known: Tensor, redraw: Callable[[Tensor], Tensor], rounds: int = ROUNDS) -> Tensor:
    """The image [b, c, h, w] with what is not ``known`` (1 or 0, of a shape that broadcasts to it) from its
    reconstruction, pasted and reconstructed this many times. Known pixels are kept bit for bit."""
    kept = known.bool().expand_as(image)
    for _ in range(rounds):
        image = torch.where(kept, image, redraw(image))
    return image


def begun(image: Tensor, known: Tensor) -> Tensor:
    """The image with each image's mean known colour in place of what is missing: where the rounds start. Mid-grey
    where nothing is known."""
    kept = known.bool().expand_as(image)
    count = kept.sum((2, 3), keepdim=True)
    mean = torch.where(kept, image, 0).sum((2, 3), keepdim=True) / count.clamp(min=1)
    return torch.where(kept, image, torch.where(count > 0, mean, 0.5))
