"""Gathers what a run's page shows: its scores, its sheets, its settings, its log, and the commands that make it
again."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from latelier.codes.fitted import prior_of
from latelier.config.lookup import sentence
from latelier.config.settings import words
from latelier.core import Finding
from latelier.data.images import Images
from latelier.errors import Refusal
from latelier.page import Figure, Material, Table
from latelier.page.eight import COUNT, eight
from latelier.page.first_screen import NEXT
from latelier.runs.command import command, explore, report
from latelier.runs.run import Run
from latelier.scores.probe import ahead
from latelier.sheets import find, ordered, possible, wanted
from latelier.sheets.sheet import png
from latelier.sheets.view import Judging
from latelier.storage import json_records
from latelier.terminal.progress import step
from latelier.terminal.tables import counted, curves, with_spread
from latelier.verdict.headlines import headlines

COMPRESSION = 6  # of sheets: 9 takes three times as long for a fiftieth fewer bytes
LEADING = ("loss", "elbo")  # terms that say how training went, where a run has them


def material(
    run: Run,
    images: Images,
    *,
    verdict: Sequence[Finding] = (),
    measured: Mapping[str, float] | None = None,
    judge: Judging | None = None,
    summary: str = "",
    before: Sequence[Table] = (),
    first: Sequence[Figure] = (),
) -> Material:
    """The page of a run, drawn on these images; ``verdict`` is what was found of it, and ``measured`` the named numbers
    behind that; ``judge`` learns to tell what edits show. ``before`` are tables and ``first`` images that come
    first."""
    skipped, shown = run.folder / "skipped.txt", f"Shown and measured here: {images.source}."
    data, found = run.config.get("data", {}), sheets(run, images, judge=judge)
    own = data.get("images", run.seen)
    learned = counted(run.seen, "image") + (f", {own:,} different ones" if own < run.seen else "")
    return Material(
        title=f"{run.name}: {run.card.model} on {data.get('source', 'images')}",
        summary=summary or f"A {run.card.model} after {learned}. {shown}",
        verdict=onward(run, verdict, images.source),
        headlines=headlines(measured or {}, [record for record in run.scores if record["data"] == images.source]),
        eight=eight(run.view(images, "", most=COUNT)),
        curve=leading(run.log),
        facts=facts(run),
        tables=[*before, *(table for record in run.scores for table in score_tables(record)), *_untaken(run.scores)],
        figures=[*first, *found.drawn],
        undrawn=found.undrawn,
        log=run.log,
        skipped=json_records.text(skipped, errors="surrogateescape").splitlines() if skipped.exists() else (),
        remarks=[*run.remarks, *data.get("remarks", ())],
        commands=[command(run), report(run, images.source)],
    )


def onward(run: Run, verdict: Sequence[Finding], source: str) -> list[Finding]:
    """The verdict for a reader of the page, who needs not be sent to it: the explorer is next."""
    own = NEXT + report(run, source)
    return [finding._replace(text=NEXT + explore(run)) if finding.text == own else finding for finding in verdict]


def leading(log: Sequence[dict[str, Any]]) -> str:
    """The term of the log that a page shows first; none of an empty log."""
    terms = list(dict.fromkeys(term for record in log for term in record.get("terms", {})))
    return next((term for term in (*LEADING, *terms) if term in terms), "")


def score_tables(record: dict[str, Any]) -> list[Table]:
    """A score's record as one table of values, and one more for what was measured over label budgets; nothing for a
    score that could not be taken."""
    if "reason" in record:
        return []
    plain, over = curves(with_spread(record["values"], record["n"]))
    title, seconds = f"{record['name']} on {record['data']}", f"{record['seconds']:.1f} s"
    scope = f"n = {record['n']:,}, {seconds}, seed {record['seed']}."
    said, protocol = record.get("verdict", ""), f"{record['protocol']} {scope}"
    tables = []
    if plain:
        rows = [list(row) for row in plain.items()]
        notes = ("", "") if over else (said, protocol)
        tables.append(Table(title, ("", "value"), rows, notes[0], protocol=notes[1]))
    if over:
        budgets = list(dict.fromkeys(budget for row in over.values() for budget in row))
        rows = [[name, *(row.get(budget, "") for budget in budgets)] for name, row in over.items()]
        best = _best_of_each(list(over), budgets, record)
        tables.append(Table(f"{title}, by labels", ("labels", *budgets), rows, said, best, protocol))
    return tables


def _untaken(records: Sequence[dict[str, Any]]) -> list[Table]:
    """Scores that could not be taken, and why."""
    rows = [[f"{record['name']} on {record['data']}", record["reason"]] for record in records if "reason" in record]
    return [Table("Scores that could not be taken", ("score", "reason"), rows)] if rows else []


def _best_of_each(
    names: Sequence[str], budgets: Sequence[str], record: Mapping[str, Any]
) -> frozenset[tuple[int, int]]:
    """(row, column) of what leads all others of the same probe at a budget, as the score's sentence says that codes
    lead pixels: by over a point and two standard errors. "linear codes %" competes with "linear pixels %" alone."""
    values, n, found = record["values"], record["n"], set()
    for column, budget in enumerate(budgets, 1):
        cells = {row: f"{name.removesuffix(' %')} {budget} %" for row, name in enumerate(names)}
        for row, own in cells.items():
            kind = names[row].rsplit(" ", 2)[0]
            rivals = [
                cell
                for at, cell in cells.items()
                if at != row and names[at].rsplit(" ", 2)[0] == kind and cell in values
            ]
            if own in values and rivals and all(ahead(values, own, rival, n) for rival in rivals):
                found.add((row, column))
    return frozenset(found)


def winners(rows: Sequence[Sequence[str]]) -> frozenset[tuple[int, int]]:
    """(row, column) of the greatest mean in each column, none where all are alike; cells read "84.1 ± 2.1"; the first
    column names the rows."""
    best = set()
    for column in range(1, len(rows[0])):
        means = {i: float(row[column].split(" ")[0].replace(",", "")) for i, row in enumerate(rows) if row[column]}
        if len(means) == 1 or len(set(means.values())) > 1:
            best |= {(i, column) for i, mean in means.items() if mean == max(means.values())}
    return frozenset(best)


class Sheets(NamedTuple):
    """A run's sheets."""

    drawn: list[Figure]
    undrawn: list[tuple[str, str]]  # names of the others, each with the reason


