"""Latents that are one of m positions, given by log-probabilities along axis 1, [c, m, n]: draws, and divergences."""

import torch
from torch import Generator, Tensor

from latelier.objectives.noise import uniform
from latelier.objectives.reduction import wide


def draw(log_p: Tensor, generator: Generator, *, same: bool = False) -> Tensor:
    """Numbers of drawn positions, int64 [c, n]: the place of one uniform number in the distribution function. With
    ``same`` all n share it."""
    steps = wide(log_p).exp().cumsum(1)  # [c, m, n]
    shape = (len(steps), 1, 1 if same else steps.shape[2])
    u = torch.rand(shape, generator=generator, device=generator.device, dtype=steps.dtype)
    # Times the last step, which rounding may leave under 1: so no draw lies beyond it, or on a position without chance.
    return (steps <= u.to(steps.device) * steps[:, -1:]).sum(1)


def relaxed(log_p: Tensor, temperature: float, generator: Generator, *, same: bool = False) -> Tensor:
    """Weights [c, m, n] that add up to one over positions: softmax of (log p + Gumbel noise) / temperature (Maddison et
    al. 2017, arXiv 1611.00712, eq. 10). The largest is at m with probability p_m at every temperature. With ``same``
    all along the first axis share their noise."""
    log_p = wide(log_p)
    u = uniform(log_p, generator, same)
    tiny = torch.finfo(u.dtype).tiny
    gumbel = -(-u.clamp(min=tiny).log()).clamp(min=tiny).log()
    return ((log_p + gumbel) / temperature).softmax(1)


def divergence(log_q: Tensor, log_p: Tensor) -> Tensor:
    """KL(q || p) in nats, sum_m q_m (log q_m - log p_m), over axis 1 of [c, m, n]. Where p has no chance q has none,
    and both logs are the same finite number."""
    log_q = wide(log_q)
    return (log_q.exp() * (log_q - wide(log_p))).sum(1)
