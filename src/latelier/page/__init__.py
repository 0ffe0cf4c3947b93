"""A run as one page: HTML with its style and pictures inside, no script, and nothing that is fetched from anywhere."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import isfinite
from re import match
from statistics import median
from typing import Any, NamedTuple

from latelier.pictures.losses import Curve, curves, unit
from latelier.tables import number

SKIPPED = 20  # names of skipped files shown at most
SPARK = (160, 36)  # px of the small curves
NUMBER = r"[-+−±]?\.?\d|$"  # how a cell begins that is one, or is empty
RIGHT = ' class="number"'
STYLE = """
:root {
  color-scheme: light dark;
  --ink: #222; --soft: #666; --paper: #fff; --card: #f5f5f3; --line: #ddd; --best: #b34700;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e4e4; --soft: #a5a5a5; --paper: #17181a; --card: #222427; --line: #3a3c40; --best: #ffa45c }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 76rem; margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 2.5rem) 4rem }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .5rem 0 }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem }
h1, h2, h3, p, figcaption, li { overflow-wrap: anywhere }
p, figcaption, li { max-width: 46rem }
.soft, figcaption { color: var(--soft); font-size: .9rem }
figure { margin: 1rem 0 2rem }
figcaption { margin-top: .5rem }
.card { background: #fff; border: 1px solid var(--line); border-radius: 6px; overflow-x: auto }
.card img { display: block; max-width: 100%; height: auto }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .95rem }
th, td { padding: .35rem 1.2rem .35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: break-word }
th, td { text-align: left; vertical-align: top; max-width: 40rem }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom }
tbody th { font-weight: 500; min-width: 8rem }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
b { color: var(--best) }
pre { background: var(--card); border-radius: 6px; padding: .9rem 1rem; overflow-x: auto; font-size: .9rem }
svg { display: block; color: var(--ink) }
@media (max-width: 44rem) { .card img { max-width: none } }
"""


@dataclass(frozen=True)
class Table:
    """One table. The first column names the rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""  # under it: protocol, n, seconds
    winners: frozenset[tuple[int, int]] = frozenset()  # (row, column) of the cells to be marked as best


class Picture(NamedTuple):
    """One sheet."""

    name: str
    caption: str
    png: bytes


@dataclass(frozen=True)
class Material:
    """What a page is made of. Whatever is empty is left out of it."""

    title: str
    summary: str  # one paragraph
    facts: Mapping[str, str] = field(default_factory=dict)  # model, data, settings
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    log: Sequence[dict[str, Any]] = ()  # records of log.jsonl
    skipped: Sequence[str] = ()  # files that could not be decoded
    remarks: Sequence[str] = ()  # one sentence each
    commands: Sequence[str] = ()  # what makes the run again


