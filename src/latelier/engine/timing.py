"""How long a step will take, before a training begins."""

import time
from copy import deepcopy
from dataclasses import replace

import torch

from latelier.core import Model, Progress
from latelier.data.batched import Batched
from latelier.engine import parallel
from latelier.engine.move import play
from latelier.engine.plan import Plan
from latelier.engine.players import Statistics, players_of
from latelier.nets.guarded import guard


def step_seconds(model: Model, batches: Batched, plan: Plan, start: int = 0) -> float:
    """How long a step in the middle of the run takes (some methods begin with less), by a copy of the model that plays
    a part of the batch at ``start`` twice; the model stays as it is."""
    copy = deepcopy(model)
    if plan.precision == "bf16":
        guard(copy)
    players, moves, seconds = players_of(copy, copy.optimisers()), copy.moves(), 0.0
    statistics = Statistics(copy)
    for _ in range(2):
        began = time.perf_counter()
        generator = torch.Generator(batches.device).manual_seed(0)
        standing = [Progress(plan.total // 2, plan.total, generator, {})]
        for move in moves:
            play(
                move, [batches.at(start, 0, plan.parts)], standing, players, replace(plan, parts=1), batches, statistics
            )
        seconds = time.perf_counter() - began
    return seconds * plan.parts / parallel.world()
