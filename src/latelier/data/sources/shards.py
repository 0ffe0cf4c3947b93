"""Files that hold many images each: what Parquet and tar sources share."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from latelier.data.foreign import VERSION, class_names
from latelier.data.images import Images
from latelier.data.sources.splits import in_order, split_name
from latelier.errors import Refusal

NAMED = {"label", "fine_label", "labels", "attributes"}  # of what names.json may say names


@dataclass(frozen=True)
class Shards:
    """One split's files, of either kind."""

    kind: ClassVar[str]
    files: Sequence[Path]
    beside: Sequence[Path]  # the files of all splits: class numbers agree over them
    folder: Path  # where names.json is looked for

    @property
    def stamp(self) -> object:
        """What tells these files, and how they are understood, from any others."""
        names = self.folder / "names.json"
        listed = [names] if names.is_file() else []
        return [self.kind, VERSION, *map(stamps, (self.files, self.beside, listed))]

    def annotate(self, images: Images) -> Images:
        """All that the files say was read with the images."""
        return images


def shard_splits(root: Path, files: Sequence[Path]) -> dict[str, list[Path]]:
    """Split -> its files, by how the file's name begins or by its folder; empty if no name says anything."""
    splits: dict[str, list[Path]] = {}
    for file in files:
        folder = file.parent.name if file.parent != root else ""
        if split := split_name(file.name) or split_name(folder, whole=True):
            splits.setdefault(split, []).append(file)
    if root.is_file() or not splits:
        return {}
    if left := set(files).difference(*splits.values()):
        raise Refusal(
            f"{sorted(left)[0]} belongs to no split, others do: let its name begin with train, validation or test"
        )
    sets = sorted({file.parent.parent if split_name(file.parent.name, whole=True) else file.parent for file in files})
    if len(sets) > 1:
        raise Refusal(f"{root}: {sets[0]} and {sets[1]} have splits of their own, as sets do: give one of them")
    return {split: splits[split] for split in in_order(splits)}


def stamps(files: Sequence[Path]) -> list[tuple[str, int, int]]:
    """What tells these files in their present state from any others."""
    return [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]


def known_names(folder: Path, key: str) -> list[str] | None:
    """What names.json of a folder, if there is one, says of a key: of a column of labels the names of its classes, of
    "attributes" the columns that are attributes. Raises Refusal for what is no such file."""
    path = folder / "names.json"
    if not path.is_file():
        return None
    try:
        names = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Refusal(f'{path}: not understood ({error}); expected {{"label": ["first class", ...]}}') from error
    if not isinstance(names, dict):
        raise Refusal(f'{path}: expected {{"label": ["first class", ...]}}, not {str(names)[:60]}')
    if NAMED.isdisjoint(names):
        raise Refusal(f"{path}: names nothing that is read; expected one of {', '.join(sorted(NAMED))} as a key")
    return class_names(names[key], f"{path}, {key}") if key in names else None
