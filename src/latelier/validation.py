"""What pictures held out of training say of a model, and of its checkpoints which is the best."""

from typing import TYPE_CHECKING

import torch

from latelier import parallel
from latelier.core import Model, Move, Progress, Refusal
from latelier.data.batches import Batches
from latelier.data.seeds import mix
from latelier.lookup import nearest
from latelier.nets.modes import evaluating

if TYPE_CHECKING:
    from latelier.loop import Plan


def check_judge(judge: str, model: Model, validation: Batches) -> None:
    """Raises Refusal, before anything is learned, for a judge that no validation will report."""
    if judge == "loss":
        return
    batch, known = validation.rows(torch.arange(1)), list[str]()
    progress = Progress(0, 1, torch.Generator(validation.device).manual_seed(0), {})
    with evaluating(model):
        for move in model.moves():
            known += move(batch, progress).report
    if judge not in known:
        raise Refusal(f"--judge {judge} is no term of this run; {nearest(judge, [*known, 'loss'])}")


def validate(model: Model, moves: tuple[Move, ...], batches: Batches, seen: int, plan: "Plan") -> dict[str, float]:
    """Mean of every report term over all validation images, and of ``loss``, the sum of what the players minimise; a
    scalar that several share counts once.

    The noise is the same at every validation, so that scores differ by the weights alone.
    """
    sums: dict[str, float] = {}
    count = len(batches.images)
    model.eval()
    for start in range(0, count, plan.batch):
        batch = batches.rows(torch.arange(start, min(start + plan.batch, count)))
        generator = torch.Generator(batches.device).manual_seed(mix(plan.seed, 4, start))
        standing, bf16 = Progress(seen, plan.total, generator, {}), plan.precision == "bf16"
        for move in moves:
            with torch.no_grad(), torch.autocast(batches.device.type, torch.bfloat16, enabled=bf16):
                losses = move(batch, standing)
            share = len(batch.index) / count
            for name, value in losses.report.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach().mean()) * share  # a slope is one of a graph
            distinct = {id(value): float(value.detach()) for value in losses.minimise.values()}
            sums["loss"] = sums.get("loss", 0.0) + sum(distinct.values()) * share
    model.train()
    # Kernels may round differently in different processes, and all of them must come to the same decisions.
    means = torch.tensor(list(sums.values()), dtype=torch.float64, device=batches.device)
    parallel.average([means])
    return dict(zip(sums, means.tolist(), strict=True))
