"""latelier cache: list the packs of decoded images, and remove some."""

from typing import Annotated, Any

from cyclopts import Parameter

from latelier.storage.amounts import BYTES, SECONDS, amount
from latelier.terminal.say import say


def cache(
    *,
    prune: bool = False,
    unused: str | None = None,
    over: str | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> list[dict[str, Any]]:
    """List the packs of decoded images in the cache, by source, and remove some of them; sum up the fetched shards.

    Removal costs nothing but time: missing images are decoded again when they are next needed. Packs that another
    latelier has open or is writing stay, and so does everything that is not a pack.

    Parameters
    ----------
    prune
        Remove packs. Alone it removes those that cannot be used (unfinished, damaged, of another version of latelier).
    unused
        With --prune, also remove packs and fetched shards that were not opened for this time: hours, days or weeks, as
        in 12h, 30d, 4w.
    over
        With --prune, also remove the packs that were not opened longest, until the rest take at most this many bytes:
        500M, 10G.
    as_json
        Print JSON.

    Returns
    -------
    packs
        For each pack that is left: its source, number of images, height, width, channels, bytes, last use (seconds
        since 1970), whether it is open, why it cannot be used, and folder.
    """
    import json

    from latelier.data.packing.pack import cache_folder
    from latelier.data.packing.shelf import prunable, pruned, shelved
    from latelier.data.remote import cache as fetched
    from latelier.errors import Refusal

    if not prune and (unused is not None or over is not None):
        raise Refusal("--unused and --over say what goes: give --prune with them")
    limits = _amount(unused, "unused", SECONDS, "30d"), _amount(over, "over", BYTES, "10G")
    folder = cache_folder(None) / "packs"
    packs, others = shelved(folder)
    gone = pruned(prunable(packs, *limits)) if prune else []
    left = [pack for pack in packs if pack not in gone]
    shards = cache_folder(None) / "shards"
    dropped = fetched.pruned(shards, limits[0]) if prune else 0
    held = fetched.shelved(shards)
    beside = sum(shard.bytes for shard in held)
    total = sum(pack.bytes for pack in left)
    listed = [_json_of(pack) for pack in left]
    if as_json:
        removed = {"removed": [_json_of(pack) for pack in gone]} if prune else {}
        of_shards = {"shards": {"folder": str(shards), "count": len(held), "bytes": beside}} if held else {}
        say(json.dumps({"folder": str(folder), "bytes": total, "packs": listed, **removed, **of_shards}, indent=2))
        return listed
    for line in _table(left):
        say(line)
    say(f"{_count(len(left), 'pack')}, {_size(total)}, in {folder}")
    if held:
        say(f"{_count(len(held), 'fetched shard')}, {_size(beside)}, in {shards}")
    if prune:
        say(f"removed {_count(len(gone), 'pack')}, {_size(sum(pack.bytes for pack in gone))}")
    if dropped:
        say(f"removed {_count(dropped, 'fetched shard')}")
    if others:
        names = ", ".join(path.name for path in others[:5]) + ", ..." * (len(others) > 5)
        say(f"not packs, or with files of others in them, and left alone: {names}")
    return listed


def _amount(text: str | None, name: str, units: dict[str, int], example: str) -> int | None:
    """A number with its unit. Raises Refusal."""
    from latelier.errors import Refusal

    if text is None:
        return None
    if (found := amount(text, units)) is not None:
        return found
    units_said = ", ".join(filter(None, units))
    raise Refusal(f"--{name} {text}: expected a whole number and a unit ({units_said}), as in {example}")


def _json_of(pack: Any) -> dict[str, Any]:
    """A pack as JSON values."""
    height, width, channels = pack.shape or (0, 0, 0)
    size = {"height": height, "width": width, "channels": channels}
    return {**pack._asdict(), **size, "folder": str(pack.folder), "shape": list(pack.shape)}


def _table(packs: Any) -> list[str]:
    """A header and one line per pack, columns aligned."""
    from datetime import datetime

    rows = [("source", "images", "size", "bytes", "last used", "")]
    for pack in packs:
        size = "x".join(map(str, pack.shape))
        when = datetime.fromtimestamp(pack.used).strftime("%Y-%m-%d %H:%M")
        note = "; ".join(filter(None, [pack.fault, "in use" if pack.open else ""]))
        rows.append((pack.source or pack.folder.name, f"{pack.images:,}", size, _size(pack.bytes), when, note))
    if not packs:
        return []
    wide = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = (0, 4, 5)  # columns of words
    cells = [
        [cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, wide, strict=True))]
        for row in rows
    ]
    return ["  ".join(line).rstrip() for line in cells]


def _size(count: int) -> str:
    """Bytes as readable text."""
    for unit, worth in reversed(BYTES.items()):
        if count >= worth and unit:
            return f"{count / worth:.1f} {unit}B".replace("KB", "kB")
    return f"{count} B"


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
