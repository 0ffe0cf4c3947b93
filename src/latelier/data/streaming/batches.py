"""Batches of shards that are read as training goes on, for what takes any batches (``Batched``).

``at(position)`` is what training sees there, as in ``data/batches.py``. What asks for any row of the data (looks over
all images, shares of a batch for labelled ones, methods of closed form) cannot be had of a stream, and is refused.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from latelier.core import Batch
from latelier.data.augment import Augment
from latelier.data.captions import Sentences, drawn_seed
from latelier.data.images import Images, to_float
from latelier.data.packing.plan import unknown
from latelier.data.seeds import mix
from latelier.data.streaming.order import Order, window_size
from latelier.data.streaming.shards import Shards
from latelier.data.streaming.stream import Block, Stream


class Everything:
    """All images of a stream, to whatever asks for their number and names."""

    def __init__(self, shards: Shards):
        self._shards = shards
        self.names = self

    def __len__(self) -> int:
        return int(self._shards.starts[-1])

    def __getitem__(self, row: int) -> str:
        return self._shards.name(int(row))


class Streamed:
    """Batches of ``size`` images on a device. ``read``: captions as tokens, where the model learns from captions.
    ``threads`` decode."""

    def __init__(
        self,
        shards: Shards,
        size: int,
        *,
        seed: int,
        device: torch.device,
        augment: Augment | None = None,
        read: Callable[[Images], Sentences] | None = None,
        threads: int = 1,
    ):
        if augment:
            augment.check(shards.like.shape)
        self.images, self.size, self.device = Everything(shards), size, device
        self._shards, self._seed, self._read = shards, seed, read
        self._augment = augment if augment and augment.options() else None
        self._decoders = ThreadPoolExecutor(threads)
        self._streams: dict[tuple[int, int], Stream] = {}

    def at(self, position: int, part: int = 0, parts: int = 1) -> Batch:
        """Part number ``part`` of ``parts`` equal parts of the batch that begins at ``position`` (counted in
        images). Raises Refusal for a shard that cannot be read."""
        count = self.size // parts
        blocks = self._stream(part, parts).read(position // self.size * count, count)
        batch = self._batch(blocks, drawn_seed(mix(self._seed, part), position))
        if self._augment is None:
            return batch
        generator = torch.Generator().manual_seed(mix(self._seed, 6, part, position))
        return batch._replace(image=self._augment(batch.image, generator))

    def close(self) -> None:
        """Ends what is decoded ahead."""
        for stream in self._streams.values():
            stream.close()
        self._decoders.shutdown(wait=False, cancel_futures=True)

    @property
    def resident(self) -> bool:
        """Whether pixels reach the batches' device without a copy."""
        return self.device.type == "cpu"

    def _stream(self, part: int, parts: int) -> Stream:
        if (part, parts) not in self._streams:
            image = self._shards.target
            window = window_size(image.height * image.width * image.channels)
            order = Order(self._shards.left(), part, parts, mix(self._seed, 1), window)
            self._streams[part, parts] = Stream(order, self._shards, self._decoders)
        return self._streams[part, parts]

    def _batch(self, blocks: list[Block], seed: int) -> Batch:
        pixels, index, label, attribute = (
            self._sent(torch.from_numpy(np.concatenate(field))) for field in list(zip(*blocks, strict=True))[:4]
        )
        captions = [texts for block in blocks for texts in block.captions]
        caption = torch.zeros(len(index), 0, dtype=torch.int64)
        if self._read is not None:
            facts = unknown([""] * len(captions))
            facts = Images(facts.pixels, facts.label, facts.attribute, captions, facts.names)
            caption = self._read(facts).at(torch.arange(len(captions)), seed)
        return Batch(
            image=to_float(pixels),
            index=index,
            label=label,
            attribute=attribute.long(),
            caption=self._sent(caption),
            factor=torch.zeros(len(index), 0, dtype=torch.int64, device=self.device),
            truth=torch.zeros(0, dtype=torch.int64, device=self.device),
        )

    def _sent(self, values: Tensor) -> Tensor:
        if self.device.type != "cuda":
            return values.to(self.device)
        return values.pin_memory().to(self.device, non_blocking=True)
