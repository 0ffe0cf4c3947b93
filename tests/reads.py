"""What makes a GPU wait: numbers that the host asks of a tensor, counted."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

READS = {"aten._local_scalar_dense", "aten.nonzero", "aten.masked_select", "aten.equal", "aten.unique"}


class Reads(TorchDispatchMode):
    """Inside, ``found`` gets the name of each operation that needs a tensor's values to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func.overloadpacket)
        masked = name == "aten.index" and any(one is not None and one.dtype == torch.bool for one in args[1])
        if name in READS or masked:
            self.found.append(name)
        return func(*args, **(kwargs or {}))
