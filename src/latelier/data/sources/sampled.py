"""A sample of shards that are too many to pack: what a streamed training is validated and scored on.

It holds the same images each time: of eight shards at most, drawn by a fixed seed, as many of each. An image is called
by its shard and its number there."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np

from latelier.data.images import Images, with_classes
from latelier.data.packing.plan import Plan
from latelier.data.remote.cache import check_room
from latelier.data.sources.counted import counts
from latelier.data.sources.listed import ShardSet
from latelier.errors import Refusal

IMAGES, SHARDS = 4096, 8  # at most
NAMED = 3  # shards without images, in a line


@dataclass(frozen=True)
class Sample:
    """Some of the images of a set of shards."""

    of: ShardSet
    progress: Callable[[int, int], None] | None = None  # of shards that are counted

    @property
    def stamp(self) -> object:
        """As that of the whole set, and how it is drawn."""
        return ["sample", IMAGES, SHARDS, self.of.stamp]

    def contents(self) -> Plan:
        """The drawn images; classes are those of all shards, as far as they are known. Raises Refusal as ``counts``
        and ``ShardSet.plan`` do."""
        known = counts(self.of, self.progress)
        rng = np.random.default_rng([0, 11])
        some = np.flatnonzero(known.images)
        some = np.sort(rng.permutation(some)[:SHARDS]).tolist()
        check_room((self.of.shards[i] for i in some), f"the {len(some)} shards that the sample is of")
        files = [self.of.cache.local(self.of.shards[i]) for i in some]
        plan = self.of.plan(files, files)
        starts = np.cumsum([0, *known.images[some]])
        each = -(-IMAGES // len(some))
        drawn = [np.sort(rng.permutation(int(known.images[i]))[:each]) for i in some]
        if len(plan) != starts[-1]:
            raise miscounted(self.of, some, len(plan), int(starts[-1]))
        rows = np.concatenate([start + one for start, one in zip(starts, drawn, strict=False)])
        called = names_of(self.of)
        names = [f"{called[i]}:{row}" for i, one in zip(some, drawn, strict=True) for row in one.tolist()]
        facts = replace(plan.facts.take(rows), names=names)
        if known.classes:
            facts = replace(with_classes(facts, known.classes), classes=known.classes)
        if empty := np.flatnonzero(known.images == 0).tolist():
            first = ", ".join(called[i] for i in empty[:NAMED]) + (", ..." if len(empty) > NAMED else "")
            said = f"{len(empty):,} of {len(self.of.shards):,} shards hold no images and are passed over: {first}"
            facts = replace(facts, remarks=(*facts.remarks, said))
        if len(rows) < (total := int(known.images.sum())):
            said = f"a sample: {len(rows):,} of {total:,} images, from {len(some)} of {len(self.of.shards):,} shards"
            facts = replace(facts, remarks=(*facts.remarks, said))
        items = np.asarray(plan.items)[rows]
        return Plan(plan.reader, plan.paths, items, facts)

    def annotate(self, images: Images) -> Images:
        """All that shards say was read with the images."""
        return images


def identity(images: Images, of: ShardSet) -> Images:
    """A sample, its fingerprint over names and lengths of all shards too: where they lie makes no difference."""
    parts = [images.fingerprint, *([shard.name, shard.size] for shard in of.shards)]
    return replace(images, fingerprint=sha256(json.dumps(parts).encode()).hexdigest()[:32])


def names_of(of: ShardSet) -> list[str]:
    """What each shard is called: the last part of its address, or all of it where another ends in the same way."""
    ends = Counter(shard.name for shard in of.shards)
    return [shard.name if ends[shard.name] == 1 else shard.url for shard in of.shards]


def miscounted(of: ShardSet, shards: list[int], found: int, counted: int) -> Refusal:
    """What a shard is refused with that holds another number of images than was said."""
    which = ", ".join(of.shards[i].url for i in shards[:3])
    return Refusal(
        f"{which}: {found:,} images, and {counted:,} were counted or stand in the index beside it; mend or remove that "
        "index (an image that a sample lacks counts as none)"
    )
