"""What a data argument can be: a built-in name, a folder of images, Parquet, tar shards."""

import difflib
import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple, Protocol

from latelier.config.renamed import today
from latelier.data.images import Images
from latelier.data.packing.pack import PackRequest, cache_folder, packed, sealed
from latelier.data.packing.plan import Plan
from latelier.data.remote.cache import Cache
from latelier.data.remote.patterns import is_pattern, parted
from latelier.data.remote.store import of_file
from latelier.data.sources.builtin import EMBEDDED, SCENES, Digits, Mixture, Scenes, Sprites
from latelier.data.sources.evidence import SHARDS, Found, evidence
from latelier.data.sources.folder import Folder
from latelier.data.sources.layout import Layout, lay_out
from latelier.data.sources.listed import NAMES, ShardSet, of_pattern
from latelier.data.sources.sampled import Sample, identity
from latelier.data.sources.shards import Shards, shard_splits
from latelier.data.sources.splits import ALIASES, in_order
from latelier.data.sources.tables import TABLES, is_table
from latelier.data.sources.vision import VISION, Vision
from latelier.errors import Refusal
from latelier.storage import paths

LARGEST = 1 << 14  # size in px
BUILTIN = (*EMBEDDED, *VISION)
OTHERS = {
    "DIR": "a folder of images: class sub-folders, or labels.csv, attributes.csv, captions.csv beside the files",
    "DIR | FILE.parquet": "Parquet as Hugging Face lays it out: image, label, captions",
    "DIR | FILE.tar": "tar shards as webdataset lays them out: KEY.jpg with KEY.cls, KEY.txt, KEY.json",
    "PATTERN": "many shards: 'train-{0000..1023}.tar', 's3://bucket/*.parquet', gs://, hf://datasets/..., https://",
}


class Source(Protocol):
    """One split of one data argument."""

    @property
    def stamp(self) -> object:
        """Fit for JSON; tells it in its present state from everything else, and costs little."""

    def contents(self) -> Plan | Images:
        """Images to be decoded, or decoded."""

    def annotate(self, images: Images) -> Images:
        """Adds what is read anew each time, beside the decoded images."""


class Place(NamedTuple):
    """Where a data argument leads."""

    title: str
    splits: tuple[str, ...]
    source: Callable[[str], Source]  # of a split, or of "" where there are none
    found: Found | None = None  # on disk or listed; nothing of what is built in
    layout: Layout = Layout()  # of a folder of images
    listed: bool = False  # named by a pattern


def list_data() -> list[tuple[str, str]]:
    """What a data argument can be: name and one line each."""
    return [*EMBEDDED.items(), *((name, published.line) for name, published in VISION.items()), *OTHERS.items()]


def splits_of(
    source: str | Path, root: Path | None = None, as_: str | None = None, download: bool = False
) -> tuple[str, ...]:
    """The splits that a source has, train first; () if it has none. Raises Refusal as ``place_of`` does."""
    return place_of(source, root=root, as_=as_, download=download)[0].splits


def place_of(
    source: str | Path,
    *,
    root: Path | None = None,
    size: int | None = None,
    download: bool = False,
    as_: str | None = None,
    cache: Path | None = None,
    stated: bool = False,
) -> tuple[Place, str]:
    """Where a data argument leads, and the split behind its last colon or ""; arguments as of ``open_images``.
    ``stated``: it will be opened, so that sizes and times of files are looked at too. Raises Refusal for what is no
    source, or can be read in two ways."""
    name, split = _parse(source)
    if isinstance(name, str) and name not in BUILTIN:
        return _by_pattern(name, today("as", as_ or ""), cache_folder(cache)), split
    if isinstance(name, Path):
        return _on_disk(name, today("as", as_ or ""), stated), split
    if as_:
        raise Refusal(f"{name} is built in and read in one way: leave --as {as_} out")
    return _built_in(name, root or cache_folder(cache) / "downloads", size, download), split


def open_images(
    source: str | Path,
    *,
    split: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    range: tuple[float, float] | None = None,
    root: Path | None = None,
    download: bool = False,
    as_: str | None = None,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    sample: bool = False,
) -> Images:
    """The images of a source, decoded at the first call and mapped from the cache at all later ones.

    ``source``: a name out of ``list_data``, a folder, a Parquet file, a tar file or a pattern; ":SPLIT" may end it.
    ``split``: train, validation, test or what else ``splits_of`` gives. None: all images of a source without splits,
    the train split (else the first) of one that has some.
    ``size``: the shorter side is scaled to it and the centre cropped. None: the size that all images share, else 64.
    ``channels``: 1 or 3. None: what the first 256 images agree on.
    ``range``: which values of images of more than 8 bits are black and white. None: what a sample of them shows.
    ``root``: where torchvision's data lie; they are fetched there if ``download``.
    ``as_``: folder, parquet or tar, where a folder can be read in several ways; classes, splits or images, where its
    sub-folders can.
    ``cache``: where decoded images are kept; default $LATELIER_CACHE, else ~/.cache/latelier.
    ``progress``: called with images done and their total while decoding.
    ``sample``: of shards no more than a few thousand images, the same each time (``sampled.py``).

    Raises Refusal for what is no source, has nothing to decode, or contradicts itself.
    """
    if size is not None and not 0 < size <= LARGEST:
        most = "" if size < 1 else f" and at most {LARGEST:,}"
        raise Refusal(f"size {size}: expected a whole number of pixels above 0{most}")
    if channels not in (None, 1, 3):
        raise Refusal(f"channels {channels}: expected 1 (grey) or 3 (colour)")
    if range is not None and not (math.isfinite(range[0]) and math.isfinite(range[1]) and range[0] < range[1]):
        raise Refusal(f"range {range[0]:g},{range[1]:g}: expected two numbers, black and white, the smaller one first")
    folder = cache_folder(cache)
    place, suffix = place_of(source, root=root, size=size, download=download, as_=as_, cache=cache, stated=True)
    chosen = _choose(place, suffix, split)
    found = place.source(chosen)
    drawn = shard_set(place, chosen, folder) if sample else None
    if drawn is not None:
        found = Sample(drawn, progress)
    title = f"{place.title}:{chosen}" if chosen else place.title
    request = PackRequest(title, size, channels, range and (float(range[0]), float(range[1])))
    of = drawn or found
    with of.cache.naming() if isinstance(of, ShardSet) else nullcontext():
        images = packed(found.stamp, found.contents, request, cache=folder, progress=progress)
    images = sealed(found.annotate(images), title, images)
    return images if drawn is None else identity(images, drawn)


