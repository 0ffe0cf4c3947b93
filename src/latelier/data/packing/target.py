"""What a set of images is turned into: decided by the user, else by the headers of a sample of them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from latelier.data.packing.decode import Target, no_bombs, probe, probe_values
from latelier.data.packing.depth import Measured, Span, span_of
from latelier.data.packing.formats import INSTALL
from latelier.data.packing.plan import Plan
from latelier.data.packing.worker import READERS, Item, Report
from latelier.errors import Refusal

PROBED = 256  # images whose headers decide,
BLOCK = 16  # this many of them side by side: places in shards are not free to reach
SIDE = 64  # where sizes differ and the user asks for none
MIXED = f"mixed sizes: each image's shorter side scaled to {SIDE}, centre cropped; --size N chooses another"
SENTENCES = {
    "deep": "more than 8 bits; values of {} to {} are drawn from black to white",
    "clipped": "some values lie outside {} to {}, and are as black or as white; train --range LO,HI chooses others",
    "palette": "with a palette, its colours looked up",
    "alpha": "with transparency, laid on white",
    "turned": "turned upright as EXIF says",
    "frames": "animated, the first frame taken",
    "pages": "of several pages, the first taken",
    "grey": "grey, repeated in three channels",
    "colour": "in colour, turned grey",
}
MOST = {  # why, where the user asked for neither
    "grey": "as most are in colour; --channels 1 takes all in grey",
    "colour": "as most are; --channels 3 takes all in colour",
}


class Sample(NamedTuple):
    """What the headers of some images say, and the values of those of more than 8 bits."""

    sizes: set[tuple[int, int]]  # (height, width)
    greys: list[bool]
    measured: list[Measured]


def aim(plan: Plan, size: int | None, channels: int | None, span: Span | None) -> Target:
    """Where ``channels`` is None, grey if most images are, else colour; the others are converted. Where ``span`` is
    None, black and white of values of more than 8 bits are decided by the sample, if it has such. Raises Refusal where
    one range cannot serve."""
    if size and channels and span:
        return Target(size, size, channels, True, span)
    sizes, greys, measured = _probe(plan, span is None)
    channels = channels or (1 if 2 * sum(greys) > len(greys) else 3)
    target = Target(size or SIDE, size or SIDE, channels, True, span or _span(measured))
    if size is None and len(sizes) == 1 and (1, 1) not in sizes:
        height, width = sizes.pop()
        return target._replace(height=height, width=width, crop=False)
    return target


def aim_deep(plan: Plan) -> Span:
    """Black and white where the sample had no values of more than 8 bits and other images have: by the first
    ``PROBED`` of these. Two equal numbers if they cannot be read. Raises Refusal as ``aim`` does."""
    measured: list[Measured] = []
    n = len(plan)
    for start in range(0, n, PROBED):
        measured += _sampled(plan, plan.slice(range(start, min(n, start + PROBED))), True).measured
        if len(measured) >= PROBED:
            break
    return _span(measured) or (0.0, 0.0)


def _span(measured: Sequence[Measured]) -> Span | None:
    if not measured:
        return None
    if len({m.whole for m in measured}) > 1:
        floats = [m for m in measured if not m.whole]
        whole = [m for m in measured if m.whole]
        raise Refusal(
            f"some images hold whole numbers ({_said(whole)}) and others floats ({_said(floats)}): one range from "
            "black to white serves both only if --range LO,HI says it; or give them apart"
        )
    return span_of(measured)


def _said(measured: Sequence[Measured]) -> str:
    return f"{value(min(m.low for m in measured))} to {value(max(m.high for m in measured))}"


def value(number: float) -> str:
    """A grey value in a sentence."""
    return f"{int(number):,}" if number == int(number) else f"{number:.6g}"


def _probe(plan: Plan, values: bool) -> Sample:
    """Of images from all over the plan, as folders and shards may be all of a kind; of those that open, and where
    none does, of the first that do. ``values``: read those of more than 8 bits."""
    n, block = len(plan), min(BLOCK, PROBED)
    starts = range(0, n - block + 1, n // (PROBED // block)) if n > PROBED else ()
    items = [item for start in starts for item in plan.slice(range(start, start + block))]
    sample = _sampled(plan, items, values)
    for start in range(0, n, PROBED):
        if sample.greys:
            break
        sample = _sampled(plan, plan.slice(range(start, start + PROBED)), values)
    return sample


def _sampled(plan: Plan, items: Iterable[Item], values: bool) -> Sample:
    sample = Sample(set(), [], [])
    with no_bombs():
        for file in READERS[plan.reader](plan.paths)(items):
            try:
                grey, size, deep = probe(file)
                sample.sizes.add(size)
                sample.greys.append(grey)
                if deep and values:
                    sample.measured.append(probe_values(file))
            except Exception:  # Pillow lets any kind escape; decoding will say which file and why
                continue
    return sample


def remarks(plan: Plan, target: Target, size: int | None, channels: int | None, reports: Sequence[Report]) -> list[str]:
    """What was done to the images, one sentence each."""
    said = [MIXED] if size is None and target.crop else []
    n, failed = len(plan), [line for report in reports for line in report["failed"]]
    if len(failed) > n / 2:
        row, reason = failed[0]
        said.append(f"{len(failed)} of {n} images could not be decoded, first {plan.facts.names[row]}: {reason}")
    found: Counter[str] = Counter()
    for report in reports:
        found.update(report["found"])
    reasons = Counter(reason for _, reason in failed if INSTALL in reason)
    said += [f"{count} of {n} images are not read: {reason}" for reason, count in reasons.most_common()]
    for kind in sorted(found):
        why = f", {MOST[kind]}" if channels is None and kind in MOST else ""
        sentence = SENTENCES.get(kind, f"{kind}, turned into RGB").format(*map(value, target.span or ()))
        said.append(f"{found[kind]} of {n} images: {sentence}{why}")
    if 0 < found["deep"] < sum(report["good"] for report in reports):
        said.append("the other images have 8 bits, whose 0 to 255 are drawn from black to white")
    return said
