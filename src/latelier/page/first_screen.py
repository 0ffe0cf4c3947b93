"""The first screen of a run's page: is it good, beside what, and what does it look like."""

from collections.abc import Sequence
from typing import Any

from latelier.core import Finding
from latelier.page.drawing import bar, chart
from latelier.page.eight import Eight
from latelier.page.elements import image, size, text
from latelier.sheets.losses import curves, unit
from latelier.verdict.headlines import Headline, bars

SMALL = 128  # size in px up to which images are magnified without smoothing
LEVELS = {"good": "Good", "note": "Note", "warning": "Warning", "failure": "Failed"}
NEXT = "Next: "  # how the finding begins that ends a verdict: a command
KINDS = {"training": "terms", "validation": "validation"}  # how a curve is called -> what records call it


def verdict(findings: Sequence[Finding]) -> str:
    """One line a finding."""
    items = ""
    for level, said in findings:
        if said.startswith(NEXT):
            mark, words = "Next", f"<code>{text(said.removeprefix(NEXT))}</code>"
        else:
            mark, words = LEVELS[level], text(said)
        items += f'<li class="{level}"><span class="level">{mark}</span> <span>{words}</span></li>\n'
    return f'<h2>Verdict</h2>\n<ul class="verdict">\n{items}</ul>\n' if items else ""


def scores(headlines: Sequence[Headline]) -> str:
    """Bars side by side."""
    blocks = "".join(_headline(headline) for headline in headlines)
    return f'<h2>Scores beside baselines</h2>\n<div class="trio">\n{blocks}</div>\n' if blocks else ""


def _headline(headline: Headline) -> str:
    """A table whose numbers are drawn as bars, too."""
    rows = "".join(
        f'<tr{" class=own" * row.own}><th scope="row">{text(row.label)}</th>'
        f'<td class="number">{row.said}</td><td>{bar(row.share)}</td></tr>\n'
        for row in bars(headline)
    )
    name = f"{headline.name}, {headline.unit}" if headline.unit else headline.name
    note = f"<caption>{text(headline.note)}</caption>\n" if headline.note else ""
    return (
        f'<div>\n<h3>{text(name)}</h3>\n<table class="bars" aria-label="{text(name)}">\n{note}{rows}</table>\n</div>\n'
    )


def looks(few: Eight | None, term: str, log: Sequence[dict[str, Any]]) -> str:
    """A few images, and the course of training beside them."""
    eight, training = "", ""
    if few is not None:
        title, caption, pngs, each = few
        shown = "".join(image(png, f"{each}, {place} of {len(pngs)}") for place, png in enumerate(pngs, 1))
        fine = all(size(png)[0] > SMALL for png in pngs)
        eight = (
            f'<div>\n<h2>{text(title)}</h2>\n<figure>\n<div class="eight{"" if fine else " pixelated"}" role="group" '
            f'aria-label="{text(f"{title}: {caption}")}">{shown}</div>\n'
            f"<figcaption>{text(caption)}</figcaption>\n</figure>\n</div>\n"
        )
    if term:
        found = {kind: curves(list(log), terms).get(term) for kind, terms in KINDS.items()}
        lines = {kind: curve for kind, curve in found.items() if curve is not None}
        if drawn := chart(term, lines):
            dashed = "<figcaption>Training drawn through, validation dashed.</figcaption>\n" if len(lines) > 1 else ""
            title = ", ".join(part for part in (term, unit(term)) if part)
            training = f"<div>\n<h2>Training: {text(title)}</h2>\n<figure>\n{drawn}{dashed}</figure>\n</div>\n"
    return f'<div class="pair">\n{eight}{training}</div>\n' if eight or training else ""
