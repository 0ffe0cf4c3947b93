"""Whether there is memory for a model, asked before any of it is taken: a file, or a slip of the user's, may want more
than the machine has, and the system then kills the process without a word."""

import math
import os
from collections.abc import Callable

import torch
from torch import nn

from latelier.errors import Refusal

GIB = 1 << 30


def memory() -> float:
    """Bytes of this machine's memory; infinite where it cannot be asked, as on Windows."""
    if not hasattr(os, "sysconf"):
        return math.inf
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_room(name: str, make: Callable[[], nn.Module]) -> None:
    """Builds the model on torch's meta device, which takes no memory. Raises Refusal where its weights are more than
    the machine's memory."""
    try:
        with torch.device("meta"):
            planned = make()
    except Refusal:
        raise
    except Exception:  # of a user's own model, which need not be made for that device
        return
    needed = sum(part.numel() * part.element_size() for part in (*planned.parameters(), *planned.buffers()))
    if needed > memory():
        raise Refusal(
            f"{name}: with these settings its weights alone take {needed / GIB:,.0f} GiB, and this machine "
            f"has {memory() / GIB:,.0f}; make latent, the net or the pictures smaller"
        )
