"""``at(position)``: the batch that training sees at a position, a pure function of (seed, position).

Nothing about the order is ever saved: a resumed run asks for the same positions and gets the same images, whatever
the number of processes.
"""

import mmap
import warnings

import numpy as np
import torch
from torch import Tensor

from latelier.core import Batch
from latelier.data.augment import Augment
from latelier.data.batched import Batched
from latelier.data.captions import Sentences, drawn_seed
from latelier.data.checked import raw
from latelier.data.images import Images, to_float
from latelier.data.one_factor import Lines
from latelier.data.order import Order
from latelier.data.seeds import mix
from latelier.errors import Refusal

RESIDENT = 512 << 20  # bytes of pixels up to which a memory map may stay in this process's memory
FORGET_EVERY = 64  # batches after which a larger map's pages are handed back


class Batches:
    """Batches of ``size`` images on a device, drawn from the rows ``among`` (by default all). With ``labelled`` > 0
    that share of every batch is drawn from those whose label is known, with ``captioned`` > 0 another from those that
    have captions, of ``sentences``, and the rest from all of them. With ``one_factor`` every batch varies one known
    factor alone; then heads learn from the labels and captions that come along."""

    def __init__(
        self,
        images: Images,
        size: int,
        *,
        seed: int,
        device: torch.device,
        labelled: float = 0.0,
        captioned: float = 0.0,
        sentences: Sentences | None = None,
        one_factor: bool = False,
        augment: Augment | None = None,
        among: np.ndarray | None = None,
        truth: np.ndarray | None = None,
    ):
        if len(images if among is None else among) == 0:
            raise Refusal(f"{images.source}: no images left to train on")
        if labelled + captioned > 1:
            raise Refusal(
                f"head.labelled {labelled:g} and caption.captioned {captioned:g} are shares of one batch, so they must "
                "add up to at most 1; set them lower"
            )
        self.images, self.size, self.device = images, size, device
        changes = augment.options() if augment else []
        if one_factor and changes:
            raise Refusal(
                f"{', '.join(changes)}: more than the one factor would vary that does in this method's batches; leave "
                "such changes out"
            )
        if augment:
            augment.check(images.shape)
        self._seed, self._augment = seed, augment if changes else None
        self._among = None if among is None else torch.from_numpy(among)
        self._all = Order(len(images) if self._among is None else self._among, mix(seed, 1))
        shares = []
        if labelled:
            shares.append((Order(_known(images, among), mix(seed, 2)), round(size * labelled)))
        if captioned:
            count = min(round(size * captioned), size - round(size * labelled))
            shares.append((Order(_captioned(images, among, sentences), mix(seed, 8)), count))
        self._shares = [(order, count) for order, count in shares if count]
        self._sentences = sentences
        self._lines = Lines(images, self._drawn_from.numpy(), mix(seed, 7)) if one_factor else None
        self._store = _Store(images.pixels, device)
        self._label = _tensor(images.label).to(device)
        self._attribute = _tensor(images.attribute).to(device)  # int8, of which a batch makes int64
        self._truth = torch.from_numpy(np.array([] if truth is None else truth, np.int64)).to(device)
        levels = images.truth.get("levels", np.zeros((len(images), 0)))
        self._factor = torch.from_numpy(np.array(levels, np.int64)).to(device)

    def at(self, position: int, part: int = 0, parts: int = 1) -> Batch:
        """Part number ``part`` of ``parts`` equal parts of the batch that begins at ``position`` (counted in
        images)."""
        rows = self._drawn(position // self.size)
        caption = self._caption(rows, drawn_seed(self._seed, position))
        batch = self._batch(rows[part::parts], caption[part::parts])
        if self._augment is None:
            return batch
        generator = torch.Generator().manual_seed(mix(self._seed, 6, part, position))
        return batch._replace(image=self._augment(batch.image, generator))

    def _drawn(self, step: int) -> Tensor:
        if self._lines is not None:
            return self._lines.at(step, self.size)
        rest = self.size - sum(count for _, count in self._shares)
        parts = [order.at(step * count, count) for order, count in self._shares]
        return torch.cat([*parts, self._all.at(step * rest, rest)]) if parts else self._all.at(step * rest, rest)

    @property
    def _drawn_from(self) -> Tensor:
        """The rows that batches are drawn from, int64."""
        return torch.arange(len(self.images)) if self._among is None else self._among

    @property
    def resident(self) -> bool:
        """Whether the pixels lie on the batches' device."""
        return self._store.resident

    @property
    def mirrored(self) -> bool:
        """Whether images are as good mirrored left to right."""
        return self._augment is not None and self._augment.flip

    def labels(self, rows: Tensor) -> np.ndarray:
        """[n] int64; -1 where it is unknown."""
        label: np.ndarray = self._label[rows.to(self.device)].cpu().numpy()
        return label

    def labelled_and_some(self, count: int, more: int = 0) -> tuple[Tensor, Tensor]:
        """Rows that are trained on, sorted: all with a label, and ``count`` of the others or all; and ``more`` of what
        is left, or all. The same each time."""
        rows = self._drawn_from
        known = torch.from_numpy(self.labels(rows) >= 0)
        others = rows[~known]
        others = others[torch.randperm(len(others), generator=torch.Generator().manual_seed(mix(self._seed, 9)))]
        first, rest = others[:count], others[count : count + more]
        return torch.cat([rows[known], first]).sort()[0], rest.sort()[0]

    def known(self) -> tuple[int, int]:
        """How many of all images have a label, and how many a caption."""
        captioned = 0 if self._sentences is None else int((self._sentences.count > 0).sum())
        return int((self._label >= 0).sum()), captioned

    def rows(self, rows: Tensor) -> Batch:
        """Exactly these rows of the data set."""
        return self._batch(rows, self._caption(rows, drawn_seed(self._seed, int(rows[0]) if len(rows) else 0)))

    def _caption(self, rows: Tensor, seed: int) -> Tensor:
        if self._sentences is None:
            return torch.zeros(len(rows), 0, dtype=torch.int64)
        return self._sentences.at(rows, seed)

    def _batch(self, rows: Tensor, caption: Tensor) -> Batch:
        index = rows.to(self.device, non_blocking=True)
        return Batch(
            image=to_float(self._store.rows(rows, index)),
            index=index,
            label=self._label.index_select(0, index).long(),
            attribute=self._attribute.index_select(0, index).long(),
            caption=caption.to(self.device, non_blocking=True),
            factor=self._factor.index_select(0, index),
            truth=self._truth.index_select(0, index) if len(self._truth) else self._truth,
        )


def any_row(batches: Batched, what: str) -> Batches:
    """The batches, of which any image can be had at any time. Raises Refusal, of ``what`` is asked for, for those of a
    stream."""
    if not isinstance(batches, Batches):
        raise Refusal(f"a stream of shards cannot give {what}; --pack always decodes all images into a pack, which can")
    return batches


def _known(images: Images, among: np.ndarray | None) -> Tensor:
    """Those of the rows that have a label. Raises Refusal where none has."""
    rows = np.flatnonzero(images.label >= 0) if among is None else among[images.label[among] >= 0]
    if not len(rows):
        raise Refusal(
            f"{images.source}: learning classes needs labels, but these images have none; give class sub-folders or a "
            "labels.csv"
        )
    return torch.from_numpy(rows)


def _captioned(images: Images, among: np.ndarray | None, sentences: Sentences | None) -> Tensor:
    """Those of the rows that have a caption. Raises Refusal where none has."""
    count = torch.zeros(len(images), dtype=torch.int64) if sentences is None else sentences.count
    rows = torch.arange(len(images)) if among is None else torch.from_numpy(among)
    rows = rows[count[rows] > 0]
    if not len(rows):
        raise Refusal(f"{images.source}: a caption head needs captions, but these images have none")
    return rows


def _tensor(values: np.ndarray) -> Tensor:
    """The same numbers, not to be written to: of a map, no copy."""
    with warnings.catch_warnings():  # torch warns of arrays that must not be written to; nothing here writes
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.ascontiguousarray(values))


