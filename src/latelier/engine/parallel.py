"""The few collectives. One process needs none of them; ``torchrun ... -m latelier train ...`` gives every process a
rank.

Models are not wrapped: gradients are averaged by hand after each move, so that any method of a model may be called and
``torch.autograd.grad`` stays exact.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.distributed as dist

# Its functions take the group of all processes as a default, when it is imported. The first optimiser imports it: after
# a group was made, it would hold on to that group, whose threads then sometimes abort the process at its very end.
import torch.distributed.nn.functional
from torch import Tensor


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
    # Both, because a model may be trained on the CPU of a machine that has GPUs.
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


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
    if world() == 1:
        return flag
    number = torch.tensor(float(flag), device=device)
    dist.all_reduce(number, op=dist.ReduceOp.MAX)
    return bool(number.item())


def greatest(numbers: Sequence[Tensor | float], device: torch.device) -> list[float]:
    """The greatest of each number over all processes: one read from the device."""
    given = torch.stack([torch.as_tensor(number, dtype=torch.float32, device=device) for number in numbers])
    if world() > 1:
        dist.all_reduce(given, op=dist.ReduceOp.MAX)
    found: list[float] = given.tolist()
    return found


def wait() -> None:
    """Until all processes are here."""
    if world() > 1:
        dist.barrier()


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
