"""What a folder is, by what its files hold: images, Parquet files with an image column, tar files with images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from latelier.data.sources.listing import Listing
from latelier.data.sources.parquet import Parquet, lacks_images
from latelier.data.sources.tar import Tar, lacks_image_files
from latelier.data.sources.tree import walk
from latelier.errors import Refusal

Kind = Literal["folder", "parquet", "tar"]
READINGS = ("folder", "parquet", "tar", "classes", "splits", "images")  # what --as takes; the last three of a folder
SHARDS: dict[str, type[Parquet] | type[Tar]] = {".parquet": Parquet, ".tar": Tar}
LACKS = {".parquet": lacks_images, ".tar": lacks_image_files}


@dataclass(frozen=True)
class Found:
    """What a path holds, and how it is read."""

    kind: Kind
    images: Listing  # of a folder
    shards: Sequence[Path]  # of Parquet or tar, those with images, by name
    without: dict[Path, str]  # shards without images, and why they have none


def evidence(path: Path, reading: str = "", stated: bool = False) -> Found:
    """How a path is read. ``reading`` is one of ``READINGS`` or "". ``stated``: sizes and times of a folder's images
    are asked for too. Raises Refusal where two readings are possible and
    none is asked for, where the one that is asked for is not, and for damaged shards of the kind that is read."""
    if reading and reading not in READINGS:
        raise Refusal(f"--as {reading}: expected one of {', '.join(READINGS)}")
    wanted = {"": "", "parquet": "parquet", "tar": "tar"}.get(reading, "folder")
    if path.is_file():
        ending = next((ending for ending in SHARDS if path.name.lower().endswith(ending)), None)
        if ending is None:
            raise Refusal(f"{path}: expected a folder, a .parquet file or an uncompressed .tar file")
        if wanted not in ("", ending[1:]):
            raise Refusal(f"{path} is one {ending} file: leave --as {reading} out")
        return Found(_kind(ending), Listing(stated), [path], {})
    images, shards = _listed(path, stated)
    good, without, damaged = _weighed({end: files for end, files in shards.items() if wanted in ("", end[1:])})
    able = [*(["folder"] if images else []), *good]
    if wanted and wanted not in able:
        able += [kind for kind in _weighed(shards)[0] if kind not in able]
        raise damaged.get(wanted) or _lacking(path, wanted, able)
    if not wanted and len(able) > 1:
        raise _ambiguous(path, len(images), good)
    kind = wanted or (able[0] if able else "")
    if kind != "folder" and (refusal := damaged.get(kind) or (None if kind else next(iter(damaged.values()), None))):
        raise refusal
    if not kind and without:
        file, why = next(iter(without.items()))
        more = f" (and {len(without) - 1:,} files like it)" if len(without) > 1 else ""
        raise Refusal(f"{path}: no images in this folder; of {file.relative_to(path)}{more}: {why}")
    return Found(_kind(f".{kind}"), images, good.get(kind, []), without)


def _weighed(
    shards: Mapping[str, Sequence[Path]],
) -> tuple[dict[str, list[Path]], dict[Path, str], dict[str, Refusal]]:
    """Of files by their ending: by kind those with images; those without and why; by kind what a damaged one is
    refused with."""
    good, without, damaged = dict[str, list[Path]](), dict[Path, str](), dict[str, Refusal]()
    for ending, files in shards.items():
        for file in files:
            try:
                why = LACKS[ending](file)
            except Refusal as error:
                damaged.setdefault(ending[1:], error)
                why = "damaged"
            if why:
                without[file] = why
            else:
                good.setdefault(ending[1:], []).append(file)
    return good, without, damaged


def _kind(ending: str) -> Kind:
    return "parquet" if ending == ".parquet" else "tar" if ending == ".tar" else "folder"


def _listed(folder: Path, stated: bool) -> tuple[Listing, dict[str, list[Path]]]:
    """The image files, and by their ending the files that may hold images, by name."""
    images, shards = Listing(stated), {ending: list[Path]() for ending in SHARDS}
    for leaf in walk(folder):
        if not images.add(leaf):
            for ending, files in shards.items():
                if leaf.name.lower().endswith(ending) and leaf.entry.is_file():
                    files.append(folder / leaf.name)
    return images, {ending: sorted(files) for ending, files in shards.items()}


def _ambiguous(path: Path, images: int, good: dict[str, list[Path]]) -> Refusal:
    ways = [f"{images:,} images in files of their own"] if images else []
    ways += [f"{len(files):,} .{kind} with images (first {files[0].relative_to(path)})" for kind, files in good.items()]
    options = [f"--as {kind}" for kind in (["folder"] if images else []) + list(good)]
    return Refusal(f"{path} can be read in {len(ways)} ways, as {' or '.join(ways)}: give {' or '.join(options)}")


def _lacking(path: Path, wanted: str, able: Sequence[str]) -> Refusal:
    what = "images in files of their own" if wanted == "folder" else f".{wanted} files with images"
    else_ = f"; it can be read by --as {' or --as '.join(able)}" if able else ""
    return Refusal(f"{path} has no {what}{else_}")
