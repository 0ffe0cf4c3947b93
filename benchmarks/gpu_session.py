"""What the parts of gpu.py share: the lines that are written, the time that is left, the clock, products and aims."""

import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

PRECISIONS = ("fp32", "tf32", "bf16")
AIMS = {"times_bare": 0.95, "times_pythae": 20.0, "epoch_seconds": 0.2, "dgdn_encoder_ms": 0.001}
Facts = dict[str, Any]


class Session:
    """Appends JSON lines to a file, each flushed, and starts nothing that will not fit into the time that is left."""

    def __init__(self, out: Path, minutes: float, rehearsal: bool, now: Callable[[], float] = time.monotonic):
        self._file, self._now, self._begun = out.open("a"), now, now()
        self.seconds, self.rehearsal = 60 * minutes, rehearsal
        self._longest = dict[tuple[str, object], float]()  # seconds of a part with one net

    def elapsed(self) -> float:
        return self._now() - self._begun

    def left(self, share: float = 1.0) -> float:
        """Seconds of the first ``share`` of the time; below 0 once that is over."""
        return share * self.seconds - self.elapsed()

    def write(self, what: str, **facts: Any) -> None:
        record = {"what": what, **facts, "at": round(self.elapsed(), 1)} | (
            {"rehearsal": True} if self.rehearsal else {}
        )
        line = json.dumps(_finite(record))
        self._file.write(line + "\n")
        self._file.flush()
        print(line, file=sys.stderr, flush=True)

    def attempt(self, what: str, part: Callable[[], Iterable[Facts]], share: float = 1.0, **which: Any) -> None:
        """Writes the facts of a part as they come, each with ``which``. A part is written as skipped if ``share`` of
        the time is over, or if the longest of its kind with the same net took longer than what is left of it; one that
        fails is written as failed, and the others go on."""
        kind, begun = (what, which.get("net")), self.elapsed()
        longest = self._longest.get(kind, 0.0)
        if (left := self.left(share)) <= longest:
            known = f"one like it took {longest:.0f} s, and {left:.0f} s are left"
            self.write(what, **which, skipped=known if left > 0 else "its time is over")
            return
        try:
            for facts in part():
                self.write(what, **which, **facts)
        except Exception as error:
            self.write(what, **which, failed=f"{type(error).__name__}: {' '.join(str(error).split())[:400]}")
        self._longest[kind] = max(longest, self.elapsed() - begun)

    def close(self) -> None:
        self._file.close()


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: null in their place."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Clock:
    """CUDA events on a GPU, elsewhere the clock on the wall."""

    def __init__(self, device: torch.device):
        self.device, self._events = device, device.type == "cuda"

    def mark(self) -> Any:
        if not self._events:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def since(self, begun: Any) -> float:
        """Seconds from a mark to the end of all that was asked of the device since; waits for that end."""
        end = self.mark()
        if not self._events:
            return float(end - begun)
        end.synchronize()
        return float(begun.elapsed_time(end)) / 1e3

    def settle(self) -> None:
        if self._events:
            torch.cuda.synchronize(self.device)


def timed(call: Callable[[], object], times: int, laps: int, clock: Clock) -> tuple[float, list[float]]:
    """Seconds a call: the median of the laps of ``times`` calls each, and all laps but the first, which is dropped."""
    found = []
    for _ in range(laps):
        clock.settle()
        begun = clock.mark()
        for _ in range(times):
            call()
        found.append(clock.since(begun) / times)
    return statistics.median(found[1:]), found[1:]


def judged(facts: Facts, device: torch.device, aims: dict[str, bool | None]) -> Facts:
    """With what of the aims was reached, which are a GPU's; those without a value are left out."""
    known = {name: reached for name, reached in aims.items() if reached is not None}
    return facts | ({"aims": known} if known and device.type == "cuda" else {})


def ratios(facts: Facts) -> dict[str, bool | None]:
    """Which of the aims for ratios of speeds were reached."""
    names = [name for name in ("times_bare", "times_pythae") if name in facts and facts["who"] == "latelier"]
    return {f"{name} {AIMS[name]:g}": facts[name] >= AIMS[name] for name in names}
