"""Whether there is memory for a model, asked before any of it is taken: a file, or a slip of the user's, may want more
than the machine has, and the system then kills the process without a word."""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from latelier.errors import Refusal

GIB = 1 << 30
AS_INPUT = frozenset(  # functions whose output has the shape of their first argument
    (
        *("batch_norm", "celu", "dropout", "elu", "fill_", "gelu", "group_norm", "layer_norm", "leaky_relu", "mul_"),
        *("normal_", "relu", "selu", "sigmoid", "silu", "softplus", "square", "tanh", "uniform_", "zero_"),
    )
)
OF_ALL = frozenset(("add", "div", "mul", "rsub", "sub"))  # and of all their arguments together
FRESH = frozenset(("eye", "linspace", "rand", "randn"))  # tensors of given sizes


class _Shapes(TorchFunctionMode):
    """On torch's meta device: what nets are made of, by shape alone. Torch's own way to these shapes imports its
    compiler, 1.3 s and 150 MB at the first convolution; it is taken for any other function."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if name in AS_INPUT or getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        if name in OF_ALL:
            return _empty(*np.broadcast_shapes(*(one.shape for one in args if isinstance(one, Tensor))))
        if name in FRESH:
            sizes = {"eye": args if len(args) > 1 else args * 2, "linspace": args[2:3]}.get(name, args)
            return _empty(*(sizes[0] if sizes and not isinstance(sizes[0], int) else sizes))
        if name == "std" and len(args) == 1 and not kwargs:
            return _empty()
        if name == "conv2d":
            return _convolved(*args, **kwargs)
        if name == "linear":
            return _empty(*args[0].shape[:-1], len(args[1]))
        if name in ("avg_pool2d", "max_pool2d"):
            return _pooled(*args, **kwargs)
        return func(*args, **kwargs)


def _empty(*sizes: int) -> Tensor:
    return torch.empty(sizes, device="meta")


def _convolved(
    image: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, *_: Any
) -> Tensor:
    if padding == "same":
        return _empty(len(image), len(weight), *image.shape[2:])
    padding = 0 if padding == "valid" else padding
    return _empty(len(image), len(weight), *_sides(image, weight.shape[2:], stride, padding, dilation))


def _pooled(image: Tensor, kernel: Any, stride: Any = None, padding: Any = 0, *_: Any, **__: Any) -> Tensor:
    return _empty(*image.shape[:2], *_sides(image, kernel, stride or kernel, padding))


def _sides(image: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any = 1) -> list[int]:
    """Height and width of what a window that moves over [b, c, h, w] gives."""
    given = ((one, one) if isinstance(one, int) else one for one in (kernel, stride, padding, dilation))
    rows = zip(image.shape[2:], *given, strict=True)
    return [(side + 2 * pad - apart * (size - 1) - 1) // step + 1 for side, size, step, pad, apart in rows]


def memory() -> float:
    """Bytes of this machine's memory; infinite where it cannot be asked, as on Windows."""
    if not hasattr(os, "sysconf"):
        return math.inf
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def by_shape() -> Iterator[None]:
    """Within it nets are made of shapes alone: no weight takes memory or is drawn."""
    with torch.device("meta"), _Shapes():
        yield


def needed(make: Callable[[], nn.Module]) -> int:
    """Bytes of a model's weights and buffers, by its shapes: none of them is made."""
    with by_shape():
        planned = make()
    return sum(part.numel() * part.element_size() for part in (*planned.parameters(), *planned.buffers()))


def check_room(name: str, make: Callable[[], nn.Module]) -> None:
    """Raises Refusal where the model's weights are more than the machine's memory; none of that is taken."""
    try:
        wanted = needed(make)
    except Refusal:
        raise
    except Exception:  # of a user's own model, which need not be made for that device
        return
    if wanted > memory():
        raise Refusal(
            f"{name}: with these settings its weights alone take {wanted / GIB:,.0f} GiB, and this machine "
            f"has {memory() / GIB:,.0f}; make latent, the net or the images smaller"
        )
