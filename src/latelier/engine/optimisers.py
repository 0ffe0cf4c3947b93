"""Optimisers as what they keep of each weight and one step: torch's functions without its ``Optimizer``.

The first ``Optimizer`` that a process builds imports torch's compiler: 1.2 s and 150 MB that a short training has no
use for. The numbers are those of the classes, bit for bit.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.adagrad import adagrad
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from latelier.core import Optimiser

STEP = "step"  # the slot of an optimiser's count of steps
SLOTS = {  # what an optimiser keeps of each weight
    "adam": (STEP, "exp_avg", "exp_avg_sq"),
    "sgd": ("momentum_buffer",),
    "adagrad": (STEP, "sum"),
    "rmsprop": (STEP, "square_avg"),
}
FUSED = ("adam", "sgd")  # one pass over memory, 2.2 times as fast as the plain loop on a CPU


def slots(settings: Optimiser) -> tuple[str, ...]:
    """Names of what is kept of each weight."""
    return () if settings.kind == "sgd" and not settings.betas[0] else SLOTS[settings.kind]


def started(settings: Optimiser, weights: Sequence[Tensor]) -> dict[str, list[Tensor]]:
    """What is kept before the first step: by slot a tensor for each weight, all of them 0."""
    return {
        slot: [
            torch.zeros((), device=weight.device if settings.kind in FUSED else "cpu")
            if slot == STEP
            else torch.zeros_like(weight.detach())
            for weight in weights
        ]
        for slot in slots(settings)
    }


@torch.no_grad()
def step(
    settings: Optimiser,
    weights: Sequence[Tensor],
    gradients: Sequence[Tensor],
    state: dict[str, list[Tensor]],
    rate: float,
    skip: Tensor | None = None,
) -> None:
    """One step along the gradients, in place, with ``state`` as ``started`` or ``step`` has left it. Gradients lie in
    memory as their weights do: fused functions do not look at strides. Where ``skip``, a number on the device, is 1,
    fused ones leave weights and state as they are, and the others step along gradients of 0."""
    every, along = list(weights), list(gradients)
    if skip is not None and settings.kind not in FUSED:
        along = [torch.where(skip > 0, 0.0, gradient) for gradient in along]
    own: dict[str, Any]
    plain: dict[str, Any] = {"lr": rate, "weight_decay": settings.weight_decay, "maximize": False}
    fused: dict[str, Any] = {"fused": True, "found_inf": skip, **plain}
    first, second = settings.betas
    if settings.kind == "adam":
        own = {"amsgrad": False, "beta1": first, "beta2": second, "eps": 1e-8}
        adam(every, along, state["exp_avg"], state["exp_avg_sq"], [], state[STEP], **own, **fused)
    elif settings.kind == "sgd":
        buffers = list[Tensor | None](state["momentum_buffer"] if state else [None] * len(every))
        own = {"momentum": first, "dampening": 0.0, "nesterov": False, "has_sparse_grad": False}
        sgd(every, along, buffers, foreach=None, **own, **fused)
    elif settings.kind == "adagrad":
        own = {"lr_decay": 0.0, "eps": 1e-10, "has_sparse_grad": False}
        adagrad(every, along, state["sum"], state[STEP], foreach=None, fused=None, **own, **plain)
    else:
        own = {"alpha": second, "eps": 1e-8, "momentum": 0.0, "centered": False}
        rmsprop(every, along, state["square_avg"], [], [], state[STEP], foreach=None, **own, **plain)
