"""Files that are no images yet: what would make them some, by their ending."""

from collections import Counter
from collections.abc import Iterable

from latelier.data.packing.formats import advice

OTHERS = {  # what is no image's ending, and how images may come out of it
    **dict.fromkeys((".npy", ".npz", ".mat", ".h5", ".hdf5", ".pkl", ".pickle"), "arrays: write them as PNG"),
    **dict.fromkeys((".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz", ".zst"), "unpack it"),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".webm"), "a film: write its frames as PNG"),
    ".pdf": "export its pages as PNG",
}
NAMED = 3  # endings that a refusal names


def ending(name: str) -> str:
    """With its dot, in lower case; "" of a name without."""
    _, dot, last = name.rpartition("/")[2].lstrip(".").rpartition(".")
    return f"{dot}{last}".lower() if dot else ""


def helps(end: str) -> str:
    """What would make images of files with that ending; "" where nothing is known of it."""
    return advice(end) or OTHERS.get(end, "")


def instead(names: Iterable[str]) -> str:
    """What is there in place of images: ``60 .heic (pip install 'latelier[heif]'), 1 .txt``; "" of nothing. The most
    common come first, and of as many those that something would help."""
    counts = sorted(Counter(map(ending, names)).items(), key=lambda one: (-one[1], not helps(one[0]), one[0]))
    said = [f"{n:,} {end or 'without ending'}{f' ({way})' if (way := helps(end)) else ''}" for end, n in counts]
    return ", ".join(said[:NAMED]) + (", ..." if len(said) > NAMED else "")