def page(material: Material) -> str:
    """The whole page, as UTF-8 text. Everything that comes from outside is escaped, and a content policy in the head
    forbids scripts and requests."""
    sections = [
        _section("Scores", "".join(_table(table) for table in material.tables)),
        _section("Pictures", "".join(_figure(picture) for picture in material.pictures)),
        _section("Training", _training(material.log)),
        _section("What was run", _grid(("", ""), list(material.facts.items())) if material.facts else ""),
        _section("Remarks", _list(material.remarks)),
        _section(f"Files that could not be read: {len(material.skipped):,}", _skipped(material.skipped)),
        _section("To make it again", _commands(material.commands)),
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>{_text(material.title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{_text(material.title)}</h1>
<p>{_text(material.summary)}</p>
{"".join(sections)}</main>
</body>
</html>
"""


class _Html(str):
    """What is HTML already."""


def _text(value: str) -> str:
    """Escaped for text and attributes; what UTF-8 cannot say (in names of files) becomes a question mark."""
    return value if isinstance(value, _Html) else escape(value.encode("utf-8", "replace").decode())


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{_text(title)}</h2>\n{content}</section>\n" if content else ""


def _table(table: Table) -> str:
    legend = "★ marks the best. " if table.winners else ""
    note = f'<p class="soft">{_text(legend + table.note)}</p>\n' if legend or table.note else ""
    return f"<h3>{_text(table.title)}</h3>\n{_grid(table.columns, table.rows, table.winners)}{note}"


def _grid(
    columns: Sequence[str], rows: Sequence[Sequence[str]], winners: frozenset[tuple[int, int]] = frozenset()
) -> str:
    """A table whose first column names the rows; columns of numbers are set to the right."""
    right = [place > 0 and all(match(NUMBER, row[place]) for row in rows) for place in range(len(columns))]
    head = "".join(f'<th scope="col"{RIGHT * right[place]}>{_text(name)}</th>' for place, name in enumerate(columns))
    body = ""
    for line, (name, *values) in enumerate(rows):
        body += f'<tr><th scope="row">{_text(name)}</th>'
        for place, value in enumerate(values, start=1):
            best = (line, place) in winners
            body += f"<td{RIGHT * right[place]}>{f'<b>{_text(value)} ★</b>' if best else _text(value)}</td>"
        body += "</tr>\n"
    return (
        f'<div class="scroll" tabindex="0"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        f"{body}</tbody>\n</table></div>\n"
    )


def _figure(picture: Picture) -> str:
    width, height = (int.from_bytes(picture.png[at : at + 4]) for at in (16, 20))  # of the PNG header
    data = b64encode(picture.png).decode()
    return (
        f'<figure>\n<h3>{_text(picture.name)}</h3>\n<div class="card" tabindex="0">'
        f'<img src="data:image/png;base64,{data}" alt="{_text(f"{picture.name}: {picture.caption}")}" '
        f'width="{width}" height="{height}"></div>\n<figcaption>{_text(picture.caption)}</figcaption>\n</figure>\n'
    )


def _training(log: Sequence[dict[str, Any]]) -> str:
    """Each term at the start and at the end, with its course as a small curve."""
    terms, validation = curves(list(log), "terms"), curves(list(log), "validation")
    if not terms:
        return ""
    rows = [
        (
            term,
            number(values[0]),
            number(values[-1]),
            number(validation[term][1][-1]) if term in validation else "",
            unit(term),
            _Html(_spark(term, (seen, values))),
        )
        for term, (seen, values) in terms.items()
    ]
    speeds = [record["images_per_second"] for record in log if "images_per_second" in record]
    pace = f", {median(speeds):,.0f} images/s (median)" if speeds else ""
    note = f'<p class="soft">{max(record["seen"] for record in log):,} images seen{pace}.</p>\n'
    return note + _grid(["term", "first", "last", "last, validation", "unit", "over the images seen"], rows)


def _spark(term: str, curve: Curve) -> str:
    """The curve as a small drawing, of at most as many points as it has pixels."""
    points = [(x, y) for x, y in zip(*curve, strict=True) if isfinite(y)]
    every = len(points) // SPARK[0] + 1
    points = points[(len(points) - 1) % every :: every]  # the last one stays
    if len(points) < 2:
        return ""
    (left, right), (low, high) = ((min(values), max(values)) for values in zip(*points, strict=True))
    width, height = SPARK
    across = [2 + (width - 4) * (x - left) / (right - left) for x, _ in points]
    up = [2 + (height - 4) * (high - y) / ((high - low) or 1) for _, y in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, up, strict=True))
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{_text(term)} over the images seen">'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )


def _list(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{_text(line)}</li>\n" for line in lines)
    return f"<ul>\n{items}</ul>\n" if items else ""


def _skipped(names: Sequence[str]) -> str:
    more = f'<p class="soft">and {len(names) - SKIPPED:,} more</p>\n' if len(names) > SKIPPED else ""
    return _list(names[:SKIPPED]) + more


def _commands(commands: Sequence[str]) -> str:
    return f"<pre><code>{_text(chr(10).join(commands))}</code></pre>\n" if commands else ""
