"""What a data argument can be: a built-in name, a folder of pictures, Parquet, tar shards."""

import difflib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from latelier import places
from latelier.core import Refusal
from latelier.data.builtin import EMBEDDED, SCENES, Digits, Mixture, Scenes, Sprites
from latelier.data.folder import Folder, folder_splits
from latelier.data.images import Images
from latelier.data.pack import cache_folder, packed, sealed
from latelier.data.parquet import Parquet
from latelier.data.plan import Plan
from latelier.data.shards import shard_files, shard_splits
from latelier.data.splits import ALIASES, in_order
from latelier.data.tar import Tar
from latelier.data.vision import VISION, Vision

LARGEST = 1 << 14  # px a side
BUILTIN = (*EMBEDDED, *VISION)
SHARDS: dict[str, type[Parquet] | type[Tar]] = {".parquet": Parquet, ".tar": Tar}
OTHERS = {
    "DIR": "a folder of pictures: class sub-folders, or labels.csv, attributes.csv, captions.csv beside the files",
    "DIR | FILE.parquet": "Parquet as Hugging Face lays it out: image, label, captions",
    "DIR | FILE.tar": "tar shards as webdataset lays them out: KEY.jpg with KEY.cls, KEY.txt, KEY.json",
}


class Source(Protocol):
    """One split of one data argument."""

    @property
    def stamp(self) -> object:
        """Fit for JSON; tells it in its present state from everything else, and costs little."""

    def contents(self) -> Plan | Images:
        """Pictures to be decoded, or decoded."""

    def annotate(self, images: Images) -> Images:
        """Adds what is read anew each time, beside the decoded pictures."""


class Place(NamedTuple):
    """Where a data argument leads."""

    title: str
    splits: tuple[str, ...]
    source: Callable[[str], Source]  # of a split, or of "" where there are none


def list_data() -> list[tuple[str, str]]:
    """What a data argument can be: name and one line each."""
    return [*EMBEDDED.items(), *((name, published.line) for name, published in VISION.items()), *OTHERS.items()]


def splits_of(source: str | Path, root: Path | None = None) -> tuple[str, ...]:
    """The splits that a source has, train first; () if it has none. Raises Refusal for what is no source."""
    return _place(_parse(source)[0], root or cache_folder(None) / "downloads", None, False).splits


def open_images(
    source: str | Path,
    *,
    split: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    range: tuple[float, float] | None = None,
    root: Path | None = None,
    download: bool = False,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Images:
    """The pictures of a source, decoded at the first call and mapped from the cache at all later ones.

    ``source``: a name out of ``list_data``, a folder, a Parquet file or a tar file; ":SPLIT" may end it.
    ``split``: train, validation, test or what else ``splits_of`` gives. None: all pictures of a source without splits,
    the train split (else the first) of one that has some.
    ``size``: the shorter side is scaled to it and the centre cropped. None: the size that all pictures share, else 64.
    ``channels``: 1 or 3. None: what the first 256 pictures agree on.
    ``range``: which values of pictures of more than 8 bits are black and white. None: what a sample of them shows.
    ``root``: where torchvision's data lie; they are fetched there if ``download``.
    ``cache``: where decoded pictures are kept; default $LATELIER_CACHE, else ~/.cache/latelier.
    ``progress``: called with pictures done and their total while decoding.

    Raises Refusal for what is no source, has nothing to decode, or contradicts itself.
    """
    if size is not None and not 0 < size <= LARGEST:
        most = "" if size < 1 else f" and at most {LARGEST:,}"
        raise Refusal(f"size {size}: expected a whole number of pixels above 0{most}")
    if channels not in (None, 1, 3):
        raise Refusal(f"channels {channels}: expected 1 (grey) or 3 (colour)")
    if range is not None and not (math.isfinite(range[0]) and math.isfinite(range[1]) and range[0] < range[1]):
        raise Refusal(f"range {range[0]:g},{range[1]:g}: expected two numbers, black and white, the smaller one first")
    name, suffix = _parse(source)
    folder = cache_folder(cache)
    place = _place(name, root or folder / "downloads", size, download)
    chosen = _choose(place, suffix, split)
    found = place.source(chosen)
    span = range and (float(range[0]), float(range[1]))
    asked: dict[str, Any] = {"size": size, "channels": channels, "span": span}
    images = packed(found.stamp, found.contents, **asked, cache=folder, progress=progress)
    return sealed(found.annotate(images), f"{place.title}:{chosen}" if chosen else place.title)


def _parse(source: str | Path) -> tuple[str | Path, str]:
    """A built-in name or an existing path, and the split behind the last colon or "". Raises Refusal."""
    text = places.text(source, "the data argument")
    head, _, tail = text.rpartition(":")
    for name, split in ((text, ""), (head, tail)):
        if name in BUILTIN and isinstance(source, str):
            return name, split
        if name and (path := Path(name)).exists():
            return path, split
    near = difflib.get_close_matches(head or text, BUILTIN, 1)
    hint = f"did you mean {near[0]}?" if near else "`latelier data` lists the names"
    raise Refusal(f"{text} is neither a folder or file that exists nor the name of a built-in data set; {hint}")


def _choose(place: Place, suffix: str, split: str | None) -> str:
    """The split to open, "" for all pictures of a source without splits."""
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


def _place(name: str | Path, root: Path, size: int | None, download: bool) -> Place:
    if isinstance(name, Path):
        return _on_disk(name)
    if name == "digits":
        return Place(name, ("train", "test"), Digits)
    if name == "scenes":
        return Place(name, tuple(SCENES), lambda split: Scenes(split, size or 32))
    if name == "sprites":
        return Place(name, ("train", "test"), lambda split: Sprites(split, size or 64))
    if name == "mixture":
        return Place(name, ("train", "test"), lambda split: Mixture(split, size))
    return Place(name, tuple(VISION[name].splits), lambda split: Vision(name, split, root, download))


def _on_disk(path: Path) -> Place:
    for ending, kind in SHARDS.items():
        if (
            path.name.endswith(ending)
            if path.is_file()
            else any(path.glob(f"*{ending}")) or any(path.glob(f"*/*{ending}"))
        ):
            return _in_shards(path, kind, shard_files(path, ending))
    if path.is_file():
        raise Refusal(f"{path}: expected a folder, a .parquet file or an uncompressed .tar file")
    folders = folder_splits(path)
    beside = tuple(folders.values()) or (path,)
    return Place(str(path), in_order(folders), lambda split: Folder(folders.get(split, path), beside))


def _in_shards(path: Path, kind: type[Parquet] | type[Tar], files: list[Path]) -> Place:
    splits = shard_splits(path, files)
    folder = path.parent if path.is_file() else path
    return Place(str(path), tuple(splits), lambda split: kind(splits.get(split, files), files, folder))
