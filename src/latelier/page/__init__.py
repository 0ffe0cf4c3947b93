"""A run as one page: HTML with its style and images inside, no script, and nothing that is fetched from anywhere.

The first screen says whether the run is good and shows it; what follows can be looked up. Long sheets and protocols
are folded, but on paper all is open.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from re import match
from statistics import median
from typing import Any, NamedTuple

from latelier.core import Finding
from latelier.data.sources.own import GENERATOR
from latelier.page.drawing import spark
from latelier.page.eight import Eight
from latelier.page.elements import Html, image, size, text
from latelier.page.first_screen import looks, scores, verdict
from latelier.page.style import STYLE
from latelier.sheets.losses import curves, unit
from latelier.terminal.tables import counted, number
from latelier.verdict.headlines import Headline

SKIPPED = 20  # names of skipped files shown at most
OPEN = 2_000  # px of sheets that are shown unfolded on a screen 1,280 px wide: to the third screen or so
WIDE = 1_136  # px that a sheet has there
NUMBER = r"[-+−±]?\.?\d|$"  # how a cell begins that is one, or is empty
RIGHT = ' class="number"'


@dataclass(frozen=True)
class Table:
    """One table. The first column names the rows."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""  # under it
    winners: frozenset[tuple[int, int]] = frozenset()  # (row, column) of the cells to be marked as best
    protocol: str = ""  # how it was measured, folded away


class Figure(NamedTuple):
    """One sheet."""

    name: str
    caption: str
    png: bytes


@dataclass(frozen=True)
class Material:
    """What a page is made of. Whatever is empty is left out of it."""

    title: str
    summary: str  # one paragraph
    verdict: Sequence[Finding] = ()
    headlines: Sequence[Headline] = ()
    eight: Eight | None = None
    curve: str = ""  # the term of the log that the first screen shows
    facts: Mapping[str, str] = field(default_factory=dict)  # model, data, settings
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()  # in the order in which they are shown
    undrawn: Sequence[tuple[str, str]] = ()  # sheets that there are not, each with the reason
    log: Sequence[dict[str, Any]] = ()  # records of log.jsonl
    skipped: Sequence[str] = ()  # files that could not be decoded
    remarks: Sequence[str] = ()  # one sentence each
    commands: Sequence[str] = ()  # what makes the run again


def page(material: Material) -> str:
    """The whole page, as UTF-8 text. Everything that comes from outside is escaped, and a content policy in the head
    forbids scripts and requests."""
    sections = {
        "Sheets": _figures(material.figures) + _undrawn(material.undrawn),
        "Scores": "".join(_table(table) for table in material.tables),
        "Training": _training(material.log),
        "Settings": _grid("Settings", ("setting", "value"), list(material.facts.items())) if material.facts else "",
        "Remarks": _list(material.remarks),
        f"Files that could not be read: {len(material.skipped):,}": _skipped(material.skipped),
        "To make it again": _commands(material.commands),
    }
    sections = {title: content for title, content in sections.items() if content}
    contents = "".join(f'<li><a href="#{_anchor(title)}">{text(title)}</a></li>' for title in sections)
    nav = f'<nav aria-label="Contents"><ul>{contents}</ul></nav>\n' if contents else ""
    body = "".join(
        f'<section id="{_anchor(title)}">\n<h2>{text(title)}</h2>\n{content}</section>\n'
        for title, content in sections.items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{GENERATOR}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>{text(material.title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<div class="first">
<h1>{text(material.title)}</h1>
<p class="lead">{text(material.summary)}</p>
{verdict(material.verdict)}{scores(material.headlines)}{looks(material.eight, material.curve, material.log)}</div>
{nav}{body}</main>
</body>
</html>
"""


def _anchor(title: str) -> str:
    """The section's place on the page."""
    return title.partition(":")[0].lower().replace(" ", "-")


def _figures(figures: Sequence[Figure]) -> str:
    """The first sheets in full, as far as there is room, and the others folded."""
    out, used = "", 0.0
    for figure in figures:
        width, height = size(figure.png)
        used += height * min(1.0, WIDE / width)
        out += _figure(figure, folded=used > OPEN)
    return out


def _undrawn(sheets: Sequence[tuple[str, str]]) -> str:
    """Folded, as what is no fault of the run."""
    if not sheets:
        return ""
    grid = _grid("Sheets that could not be drawn", ("sheet", "reason"), sheets)
    return f"<details>\n<summary><h3>Could not be drawn: {len(sheets)}</h3></summary>\n{grid}</details>\n"


def _figure(figure: Figure, folded: bool) -> str:
    card = (
        f'<div class="card" tabindex="0" role="group" aria-label="{text(figure.name)}">'
        f"{image(figure.png, f'{figure.name}: {figure.caption}')}</div>\n"
    )
    name, caption = f"<h3>{text(figure.name)}</h3>", text(figure.caption)
    if folded:
        return f'<details>\n<summary>{name} <span class="soft">{caption}</span></summary>\n{card}</details>\n'
    return f"<figure>\n{name}\n{card}<figcaption>{caption}</figcaption>\n</figure>\n"


def _table(table: Table) -> str:
    legend = "★ marks the best. " if table.winners else ""
    note = f'<p class="soft">{text(legend + table.note)}</p>\n' if legend or table.note else ""
    fold = (
        f"<details>\n<summary>How it was measured</summary>\n<p>{text(table.protocol)}</p>\n</details>\n"
        if table.protocol
        else ""
    )
    grid = _grid(table.title, table.columns, table.rows, table.winners)
    return f"<h3>{text(table.title)}</h3>\n{grid}{note}{fold}"


def _grid(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    winners: frozenset[tuple[int, int]] = frozenset(),
) -> str:
    """A table whose first column names the rows; columns of numbers are set to the right."""
    right = [place > 0 and all(match(NUMBER, row[place]) for row in rows) for place in range(len(columns))]
    head = "".join(
        f'<th scope="col"{RIGHT * right[place]}>{text(name)}</th>' if name else "<td></td>"
        for place, name in enumerate(columns)
    )
    body = ""
    for line, (name, *values) in enumerate(rows):
        body += f'<tr><th scope="row">{text(name)}</th>'
        for place, value in enumerate(values, start=1):
            best = (line, place) in winners
            body += f"<td{RIGHT * right[place]}>{f'<b>{text(value)} ★</b>' if best else text(value)}</td>"
        body += "</tr>\n"
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{text(title)}"><table aria-label="{text(title)}">'
        f"\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
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
            Html(spark(term, (seen, values))),
        )
        for term, (seen, values) in terms.items()
    ]
    speeds = [record["images_per_second"] for record in log if "images_per_second" in record]
    pace = f", {median(speeds):,.0f} images/s (median)" if speeds else ""
    note = f'<p class="soft">{counted(max(record["seen"] for record in log), "image")} seen{pace}.</p>\n'
    columns = ["term", "first", "last", "last, validation", "unit", "over the images seen"]
    return note + _grid("Terms of training", columns, rows)


def _list(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{text(line)}</li>\n" for line in lines)
    return f"<ul>\n{items}</ul>\n" if items else ""


def _skipped(names: Sequence[str]) -> str:
    more = f'<p class="soft">and {len(names) - SKIPPED:,} more</p>\n' if len(names) > SKIPPED else ""
    return _list(names[:SKIPPED]) + more


def _commands(commands: Sequence[str]) -> str:
    said = text("\n".join(commands))
    return f'<pre tabindex="0"><code>{said}</code></pre>\n' if commands else ""
