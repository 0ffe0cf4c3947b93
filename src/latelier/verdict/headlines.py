"""What a report leads with: at most three scores, each beside what it has to beat."""

import math
from collections.abc import Mapping, Sequence
from re import fullmatch
from typing import Any, NamedTuple

from latelier.scores.common import even
from latelier.terminal.tables import counted, decimals, fixed

MOST = 3
LARGEST, CONSTANT = "largest class", "a constant answer"  # rows of what guessing has, balanced the second
BUDGETS = ("10/class", "5/class")  # of a probe's labels, where the verdict has no budget of its own
ELSEWHERE = "labels of other images learned from"  # a probe's value: its codes have seen more than its baselines

Values = Mapping[str, float]


class Row(NamedTuple):
    """One bar of a headline."""

    label: str
    value: float
    own: bool = False  # the run's, beside which the others stand


class Headline(NamedTuple):
    """One score beside its baselines."""

    name: str
    rows: Sequence[Row]
    unit: str = ""
    note: str = ""
    most: float = 0.0  # value of a whole bar; by default the greatest among the rows
    n: int = 0  # images behind rows that are percentages


class Bar(NamedTuple):
    """A row as it is drawn."""

    label: str
    said: str  # the value in words
    share: float  # of a whole bar, from 0 to 1
    own: bool


def bars(headline: Headline) -> list[Bar]:
    """Its rows, with three digits of the greatest value, or as many as so few images allow of a percentage."""
    greatest = max((row.value for row in headline.rows), default=0) or 1
    most, places = headline.most or greatest, max(0, 2 - math.floor(math.log10(greatest)))
    if headline.unit.startswith("%"):
        places = decimals(headline.n)
    return [
        Bar(row.label, fixed(row.value, places), min(1.0, max(0.0, row.value / most)), row.own) for row in headline.rows
    ]


def headlines(facts: Values, records: Sequence[Mapping[str, Any]]) -> list[Headline]:
    """The first three that can be had of what was measured for a verdict, and of the scores' records. A value without a
    baseline is none of them."""
    scores = {record["name"]: record.get("values", {}) for record in records}
    counts = {record["name"]: record.get("n", 0) for record in records}
    found = (
        _kept(facts),
        _classified(facts)
        or _known(facts, scores.get("probe", {}), counts.get("probe", 0)),  # codes that learned from labels carry them
        _attributed(facts),
        _parts(scores.get("part_consistency", {})),
        _captions(scores.get("captions", {})),
        _drawn(facts, scores.get("fid", {})),
        _prior(scores.get("prior_gap", {})),
    )
    return [headline for headline in found if headline is not None][:MOST]


def budgets(facts: Values) -> tuple[str, ...]:
    """Of a probe's labels, the first of which the page's bars and the verdict's sentence are: that of the quick probe,
    so that scoring changes no verdict by asking for fewer labels."""
    own = facts.get("labels a class")
    return BUDGETS if own is None else (f"{own:.0f}/class", *BUDGETS)


def _rows(values: Values, names: Mapping[str, str]) -> list[Row]:
    """label -> name of the value; the first is the run's own. Empty where that or all others are missing."""
    own, *others = names.items()
    rows = [Row(label, max(0.0, values[name])) for label, name in others if name in values]
    return [Row(own[0], max(0.0, values[own[1]]), own=True), *rows] if rows and own[1] in values else []


def _kept(facts: Values) -> Headline | None:
    size = f"PCA, {facts.get('components', 0):.0f} numbers"
    rows = _rows(facts, {"this model": "PSNR", size: "PSNR of PCA", "the mean image": "PSNR of mean"})
    return Headline("Reconstruction", rows, "PSNR in dB", "A longer bar is a closer image.") if rows else None


def _classified(facts: Values) -> Headline | None:
    pixels = f"pixels, {counted(facts.get('baseline labels', 0), 'label')}"
    uneven = "guess" in facts
    names = {"this model": "accuracy", pixels: "baseline accuracy", LARGEST: "largest class"}
    if uneven:
        names = {"this model": "balanced accuracy", pixels: "balanced baseline", CONSTANT: "guess"}
    rows = _rows(facts, names)
    note = "Unseen images classified correctly. Pixels: logistic regression on their PCA."
    if facts.get("seen"):
        note = note.replace("Unseen", "Seen")
    return (
        Headline("Classes", rows, "% balanced" if uneven else "% right", note, most=100, n=_measured(facts))
        if rows
        else None
    )


def _attributed(facts: Values) -> Headline | None:
    pixels = f"pixels, {counted(facts.get('attributes labels', 0), 'label')}"
    rows = _rows(facts, {"this model": "attributes balanced", pixels: "attributes balanced of pixels"})
    note = "Balanced accuracy: a constant answer has 50. Pixels: logistic regression on their PCA."
    return Headline("Attributes", rows, "% balanced", note, most=100, n=_measured(facts)) if rows else None


