"""Tables as text for a terminal: plain characters, aligned, the same when piped into a file."""

import re
from collections.abc import Sequence
from typing import Any


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


def with_spread(values: dict[str, float]) -> dict[str, str]:
    """Values as text; one that has a companion ``NAME sd`` carries it as ± and the companion goes."""
    spread = {name.removesuffix(" sd"): value for name, value in values.items() if name.endswith(" sd")}
    return {
        name: number(value) + (f" ± {number(spread[name])}" if name in spread else "")
        for name, value in values.items()
        if not name.endswith(" sd")
    }


def curves(values: dict[str, str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Splits values into plain ones and those over label budgets: ``linear codes 5/class %`` -> {"linear codes %":
    {"5/class": ...}}, which read better as one row."""
    plain, over = dict[str, str](), dict[str, dict[str, str]]()
    for name, value in values.items():
        match = re.fullmatch(r"(.+) (\d+/class|all) (%)", name)
        if match:
            over.setdefault(f"{match[1]} {match[3]}", {})[match[2]] = value
        else:
            plain[name] = value
    return plain, over


def score_table(records: Sequence[dict[str, Any]], title: str) -> str:
    """Every value with its n and seconds; protocols and verdicts below, and why what has no value has none."""
    rows, blocks, notes = [], [], []
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
        notes.append(
            f"{record['name']}: {record['protocol']}" + (f"\n  => {record['verdict']}" if "verdict" in record else "")
        )
    return "\n\n".join([table(title, ("score", "value", "n", "seconds"), rows), *blocks, *notes])
