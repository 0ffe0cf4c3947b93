"""A verdict on a run: at most five lines for a person, the last of which is one command to go on with.

Measured numbers (``facts``) become sentences by the rules that each model declares (``Model.findings``); the log says
whether the run is still learning (``course``). The numbers are kept as verdict.json in the run, bound to its
checkpoint and to the images."""

import io
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from latelier.core import AttributeDirections, Classifies, Finding, Metric, has, innermost
from latelier.engine import label_error
from latelier.errors import Failed, Refusal
from latelier.rules.labels import CODES, EVEN, LABELS_LEARNED
from latelier.rules.shared import broken
from latelier.runs.config import read_config
from latelier.runs.learning_curve import LATE, Course, by_heart, course, improving, read_log, worsening
from latelier.runs.run import Run, open_run
from latelier.runs.where import Where
from latelier.scores.common import Splits
from latelier.storage import json_records
from latelier.storage.schemas import VerdictNote
from latelier.terminal.say import say
from latelier.terminal.tables import counted, number
from latelier.verdict.advice import begun, log_facts, next_command, vain
from latelier.verdict.facts import measured
from latelier.verdict.headlines import budgets, probed

FILE = "verdict.json"
VERSION = 4  # of the facts: those of earlier ones are measured anew
MOST = 5  # lines
LEARNED_FROM = "images trained on"  # that labels are hidden of in turn, whatever is held out


def verdict(run: Run, splits: Splits, records: Sequence[dict[str, Any]] = ()) -> tuple[list[Finding], dict[str, float]]:
    """What there is to say of the run on these images, the last sentence the next command, and the numbers behind it.
    Numbers that the run keeps are taken, if they are of this checkpoint and these images, or else measured: some
    seconds. ``records`` are the run's scores; a probe among them stands in for the quick one. Writes nothing."""
    kept = _kept(run, splits)
    found = kept["facts"] if kept else facts(run, splits)
    return words(run, splits, found, records), found


def conclude(
    run: Run, splits: Splits, records: Sequence[dict[str, Any]] = (), numbers: dict[str, float] | None = None
) -> list[Finding]:
    """The verdict, kept if the run keeps what is measured; of ``numbers``, if these were measured already."""
    said, found = verdict(run, splits, records) if numbers is None else (words(run, splits, numbers, records), numbers)
    if run.keeps:
        sentences = [finding._asdict() for finding in said]
        json_records.write(run.folder / FILE, {**_stamp(run, splits), "findings": sentences, "facts": found})
    return said


def at_end(folder: Path, request: SimpleNamespace) -> None:
    """Of a training that has just ended and is saved: says the verdict, unless quiet, which measures nothing. Raises
    Failed where the training has failed."""
    if request.quiet:
        image = read_config(folder / "config.json")["model"]["image"]
        failed, rest = broken(log_facts(read_log(folder), image)), list[Finding]()
    else:
        try:
            run = open_run(folder, request.model)
            with redirect_stderr(io.StringIO()):  # what became of the images has been said when they were read
                splits = run.splits(None, Where.of(request.data_root, request.download, request.as_))
        except Refusal as error:
            say(f"no verdict: {error}", error=True)
            return
        said = conclude(run, splits)
        failed = [finding for finding in said if finding.level == "failure"]
        rest = [finding for finding in said if finding.level != "failure"]
        say(lines(rest), error=True)
    if failed:
        raise Failed(f"{failed[0].text} What there is, is saved in {folder}.")


def facts(run: Run, splits: Splits) -> dict[str, float]:
    """All that is measured of the run on these images."""
    return measured(run.model, splits, supervised=supervised(run), labels=run.config.get("request", {}).get("labels"))


def supervised(run: Run) -> bool:
    """Whether the model learned from labels or attributes: its codes may know them then."""
    inner = innermost(run.model)
    learns = any(getattr(inner, name, False) for name in ("needs_labels", "one_factor"))
    return learns or has(run.model, Classifies) or has(run.model, AttributeDirections)


def words(run: Run, splits: Splits, facts: dict[str, float], records: Sequence[dict[str, Any]] = ()) -> list[Finding]:
    """The sentences that facts and log make."""
    if not supervised(run):
        stamp = {"data": splits.test.source, "seen": run.seen}
        if more := probed(records, stamp, budgets(facts), facts.get("labelled", 0)):
            facts = {name: value for name, value in facts.items() if name != "guess"} | more
    monitor = run.config.get("plan", {}).get("monitor")
    went = course(run.log, Metric(*monitor) if monitor else None, run.model.measures)
    found = run.model.findings(facts | log_facts(run.log, run.model.image) | {"shown": float(run.seen)})
    found += _remarked(run, found)
    failed = any(finding.level == "failure" for finding in found)
    new = begun(run, found)
    following = Finding("note", f"Next: {next_command(run, found, went, splits.test.source)}")
    going = [] if failed or vain(found) or went is None else [_going(went, new)]
    ending = [following] if failed else [_where(splits, facts), following]
    first, others = found[:1], sorted(found[1:], key=_worth)  # the first says whether it learned what it is for
    weightiest = _fitted(others, MOST - len(first) - len(going) - len(ending))
    return [*sorted([*first, *weightiest, *going], key=_weight), *ending]


