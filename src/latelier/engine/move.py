"""One move on a batch: each player's gradient of its own scalar, and then a step of each."""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from latelier.core import Batch, Move, Progress
from latelier.data.batched import Batched
from latelier.device import mixed
from latelier.engine import parallel
from latelier.engine.plan import Plan, rate_factor
from latelier.engine.players import Player, Statistics, differentiate
from latelier.errors import Failed
from latelier.terminal.tables import counted


class Diverged(Failed):
    """A loss or gradient is not finite. No step is taken along it."""


def play(
    move: Move,
    parts: list[Batch],
    progress: list[Progress],
    players: dict[str, Player],
    plan: Plan,
    batches: Batched,
    statistics: Statistics,
    flag: Tensor | None = None,
) -> dict[str, Tensor]:
    """One move on this process's parts of the batch; then every player that it names takes a step. Returns the report.

    Raises Diverged where a loss or gradient is not finite. With ``flag``, a number on the device, nothing is read from
    there: the flag becomes 1 instead, and as long as it is, no player moves."""
    sums: dict[str, tuple[Tensor, ...]] = {}
    values: dict[str, Tensor] = {}
    reports: list[dict[str, Tensor]] = []
    for left, batch, standing in zip(reversed(range(len(parts))), parts, progress, strict=True):
        # One autocast block a move: it caches the weights' casts, which are stale once a player has stepped.
        with mixed(plan.precision, batches.device):
            losses = move(batch, standing)
        reports.append({name: value.detach() for name, value in losses.report.items()})
        # The last part's gradients are averaged with those before as they come.
        together = plan.parts > 1 < parallel.world() and not left
        share = plan.parts / parallel.world() if together else None
        for name, gradient in differentiate(losses, players, sums, share).items():
            # Never in place: two weights that are added to each other share one gradient tensor.
            add = name in sums and not together
            sums[name] = torch._foreach_add(sums[name], gradient) if add else gradient
            values[name] = values.get(name, 0.0) + losses.minimise[name].detach()
        if plan.parts > 1:
            statistics.collect()
    report = reports[0] if len(reports) == 1 else {name: torch.cat([r[name] for r in reports]) for name in reports[0]}
    factor = rate_factor(plan, progress[0].seen)
    if plan.parts > 1:
        statistics.settle(plan.parts)
        if parallel.world() == 1:
            sums = {name: torch._foreach_div(gradients, plan.parts) for name, gradients in sums.items()}
    norms = {name: _size(gradients, plan.clip is not None) for name, gradients in sums.items()}
    long = list(sums)
    if flag is None:
        for name, norm, value in _read(norms, values):
            if not math.isfinite(norm + value):
                raise Diverged(_fault(players[name], sums[name], report, parts, progress[0].seen, batches))
            if plan.clip is not None and norm <= plan.clip:
                long.remove(name)
    else:
        finite = torch.stack([one.double() for one in (*norms.values(), *(values[name] for name in sums))]).isfinite()
        torch.maximum(flag, (~finite.all()).to(flag), out=flag)
    if plan.clip is not None:
        for name in long:
            shorter = (plan.clip / norms[name].double()).clamp(max=1).to(norms[name])
            sums[name] = torch._foreach_mul(sums[name], shorter)
    for name, gradients in sums.items():
        players[name].step(gradients, factor, flag)
    return report


def _size(gradients: Sequence[Tensor], clip: bool) -> Tensor:
    """A player's gradient's 2-norm if it is to ``clip``, or else its sum on a CPU: finite only if every number is, as
    the norm is, at half the cost. On a GPU the norm of all weights is one kernel, and each sum another."""
    if clip or gradients[0].is_cuda:
        return get_total_norm(gradients)
    return torch.stack([gradient.sum() for gradient in gradients]).sum()


def _read(norms: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> Iterator[tuple[str, float, float]]:
    """Each player's ``_size`` and loss, read from the device at once."""
    read = torch.stack([one.double() for one in (*norms.values(), *(values[name] for name in norms))]).tolist()
    return zip(norms, read[: len(norms)], read[len(norms) :], strict=True)


def _fault(
    player: Player,
    gradients: Sequence[Tensor],
    report: dict[str, Tensor],
    parts: list[Batch],
    seen: int,
    batches: Batched,
) -> str:
    """Of Diverged: which player, and which term on which images or else which weight."""
    rows = torch.cat([batch.index for batch in parts])
    where = None
    for term, values in report.items():
        bad = rows[~values.isfinite()].tolist() if len(values) == len(rows) else []
        if bad:
            names = ", ".join(str(batches.images.names[row]) for row in bad[:3])
            more = ", ..." if len(bad) > 3 else ""
            where = f"term '{term}' is not finite on {len(bad)} of {counted(len(rows), 'image')} ({names}{more})"
            break
    if where is None:
        weights = [n for n, g in zip(player.names, gradients, strict=True) if not g.isfinite().all()]
        where = f"its terms are finite, but the gradient of {weights[0] if weights else 'all weights together'} is not"
    return f"training failed: it diverged at {counted(seen, 'image')}, before the step: player '{player.name}': {where}"