def _measured(facts: Values) -> int:
    return int(facts.get("labelled", facts.get("images", 0)))


def _known(facts: Values, probe: Values, n: int) -> Headline | None:
    """A probe of n test images, unless the quick one was of more, and then that."""
    spaces = {"codes": "codes", "pixels": "pixels", "PCA of pixels": "PCA"}
    if ELSEWHERE in probe:
        return None
    if n < facts.get("labelled", 0):  # score --limit
        probe = {}
    every = [match[1] for name in probe if (match := fullmatch(r"linear codes (\d+/class|all) %", name))]
    title, by = "What codes know of classes", even(probe)
    for budget in (*(budget for budget in budgets(facts) if budget in every), *every):
        names = {label: f"{by}linear {space} {budget} %" for label, space in spaces.items()}
        if rows := _rows(probe, names | {CONSTANT if by else LARGEST: f"{by}majority %"}):
            return Headline(title, rows, f"% {by.strip() or 'right'}", _probe_note(budget), most=100, n=n)
    names = {label: f"accuracy of {space}" for label, space in spaces.items()}
    uneven = "guess" in facts
    if rows := _rows(facts, names | ({CONSTANT: "guess"} if uneven else {LARGEST: "largest class"})):
        said, unit = _probe_note(f"{facts.get('labels a class', 0):.0f}/class"), "% balanced" if uneven else "% right"
        return Headline(title, rows, unit, said, most=100, n=_measured(facts))
    return None


def probed(
    records: Sequence[Mapping[str, Any]], stamp: Mapping[str, Any], labels: Sequence[str], least: float = 0
) -> dict[str, float]:
    """What a probe among the records that have this ``stamp`` found at the first of these budgets that it has, as facts
    of a verdict. One of fewer images than ``least`` (``score --limit``) is passed over."""
    of = [record for record in records if {**stamp, "name": "probe"}.items() <= record.items()]
    for record in (record for record in of if record.get("n", 0) >= least):
        values = record.get("values", {})
        by = even(values)
        for budget in labels:
            names = {space: f"{by}linear {space} {budget} %" for space in ("codes", "pixels", "PCA")}
            if not all(name in values for name in (*names.values(), "majority %")):
                continue
            share = values[names["codes"]] / 100
            draws = [values.get(f"{names[space]} sd", 0.0) / 5**0.5 for space in ("codes", "pixels")]
            found = {f"accuracy of {space}": values[name] for space, name in names.items()}
            found |= {"guess": values["balanced majority %"]} if by else {}
            return found | {
                "largest class": values["majority %"],
                "labels a class": float(budget.removesuffix("/class")),
                "labelled": float(record["n"]),
                "accuracy lead error": math.hypot(*draws, 100 * math.sqrt(share * (1 - share) / record["n"])),
            }
    return {}


def _probe_note(budget: str) -> str:
    count = budget.removesuffix("/class")
    labels = "all labels" if budget == "all" else f"{counted(int(count), 'label')} a class"
    return f"A linear probe that learned from {labels}."


def _parts(score: Values) -> Headline | None:
    names = {"this model": "AP any parts", "k-means": "AP any k-means", "chance": "AP any base"}
    rows = _rows(score, names)
    return Headline("Parts that are shapes", rows, "average precision", most=1) if rows else None


def _captions(score: Values) -> Headline | None:
    names = {"this model": "CIDEr", "of nearest image": "CIDEr nearest", "the commonest": "CIDEr commonest"}
    rows = _rows(score, names)
    return Headline("Captions", rows, "CIDEr", "A longer bar is nearer to people's captions.") if rows else None


def _drawn(facts: Values, fid: Values) -> Headline | None:
    distance = "drawn distance"
    names = {
        "this model": distance,
        "Gaussian of pixels": f"{distance} of Gaussian",
        "the mean image": f"{distance} of mean",
        "other real ones": f"{distance} of others",
    }
    if rows := _rows(facts, names):
        return Headline("Drawn images", rows, "kernel distance", "To real images: a shorter bar is nearer.")
    names = {"this model": "Frechet distance of samples", "other real ones": "Frechet distance of training images"}
    rows = _rows(fid, names)
    return (
        Headline("Drawn images", rows, "Frechet distance", "To real images: a shorter bar is nearer.") if rows else None
    )


def _prior(score: Values) -> Headline | None:
    rows = _rows(score, {"codes": "MMD^2", "the prior itself": "MMD^2 null"})
    return (
        Headline("Codes beside the prior", rows, "MMD²", "A shorter bar is nearer: samples then look like images.")
        if rows
        else None
    )
