"""What to do next with a trained run: one command."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from latelier.core import Finding
from latelier.engine import checkpoint
from latelier.errors import Refusal
from latelier.rules.shared import UNLEARNED, VAIN, absurd, broken, grown, rising
from latelier.runs.command import command, report, resume
from latelier.runs.learning_curve import Course, by_heart, improving, worsening
from latelier.runs.run import Run

SHORT = 1_000  # steps that a run which has not learned is advised to take at least


def next_command(run: Run, found: Sequence[Finding], went: Course | None, source: str) -> str:
    """One command; ``source`` is that of the images that the verdict was measured on."""
    plan = run.config.get("plan", {})
    learns = bool(run.model.moves()) and bool(plan)
    if learns and any(finding.level == "failure" for finding in found):
        return resume(run.folder, run.card, "--rate", f"{_lower(run)}") if _sound(run) else _slower(run)
    heart = went is not None and by_heart(went) and not begun(run, found)
    idle = vain(found) or heart or (went is not None and worsening(went))
    helps = learns and not idle
    unlearned = helps and _unlearned(found)
    if helps and (unlearned or (went is not None and improving(went))):
        steps = 2 * _steps(plan)
        return resume(run.folder, run.card, "--steps", f"{max(steps, SHORT) if unlearned else steps}")
    return report(run, source)


def begun(run: Run, found: Sequence[Finding]) -> bool:
    """Whether it has not learned because it has had few steps."""
    plan = run.config.get("plan", {})
    return bool(plan) and _unlearned(found) and _steps(plan) < SHORT


def _steps(plan: Mapping[str, Any]) -> int:
    return math.ceil(int(plan["total"]) / int(plan["batch"]))


def _unlearned(found: Sequence[Finding]) -> bool:
    return any(finding.text.startswith(UNLEARNED) for finding in found)


def vain(found: Sequence[Finding]) -> bool:
    """Whether more training mends nothing."""
    return any(finding.text.startswith(VAIN) for finding in found)


def _sound(run: Run) -> bool:
    """Whether a failed run keeps a checkpoint from before it failed, that --resume goes on from."""
    every = checkpoint.checkpoints(run.folder)
    try:
        found = checkpoint.latest(run.folder) if every else None
    except Refusal:  # there is none to go on from
        return False
    if found is None or found.seen == every[-1].seen:
        return False
    before = [record for record in run.log if record["seen"] <= found.seen]
    return not broken(log_facts(before, run.model.image))


def _lower(run: Run) -> float:
    """A tenth of the run's rate, or the method's own if that is less."""
    rate = run.config["request"].get("rate")
    own = max((optimiser["rate"] for optimiser in run.config.get("optimisers", {}).values()), default=1e-3)
    return float(f"{own / 10 if rate is None else min(rate / 10, own):.1g}")


def _slower(run: Run) -> str:
    """The command of the run, into another folder, at a lower rate."""
    changed = {**run.config["request"], "rate": _lower(run), "out": f"{run.folder}-slower"}
    return command(replace(run, config={**run.config, "request": changed}))


def log_facts(log: Sequence[dict[str, Any]], image: Sequence[int]) -> dict[str, float]:
    """Facts of a log, of images [c, h, w]: of a loss that has diverged, and whether codes come to carry more."""
    records = [record["terms"] for record in log if "terms" in record]
    if not records:
        return {}
    return grown(records[0], records[-1]) | absurd(records[-1], math.prod(image)) | rising(records)
