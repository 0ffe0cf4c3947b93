"""A prior of codes that are a codebook's entries, cell by cell: an autoregressive net, fitted after training.

Where van den Oord et al. 2017 (arXiv 1711.00937, section 3.3) fit a PixelCNN to the maps, ours is a recurrent net over
the cells, row by row: p(s) = prod_i p(s_i | s_1 .. s_i-1)."""

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from latelier.codes.fitting import fit_likeliest

WIDTH, EMBEDDED = 128, 32  # numbers of its state, and of a symbol
STEPS, BATCH, RATE = 1_500, 128, 2e-3  # at most
WAIT = 5  # epochs without a better likelihood of held-out codes after which it ends


class Sequence(nn.Module):
    """Symbols [n, cells], int64 below ``entries``."""

    said = "an autoregressive net over cells"

    def __init__(self, entries: int, cells: int):
        super().__init__()
        self.entries, self.cells = entries, cells
        self.symbol = nn.Embedding(entries + 1, EMBEDDED)  # the last one stands before the first cell
        self.place = nn.Parameter(torch.zeros(cells, EMBEDDED))
        self.net = nn.GRU(EMBEDDED, WIDTH, batch_first=True)
        self.out = nn.Linear(WIDTH, entries)

    def log_prob(self, symbols: Tensor) -> Tensor:
        """[n] nats."""
        before = functional.pad(symbols[:, :-1], (1, 0), value=self.entries)
        state, _ = self.net(self.symbol(before) + self.place)
        each = functional.cross_entropy(self.out(state).flatten(0, 1), symbols.flatten(), reduction="none")
        return -each.view(symbols.shape).sum(1)

    def sample(self, n: int, generator: Generator) -> Tensor:
        """[n, cells] draws."""
        last, state, drawn = self.place.new_full((n, 1), self.entries).long(), None, []
        for cell in range(self.cells):
            answer, state = self.net(self.symbol(last) + self.place[cell], state)
            last = torch.multinomial(self.out(answer[:, 0]).softmax(1), 1, generator=generator)
            drawn.append(last)
        return torch.cat(drawn, 1)


def fit_sequence(known: Tensor, held: Tensor, entries: int, seed: int) -> Sequence:
    """The net at the epoch at which ``held`` [m, cells] are likeliest, trained on symbols ``known`` [n, cells]. The
    same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Sequence(entries, known.shape[1])
    epochs = math.ceil(STEPS / math.ceil(len(known) / BATCH))
    fit_likeliest(net, known, held, seed, epochs, BATCH, RATE, WAIT)
    return net.eval()


def log_by_cell(known: Tensor, held: Tensor, entries: int) -> float:
    """Mean nats of ``held`` where each cell has its own chances, those of ``known`` with one more of each symbol: what
    the cells are worth that know nothing of each other."""
    counts = torch.stack([torch.bincount(cell, minlength=entries) for cell in known.T]).double() + 1
    log_p = (counts / counts.sum(1, keepdim=True)).log()
    return float(log_p.gather(1, held.T).sum(0).mean())
