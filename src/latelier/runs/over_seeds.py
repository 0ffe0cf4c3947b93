"""Runs that differ in nothing but their seed, as one: means, sds over seeds, and paired tests between methods."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from latelier.config.settings import flat
from latelier.errors import Refusal
from latelier.terminal.tables import COMPANIONS, counted, decimals, number, over_finite, table, with_sd

if TYPE_CHECKING:
    from latelier.runs.run import Run

FEWEST = 6  # pairs: with fewer the two-sided p of Wilcoxon's test cannot fall below .05, as 2 / 2^5 is .0625
ASIDE = ("seed", "out", "resume", "quiet", "tensorboard", "keep", "device", "download", "data_root", "parts")


@dataclass(frozen=True)
class Group:
    """Runs of one method, one configuration and one set of images."""

    name: str
    runs: Mapping[int, "Run"]  # by seed


class Value(NamedTuple):
    """What a score says of one group."""

    by_seed: dict[int, float]
    n: int  # test images


class Paired(NamedTuple):
    """Two groups by the seeds that they have in common."""

    difference: float  # mean of first less other
    sd: float  # of the differences
    pairs: int  # with finite values
    p: float | None  # two-sided, of Wilcoxon's signed-rank test; None: too few pairs, or no difference in any


def grouped(runs: Sequence["Run"]) -> list[Group]:
    """The runs by everything but their seed, in the order in which they were given. Raises Refusal for two runs of one
    group and seed."""
    alike: dict[str, list[Run]] = {}
    for run in runs:
        alike.setdefault(repr(sorted(_settings_of(run).items())), []).append(run)
    found = []
    for name, members in zip(_names([members[0] for members in alike.values()]), alike.values(), strict=True):
        by_seed: dict[int, Run] = {}
        for run in members:
            seed = int(run.config.get("request", {}).get("seed", 0))
            if seed in by_seed:
                raise Refusal(
                    f"--seeds: {by_seed[seed].folder} and {run.folder} are the same training with the same seed "
                    f"({seed}); leave one of them out"
                )
            by_seed[seed] = run
        found.append(Group(name, dict(sorted(by_seed.items()))))
    return found


def tables(groups: Sequence[Group]) -> str:
    """A table of means and sds a set of images, and one of paired tests of the first group against each other, or why
    no test is possible."""
    values = _values(groups)
    blocks = []
    for source in dict.fromkeys(source for source, _ in values):
        mine = {name: cells for (where, name), cells in values.items() if where == source}
        heads = [f"{group.name} ({counted(len(group.runs), 'seed')})" for group in groups]
        rows = [
            [name, *(_cell(name, cells.get(place)) for place in range(len(groups)))] for name, cells in mine.items()
        ]
        blocks.append(table(f"on {source}: mean ± sd over seeds", ("score", *heads), rows))
        blocks += _tests(groups, mine)
    return "\n\n".join(blocks)


def paired(first: Mapping[int, float], other: Mapping[int, float]) -> Paired:
    """Values by seed of two groups; seeds of one alone, and values that are not finite, are left out."""
    seeds = [s for s in first if s in other and math.isfinite(first[s]) and math.isfinite(other[s])]
    difference = np.array([first[seed] - other[seed] for seed in seeds])
    if not len(seeds):
        return Paired(math.nan, math.nan, 0, None)
    sd = float(difference.std(ddof=1)) if len(seeds) > 1 else math.nan
    p = None
    if len(seeds) >= FEWEST and difference.any():
        from scipy.stats import wilcoxon

        p = float(wilcoxon(difference).pvalue)
    return Paired(float(difference.mean()), sd, len(seeds), p)


def _tests(groups: Sequence[Group], mine: Mapping[str, Mapping[int, Value]]) -> list[str]:
    """Of one set of images: the table of tests, and a line on each pair of groups that allows none."""
    base, columns, words = groups[0], list[str](), list[str]()
    against: list[int] = []
    for place, group in enumerate(groups[1:], 1):
        common = len(base.runs.keys() & group.runs.keys())
        if common < FEWEST:
            words.append(
                f"No test of {base.name} against {group.name}: {counted(common, 'seed')} in common, and with fewer "
                f"than {FEWEST} no result of Wilcoxon's signed-rank test has p < .05 (two-sided)."
            )
        else:
            against.append(place)
            columns += [f"{base.name} - {group.name}", "p", "pairs"]
    rows = []
    for name, cells in mine.items():
        row = [name]
        for place in against:
            if 0 not in cells or place not in cells:
                row += ["-", "-", "-"]
                continue
            found = paired(cells[0].by_seed, cells[place].by_seed)
            p = "-" if found.p is None else f"{found.p:.3f}"
            row += [with_sd(found.difference, found.sd) if found.pairs > 1 else "-", p, str(found.pairs)]
        rows.append(row)
    blocks = [table("paired by seed: mean difference ± sd", ("score", *columns), rows)] if against and rows else []
    if blocks:
        words.append(
            "p: Wilcoxon's signed-rank test, two-sided, of the differences by seed; -: they are all 0, or fewer than "
            f"{FEWEST} are finite. Nothing is corrected for the number of tests, {len(rows) * len(against)}."
        )
    return [*blocks, "\n".join(words)] if words else blocks


def _values(groups: Sequence[Group]) -> dict[tuple[str, str], dict[int, Value]]:
    """(source, "score: value") -> place of a group -> what its runs have."""
    found: dict[tuple[str, str], dict[int, Value]] = {}
    for place, group in enumerate(groups):
        for seed, run in group.runs.items():
            for record in run.scores:
                values = record.get("values", {})
                for name, value in values.items():
                    if name.endswith(COMPANIONS) and name[:-3] in values:  # over draws within one run
                        continue
                    key = record["data"], f"{record['name']}: {name}"
                    held = found.setdefault(key, {}).setdefault(place, Value({}, int(record.get("n", 0))))
                    held.by_seed[seed] = float(value)
    return found


def _cell(name: str, value: Value | None) -> str:
    """Mean ± sd of the finite values, and how many they are where some are not."""
    if value is None:
        return "-"
    most = decimals(value.n) if "%" in name.split() else None

    def said(finite: list[float]) -> str:
        mean, sd = float(np.mean(finite)), float(np.std(finite, ddof=1)) if len(finite) > 1 else 0.0
        return with_sd(mean, sd, most) if most is not None or sd else number(mean)

    return over_finite(list(value.by_seed.values()), said)


def _settings_of(run: "Run") -> dict[str, str]:
    """Everything that decides what a run learns but its seed, by dotted names."""
    card, data = run.card.json(), run.config.get("data", {})
    request = {name: value for name, value in run.config.get("request", {}).items() if name not in ASIDE}
    request = {name: value for name, value in request.items() if name not in ("settings", "model", "data")}
    parts = {"config": card.get("config"), "head": card.get("head"), "caption": card.get("caption")}
    whole = {"method": card.get("model"), "data": data.get("fingerprint"), **parts, **request}
    return {name: str(value) for name, value in flat(whole).items()}


def _names(runs: Sequence["Run"]) -> list[str]:
    """The method, and where several groups have the same one, what they differ in."""
    settings = [_settings_of(run) for run in runs]
    names = []
    for own in settings:
        rivals = [other for other in settings if other["method"] == own["method"] and other is not own]
        keys = [key for key in own if any(other.get(key) != own[key] for other in rivals) and key != "data"]
        said = [f"{key.removeprefix('config.')}={own[key]}" for key in keys]
        names.append(" ".join([own["method"], *said]))
    return names
