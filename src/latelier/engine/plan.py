"""How long and how a run trains."""

import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Literal

import torch
from torch import nn

from latelier.core import Metric, Model
from latelier.device import Precision, default_precision
from latelier.engine import parallel
from latelier.engine.memory import memory
from latelier.errors import Refusal

FLOAT = 4  # bytes
SAVES = 20  # checkpoints in a run, unless --save-every says otherwise


@dataclass(frozen=True)
class Plan:
    """How long and how to train. Lengths are in images."""

    total: int
    batch: int = 128
    seed: int = 0
    parts: int = 1  # parts of a batch; a multiple of the number of processes
    precision: Precision = "fp32"
    warmup: int = 0  # the rate rises linearly over these
    decay: Literal["none", "linear", "cosine", "steps"] = "none"  # then falls to 0, or is halved at times
    rate: float | None = None  # every player's, in place of the model's own
    clip: float | None = None  # greatest 2-norm of a player's gradient
    ema: int | None = None  # half-life of the averaged weights
    log_every: int = 10_000
    save_every: int = 100_000
    check_every: int | None = None  # steps at most until one that is not finite is noticed; by default the device's
    ahead: bool | None = None  # make each batch during the step before; by default where pixels are not on the device
    keep: int = 2  # checkpoints kept beside the best
    monitor: Metric = Metric("loss")  # of validation, which marks the best checkpoint
    patience: int | None = None  # stop after this many validations (one a save) without a better score


def rate_factor(plan: Plan, seen: int) -> float:
    """What multiplies every player's rate after ``seen`` images."""
    if seen < plan.warmup:
        return (seen + plan.batch) / (plan.warmup + plan.batch)
    left = 1 - (seen - plan.warmup) / max(1, plan.total - plan.warmup)
    n = sum(seen >= share * plan.total for share in (0.4, 0.6, 0.8))  # epochs 60, 90, 120 of 150 in IntroVAC
    return {"none": 1.0, "linear": left, "cosine": 0.5 - 0.5 * math.cos(math.pi * left), "steps": 0.5**n}[plan.decay]


def plan_of(request: SimpleNamespace, model: Model, epoch: int, device: torch.device) -> Plan:
    """The arguments' plan, with the method's own schedule where they are silent. Raises Refusal for what does not go
    together, and for an optimiser that takes no steps downwards."""
    for player, o in model.optimisers().items():
        if o.rate <= 0 or o.weight_decay < 0 or not all(0 <= beta < 1 for beta in o.betas):
            raise Refusal(
                f"the optimiser of {player} takes a rate above 0, betas from 0 to below 1 and a weight_decay of 0 or "
                f"more, not {o.rate:g}, {o.betas} and {o.weight_decay:g}"
            )
    batch = request.batch or model.schedule.batch
    parts = request.parts or parallel.world()
    if batch % parts or parts % parallel.world():
        raise Refusal(
            f"--batch {batch} must be a multiple of --parts {parts}, and that of the {parallel.world()} "
            "processes; a run keeps the batch and the parts that it began with"
        )
    if batch * math.prod(model.image) * FLOAT > memory():
        raise Refusal(f"--batch {batch}: its images alone take more than this machine's memory; give a smaller one")
    normed = any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in model.modules())
    if normed and batch == parts:
        raise Refusal(
            f"--batch {batch} leaves one image to a step's part, and {request.model} normalises over the images of a "
            "part; give at least two"
        )
    steps = request.steps or (
        model.schedule.length(epoch, batch, math.prod(model.image[1:]))
        if request.epochs is None
        else math.ceil(request.epochs * epoch / batch)
    )
    total = steps * batch
    every = total / SAVES if request.save_every is None else request.save_every * epoch
    return Plan(
        total=total,
        batch=batch,
        seed=request.seed,
        parts=parts,
        precision=request.precision or default_precision(device, model),
        warmup=round(request.warmup * epoch),
        decay=request.decay or model.schedule.decay,
        rate=request.rate,
        clip=request.clip,
        ema=_half_life(request.ema * epoch if request.ema is not None else model.schedule.ema * total),
        log_every=max(batch, min(epoch, total // 100)),
        save_every=max(batch, round(every)),
        keep=request.keep,
        patience=request.patience,
    )


def _half_life(images: float) -> int | None:
    return max(1, round(images)) if images else None
