"""The batch of the next step is made while a step runs, where pixels do not lie on the device."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

import torch

from latelier.core import Batch
from latelier.data.batched import Batched
from latelier.engine.plan import Plan

Made = tuple[list[Batch], torch.cuda.Event | None]


class Ahead:
    """Some parts of each batch. With a thread it makes those of the next position when one is asked for: the same as
    without, since a batch is a pure function of its position, and in the order of the positions.

    A batch goes through pinned memory, and by a stream of its own, so that neither the host nor the GPU's computing
    waits for a copy. Torch keeps pinned memory that is free again: two batches' worth, one in use and one in making."""

    def __init__(self, batches: Batched, parts: Sequence[int], plan: Plan, pool: ThreadPoolExecutor | None):
        self._batches, self._parts, self._plan, self._pool = batches, parts, plan, pool
        self._next: tuple[int, Future[Made]] | None = None
        self._stream = torch.cuda.Stream(batches.device) if pool and batches.device.type == "cuda" else None

    def at(self, position: int) -> list[Batch]:
        """The parts of the batch at a position. Raises what making it raises."""
        if self._pool is None:
            return self._make(position)
        if self._next is None or self._next[0] != position:
            self.settle()
            self._next = position, self._pool.submit(self._made, position)
        parts, copied = self._next[1].result()
        following = position + self._plan.batch
        more = following < self._plan.total
        self._next = (following, self._pool.submit(self._made, following)) if more else None
        if copied is not None:
            here = torch.cuda.current_stream(self._batches.device)
            here.wait_event(copied)
            for batch in parts:
                for tensor in batch:
                    tensor.record_stream(here)  # else its memory may be another batch's before this stream is done
        return parts

    def settle(self) -> None:
        """Waits until nothing is being made, for others who use the batches: they keep what they last drew."""
        if self._next is not None:
            wait([self._next[1]])

    def _make(self, position: int) -> list[Batch]:
        return [self._batches.at(position, part, self._plan.parts) for part in self._parts]

    def _made(self, position: int) -> Made:
        if self._stream is None:
            return self._make(position), None
        with torch.cuda.stream(self._stream):
            return self._make(position), self._stream.record_event()


@contextmanager
def ahead(batches: Batched, parts: Sequence[int], plan: Plan) -> Iterator[Ahead]:
    """With a thread where ``plan.ahead`` says so, or by default where the pixels do not lie on the batches' device;
    it has ended when this ends, in whatever way."""
    if not (plan.ahead if plan.ahead is not None else not batches.resident):
        yield Ahead(batches, parts, plan, None)
        return
    with ThreadPoolExecutor(1, "latelier-ahead") as pool:
        try:
            yield Ahead(batches, parts, plan, pool)
        finally:
            pool.shutdown(cancel_futures=True)
