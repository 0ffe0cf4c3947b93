"""How likely the model finds the images: the ELBO and its terms, and importance-weighted bounds on the evidence."""

import math
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from latelier.codes.rows import device_of
from latelier.core import Encodes, Model, Weighs, need
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.objectives.importance import effective_samples, iwae_by_k
from latelier.objectives.reduction import summed
from latelier.scores.common import Splits

needs = (Weighs, Encodes)
LIMIT = 200
VALUES = 1 << 19  # pixel values decoded at once, over images and samples: bounds the memory
GREY_DRAWS = 10  # of an image whose pixels are grey for a model of black and white ones
PROTOCOL = (
    "Nats are summed over an image; se is the standard error of the mean over images; give --limit for more images. "
    "From one set of draws of q(z | x) an image: the ELBO is the mean log weight, IWAE-k the log of the mean of k "
    "weights, averaged over disjoint groups; KL is the posterior's own, reconstruction = ELBO + KL. Both are lower "
    "bounds on log p(x). Where the model's pixels are continuous p is a density on [0, 1], not the probability of "
    "8-bit values, and values say so: they may be above 0, and are no bits. Where its pixels are black and white "
    "and the images' are too, p is a probability; bits/dim = -nats / (pixel values x ln 2). Where the images' are grey "
    "all the same, cross-entropies are no -log p, nothing here bounds log p(x), and these are given instead."
)


def score(
    model: Model, data: Splits, generator: Generator, *, samples: Sequence[int] = (1, 10, 100)
) -> dict[str, float]:
    """Means over images and their standard errors. ``samples`` are the k of the IWAE bounds; as many as the largest
    are drawn of each image.

    Effective samples are the mean of (sum w)^2 / sum w^2 over those: near 1, the bound hangs on single draws. Raises
    Refusal for a k under 1.
    """
    if not samples or min(samples) < 1:
        raise Refusal(f"likelihood: samples is {tuple(samples)}; give the k of one bound at least, each 1 or more")
    binary = need(model, Weighs).pixels == "binary"
    grey = binary and not black_and_white(data.test)
    most, dims = min(max(samples), GREY_DRAWS) if grey else max(samples), math.prod(data.test.shape)
    found: dict[str, list[Tensor]] = {}
    posterior, device = need(model, Encodes), device_of(model)
    for block in data.test.blocks(max(1, min(512, VALUES // (dims * most)))):
        image = block.to(device)
        with evaluating(model):
            weight = _log_weight(model, image, most, generator)
            rate = posterior.encode(image).rate()
        terms = {"ELBO": weight.mean(0)}
        if rate:  # empty for a posterior without a density
            terms["KL"] = torch.stack([summed(kl) for kl in rate.values()]).sum(0)
            terms["reconstruction"] = terms["ELBO"] + terms["KL"]
        if not grey:
            terms |= {f"IWAE-{k}": bound for k, bound in iwae_by_k(weight, samples).items()}
            terms["effective samples"] = effective_samples(weight)
        for name, term in terms.items():
            found.setdefault(name, []).append(term.double().cpu())
    return _named({name: torch.cat(parts) for name, parts in found.items()}, dims, most, binary, grey)


def black_and_white(images: Images) -> bool:
    """Whether all pixels are 0 or 1."""
    return all(bool(((block == 0) | (block == 1)).all()) for block in images.blocks())


def _log_weight(model: Model, image: Tensor, samples: int, generator: Generator) -> Tensor:
    """[samples, b], drawn a bounded number of samples at a time."""
    at_once = max(1, VALUES // image.numel())
    sizes = [min(at_once, samples - start) for start in range(0, samples, at_once)]
    return torch.cat([need(model, Weighs).log_weight(image, size, generator) for size in sizes])


def _named(terms: dict[str, Tensor], dims: int, most: int, binary: bool, grey: bool) -> dict[str, float]:
    """Each term [n] as its mean and the standard error of it, under a name that says what it is."""
    values: dict[str, float] = {}
    for name in ("ELBO", "reconstruction", "KL", *(name for name in terms if name.startswith("IWAE"))):
        if name in terms:
            values |= _mean(_title(name, binary, grey), terms[name])
        if binary and not grey and (name == "ELBO" or name.startswith("IWAE")):
            values |= _mean(f"{name} bits/dim", terms[name] / -(dims * math.log(2)))
    if "effective samples" in terms:
        values[f"effective samples of {most}"] = float(terms["effective samples"].mean())
    return values


def _title(name: str, binary: bool, grey: bool) -> str:
    if grey:
        name = {"ELBO": "-(cross-entropy + KL)", "reconstruction": "-cross-entropy"}.get(name, name)
    elif not binary and name != "KL":
        name = f"density {name}"
    return f"{name} nats/image"


def _mean(name: str, values: Tensor) -> dict[str, float]:
    error = {f"{name} se": float(values.std() / math.sqrt(len(values)))} if len(values) > 1 else {}
    return {name: float(values.mean())} | error
