"""Tables as text for a terminal: plain characters, aligned, the same when piped into a file."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

COMPANIONS = (" sd", " se")
MAJORITY = ("majority %", "balanced majority %")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first is aligned left, the others right."""
    cells = [list(columns), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]

    def line(row: Sequence[str]) -> str:
        rest = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        return "  ".join([row[0].ljust(widths[0]), *rest]).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([title, rule, line(cells[0]), rule, *map(line, cells[1:]), rule])


def number(value: float, digits: int = 4) -> str:
    """This many significant digits, all digits of what is whole or large, without an exponent where it reads better
    without, and no minus before a zero."""
    if math.isfinite(value) and (value == round(value) or abs(value) >= 10**digits - 0.5):
        return fixed(value, 0)
    if 1e-7 <= abs(value) < 1e-4:
        return fixed(value, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:z.{digits}g}"


def fixed(value: float, places: int) -> str:
    """With this many decimals, and no minus before a zero."""
    return f"{value:z,.{places}f}"


def counted(count: float, thing: str) -> str:
    """``1 step``, ``2,000 steps``: this many of a thing whose plural ends in s."""
    shown = number(count, 3)
    return f"{shown} {thing}{'s' * (shown != '1')}"


def decimals(n: int) -> int:
    """How many decimals a percentage of n images has: those that are not all chance, whose share of 98 % is 0.4
    points of 1,000."""
    return 0 if n < 1_000 else 1 if n < 100_000 else 2


def share(value: float, n: int) -> str:
    """``93``: a percentage of n images, where its sign stands elsewhere."""
    return fixed(value, decimals(n))


def percent(value: float, n: int) -> str:
    """``93 %``: a percentage of n images."""
    return f"{share(value, n)} %"


def with_sd(value: float, sd: float, most: int | None = None) -> str:
    """``98.7 ± 0.3``: the spread to one digit that counts, or two where the first is a 1, and the value to as many
    decimals, ``most`` of them at most, for what comes after them is chance. A spread that is nothing at this many is
    left out: all draws agree."""
    if not (math.isfinite(value) and math.isfinite(sd)):
        return f"{number(value)} ± {number(sd)}"
    if sd <= 0:
        return number(value) if most is None else fixed(value, most)
    exponent = math.floor(math.log10(sd))
    places = max(0, (1 if sd < 1.95 * 10**exponent else 0) - exponent)
    if most is not None:
        places = min(places, most)
    return fixed(value, places) + (f" ± {fixed(sd, places)}" if float(fixed(sd, places).replace(",", "")) else "")


def over_finite(values: Sequence[float], said: Callable[[list[float]], str]) -> str:
    """What is ``said`` of the finite values, and how many they are where some are not."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return "not finite"
    return said(finite) if len(finite) == len(values) else f"{said(finite)} ({len(finite)} of {len(values)})"


def with_spread(values: dict[str, float], n: int) -> dict[str, str]:
    """Values that were measured on n images as text; one that has a companion ``NAME sd`` or ``NAME se``, its
    standard deviation or the standard error of it as a mean, carries this as ± and the companion goes. What has none
    has three digits, or four of 1,000 images; percentages those of ``decimals``."""
    found = {}
    few = 3 if n < 1_000 else 4
    for name, value in values.items():
        if name.endswith(COMPANIONS) and name.removesuffix(name[-3:]) in values:
            continue
        companion = next((f"{name}{end}" for end in COMPANIONS if f"{name}{end}" in values), None)
        most = decimals(n) if "%" in name.split() else None
        if companion is not None:
            found[name] = with_sd(value, values[companion], most)
        else:
            found[name] = number(value, few) if most is None or not math.isfinite(value) else share(value, n)
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
    columns = list(dict.fromkeys(budget for row in over.values() for budget in row))
    for name in MAJORITY:
        if columns and name in plain:
            over[name] = dict.fromkeys(columns, plain.pop(name))
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
        plain, over = curves(with_spread(record["values"], record["n"]))
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
        ways = ["How each was measured: --protocols, or a run's scores.json or report."]
    return "\n\n".join([table(title, ("score", "value", "n", "seconds"), rows), *blocks, *notes, *ways])
