"""A codebook: vectors that follow what an encoder puts near them, and how often each is used at each place."""

import torch
from torch import Generator, Tensor

from latelier.nets.running import Running

MIXED = 1e-3  # of the even distribution in the prior, so that no code is impossible anywhere


class Codebook(Running):
    """``codes`` entries of ``width`` numbers for a map of h x w cells. An entry is the mean of the vectors nearest to
    it, over about 1 / (1 - decay) batches (van den Oord et al. 2017, arXiv 1711.00937, appendix A.1).

    Buffers are sums that are linear in a batch, so that their mean over the parts of a batch is the whole batch's.
    An entry that is used less than ``revive`` times its even share becomes a vector of the batch, as all do at first;
    of parts, the mean of one vector each."""

    share: Tensor  # [codes], of all cells
    total: Tensor  # [width, codes], share times the mean vector
    usage: Tensor  # [codes, h, w], share at each place
    batches: Tensor

    def __init__(self, codes: int, width: int, places: tuple[int, int], decay: float, revive: float):
        super().__init__()
        self.decay, self.least = decay, revive / codes
        self.register_buffer("share", torch.full((codes,), 1 / codes))
        self.register_buffer("total", torch.randn(width, codes) / codes)
        self.register_buffer("usage", torch.full((codes, *places), 1 / codes))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def entries(self) -> Tensor:
        """[codes, width]."""
        return (self.total / self.share.clamp(min=1e-12)).T

    def nearest(self, z: Tensor) -> Tensor:
        """int64 [b, h, w], the number of the entry nearest to each cell of z [b, width, h, w]."""
        entries = self.entries()
        with torch.autocast(z.device.type, enabled=False):  # near ones differ in their last digits alone
            apart = entries.square().sum(1) - 2 * z.detach().float().movedim(1, -1) @ entries.T
        return apart.argmin(-1)

    def vectors(self, index: Tensor) -> Tensor:
        """[b, width, h, w] of numbers [b, h, w]."""
        return self.entries()[index].movedim(-1, 1)

    def chances(self) -> Tensor:
        """[codes, h, w], adding up to 1 at each place: how often each entry was used there."""
        usage = (1 - MIXED) * self.usage / self.usage.sum(0) + MIXED / len(self.usage)
        return usage / usage.sum(0)

    @torch.no_grad()
    def revive(self, z: Tensor, generator: Generator) -> None:
        """Entries of little use become vectors of z [b, width, h, w]."""
        rows = z.detach().float().movedim(1, -1).flatten(0, -2)
        picked = torch.randint(len(rows), self.share.shape, generator=generator, device=generator.device)
        dead = (self.share < self.least) | (self.batches == 0)
        even = torch.full_like(self.share, 1 / len(self.share))
        self.total.copy_(torch.where(dead, rows[picked.to(z.device)].T * even, self.total))
        self.share.copy_(torch.where(dead, even, self.share))

    @torch.no_grad()
    def follow(self, z: Tensor, index: Tensor) -> None:
        """What a batch z [b, width, h, w] has put near its entries."""
        every = torch.arange(len(self.share), device=index.device)
        chosen = (index[..., None] == every).float()  # [b, h, w, codes]
        cells = index.numel()
        self.share.lerp_(chosen.sum((0, 1, 2)) / cells, 1 - self.decay)
        with torch.autocast(z.device.type, enabled=False):
            near = torch.einsum("bdhw,bhwk->dk", z.detach().float(), chosen)
        self.total.lerp_(near / cells, 1 - self.decay)
        self.usage.lerp_(chosen.mean(0).movedim(-1, 0), 1 - self.decay)
        self.batches += 1


def perplexity(index: Tensor, codes: int) -> Tensor:
    """exp of the entropy of how often each code is used in index [b, h, w]: 1 where one serves all cells, ``codes``
    where all are used alike."""
    flat = index.flatten()
    once = torch.ones_like(flat, dtype=torch.float32)
    share = once.new_zeros(codes).scatter_add_(0, flat, once) / len(flat)  # a bincount waits for a GPU
    found: Tensor = torch.special.entr(share).sum().exp()
    return found