def sheets(run: Run, images: Images, names: Sequence[str] = (), judge: Judging | None = None) -> Sheets:
    """The sheets of these names; without any, every one for which the model has the capabilities, but for those on
    request. Undrawn are those for which the data lack something."""
    title, found = f"{run.name} ({run.card.model}) on {images.source}", Sheets([], [])
    chosen = names or [name for name in ordered(possible(run.model)) if not getattr(find(name), "ON_REQUEST", False)]
    for place, name in enumerate(chosen, 1):
        step(f"drawing: {name}, {place} of {len(chosen)}")
        module = find(name)
        try:
            drawn = module.draw(run.view(images, title, most=wanted(module))._replace(judge=judge))
        except Refusal as error:  # such as a latent map of images whose factors are unknown
            found.undrawn.append((name, str(error).removeprefix(f"{name} ")))
            continue
        found.drawn.append(Figure(name, sentence(module.__doc__) or name, png(drawn, COMPRESSION)))
    return found


def facts(run: Run) -> dict[str, str]:
    """Model, data and settings in words."""
    config, data = run.config, run.config.get("data", {})
    c, h, w = run.model.image
    plan = dict(config.get("plan", {}))
    if "monitor" in plan:
        plan["monitor"] = f"{plan['monitor'][0]}, {'higher' if plan['monitor'][1] else 'lower'} is better"
    out = {
        "model": run.card.model,
        "settings": _line(run.card.config),
        "head": _line(run.card.head or {}),
        "captions": _line(run.card.caption or {}),
        "weights": f"{sum(p.numel() for p in run.model.state_dict().values()):,} numbers",
        "prior": prior_of(run.model),
        "trained on": f"{counted(data.get('images', 0), 'image')} of {data.get('source')}, "
        f"{data.get('labelled', 0):,} of them with a label",
        "images": f"{h} x {w}, {'grey' if c == 1 else 'colour'}",
        "optimisers": "; ".join(f"{player}: {_line(o)}" for player, o in config.get("optimisers", {}).items()),
        "plan": _line({k: v for k, v in plan.items() if v is not None}),
        "versions": _line(config.get("versions", {})),
    }
    return {name: text for name, text in out.items() if text}


def _line(settings: Mapping[str, Any]) -> str:
    return " ".join(words(settings))
