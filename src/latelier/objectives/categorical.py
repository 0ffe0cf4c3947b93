"""Latents that are one of m positions, given by log-probabilities along axis 1, [c, m, n]: draws, and the divergence
from a uniform prior."""

import torch
from torch import Generator, Tensor

from latelier.objectives.reduce import wide


def draw(log_p: Tensor, generator: Generator, *, same: bool = False) -> Tensor:
    """Numbers of drawn positions, int64 [c, n]: the place of one uniform number in the distribution function. With
    ``same`` all n share it."""
    steps = wide(log_p).exp().cumsum(1)  # [c, m, n]
    shape = (len(steps), 1, 1 if same else steps.shape[2])
    u = torch.rand(shape, generator=generator, device=generator.device, dtype=steps.dtype)
    # Times the last step, which rounding may leave under 1: so no draw lies beyond it, or on a position without chance.
    return (steps <= u.to(steps.device) * steps[:, -1:]).sum(1)


def relaxed(log_p: Tensor, temperature: float, generator: Generator) -> Tensor:
    """Weights [c, m, n] that add up to one over positions: softmax of (log p + Gumbel noise) / temperature (Maddison et
    al. 2017, arXiv 1611.00712, eq. 10). The largest is at m with probability p_m at every temperature."""
    log_p = wide(log_p)
    u = torch.rand(log_p.shape, generator=generator, device=generator.device, dtype=log_p.dtype).to(log_p.device)
    tiny = torch.finfo(u.dtype).tiny
    gumbel = -(-u.clamp(min=tiny).log()).clamp(min=tiny).log()
    return ((log_p + gumbel) / temperature).softmax(1)


def kl_to_uniform(log_p: Tensor, count: Tensor | int) -> Tensor:
    """KL(q || uniform over ``count`` of the positions) in nats: sum_m p_m log(p_m count), over axis 1. The count
    broadcasts with what is left, [c, n]; at positions that are none of these p must be zero."""
    log_p = wide(log_p)
    return (log_p.exp() * log_p).sum(1) + torch.as_tensor(count, dtype=log_p.dtype, device=log_p.device).log()