def shards_of(
    source: str | Path, *, root: Path | None = None, as_: str | None = None, cache: Path | None = None
) -> ShardSet | None:
    """The shards that ``open_images`` would read of a source; None for a source of another kind. Raises Refusal."""
    place, suffix = place_of(source, root=root, as_=as_, cache=cache)
    return shard_set(place, _choose(place, suffix, None), cache_folder(cache))


def shard_set(place: Place, split: str, cache: Path) -> ShardSet | None:
    """The shards of a split; None of what is no shards."""
    source = place.source(split)
    if isinstance(source, ShardSet):
        return source
    if not isinstance(source, Shards):
        return None
    mine, beside = (tuple(map(of_file, files)) for files in (source.files, source.beside))
    names = source.folder / NAMES
    return ShardSet(source.kind, mine, beside, Cache(cache), of_file(names) if names.is_file() else None)


def _parse(source: str | Path) -> tuple[str | Path, str]:
    """A built-in name, an existing path or a pattern, and the split behind the last colon or "". Raises Refusal."""
    text = paths.text(source, "the data argument")
    head, _, tail = text.rpartition(":")
    for name, split in ((text, ""), (head, tail)):
        if name in BUILTIN and isinstance(source, str):
            return name, split
        if name and (path := Path(name)).exists():
            return path, split
    if is_pattern(text):
        return parted(text)
    near = difflib.get_close_matches(head or text, BUILTIN, 1)
    hint = f"did you mean {near[0]}?" if near else "`latelier data` lists the names"
    raise Refusal(f"{text} is neither a folder or file that exists nor the name of a built-in data set; {hint}")


def _choose(place: Place, suffix: str, split: str | None) -> str:
    """The split to open, "" for all images of a source without splits."""
    wanted = {ALIASES.get(name, name) for name in (suffix, split) if name}
    if len(wanted) > 1:
        raise Refusal(f"{place.title}:{suffix} and split {split} contradict each other: give one")
    if not wanted:
        return place.splits[0] if place.splits else ""
    name = wanted.pop()
    if name not in place.splits:
        has = f"it has {', '.join(place.splits)}" if place.splits else "it has no splits: leave the split out"
        raise Refusal(f"{place.title} has no split {name}; {has}")
    return name


def _built_in(name: str, root: Path, size: int | None, download: bool) -> Place:
    if name == "digits":
        return Place(name, ("train", "test"), Digits)
    if name == "scenes":
        return Place(name, tuple(SCENES), lambda split: Scenes(split, size or 32))
    if name == "sprites":
        return Place(name, ("train", "test"), lambda split: Sprites(split, size or 64))
    if name == "mixture":
        return Place(name, ("train", "test"), lambda split: Mixture(split, size))
    return Place(name, tuple(VISION[name].splits), lambda split: Vision(name, split, root, download))


def _by_pattern(pattern: str, reading: str, cache: Path) -> Place:
    found, splits, whole = of_pattern(pattern, cache)
    if reading not in ("", found.kind):
        raise Refusal(f"{pattern} names .{found.kind} files: leave --as {reading} out")
    return Place(pattern, tuple(splits), lambda split: splits.get(split, whole), found, listed=True)


def _on_disk(path: Path, reading: str, stated: bool) -> Place:
    found = evidence(path, reading, stated)
    if found.kind != "folder":
        files, kind, folder = found.shards, SHARDS[f".{found.kind}"], path.parent if path.is_file() else path
        splits = shard_splits(path, files)
        return Place(str(path), tuple(splits), lambda split: kind(splits.get(split, files), files, folder), found)
    layout = lay_out(path, found.images, reading)
    base = layout.inside if any(is_table(path / layout.inside / name) for name in TABLES) else ""
    beside, inside = tuple(layout.splits.values()) or (base,), "" if base or layout.splits else layout.inside

    def source(split: str) -> Folder:
        within = layout.splits.get(split, base)
        return Folder(path, found.images, within, beside, inside, layout.classes, layout.remarks)

    return Place(str(path), in_order(layout.splits), source, found, layout)
