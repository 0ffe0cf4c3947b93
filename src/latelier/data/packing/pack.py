"""Images decoded once, as files that open at once: ``packs/<key>/`` in the cache folder.

    pixels.npy       uint8 [n, h, w, c], to be mapped
    label.npy        int64 [n];  attribute.npy int8 [n, a];  truth-NAME.npy: to be mapped where they are long
    origin.npy       uint8 [n, 80]: what each row was decoded from, by which other packs find it (``known.py``)
    names.arrow      a column of n texts, and captions.arrow, if there are any, one of n lists of texts (``texts.py``)
    sums.npy         uint32 [b], of each block of 64 KiB of the pixels, the names and the captions
    skipped.txt      what could not be decoded and why
    info.json        the rest: length and sum of each file, and its own sum
    used             held by all who have it open; its time is that of last use

A pack is made in ``<key>.part/`` by the one process at a time that holds ``locks/<key>`` beside the packs, and renamed
when it is whole.

What is read from it is what was written. All files are checked whole at each opening, but for the pixels, names,
captions and origins of more than 256 MiB: of these each block is checked when it is read (``checked.py``,
``texts.py``), and origins when another pack is made. Nothing is held in Python that grows with n. A pack that is
damaged, foreign or of another version is never used: a remark of the images names the file, and it is made again.
Damage that is met at first use ends in a Refusal, and the same command, given again, makes the pack again. Where the
source's images are gone that is refused too.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from latelier.data.images import Images
from latelier.data.packing.depth import Span
from latelier.data.packing.fill import Progress, fill, store
from latelier.data.packing.fingerprint import fingerprint
from latelier.data.packing.formats import ready
from latelier.data.packing.holding import alone
from latelier.data.packing.info import FORMAT
from latelier.data.packing.opening import opened
from latelier.data.packing.plan import Plan
from latelier.data.packing.pool import LostError
from latelier.data.packing.sealing import seal
from latelier.data.packing.sums import DamagedError
from latelier.errors import Refusal


def cache_folder(cache: Path | None) -> Path:
    """Where decoded and downloaded images are kept: ``cache``, else $LATELIER_CACHE, else ~/.cache/latelier."""
    return Path(cache or os.environ.get("LATELIER_CACHE") or "~/.cache/latelier").expanduser().absolute()


class PackRequest(NamedTuple):
    """What of a source is wanted."""

    source: str  # as the user gave it, with its split
    size: int | None
    channels: int | None
    span: Span | None


def packed(
    stamp: object,
    contents: Callable[[], Plan | Images],
    request: PackRequest,
    *,
    cache: Path,
    progress: Progress | None = None,
) -> Images:
    """The pack of a source. ``stamp`` (fit for JSON) tells this source and its state from any other; ``contents`` is
    called only where the pack is not there yet. Raises Refusal."""
    key = sha256(json.dumps([FORMAT, stamp, *request[1:], ready()]).encode()).hexdigest()[:32]
    folder = cache / "packs" / key
    damage, made = "", False
    try:
        while True:
            try:
                if (images := opened(folder)) is not None:
                    break
            except DamagedError as error:
                damage = str(error)
                if made:
                    raise OSError("what is written there does not last") from error
            with alone(folder) as lock:
                if not _whole(folder):
                    _make(folder, contents, request, lock, progress)
                    made = True
    except LostError:
        raise
    except Refusal as error:
        if not damage:
            raise
        raise Refusal(f"{error}; and what was decoded of it before is damaged ({folder}: {damage})") from error
    except OSError as error:
        why = f" (the pack there is damaged: {damage})" if damage else ""
        raise Refusal(f"cannot decode into {cache}: {error}{why}; LATELIER_CACHE names another folder") from error
    if not damage:
        return images
    return replace(
        images,
        remarks=(*images.remarks, f"what was decoded before was damaged, and has been made again ({folder}: {damage})"),
    )


def _whole(folder: Path) -> bool:
    try:
        return opened(folder) is not None
    except DamagedError:
        return False


def _make(
    folder: Path,
    contents: Callable[[], Plan | Images],
    request: PackRequest,
    lock: int,
    progress: Progress | None,
) -> None:
    part = folder.with_suffix(".part")
    part.mkdir(parents=True, exist_ok=True)
    try:
        content = contents()
        if isinstance(content, Plan):
            filled, facts = fill(part, content, *request[1:], lock, progress), content.facts
        else:
            filled, facts = store(part, content, request.size, request.channels), content
        seal(part, facts, filled, request.source)
    except LostError:
        raise
    except (Refusal, OSError):
        shutil.rmtree(part, ignore_errors=True)
        raise
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)  # if one is there, it is damaged
    part.rename(folder)


def sealed(images: Images, source: str, pack: Images | None = None) -> Images:
    """The same under the name that the user gave, its fingerprint over all that is known: pixels, labels, words.
    ``pack``: these images as their pack has them, whose fingerprint stands there if nothing has come to them."""
    facts = images.label, images.attribute, images.captions, images.classes, images.attributes
    if pack is not None and pack.known:
        own = pack.label, pack.attribute, pack.captions, pack.classes, pack.attributes
        if all(one is two for one, two in zip(facts, own, strict=True)):
            return replace(images, source=source, fingerprint=pack.known)
    return replace(images, source=source, fingerprint=fingerprint(images.fingerprint, *facts))
