"""The image files below a folder, counted and digested folder by folder: no list of all of them is kept or sorted."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b, sha256

from latelier.data.packing.formats import advice, is_image_file
from latelier.data.sources.tree import Leaf

FEW = 100  # images of a folder that are known by name
DIGEST = 16  # bytes


@dataclass
class Files:
    """Those in one folder, without those in folders below it."""

    count: int = 0  # of images
    first: list[str] = field(default_factory=list)  # their names relative to the folder walked, of ``FEW`` of them
    unread: Counter[str] = field(default_factory=Counter)  # ending -> images that are not read here
    digest: int = 0  # sum of the digests of name, size and time of change of each: it depends on no order


@dataclass
class Listing:
    """Folders by their names relative to the one that was walked, which end in "/" but for that one's own: ""."""

    stated: bool = False  # whether sizes and times are in the digests
    folders: dict[str, Files] = field(default_factory=dict)

    def __len__(self) -> int:
        """Images."""
        return sum(files.count for files in self.folders.values())

    def add(self, leaf: Leaf) -> bool:
        """Notes a file; whether it is an image."""
        base = leaf.entry.name
        name = leaf.name[: len(leaf.name) - len(base)]
        image = is_image_file(base)
        if not image and not advice(base):
            return False
        files = self.folders.get(name)
        if files is None:
            files = self.folders[name] = Files()
        if not image:
            files.unread[base.rpartition(".")[2].lower()] += 1
            return False
        files.count += 1
        if files.count <= FEW:
            files.first.append(leaf.name)
        if self.stated:
            files.digest += _digest(leaf)
        return True

    def within(self, folder: str) -> Iterator[tuple[str, Files]]:
        """A folder and those below it, by their names relative to it. ``folder``: "", or a name that ends in "/"."""
        for name, files in self.folders.items():
            if name.startswith(folder):
                yield name[len(folder) :], files

    def digest(self, folder: str) -> str:
        """Of names, sizes and times of change of all images below a folder, which is named as in ``within``."""
        assert self.stated
        known = sorted((name, files) for name, files in self.within(folder) if files.count)
        found = sha256()
        for name, files in known:
            total = files.digest % (1 << 8 * DIGEST)
            found.update(f"{name}\0{files.count}\0{total:x}\n".encode("utf-8", "surrogatepass"))
        return found.hexdigest()


def _digest(leaf: Leaf) -> int:
    try:
        status = leaf.entry.stat()
        state = f"{leaf.entry.name}\0{status.st_size}\0{status.st_mtime_ns}"
    except OSError:  # a link to nowhere: decoding will name it
        state = f"{leaf.entry.name}\0-1\0-1"
    return int.from_bytes(blake2b(state.encode("utf-8", "surrogatepass"), digest_size=DIGEST).digest())
