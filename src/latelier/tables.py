"""Tables as text for a terminal: plain characters, aligned, the same when piped into a file."""

import math
import re
from collections.abc import Sequence
from typing import Any

COMPANIONS = (" sd", " se")
MAJORITY = "majority %"


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first is aligned left, the others right."""
    cells = [list(columns), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]

    def line(row: Sequence[str]) -> str:
        rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        return "  ".join([row[0].ljust(widths[0]), *rest]).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([title, rule, line(cells[0]), rule, *map(line, cells[1:]), rule])


def number(value: float) -> str:
    """Four significant digits, without an exponent where it reads better without."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def counted(count: int, thing: str) -> str:
    """``1 step``, ``2,000 steps``: so many of a thing whose plural ends in s."""
    return f"{count:,} {thing}{'s' * (count != 1)}"


def with_sd(value: float, sd: float) -> str:
    """``98.7 ± 0.3``: the spread to one digit that counts, or two where the first is a 1, and the value to as many
    decimals, for what comes after them is chance."""
    if not (math.isfinite(value) and math.isfinite(sd)) or sd <= 0:
        return f"{number(value)} ± {number(sd)}"
    exponent = math.floor(math.log10(sd))
    places = max(0, (1 if sd < 1.95 * 10**exponent else 0) - exponent)
    return f"{value:,.{places}f} ± {sd:,.{places}f}"


def with_spread(values: dict[str, float]) -> dict[str, str]:
    """Values as text; one that has a companion ``NAME sd`` or ``NAME se``, its standard deviation or the standard
    error of it as a mean, carries this as ± and the companion goes."""
    found = {}
    for name, value in values.items():
        if name.endswith(COMPANIONS) and name.removesuffix(name[-3:]) in values:
            continue
        companion = next((f"{name}{end}" for end in COMPANIONS if f"{name}{end}" in values), None)
        found[name] = number(value) if companion is None else with_sd(value, values[companion])
    return found


def curves(values: dict[str, str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Splits values into plain ones and those over label budgets: ``linear codes 5/class %`` -> {"linear codes %":
    {"5/class": ...}}, which read better as one row. The share of the commonest class stands among the latter, in every
    column."""
    plain, over = dict[str, str](), dict[str, dict[str, str]]()
    for name, value in values.items():
        match = re.fullmatch(r"(.+) (\d+/class|all) (%)", name)
        if match:
            over.setdefault(f"{match[1]} {match[3]}", {})[match[2]] = value
        else:
            plain[name] = value
    if over and MAJORITY in plain:
        over[MAJORITY] = dict.fromkeys((budget for row in over.values() for budget in row), plain.pop(MAJORITY))
    return plain, over


def score_table(records: Sequence[dict[str, Any]], title: str, protocols: bool = False) -> str:
    """Every value with its n and seconds; below it what scores say in words, why what has no value has none, and last
    how each was measured, or where that stands."""
    rows, blocks, notes, ways = [], [], [], []
    for record in records:
        if "reason" in record:
            rows.append([record["name"], "not taken", "", ""])
            notes.append(f"{record['name']}: not taken; {record['reason']}")
            continue
        plain, over = curves(with_spread(record["values"]))
        for place, (name, value) in enumerate(plain.items()):
            tail = [f"{record['n']:,}", f"{record['seconds']:.1f}"] if place == 0 else ["", ""]
            rows.append([f"{record['name']}: {name}", value, *tail])
        if over:
            budgets = list(dict.fromkeys(budget for row in over.values() for budget in row))
            cells = [[name, *(row.get(budget, "-") for budget in budgets)] for name, row in over.items()]
            blocks.append(table(f"{record['name']}, by labels", ("", *budgets), cells))
        ways.append(f"{record['name']}: {record['protocol']}")
        if "verdict" in record:
            notes.append(f"{record['name']}: {record['verdict']}")
    if ways and not protocols:
        ways = ["How each was measured: --protocols, or the run's scores.json or report."]
    return "\n\n".join([table(title, ("score", "value", "n", "seconds"), rows), *blocks, *notes, *ways])
