"""Pictures decoded once, as files that open at once: ``packs/<fingerprint>/`` in the cache folder.

    pixels.npy       uint8 [n, h, w, c], to be mapped
    label.npy        int64 [n];  attribute.npy int8 [n, a];  truth-NAME.npy
    rows.json        names and captions
    skipped.txt      what could not be decoded and why
    info.json        the rest

A pack is made in ``<fingerprint>.part/`` by the one process at a time that holds ``locks/<fingerprint>``, and renamed
when it is whole.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from latelier.core import Refusal
from latelier.data.crew import LostError
from latelier.data.depth import Span
from latelier.data.fill import Filled, Progress, fill, store
from latelier.data.formats import ready
from latelier.data.images import Images
from latelier.data.plan import Plan
from latelier.locks import held

FORMAT = 4  # of the folder; also of what decides about its pictures


def cache_folder(cache: Path | None) -> Path:
    """Where decoded and downloaded pictures are kept: ``cache``, else $LATELIER_CACHE, else ~/.cache/latelier."""
    return Path(cache or os.environ.get("LATELIER_CACHE") or "~/.cache/latelier").expanduser().absolute()


def packed(
    stamp: object,
    contents: Callable[[], Plan | Images],
    *,
    size: int | None,
    channels: int | None,
    span: Span | None,
    cache: Path,
    progress: Progress | None = None,
) -> Images:
    """The pack of a source. ``stamp`` (fit for JSON) tells this source and its state from any other; ``contents`` is
    asked only where the pack is not there yet. Raises Refusal."""
    key = sha256(json.dumps([FORMAT, stamp, size, channels, span, ready()]).encode()).hexdigest()[:32]
    folder = cache / "packs" / key
    try:
        while (images := _open(folder)) is None:
            with _alone(folder) as lock:
                if _open(folder) is None:
                    _make(folder, contents, size, channels, span, lock, progress)
    except OSError as error:
        raise Refusal(f"cannot decode into {cache}: {error}; LATELIER_CACHE names another folder") from error
    return images


@contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """Yields an open lock of the pack, that one process has at a time. It lies in no folder that is renamed: Windows
    renames none in which a file is open."""
    lock = folder.parents[1] / "locks" / folder.name
    lock.parent.mkdir(parents=True, exist_ok=True)
    with held(lock, wait=True) as handle:
        assert handle is not None  # having waited
        yield handle


def _make(
    folder: Path,
    contents: Callable[[], Plan | Images],
    size: int | None,
    channels: int | None,
    span: Span | None,
    lock: int,
    progress: Progress | None,
) -> None:
    part = folder.with_suffix(".part")
    part.mkdir(parents=True, exist_ok=True)
    try:
        content = contents()
        if isinstance(content, Plan):
            filled, facts = fill(part, content, size, channels, span, lock, progress), content.facts
        else:
            filled, facts = store(part, content, size, channels), content
        _save(part, facts, filled)
    except LostError:
        raise
    except (Refusal, OSError):
        shutil.rmtree(part, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)  # if one is there, it is damaged
    part.rename(folder)


def _save(part: Path, facts: Images, filled: Filled) -> None:
    """Writes all but the pixels, and sees to it that everything is on the disk."""
    rows = filled.kept
    np.save(part / "label.npy", facts.label[rows])
    np.save(part / "attribute.npy", facts.attribute[rows])
    for name, values in facts.truth.items():
        np.save(part / f"truth-{name}.npy", values[rows])
    told = {"names": [facts.names[i] for i in rows]}
    if any(facts.captions):
        told["captions"] = [list(facts.captions[i]) for i in rows]
    (part / "rows.json").write_text(json.dumps(told), encoding="utf-8")
    lines = (f"{name}\t{reason}\n" for name, reason in filled.skipped)
    (part / "skipped.txt").write_text("".join(lines), "utf-8", "surrogateescape")
    info = {
        "rows": len(rows),
        "bytes": (part / "pixels.npy").stat().st_size,
        "classes": facts.classes,
        "attributes": facts.attributes,
        "factors": facts.factors,
        "truth": list(facts.truth),
        "remarks": [*facts.remarks, *filled.remarks],
        "skipped": [name for name, _ in filled.skipped],
        "digest": filled.digest,
        "range": filled.span,
    }
    (part / "info.json").write_text(json.dumps(info, indent=1), encoding="utf-8")
    for path in part.iterdir():
        with open(path, "r+b") as file:  # Windows syncs no file that is open for reading alone
            os.fsync(file.fileno())


def _open(folder: Path) -> Images | None:
    """The pack in a folder, or None if there is none or its pixels have been cut."""
    try:
        info = json.loads((folder / "info.json").read_text(encoding="utf-8"))
        if (folder / "pixels.npy").stat().st_size != info["bytes"]:
            return None
    except FileNotFoundError:
        return None
    rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    return Images(
        pixels=np.load(folder / "pixels.npy", mmap_mode="r"),
        label=np.load(folder / "label.npy"),
        attribute=np.load(folder / "attribute.npy"),
        captions=rows.get("captions") or [()] * info["rows"],
        names=rows["names"],
        classes=tuple(info["classes"]),
        attributes=tuple(info["attributes"]),
        factors=tuple(info["factors"]),
        truth={name: np.load(folder / f"truth-{name}.npy", mmap_mode="r") for name in info["truth"]},
        fingerprint=info["digest"],
        skipped=tuple(info["skipped"]),
        remarks=tuple(info["remarks"]),
        range=info["range"] and tuple(info["range"]),
    )


def sealed(images: Images, source: str) -> Images:
    """The same under the name that the user gave, its fingerprint over all that is known: pixels, labels, words."""
    digest = sha256(images.fingerprint.encode())
    digest.update(np.ascontiguousarray(images.label).data)
    digest.update(np.ascontiguousarray(images.attribute).tobytes())
    captions = [list(texts) for texts in images.captions] if any(images.captions) else []
    digest.update(json.dumps([captions, images.classes, images.attributes]).encode())
    return replace(images, source=source, fingerprint=digest.hexdigest()[:32])
