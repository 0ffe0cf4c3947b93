"""How likely the model finds the images: the ELBO and its terms, and importance-weighted bounds on the evidence."""

import math
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from latelier.core import Encodes, Model, Refusal, Weighs, need
from latelier.nets.modes import evaluating
from latelier.objectives.importance import effective_samples, iwae_by_k
from latelier.objectives.reduce import summed
from latelier.scores.common import Splits, device_of

needs = (Weighs, Encodes)
LIMIT = 1_000
VALUES = 1 << 19  # pixel values decoded at once, over images and samples: bounds the memory
PROTOCOL = (
    "Lower bounds on log p(x) from one set of draws of q(z | x) an image: the ELBO is the mean log weight, IWAE-k "
    "the log of the mean of k weights, averaged over disjoint groups; KL is the posterior's own, reconstruction = "
    "ELBO + KL. Nats are summed over an image; bits/dim = -nats / (pixel values x ln 2). Under a continuous "
    "likelihood both are of a density on pixels in [0, 1], not of 8-bit values: add 8 bits/dim (log2 256) to "
    "compare with those."
)


def score(
    model: Model, data: Splits, generator: Generator, *, samples: Sequence[int] = (1, 10, 100)
) -> dict[str, float]:
    """Means over images. ``samples`` are the k of the IWAE bounds; as many as the largest are drawn of each image.

    Effective samples are the mean of (sum w)^2 / sum w^2 over those: near 1, the bound hangs on single draws. Raises
    Refusal for a k under 1.
    """
    if not samples or min(samples) < 1:
        raise Refusal(f"likelihood: samples is {tuple(samples)}; give the k of one bound at least, each 1 or more")
    most, dims, count = max(samples), math.prod(data.test.shape), 0
    totals: Counter[str] = Counter()
    posterior, device = need(model, Encodes), device_of(model)
    for block in data.test.blocks(max(1, min(512, VALUES // (dims * most)))):
        image = block.to(device)
        with evaluating(model):
            weight = _log_weight(model, image, most, generator)
            rate = posterior.encode(image).rate()
        terms = {"ELBO": weight.mean(0), "effective samples": effective_samples(weight)}
        terms |= {f"IWAE-{k}": bound for k, bound in iwae_by_k(weight, samples).items()}
        if rate:  # empty for a posterior without a density
            terms["KL"] = torch.stack([summed(kl) for kl in rate.values()]).sum(0)
            terms["reconstruction"] = terms["ELBO"] + terms["KL"]
        totals.update({name: float(term.double().sum()) for name, term in terms.items()})
        count += len(image)
    return _named({name: total / count for name, total in totals.items()}, dims, most)


def _log_weight(model: Model, image: Tensor, samples: int, generator: Generator) -> Tensor:
    """[samples, b], drawn a bounded number of samples at a time."""
    at_once = max(1, VALUES // image.numel())
    sizes = [min(at_once, samples - start) for start in range(0, samples, at_once)]
    return torch.cat([need(model, Weighs).log_weight(image, size, generator) for size in sizes])


def _named(means: dict[str, float], dims: int, most: int) -> dict[str, float]:
    values = {}
    for name in ("ELBO", "reconstruction", "KL", *(name for name in means if name.startswith("IWAE"))):
        if name in means:
            values[f"{name} nats/image"] = means[name]
        if name == "ELBO" or name.startswith("IWAE"):
            values[f"{name} bits/dim"] = -means[name] / (dims * math.log(2))
    return values | {f"effective samples of {most}": means["effective samples"]}
