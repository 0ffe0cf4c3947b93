"""A recurrent net that looks at the cells of a code that is a map, anew for each word (attention of queries, keys and
values; Luong et al. 2015, arXiv 1508.04025, section 3.1, by scaled products as Vaswani et al. 2017, eq. 1)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from latelier.nets.recurrent import Recurrent, State

HEADS = 4


class Looking(Recurrent):
    """Beside ``Recurrent``, whose state holds the words so far: what comes next is predicted from it and from the cells
    that it asks for. All words of a caption are looked for at once."""

    def __init__(
        self,
        cell: type[nn.GRU] | type[nn.LSTM],
        code: tuple[int, int, int],
        tokens: int,
        embedding: int,
        hidden: int,
        dropout: float,
    ):
        """``code``: the map's numbers a cell, rows and columns; ``hidden`` is a multiple of ``HEADS``."""
        channels, rows, columns = code
        super().__init__(cell, channels * rows * columns, tokens, embedding, hidden, dropout)
        self.shape, self.heads = code, HEADS
        self.cells = nn.Linear(channels, hidden)
        self.place = nn.Parameter(0.1 * torch.randn(rows * columns, hidden))
        self.query, self.key, self.value = (nn.Linear(hidden, hidden) for _ in range(3))
        self.out = nn.Linear(2 * hidden, tokens - 1)

    def seen(self, code: Tensor) -> State:
        """Keys and values of the cells of codes [n, k], both [n, cells, hidden]."""
        map = code.unflatten(1, self.shape).flatten(2).transpose(1, 2)
        cells = (self.cells(map) + self.place).relu()
        return self.key(cells), self.value(cells)

    def beside(self, hidden: Tensor, seen: State) -> Tensor:
        """Hidden states [n, t, hidden], each beside what it looks at, [n, t, 2 hidden]."""
        parts = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in (self.query(hidden), *seen))
        found = functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        return torch.cat([hidden, found.to(hidden.dtype)], 2)
