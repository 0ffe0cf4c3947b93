"""Shards that are named by a pattern or an address: tar and Parquet files, read like those of a folder."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from latelier.data.foreign import VERSION
from latelier.data.images import Images
from latelier.data.packing.formats import is_image_file
from latelier.data.packing.plan import Plan
from latelier.data.remote.cache import Cache, check_room
from latelier.data.remote.store import Shard, listed, sibling
from latelier.data.sources.endings import ending, helps
from latelier.data.sources.evidence import SHARDS, Found
from latelier.data.sources.listing import Listing
from latelier.data.sources.shards import shard_splits
from latelier.errors import Refusal

AT_ONCE = 8  # shards that are fetched side by side
NAMES = "names.json"
EXPECTED = "expected .parquet files or uncompressed .tar files"


@dataclass(frozen=True)
class ShardSet:
    """One split's shards."""

    kind: str  # tar or parquet
    shards: Sequence[Shard]
    beside: Sequence[Shard]  # those of all splits: class numbers agree over them
    cache: Cache
    names: Shard | None = None  # names.json beside them

    @property
    def stamp(self) -> object:
        """What tells these shards from any others, and from themselves in another state."""
        return [self.kind, VERSION, *([list(one) for one in some] for some in (self.shards, self.beside)), self.names]

    def contents(self) -> Plan:
        """Fetches all shards and reads what they tell, but no image. Raises Refusal for more than may be fetched."""
        some = "(train --pack never needs a few at a time)"
        check_room(self.beside, f"{self.shards[0].url} and the shards beside it {some}")
        with ThreadPoolExecutor(AT_ONCE) as threads:
            files = dict(zip(self.beside, threads.map(self.cache.local, self.beside), strict=True))
        return self.plan([files[shard] for shard in self.shards], [files[shard] for shard in self.beside])

    def plan(self, files: Sequence[Path], beside: Sequence[Path]) -> Plan:
        """What is known of the images of shards that lie here as files."""
        folder = self.cache.local(self.names).parent if self.names else files[0].parent
        with self.cache.naming():
            plan = SHARDS[f".{self.kind}"](files, beside, folder).contents()
        remarks = tuple(map(self.cache.by_address, plan.facts.remarks))
        return replace(plan, facts=replace(plan.facts, remarks=remarks))

    def annotate(self, images: Images) -> Images:
        """All that shards say was read with the images."""
        return images


def of_pattern(pattern: str, cache: Path) -> tuple[Found, dict[str, ShardSet], ShardSet]:
    """What a pattern stands for, its splits by the names of its shards, and all of it. Raises Refusal as ``listed``
    does, and for what is no tar and no Parquet file, or both."""
    if is_image_file(pattern) or helps(ending(pattern)):  # without asking a store for it
        raise Refusal(f"{pattern}: {EXPECTED}")
    shards = listed(pattern)
    kinds = {shard.name.rpartition(".")[2].lower(): shard for shard in shards}
    if odd := [shard for kind, shard in kinds.items() if f".{kind}" not in SHARDS]:
        raise Refusal(f"{odd[0].url}: {EXPECTED}")
    if len(kinds) > 1:
        raise Refusal(f"{pattern}: {' and '.join(f'.{kind}' for kind in sorted(kinds))} files; give one kind alone")
    (kind,) = kinds
    places = {Path(shard.url): shard for shard in shards}
    splits = shard_splits(Path(pattern).parent, list(places))
    held, names = Cache(cache), sibling(shards[0], NAMES)
    found = Found("tar" if kind == "tar" else "parquet", Listing(), list(places), {})
    parts = {split: [places[path] for path in paths] for split, paths in splits.items()}
    sets = {split: ShardSet(kind, part, shards, held, names) for split, part in parts.items()}
    return found, sets, ShardSet(kind, shards, shards, held, names)