class _Store:
    """uint8 pixels, on the device where they fit, else read from their map."""

    def __init__(self, pixels: np.ndarray, device: torch.device):
        pixels, self._check = raw(pixels)
        self._pixels = _tensor(pixels)
        self._map = None
        self._reads = 0
        if device.type == "cuda" and pixels.nbytes < torch.cuda.mem_get_info(device)[0] // 2:
            if self._check:
                self._check(np.arange(len(pixels)))
            self._pixels = self._pixels.to(device)
        elif pixels.nbytes > RESIDENT:
            self._map = _mapping(pixels)
        self._device = device

    @property
    def resident(self) -> bool:
        return self._pixels.device.type == self._device.type

    def rows(self, rows: Tensor, index: Tensor) -> Tensor:
        if self._check:
            self._check(rows.numpy())
        if self._pixels.device == index.device:
            out = self._pixels.index_select(0, index)
        else:
            out = self._pixels.index_select(0, rows).pin_memory().to(self._device, non_blocking=True)
        self._reads += 1
        if self._map is not None and self._reads % FORGET_EVERY == 0:
            self._map.madvise(mmap.MADV_DONTNEED)  # else every page ever read counts as this process's memory
        return out


def _mapping(pixels: np.ndarray) -> mmap.mmap | None:
    base: object = pixels
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) and hasattr(base, "madvise") else None
