"""The few collectives. One process needs none of them; ``torchrun ... -m latelier train ...`` gives every process a
rank.

Models are not wrapped: gradients are averaged by hand after each move, so that any method of a model may be called and
``torch.autograd.grad`` stays exact.

A collective waits at most ``LATELIER_TIMEOUT`` seconds: all are in the same step, and one that is late has died or
hangs. What may take some of them hours (one machine packs its images) is waited for outside of collectives, in the
launcher's key-value store, without a limit: the launcher ends those who wait when another has died.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

# Its functions take the group of all processes as a default, when it is imported. The first optimiser imports it: after
# a group was made, it would hold on to that group, whose threads then sometimes abort the process at its very end.
import torch.distributed.nn.functional
from torch import Tensor

from latelier.engine.meeting import Meeting, of_one_start
from latelier.errors import Failed, Refusal

TIMEOUT = "LATELIER_TIMEOUT"  # environment variable: seconds that a collective waits
USUAL = 600.0  # NCCL's own; gloo's is 1,800
CUT_OFF = ("timed out", "timeout", "connection closed", "connection reset", "broken pipe")
_meetings: list[Meeting] = []  # of the group that this process has joined: one or none


def rank() -> int:
    """Number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


@contextmanager
def processes() -> Iterator[None]:
    """Joins the processes that a launcher started (it sets WORLD_SIZE and RANK); does nothing without a launcher."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    if torch.cuda.is_available():  # before anything is put on a GPU: else all processes meet on the first one
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    limit = _limit()
    store, own, count = next(dist.rendezvous("env://", timeout=timedelta(seconds=max(limit, USUAL))))  # type: ignore[attr-defined]
    # Both, because a model may be trained on the CPU of a machine that has GPUs.
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        store = of_one_start(store, own, count, max(limit, USUAL))
        group = dist.PrefixStore("group", store)  # type: ignore[attr-defined]
        dist.init_process_group(backend, store=group, rank=own, world_size=count, timeout=timedelta(seconds=limit))
        _meetings.append(Meeting(store, own, count))
        yield
    except RuntimeError as error:
        if not _cut_off(error):
            raise
        raise Failed(
            f"process {own} of {count} has lost the others, or waited {limit:g} s for them: one has ended or hangs, "
            f"and says more; {TIMEOUT}=SECONDS allows more; give the same command again (a training with --resume)"
        ) from error
    finally:
        _meetings.clear()
        if dist.is_initialized():
            dist.destroy_process_group()


def _limit() -> float:
    """Seconds that a collective may wait. Raises Refusal for an environment variable that is no number of them."""
    given = os.environ.get(TIMEOUT) or USUAL
    try:
        limit = float(given)
    except ValueError:
        limit = 0.0
    if not 1 <= limit <= 1e6:
        raise Refusal(f"{TIMEOUT} takes seconds, from 1 to 1,000,000, but is {given}; unset it for {USUAL:g}")
    return limit


def _cut_off(error: RuntimeError) -> bool:
    """Whether an error of torch's says that another process is not there, or not in time."""
    said = str(error).lower()
    ours = isinstance(error, dist.DistError) or "gloo" in said
    return ours and any(words in said for words in CUT_OFF)


def average(tensors: Sequence[Tensor]) -> None:
    """Replaces each tensor by its mean over all processes: one flat all-reduce."""
    if world() == 1 or not tensors:
        return
    flat = torch.cat([t.reshape(-1) for t in tensors])
    dist.all_reduce(flat)
    flat /= world()
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view(tensor.shape))


def share(tensors: Iterable[Tensor]) -> None:
    """Gives every process rank 0's values."""
    if world() > 1:
        for tensor in tensors:
            dist.broadcast(tensor.data, 0)


def anywhere(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in any process."""
    return flag if world() == 1 else bool(greatest([float(flag)], device)[0])


def greatest(numbers: Sequence[Tensor | float], device: torch.device) -> list[float]:
    """The greatest of each number over all processes: one read from the device."""
    given = torch.stack([torch.as_tensor(number, dtype=torch.float32, device=device) for number in numbers])
    if world() > 1:
        dist.all_reduce(given, op=dist.ReduceOp.MAX)
    found: list[float] = given.tolist()
    return found


def gathered(value: Any, what: str = "work") -> list[Any]:
    """Every process's value (fit for JSON), by rank. Waits for the last of them, however long that is ``what`` it does;
    a line says so now and then."""
    if world() == 1:
        return [value]
    if _meetings:
        return _meetings[-1].exchange(value, what)
    found: list[Any] = [None] * world()  # in a group that another program has made, whose store is not known
    dist.all_gather_object(found, value)
    return found


def wait(what: str = "work") -> None:
    """Until all processes are here, however long; ``what`` is what the last of them does meanwhile."""
    gathered(None, what)


def same_everywhere(tensors: Iterable[Tensor]) -> bool:
    """Whether all processes hold the same bits, by a checksum."""
    if world() == 1:
        return True
    sums = [t.detach().double().sum() for t in tensors]
    total = torch.stack(sums).sum() if sums else torch.zeros(())
    low, high = total.clone(), total.clone()
    dist.all_reduce(low, op=dist.ReduceOp.MIN)
    dist.all_reduce(high, op=dist.ReduceOp.MAX)
    return bool((low == high).item())
