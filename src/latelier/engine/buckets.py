"""Gradients averaged over processes in buckets, while the way back through the graph still runs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
import torch.distributed as dist
from torch import Tensor

from latelier.engine import parallel

BYTES = 25 << 20  # of a bucket, as in torch's DistributedDataParallel: enough for the links, soon enough to begin


class Buckets:
    """The gradient of some weights, averaged over processes. ``before`` is added to this process's first, if there is
    any, and the sum is divided by ``share``.

    Buckets are filled from the last weight to the first, which is about how gradients come, and their averaging
    begins as soon as they are full, in this order on every process."""

    def __init__(self, weights: Sequence[Tensor], before: Sequence[Tensor] | None, share: float):
        self._weights, self._before, self._share = weights, before, share
        self._groups = _groups(weights)
        self._group_of = {place: number for number, group in enumerate(self._groups) for place in group}
        self._missing = [len(group) for group in self._groups]
        self._flats = [
            weights[group[0]].new_empty(sum(weights[one].numel() for one in group)) for group in self._groups
        ]
        self._slots: dict[int, Tensor] = {}
        for group, flat in zip(self._groups, self._flats, strict=True):
            parts = flat.split([weights[place].numel() for place in group])
            self._slots |= {place: _laid(part, weights[place]) for place, part in zip(group, parts, strict=True)}
        self._works: list[dist.Work] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Inside, a gradient of the weights that autograd is asked for is taken up as it is ready."""
        hooks = [weight.register_hook(partial(self._take, place)) for place, weight in enumerate(self._weights)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def averaged(self) -> list[Tensor]:
        """Each weight's, laid as the weight lies, once every bucket is done."""
        for work, flat in zip(self._works, self._flats, strict=True):
            work.wait()
            flat /= parallel.world()
        return [self._slots[place] for place in range(len(self._weights))]

    @torch.no_grad()
    def _take(self, place: int, gradient: Tensor) -> None:
        # Never in place: two weights that are added to each other share one gradient tensor.
        gradient = gradient if self._before is None else self._before[place] + gradient
        self._slots[place].copy_(gradient / self._share)
        self._missing[self._group_of[place]] -= 1
        while len(self._works) < len(self._groups) and self._missing[len(self._works)] == 0:
            self._works.append(_begun(self._flats[len(self._works)]))


def _begun(flat: Tensor) -> dist.Work:
    """The sum over all processes, in place, which goes on by itself."""
    work = dist.all_reduce(flat, async_op=True)
    assert work is not None
    return work


def _groups(weights: Sequence[Tensor]) -> list[list[int]]:
    """Places of the weights of each bucket, from the last weight on: at least one, and of one type."""
    groups: list[list[int]] = []
    left, kind = 0, None
    for place in reversed(range(len(weights))):
        weight = weights[place]
        taken = weight.numel() * weight.element_size()
        if taken > left or weight.dtype != kind:
            groups.append([])
            left, kind = BYTES, weight.dtype
        groups[-1].append(place)
        left -= taken
    return groups


def _laid(part: Tensor, weight: Tensor) -> Tensor:
    """A part of a bucket, seen in the shape of a weight and as it lies in memory."""
    return part.as_strided(weight.shape, weight.stride(), part.storage_offset())
