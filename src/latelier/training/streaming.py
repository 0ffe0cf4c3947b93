"""Training on shards that are read as it goes on (--pack): when, and what cannot be had so."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import numpy as np
import torch

from latelier.core import Fits, Model, has, need
from latelier.core.looks import Looks
from latelier.data.attributes import with_columns
from latelier.data.augment import Augment
from latelier.data.batched import Batched
from latelier.data.images import Images
from latelier.data.packing.decode import Target
from latelier.data.packing.pool import cores
from latelier.data.packing.target import aim
from latelier.data.remote.cache import check_room, limit
from latelier.data.remote.patterns import is_pattern
from latelier.data.sources.counted import counts
from latelier.data.sources.listed import ShardSet
from latelier.data.sources.open import shards_of
from latelier.data.sources.sampled import Sample, names_of
from latelier.data.streaming.batches import Streamed
from latelier.data.streaming.order import GROUP
from latelier.data.streaming.shards import Shards
from latelier.engine import parallel
from latelier.engine.plan import Plan
from latelier.errors import Refusal
from latelier.storage.addresses import is_address
from latelier.storage.paths import place
from latelier.terminal.say import say
from latelier.training.supervision import Supervision, one_factor, shares

PACKED = 2 << 30  # bytes of decoded pixels of a pattern's shards up to which they are packed
MOST = 0.5  # of the sample that is held out, where it is not all images
PACK = "--pack always decodes all images into a pack, which can"
# Arguments that choose among all images.
ANY_ROW = ("images", "where", "labels", "labels_file", "attributes_file", "captions", "prior")


def pack_or_stream(request: SimpleNamespace) -> Literal["auto", "always", "never"]:
    """What --pack comes to: "never" for a training that streams. Raises Refusal where that was asked for of what is no
    shards, and with arguments that choose among all images."""
    pack: Literal["auto", "always", "never"] = request.pack
    source = str(request.data)
    if pack == "always" or (pack == "auto" and (Path(source).exists() or not is_pattern(source))):
        return pack
    of = _shards(request)
    if of is None:
        raise Refusal(f"--pack never reads tar and Parquet shards, and {source} is none; leave --pack out")
    if pack == "auto" and not _is_large(of, request):
        return "always"
    for name in ANY_ROW:
        if getattr(request, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise Refusal(f"{option} chooses among all images, which a stream of shards cannot; {PACK}")
    return "never"


@dataclass(frozen=True)
class StreamOf:
    """The shards that a training streams, beside the sample that it opened."""

    of: ShardSet
    counts: np.ndarray  # int64 [s], images of each
    sample: Images
    span: tuple[float, float] | None  # black and white, where the sample has no values of more than 8 bits
    quiet: bool

    @property
    def images(self) -> int:
        """In all shards."""
        return int(self.counts.sum())

    def check(self, model: Model, known: Supervision) -> None:
        """Raises Refusal for what takes any image at any time."""
        if has(model, Fits) and not model.moves():
            raise Refusal(f"this method is fitted on all images at once, which a stream of shards cannot give; {PACK}")
        if has(model, Looks) and need(model, Looks).times():
            raise Refusal(f"the label head looks over all images, which a stream of shards cannot give; {PACK}")
        if one_factor(model):
            raise Refusal(f"this method draws images by their factors, which a stream of shards cannot; {PACK}")
        lacking = {
            "labelled": (known.images.label < 0).any(),
            "captioned": known.sentences is not None and bool((known.sentences.count == 0).any()),
        }
        for kind, share in shares(model).items():
            if share and lacking[kind]:
                raise Refusal(
                    f"a head takes {share:g} of every batch from {kind} images, and some have none: a stream of shards "
                    f"cannot choose; {PACK}, or leave the head out (--set head=none)"
                )

    def batches(
        self, plan: Plan, known: Supervision, held: np.ndarray, augment: Augment | None, device: torch.device
    ) -> Streamed:
        """Batches of all images but those of the sample that are ``held``. Raises Refusal where the shards that are
        open at a time are more than may be fetched."""
        here = max(1, plan.parts // parallel.world() * _beside())
        if plan.parts > len(self.of.shards) and not self.quiet:
            several = f"{plan.parts} parts of a batch share {len(self.of.shards)} shards"
            say(f"{several}: each is cut into pieces, and read by every process that has one", error=True)
        largest = sorted(self.of.shards, key=lambda shard: -shard.size)[: 2 * GROUP * here]
        check_room(largest, f"{2 * GROUP} of the largest shards for each of {here} parts of a batch")
        c, h, w = self.sample.shape
        target = Target(h, w, c, crop=h == w, span=self.sample.range or self.span)
        names = known.images.attributes

        def alike(facts: Images) -> Images:
            return with_columns(known.alike(facts), names)

        keep = 2 * GROUP * -(-plan.parts // parallel.world())
        shards = Shards(self.of, self.counts, known.images, target, alike, self._rows(held), keep)
        threads = max(1, cores() // _beside())
        read = known.read if known.sentences is not None else None
        return Streamed(shards, plan.batch, seed=plan.seed, device=device, augment=augment, read=read, threads=threads)

    def _rows(self, held: np.ndarray) -> Mapping[int, np.ndarray]:
        """Shard -> rows, of images of the sample."""
        number = {name: i for i, name in enumerate(names_of(self.of))}
        found = dict[int, list[int]]()
        for row in held:
            shard, _, place = str(self.sample.names[row]).rpartition(":")
            found.setdefault(number[shard], []).append(int(place))
        return {shard: np.array(rows, np.int64) for shard, rows in found.items()}


def stream_of(request: SimpleNamespace, sample: Images) -> StreamOf | None:
    """The shards that a training streams; None for one that does not."""
    if request.pack != "never":
        return None
    of = _shards(request)
    assert of is not None
    return StreamOf(of, counts(of).images, sample, request.range, request.quiet or parallel.rank() > 0)


def of_sample(share: float, stream: StreamOf | None) -> float:
    """What share of a stream's sample is held out for this share of all images: a half of it at most. The same share
    of what is no stream."""
    if stream is None or not share or len(stream.sample) >= stream.images:
        return share
    return min(MOST, share * stream.images / len(stream.sample))


@contextmanager
def closing(batches: Batched) -> Iterator[None]:
    """Ends what is decoded ahead, when training has ended in any way."""
    try:
        yield
    finally:
        if isinstance(batches, Streamed):
            batches.close()


def _shards(request: SimpleNamespace) -> ShardSet | None:
    root = place(request.data_root, "--data-root") if request.data_root else None
    return shards_of(str(request.data), root=root, as_=request.as_)


def _is_large(of: ShardSet, request: SimpleNamespace) -> bool:
    """Whether shards are more than is packed unasked: decoded, or as they are fetched."""
    if sum(shard.size for shard in {*of.beside} if is_address(shard.url)) > limit():
        return True
    target = aim(Sample(of).contents(), request.size, request.channels, request.range)
    return int(counts(of).images.sum()) * prod((target.height, target.width, target.channels)) > PACKED


def _beside() -> int:
    """Processes of this training on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
