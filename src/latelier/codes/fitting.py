"""How densities of codes that are nets are fitted: until held-out codes are no longer likelier."""

import math
from typing import Any

import torch
from torch import Tensor, nn


def fit_likeliest(
    net: nn.Module, known: Tensor, held: Tensor, seed: int, epochs: int, batch: int, rate: float, wait: int
) -> None:
    """Trains ``net``, whose ``log_prob`` gives nats [n] of rows, by Adam on ``known`` [n, ...], and leaves it as it was
    after the epoch at which ``held`` [m, ...] are likeliest, with weights that no longer learn. It ends after
    ``epochs``, or ``wait`` epochs without a better likelihood. The same for the same seed."""
    density: Any = net
    optimiser, draw = torch.optim.Adam(net.parameters(), rate), torch.Generator().manual_seed(seed)
    best, kept, since = -math.inf, net.state_dict(), 0
    for _ in range(epochs):
        with torch.enable_grad():
            for part in torch.randperm(len(known), generator=draw).split(batch):
                loss = -density.log_prob(known[part]).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        with torch.no_grad():
            score = float(density.log_prob(held).mean())
        if score > best:
            best, since = score, 0
            kept = {name: value.clone() for name, value in net.state_dict().items()}
        elif (since := since + 1) >= wait:
            break
    net.load_state_dict(kept)
    net.requires_grad_(False)
