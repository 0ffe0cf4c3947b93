"""What a set of pictures is turned into: decided by the user, else by the headers of a sample of them."""

from collections import Counter
from collections.abc import Sequence

from latelier.data.decode import Target, no_bombs, probe
from latelier.data.plan import Plan
from latelier.data.worker import READERS, Report

PROBED = 256  # pictures whose headers decide,
BLOCK = 16  # so many of them side by side: places in shards are not free to reach
SIDE = 64  # where sizes differ and the user asks for none
MIXED = f"mixed sizes: each picture's shorter side scaled to {SIDE}, centre cropped; --size N chooses another"
SENTENCES = {
    "deep": "16-bit grey, scaled to 8 bits by its range",
    "palette": "with a palette, its colours looked up",
    "alpha": "with transparency, laid on white",
    "turned": "turned upright as EXIF says",
    "frames": "animated, the first frame taken",
    "grey": "grey, repeated in three channels",
    "colour": "in colour, turned grey",
}
MOST = {  # why, where the user asked for neither
    "grey": "as most are in colour; --channels 1 takes all in grey",
    "colour": "as most are; --channels 3 takes all in colour",
}


def aim(plan: Plan, size: int | None, channels: int | None) -> Target:
    """Where ``channels`` is None, grey if most pictures are, else colour; the others are converted."""
    if size and channels:
        return Target(size, size, channels, crop=True)
    sizes, greys = _probe(plan)
    target = Target(size or SIDE, size or SIDE, channels or (1 if 2 * sum(greys) > len(greys) else 3), crop=True)
    if size is None and len(sizes) == 1 and (1, 1) not in sizes:
        height, width = sizes.pop()
        return target._replace(height=height, width=width, crop=False)
    return target


def _probe(plan: Plan) -> tuple[set[tuple[int, int]], list[bool]]:
    """Sizes and greyness of pictures from all over the plan, as folders and shards may be all of a kind; of those that
    open, and where none does, of the first that do."""
    sizes, greys = set(), []
    reader = READERS[plan.reader](plan.paths)
    n, block = len(plan), min(BLOCK, PROBED)
    starts = range(0, n - block + 1, n // (PROBED // block)) if n > PROBED else ()
    sample = [item for start in starts for item in plan.slice(range(start, start + block))]
    with no_bombs():
        for items in (sample, *(plan.slice(range(start, start + PROBED)) for start in range(0, n, PROBED))):
            for file in reader(items):
                try:
                    grey, size = probe(file)
                except Exception:  # Pillow lets any kind escape; decoding will say which file and why
                    continue
                sizes.add(size)
                greys.append(grey)
            if greys:
                break
    return sizes, greys


def remarks(plan: Plan, target: Target, size: int | None, channels: int | None, reports: Sequence[Report]) -> list[str]:
    """What was done to the pictures, one sentence each."""
    said = [MIXED] if size is None and target.crop else []
    n, failed = len(plan), [line for report in reports for line in report["failed"]]
    if len(failed) > n / 2:
        row, reason = failed[0]
        said.append(f"{len(failed)} of {n} pictures could not be decoded, first {plan.facts.names[row]}: {reason}")
    found: Counter[str] = Counter()
    for report in reports:
        found.update(report["found"])
    for kind in sorted(found):
        why = f", {MOST[kind]}" if channels is None and kind in MOST else ""
        said.append(f"{found[kind]} of {n} pictures: {SENTENCES.get(kind, f'{kind}, turned into RGB')}{why}")
    return said