def _fitted(others: Sequence[Finding], room: int) -> list[Finding]:
    """Those, of the weightiest first, for which there is room; what codes know of labels shares the line of a note that
    would leave it out, since it is one of the things that a verdict is asked for."""
    shown = list(others[:room])
    codes = [finding.text for finding in others[room:] if finding.text.startswith(CODES)]
    if shown and codes and shown[-1].level == "note":
        shown[-1] = Finding("note", f"{shown[-1].text} {codes[0]}")
    return shown


def lines(findings: Sequence[Finding]) -> str:
    """As a terminal shows them."""
    return "\n".join(f"warning: {text}" if level == "warning" else text for level, text in findings)


def _weight(finding: Finding) -> int:
    """What comes first: that the labels are learned, where they are what is learned. The sort keeps the order of
    equals."""
    return (
        -1
        if finding.text.startswith(LABELS_LEARNED)
        else {"failure": 0, "warning": 1, "good": 2, "note": 3}[finding.level]
    )


def _worth(finding: Finding) -> int:
    """What is left out last where there is no room for all: what is bad, be it a note, before what is good."""
    if finding.text.startswith(EVEN):
        return 4
    return {"failure": 0, "warning": 1, "note": 2, "good": 3}[finding.level]


def _going(went: Course, new: bool) -> Finding:
    """Whether it is still learning; of a run that has only begun to (``new``), no images are known by heart yet."""
    of = LEARNED_FROM if went.term == label_error.METRIC.name else went.where
    if went.gain == 0:
        return Finding("note", f"No longer changing: {_named(went)} of {of} is {number(abs(went.end))}.")
    up = (went.gain > 0) == went.higher
    way = f"{'rose' if up else 'fell'} from {number(went.half)} to {number(went.end)}"
    moved = f"{_named(went)} of {of} {way} in the last half"
    if improving(went) or (new and by_heart(went)):
        return Finding("good", f"Still improving: {moved}.")
    if by_heart(went) and went.known is not None:
        known = f"is {number(went.known)} on images trained on, of which more would help"
        return Finding("note", f"Learns by heart: {moved}, but {known}.")
    best = f"; the best came after {100 * went.best:.0f} % of training" if went.best <= LATE else ""
    if worsening(went):
        return Finding("warning", f"Getting worse: {moved}{best}.")
    return Finding("note", f"Hardly improving any more: {moved}{best}.")


def _named(went: Course) -> str:
    """The term, and what it is where its name does not say that."""
    return f"{went.term} ({went.words})" if went.words else went.term


def _remarked(run: Run, found: Sequence[Finding]) -> list[Finding]:
    """What the terms at the end of the log warn of, unless a sentence gives the same remedy."""
    if any(finding.level == "failure" for finding in found):
        return []
    last: dict[str, float] = {}
    for record in run.log:
        last |= record.get("terms", {})  # a game's looks at reconstructions are in few records
    remarks = run.model.remarks(last, run.log[-1]["seen"]) if last else []
    fresh = [r for r in remarks if not any(r.rpartition(": ")[2] in finding.text for finding in found)]
    return [Finding("warning", f"{remark[:1].upper()}{remark[1:]}.") for remark in fresh]


def _where(splits: Splits, facts: dict[str, float]) -> Finding:
    """On which images all this was measured."""
    count, n = len(splits.test), int(facts["images"])
    part = counted(n, "image") if n == count else f"{n:,} of {counted(count, 'image')}"
    if splits.doubtful or splits.seen:
        which = ", some of which it may have seen" if splits.doubtful else " that it saw"
        return Finding("note", f"Measured on {part}{which} in training; on others it may be worse.")
    return Finding("note", f"Measured on {part} that it did not see in training.")


def _stamp(run: Run, splits: Splits) -> dict[str, Any]:
    """What kept numbers are of."""
    data = {"data": splits.test.source, "fingerprint": splits.test.fingerprint, "images": len(splits.test)}
    return {"seen": run.seen, "version": VERSION, **data}


def remembered(run: Run) -> dict[str, Any] | None:
    """The record that the run keeps, if it is of this checkpoint: "findings", "facts" and, of which images, "data"."""
    record = json_records.kept(run.folder / FILE, VerdictNote, "all is measured anew") if run.keeps else None
    now = {"seen": run.seen, "version": VERSION}
    return dict(record) if record and now.items() <= record.items() else None


def _kept(run: Run, splits: Splits) -> dict[str, Any] | None:
    """The same, if it is of these images as well."""
    record = remembered(run)
    return record if record and _stamp(run, splits).items() <= record.items() else None
