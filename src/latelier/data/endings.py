"""Files that are no pictures yet: what would make them some, by their ending."""

from collections import Counter
from collections.abc import Iterable

from PIL import features

HELPS = {
    **dict.fromkeys((".heic", ".heif"), "install latelier[heif]"),
    **dict.fromkeys((".avif",) if not features.check("avif") else (), "this Pillow cannot read it"),
    **dict.fromkeys((".jxl", ".svg", ".psd", ".eps", ".pdf"), "save it as PNG"),
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2"), "raw: develop it to PNG or JPEG"),
    **dict.fromkeys((".npy", ".npz", ".mat", ".h5", ".hdf5", ".pkl", ".pickle"), "arrays: write them as PNG"),
    **dict.fromkeys((".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz", ".zst"), "unpack it"),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".webm"), "a film: write its frames as PNG"),
}
NAMED = 3  # endings that a refusal names


def ending(name: str) -> str:
    """With its dot, in lower case; "" of a name without."""
    _, dot, last = name.rpartition("/")[2].lstrip(".").rpartition(".")
    return f"{dot}{last}".lower() if dot else ""


def instead(names: Iterable[str]) -> str:
    """What is there in place of pictures: ``60 .heic (install latelier[heif]), 1 .txt``; "" of nothing."""
    counts = Counter(map(ending, names))
    helps = {end: f" ({help_})" for end, help_ in HELPS.items()}
    said = [f"{n:,} {end or 'without ending'}{helps.get(end, '')}" for end, n in counts.most_common()]
    return ", ".join(said[:NAMED]) + (", ..." if len(said) > NAMED else "")
