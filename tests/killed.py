"""Commands that are killed at a chosen moment, as by a power cut."""

import os
import signal
from collections.abc import Mapping
from multiprocessing import get_context
from typing import Any

from latelier.cli import main
from latelier.storage import unfinished


def killed(command: list[str], adds: int) -> None:
    """Runs a command that writes a table in a process of its own, and kills it when it has written and noted this many
    blocks and written half of the next."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["latelier.training.run", "pyarrow.parquet"])
    process = context.Process(target=_dying, args=(command, adds))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def _dying(command: list[str], adds: int) -> None:
    unfinished.EVERY = 0
    whole, left = unfinished.Unfinished.add, iter(range(adds))

    def add(part: unfinished.Unfinished, content: bytes, done: int, state: Mapping[str, Any]) -> None:
        if next(left, None) is None:
            part.file.write(content[: len(content) // 2])
            part.file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        whole(part, content, done, state)

    unfinished.Unfinished.add = add  # type: ignore[method-assign]
    main(command)
