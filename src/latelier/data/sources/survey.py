"""What a source is understood to be, and what of it is not used: read before any training.

Files there = images used + images that cannot be read + shards + tables + files not used; and of shards, what lies
inside = images used + those that cannot be read + files beside them that are used + those that are not.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from latelier.data.images import Images
from latelier.data.packing.decode import SurpriseError, Target, decode, no_bombs, opened
from latelier.data.packing.plan import Plan
from latelier.data.packing.target import SENTENCES, aim
from latelier.data.packing.worker import READERS, reason
from latelier.data.sources.account import Account, account
from latelier.data.sources.duplicates import Duplicates
from latelier.data.sources.folder import Folder
from latelier.data.sources.listed import ShardSet
from latelier.data.sources.open import Place, place_of
from latelier.data.sources.parquet import Parquet
from latelier.data.sources.tar import MORE, members, passed_over
from latelier.data.sources.tree import OWN
from latelier.errors import Refusal

TRIED, BLOCKS, BLOCK = 1_000, 16, 16  # images of a split that are all tried; of more, BLOCKS blocks of BLOCK
SMALL = Target(8, 8, 3, crop=True, span=(0.0, 1.0))  # whatever is black and white there: its values are not used


@dataclass
class Part:
    """One split."""

    images: int  # used
    classes: dict[str, int] = field(default_factory=dict)  # class -> images
    unlabelled: int = 0  # where others have a class
    captioned: int = 0
    attributes: list[str] = field(default_factory=list)


@dataclass
class Survey:
    """Fit for JSON by ``json``. Of files: ``files`` = used + skipped + unused, where tables count as used, and
    ``inside`` holds the same for what lies in shards."""

    source: str
    kind: str
    splits: dict[str, Part] = field(default_factory=dict)  # "" of a source without
    sizes: Counter[str] = field(default_factory=Counter)  # height x width -> images, of those tried
    modes: Counter[str] = field(default_factory=Counter)
    tried: int = 0
    skipped: dict[str, str] = field(default_factory=dict)  # image -> why it cannot be read, of those tried
    files: Account = field(default_factory=Account)
    inside: int = 0  # files or rows in shards
    beside: int = 0  # of those, files that tell of images
    unused: Counter[tuple[str, str]] = field(default_factory=Counter)  # of those: (ending, why) -> how many
    duplicates: int | None = 0  # images equal to an earlier one byte for byte; None: too much to read
    across: int = 0  # of those, how many equal one of another split
    remarks: list[str] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """As `latelier data SRC --json` prints it."""
        images, skipped = sum(part.images for part in self.splits.values()), len(self.skipped)
        own = self.kind == "folder"
        used = self.files.shards + len(self.files.tables) + (images if own else 0)
        content = {
            "source": self.source,
            "kind": self.kind,
            "splits": {name: asdict(part) for name, part in self.splits.items()},
            "sizes": dict(self.sizes),
            "modes": dict(self.modes),
            "tried": self.tried,
            "tables": self.files.tables,
            "images": {"used": images, "skipped": self.skipped},
            "duplicates": self.duplicates,
            "duplicates_across_splits": self.across,
            "remarks": self.remarks,
        }
        files = _sum(self.files.files, used, skipped if own else 0, self.files.unused)
        inside = _sum(self.inside, images + self.beside, skipped, self.unused)
        on_disk = {} if self.kind == "built-in" else {"files": files}
        return content | on_disk | ({"inside": inside} if self.files.shards else {})


def survey(source: str | Path, *, as_: str | None = None, root: Path | None = None) -> Survey:
    """Reads a source through; of splits with more than ``TRIED`` images a sample is decoded. Raises Refusal as
    opening the source does, and for one split alone."""
    place, split = place_of(source, root=root, as_=as_)
    if split:
        raise Refusal(f"{source}: all splits are looked at together; give {place.title}")
    found = Survey(place.title, place.found.kind if place.found else "built-in")
    found.files = account(Path(place.title), place, look=True)
    same = Duplicates()
    for split in place.splits or ("",):
        origin = place.source(split)
        content = origin.contents()
        facts = origin.annotate(content.facts if isinstance(content, Plan) else content)
        left = _try(found, content, f"{split}/" if split else "")
        rows = np.array([row for row in range(len(facts.names)) if row not in left], np.int64)
        found.splits[split] = _part(facts, rows)
        counted = origin.unread if isinstance(origin, Folder) else []
        said = (*found.remarks, *counted)
        found.remarks += [line for line in facts.remarks if line not in said and OWN not in line and MORE not in line]
        if isinstance(content, Plan):
            found.remarks += [line for line in _range(content) if line not in found.remarks]
            same.add(content, split, left)
        if isinstance(origin, Parquet) and (unread := origin.unread()) and split == (*place.splits, "")[0]:
            found.remarks.append(f"columns not used: {', '.join(unread)}")
    found.duplicates, found.across = (None, 0) if same.left < 0 else (same.count, same.across)
    if place.found is not None and place.found.kind != "folder":
        _inside(found, place)
    return found


def _part(facts: Images, rows: np.ndarray) -> Part:
    label = facts.label[rows]
    counts = {name: int((label == i).sum()) for i, name in enumerate(facts.classes)}
    captioned = sum(bool(facts.captions[i]) for i in rows)
    return Part(len(rows), counts, int((label < 0).sum()) if counts else 0, captioned, list(facts.attributes))


def _try(found: Survey, content: Plan | Images, prefix: str) -> set[int]:
    """Decodes images, all or a sample; notes what they are. Rows of those that cannot be read."""
    if isinstance(content, Images):
        n, height, width, channels = content.pixels.shape
        found.sizes[f"{height}x{width}"] += n
        found.modes["L" if channels == 1 else "RGB"] += n
        found.tried += n
        return set()
    left, rows = set[int](), _rows(len(content))
    items = [item for row in rows for item in content.slice(range(row, row + 1))]
    with no_bombs():
        for row, file in zip(rows, READERS[content.reader](content.paths)(items), strict=True):
            found.tried += 1
            try:
                with opened(file) as image:
                    size, mode = f"{image.height}x{image.width}", image.mode
                if not isinstance(file, str):
                    file.seek(0)
                decode(file, SMALL)
            except SurpriseError:
                raise
            except Exception as error:  # Pillow lets any kind escape
                left.add(row)
                found.skipped[f"{prefix}{content.facts.names[row]}"] = reason(error)
            else:
                found.sizes[size] += 1
                found.modes[mode] += 1
    return left


def _range(plan: Plan) -> list[str]:
    """What values of more than 8 bits become, if a sample has such, as training says it."""
    try:
        span = aim(plan, None, None, None).span
    except Refusal as error:
        return [str(error)]
    return [SENTENCES["deep"].format(*(f"{value:,g}" for value in span))] if span else []


def _rows(n: int) -> Iterable[int]:
    if n <= TRIED:
        return range(n)
    starts = np.linspace(0, n - BLOCK, BLOCKS).astype(int).tolist()
    return [row for start in starts for row in range(start, start + BLOCK)]


def _inside(found: Survey, place: Place) -> None:
    """Notes what lies in shards: members of tar files, or rows of Parquet."""
    images = sum(part.images for part in found.splits.values())
    shards = place.found.shards if place.found else ()
    if found.kind == "parquet":
        found.inside = images + len(found.skipped)
        return
    if isinstance(origin := place.source(""), ShardSet):
        shards = [origin.cache.local(shard) for shard in origin.beside]
    for file in shards:
        found.inside += members(file)
        found.unused += passed_over(file)
    found.beside = found.inside - images - len(found.skipped) - found.unused.total()


def _sum(there: int, used: int, skipped: int, unused: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    rows = [{"ending": ending, "why": why, "count": n} for (ending, why), n in sorted(unused.items())]
    return {"there": there, "used": used, "skipped": skipped, "unused": sum(unused.values()), "unused_by": rows}
