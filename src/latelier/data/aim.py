"""What a set of pictures is turned into: decided by the user, else by the headers of the first pictures."""

from collections import Counter
from collections.abc import Sequence

from latelier.core import Refusal
from latelier.data.decode import Target, no_bombs, probe
from latelier.data.plan import Plan
from latelier.data.worker import READERS, Report

PROBED = 256  # pictures whose headers decide
SIDE = 64  # where sizes differ and the user asks for none
MIXED = f"mixed sizes: each picture's shorter side scaled to {SIDE}, centre cropped; --size N chooses another"
CHOOSE = "say --channels 3 to have all in colour, or --channels 1 to have all in grey"
SENTENCES = {
    "deep": "16-bit grey, scaled to 8 bits by its range",
    "palette": "with a palette, its colours looked up",
    "alpha": "with transparency, laid on white",
    "turned": "turned upright as EXIF says",
    "frames": "animated, the first frame taken",
    "grey": "grey, repeated in three channels",
    "colour": "in colour, turned grey",
}


def aim(plan: Plan, size: int | None, channels: int | None) -> Target:
    """Raises Refusal when the first pictures are partly grey, partly in colour and ``channels`` is None."""
    if size and channels:
        return Target(size, size, channels, crop=True, strict=False)
    sizes, greys = _probe(plan)
    if channels is None and 0 < sum(greys) < len(greys):
        grey, colour = sum(greys), len(greys) - sum(greys)
        raise Refusal(f"of the first {len(greys)} pictures {grey} are grey and {colour} in colour: {CHOOSE}")
    target = Target(size or SIDE, size or SIDE, channels or (1 if all(greys) else 3), True, strict=channels is None)
    if size is None and len(sizes) == 1 and (1, 1) not in sizes:
        height, width = sizes.pop()
        return target._replace(height=height, width=width, crop=False)
    return target


def _probe(plan: Plan) -> tuple[set[tuple[int, int]], list[bool]]:
    """Sizes and greyness of the first pictures that open."""
    sizes, greys = set(), []
    reader = READERS[plan.reader](plan.paths)
    with no_bombs():
        for start in range(0, len(plan), PROBED):
            for file in reader(plan.slice(range(start, start + PROBED))):
                try:
                    grey, size = probe(file)
                except Exception:  # Pillow lets any kind escape; decoding will say which file and why
                    continue
                sizes.add(size)
                greys.append(grey)
            if greys:
                break
    return sizes, greys


def remarks(plan: Plan, target: Target, size: int | None, reports: Sequence[Report]) -> list[str]:
    """What was done to the pictures, one sentence each."""
    said = [MIXED] if size is None and target.crop else []
    n, failed = len(plan), [line for report in reports for line in report["failed"]]
    if len(failed) > n / 2:
        row, reason = failed[0]
        said.append(f"{len(failed)} of {n} pictures could not be decoded, first {plan.facts.names[row]}: {reason}")
    found: Counter[str] = Counter()
    for report in reports:
        found.update(report["found"])
    return said + [
        f"{found[kind]} of {n} pictures: {SENTENCES.get(kind, f'{kind}, turned into RGB')}" for kind in sorted(found)
    ]
