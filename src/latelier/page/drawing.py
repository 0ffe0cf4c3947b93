"""What a run's page draws by itself: bars, and curves over the images seen, as SVG without a script."""

from collections.abc import Mapping, Sequence
from math import floor, isfinite, log10

from latelier.page.elements import text
from latelier.sheets.losses import Curve
from latelier.terminal.tables import number

SPARK = (160, 36)  # px of the small curves
CHART = (440, 150)  # of the large one, its axes included
LEFT, BOTTOM, TOP = 52, 22, 6  # px of the chart's margins
SETTLED = 0.03  # share of the images seen after which values count for the chart's height


def bar(share: float) -> str:
    """A bar over that share of its cell, from 0 to 1. It repeats a number that stands beside it."""
    width = 100 * min(1.0, max(0.0, share))
    return (
        '<svg aria-hidden="true" focusable="false">'
        f'<rect width="{width:.1f}%" height="100%" fill="currentColor"/></svg>'
    )


def spark(term: str, curve: Curve) -> str:
    """The curve as a small drawing, of at most as many points as it has pixels; nothing for a single value."""
    points = thinned(curve, SPARK[0])
    if len(points) < 2:
        return ""
    (left, right), (low, high) = ((min(values), max(values)) for values in zip(*points, strict=True))
    width, height = SPARK
    line = _line(points, (left, right, low, high), (2, width - 2, height - 2, 2))
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{text(term)} over the images seen">'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )


def chart(term: str, lines: Mapping[str, Curve]) -> str:
    """Curves of one term, by name, on common axes: the first drawn through, others dashed. The height is that of the
    values after the first images, whose fall would flatten all that follows: it comes in from beyond the frame. Nothing
    for curves of single values."""
    shown = {name: thinned(curve, CHART[0]) for name, curve in lines.items()}
    shown = {name: points for name, points in shown.items() if len(points) > 1}
    if not shown:
        return ""
    every = [point for points in shown.values() for point in points]
    right = max(x for x, _ in every)
    settled = [y for x, y in every if x >= SETTLED * right]
    low, high = min(settled), max(settled)
    (width, height), drawn = CHART, ""
    span, box = (0.0, float(right), low, high), (LEFT, width - 4, height - BOTTOM, TOP)
    for place, (name, points) in enumerate(shown.items()):
        dash = ' stroke-dasharray="5 3"' if place else ""
        drawn += (
            f'<g class="{text(name)}"><polyline points="{_line(points, span, box)}" fill="none" '
            f'stroke="currentColor" stroke-width="1.6"{dash}/></g>\n'
        )
    ends = ", ".join(f"{name} from {number(p[0][1])} to {number(p[-1][1])}" for name, p in shown.items())
    y = "".join(
        f'<text x="{LEFT - 6}" y="{at + 4}" text-anchor="end">{number(value)}</text>\n'
        for value, at in ((high, TOP + 4), (low, height - BOTTOM))
    )
    inside = (LEFT, 0, width - LEFT, height - BOTTOM + 1)
    x = (
        f'<text x="{LEFT}" y="{height - BOTTOM + 15}">0</text>\n'
        f'<text x="{width - 4}" y="{height - BOTTOM + 15}" text-anchor="end">{_count(right)} images seen</text>\n'
    )
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{text(term)} over the images seen: {text(ends)}">\n'
        f'<path class="frame" d="M{LEFT} {TOP}V{height - BOTTOM}H{width - 4}" fill="none"/>\n{y}{x}'
        f'<svg x="{LEFT}" width="{inside[2]}" height="{inside[3]}" viewBox="{" ".join(map(str, inside))}">\n'
        f"{drawn}</svg>\n</svg>\n"
    )


def _count(images: float) -> str:
    """In words that fit below an axis."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if images >= 10 * size:
            digits = max(0, 2 - floor(log10(images / size)))
            return f"{images / size:.{digits}f}{unit}"
    return f"{images:,.0f}"


def thinned(curve: Curve, most: int) -> list[tuple[int, float]]:
    """At most this many of the finite points, the last among them."""
    points = [(x, y) for x, y in zip(*curve, strict=True) if isfinite(y)]
    every = len(points) // most + 1
    return points[(len(points) - 1) % every :: every]


def _line(
    points: Sequence[tuple[int, float]], span: tuple[float, float, float, float], box: tuple[float, float, float, float]
) -> str:
    """Points of a polyline: ``span`` (left, right, low, high) of values onto ``box`` (left, right, bottom, top) of px;
    what lies very far outside is drawn as far as nine heights away."""
    left, right, low, high = span
    x0, x1, y0, y1 = box
    across, up = (right - left) or 1, (high - low) or 1
    return " ".join(
        f"{x0 + (x1 - x0) * (x - left) / across:.1f},{y0 + (y1 - y0) * min(10.0, max(-9.0, (y - low) / up)):.1f}"
        for x, y in points
    )
