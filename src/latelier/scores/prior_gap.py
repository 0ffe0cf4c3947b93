"""How far the codes of images are from the prior: MMD, active units, and the KL of each latent dimension."""

import torch
from torch import Generator, Tensor

from latelier.codes.rows import device_of, flat, some
from latelier.core import Encodes, Model, Samples, need
from latelier.errors import Refusal
from latelier.nets.eval_mode import evaluating
from latelier.objectives.mmd import InverseMultiquadratic, squared
from latelier.scores.common import Splits

needs = (Encodes, Samples)
LIMIT = 10_000
ROWS = 2_000  # codes that MMD compares: its memory grows with their square
NULLS = 10  # pairs of prior samples behind the null level
ACTIVE = 0.01  # variance over the data above which a unit is active (Burda et al. 2016, section 5.2)
LEAST_KL = 0.1  # nats
PROTOCOL = (
    "MMD^2 (unbiased, inverse multiquadratic kernels at seven scales) between one code drawn from q(z | x) for each "
    f"of at most {ROWS:,} test images and as many draws of the prior; null: the same between {NULLS} pairs of prior "
    f"samples, mean and sd. A unit is active if its most likely code has variance over {ACTIVE} over the images. KL "
    "is of q(z_j | x) from the prior, mean over images; units are ranked by it."
)


def score(model: Model, data: Splits, generator: Generator) -> dict[str, float]:
    """MMD^2 and its null level, active units of all, and of a posterior with a density the KL: total, count, largest.

    Raises Refusal for fewer than two images.
    """
    if len(data.test) < 2:
        raise Refusal(
            f"prior_gap: {len(data.test)} image was given, but a spread of codes needs two at least; give more"
        )
    return _mmd(model, data, generator) | _units(model, data)


def _mmd(model: Model, data: Splits, generator: Generator) -> dict[str, float]:
    encoder, prior, kernel = need(model, Encodes), need(model, Samples), InverseMultiquadratic()
    images, drawn = some(data.test, ROWS, generator.initial_seed() % 2**32), []
    n = len(images)

    def draw_prior() -> Tensor:
        return flat(prior.sample_prior(n, generator), model)

    with evaluating(model):
        for image in images.blocks():
            drawn.append(flat(encoder.encode(image.to(device_of(model))).sample(generator), model))
        gap = squared(torch.cat(drawn), draw_prior(), kernel=kernel, biased=False)
        null = torch.stack([squared(draw_prior(), draw_prior(), kernel=kernel, biased=False) for _ in range(NULLS)])
    return {"MMD^2": float(gap), "MMD^2 null": float(null.mean()), "MMD^2 null sd": float(null.std())}


def _units(model: Model, data: Splits) -> dict[str, float]:
    encoder, device = need(model, Encodes), device_of(model)
    total = squares = rates = torch.zeros((), dtype=torch.float64, device=device)
    for block in data.test.blocks():
        with evaluating(model):
            posterior = encoder.encode(block.to(device))
            mode, rate = flat(posterior.mode(), model).double(), posterior.rate()
        total, squares = total + mode.sum(0), squares + mode.square().sum(0)
        if rate:
            rates = rates + flat(rate, model).double().sum(0)
    n = len(data.test)
    variance = squares / n - (total / n).square()
    values = {"active units": float((variance > ACTIVE).sum()), "units": float(len(variance))}
    if rates.ndim:
        kl = (rates / n).sort(descending=True).values
        values["KL nats/image"] = float(kl.sum())
        values[f"units with KL over {LEAST_KL} nats"] = float((kl > LEAST_KL).sum())
        values |= {f"KL of unit ranked {rank} nats": float(one) for rank, one in enumerate(kl[:5], 1)}
    return values
