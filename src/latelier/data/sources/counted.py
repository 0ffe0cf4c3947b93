"""How many images each shard holds, which the order of a stream goes by.

Parquet says it at its end. For tar files an index beside them does, as wids writes it ({"shardlist": [{"url":
"train-0000.tar", "nsamples": 1000}, ...]}); without one every tar file is read once. What was found is kept in the
cache, by the shard's address, size and tag."""

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latelier.data.classes import natural
from latelier.data.packing.worker import parquet_file
from latelier.data.remote.attempts import tried
from latelier.data.remote.store import Shard, filesystem, sibling
from latelier.data.sources.listed import AT_ONCE, ShardSet
from latelier.data.sources.tar import NoImagesError
from latelier.errors import Refusal
from latelier.storage import files
from latelier.storage.addresses import is_address

INDEXES = ("shards.json", "index.json", "wids.json")
LONGEST = 64 << 20  # bytes of an index


class Counts(NamedTuple):
    """What is known of the shards of a set before any is read for training."""

    images: np.ndarray  # int64 [s]
    classes: tuple[str, ...]  # () where they were not read


def counts(of: ShardSet, progress: Callable[[int, int], None] | None = None) -> Counts:
    """Counts the images of each shard. ``progress``: called with shards done and their number. Raises Refusal for a
    shard that cannot be read, and where there are no images."""
    if content := _index(of):
        found = Counts(np.array([content[shard.name] for shard in of.shards], np.int64), ())
    else:
        known = list[tuple[int, tuple[str, ...]]]()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for done, one in enumerate(threads.map(partial(_count, of), of.shards), 1):
                known.append(one)
                if progress:
                    progress(done, len(of.shards))
        classes = _united([names for images, names in known if images])
        found = Counts(np.array([images for images, _ in known], np.int64), classes)
    if not found.images.sum():
        raise Refusal(f"{of.shards[0].url} and the shards beside it hold no images; give a pattern of some that do")
    return found


def _count(of: ShardSet, shard: Shard) -> tuple[int, tuple[str, ...]]:
    """Images and classes of one shard."""
    digest = sha256(json.dumps([of.kind, shard, of.names]).encode()).hexdigest()[:32]
    kept = of.cache.folder / "counts" / f"{digest}.json"
    try:
        content = json.loads(kept.read_bytes())
        return int(content["images"]), tuple(map(str, content["classes"]))
    except (OSError, ValueError, TypeError, KeyError):  # not there, or of no use
        pass
    if of.kind == "parquet":
        images, classes = tried(partial(_footer, shard), shard.url), tuple[str, ...]()
    else:
        path = of.cache.local(shard)
        try:
            facts = of.plan([path], [path]).facts
            images, classes = len(facts.names), facts.classes
        except NoImagesError:  # an empty one among others, as some writers end with
            images, classes = 0, ()
    files.write_json(kept, {"shard": shard.url, "images": images, "classes": classes})
    return images, classes


def _footer(shard: Shard) -> int:
    if not is_address(shard.url):
        return int(parquet_file(shard.url).metadata.num_rows)
    import pyarrow.parquet as pq

    with filesystem(shard.url).open(shard.url, "rb", block_size=1 << 18) as file:
        return int(pq.read_metadata(file).num_rows)


def _index(of: ShardSet) -> dict[str, int]:
    """Name -> samples, by an index beside tar files that names all of them; else nothing."""
    found = (sibling(of.shards[0], name) for name in INDEXES) if of.kind == "tar" else ()
    index = next((one for one in found if one is not None and one.size <= LONGEST), None)
    if index is None:
        return {}
    path: Path = of.cache.local(index)
    try:
        content: Any = json.loads(path.read_bytes())["shardlist"]
        numbers = {str(one["url"]).rpartition("/")[2]: int(one["nsamples"]) for one in content}
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Refusal(
            f'{index.url}: not understood ({error}); expected {{"shardlist": [{{"url": ..., "nsamples": ...}}]}}, or '
            "no such file"
        ) from error
    return numbers if all(numbers.get(shard.name, -1) >= 0 for shard in of.shards) else {}


def _united(classes: Sequence[Iterable[str]]) -> tuple[str, ...]:
    """The classes of all shards, of each of which only its own are known."""
    if len(different := set(map(tuple, classes))) == 1:
        return different.pop()
    names = set(chain(*different))
    if names and all(name.isdecimal() for name in names):
        return tuple(map(str, range(max(map(int, names)) + 1)))
    return tuple(sorted(names, key=natural))
