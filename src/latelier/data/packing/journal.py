"""done.jsonl beside a pack that is being made: its target and a line for each finished job, with checksums."""

from pathlib import Path
from typing import Any, TypedDict, cast

from latelier.data.packing.decode import Target
from latelier.data.packing.target import SIDE
from latelier.data.packing.worker import Report
from latelier.errors import Refusal
from latelier.storage import json_records
from latelier.storage.schemas import Count

WAY_OUT = "the job is done again"


class Done(TypedDict):
    """A report of a job that is finished."""

    first: Count
    good: Count
    failed: list[tuple[Count, str]]
    found: dict[str, Count]
    surprise: None
    digest: str
    origin: Count
    error: None


class Journal:
    """The file ``path``."""

    def __init__(self, path: Path):
        self.path = path

    def begin(self, target: Target) -> None:
        """Forgets what stands there."""
        self.path.write_bytes(b"")
        json_records.append(self.path, {"target": target})

    def add(self, report: Report) -> None:
        json_records.append(self.path, report)

    def remove(self) -> None:
        self.path.unlink()

    def read(self, aimed: Target) -> tuple[Target, list[Report]] | None:
        """The target and the finished jobs, but for lines that are not as they were written; None where another target
        would come of what is ``aimed`` at now."""
        try:
            first, *rest = json_records.read_lines(self.path, dict[str, Any])[0]
            target = _target(first.get("target"), aimed)
        except (Refusal, ValueError):  # ValueError: there is no line
            return None
        return None if target is None else (target, [report for line in rest if (report := _report(line))])


def _report(line: dict[str, Any]) -> Report | None:
    try:
        json_records.held(line, Done, "done.jsonl", WAY_OUT)
    except Refusal:
        return None
    return cast(Report, line)  # as has just been seen


def _target(said: Any, aimed: Target) -> Target | None:
    """The target, if it is the one aimed at, or what becomes of that where sizes or depths surprise."""
    import msgspec

    try:
        target = msgspec.convert(said, Target)
    except msgspec.ValidationError:
        return None
    aims = (aimed, aimed._replace(height=SIDE, width=SIDE, crop=True))
    return target if any(target == aim._replace(span=aimed.span or target.span) for aim in aims) else None
