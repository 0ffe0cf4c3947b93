"""A sweep that is killed, in a process of its own: importable by its name wherever that process is started."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from latelier.cli import main
from latelier.runs.options import Options
from latelier.sweeps import trials


def dying(command: list[str]) -> None:
    """A sweep whose second trial is killed at its first checkpoint."""
    whole, left = trials.start, iter(range(1))

    def until_killed(options: Options, halt: Callable[[float], bool]) -> Path:
        if next(left, None) is not None:
            return whole(options, halt)
        return whole(options, lambda score: os.kill(os.getpid(), signal.SIGKILL) is not None)

    trials.start = until_killed  # type: ignore[assignment]
    main(command)
