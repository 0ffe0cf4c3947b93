"""What timings have in common: sides that take turns, a training step as a side, and the options of the command."""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Generator

from latelier.core import Model, Progress
from latelier.data.batches import Batches
from latelier.device import prepare_cpu
from latelier.engine.move import play
from latelier.engine.plan import Plan
from latelier.engine.players import Statistics, players_of

LAPS = 6


def alternated(sides: list[Callable[[int], None]], positions: list[int]) -> list[tuple[float, ...]]:
    """Seconds of every lap but the first, of each side."""
    own = torch.get_num_threads() == 1 and not torch.cuda.is_available()
    now = time.process_time if own else time.perf_counter
    laps = []
    for _ in range(LAPS):
        seconds = []
        for side in sides:
            start = now()
            for position in positions:
                side(position)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds.append(now() - start)
        laps.append(tuple(seconds))
    return laps[1:]


def stepping(model: Model, batches: Batches) -> Callable[[int], None]:
    """One training step of the model, all its moves, on the batch at a position; on a GPU as the loop plays it there,
    without a word from the device."""
    players, plan, running = players_of(model, model.optimisers()), Plan(total=1, batch=batches.size), Statistics(model)
    moves, generator = model.moves(), Generator(batches.device)
    flag = torch.zeros((), device=batches.device) if batches.device.type == "cuda" else None

    def one(position: int) -> None:
        progress = Progress(position, plan.total, generator.manual_seed(position), {})
        for move in moves:
            play(move, [batches.at(position)], [progress], players, plan, batches, running, flag)

    return one


def options(doc: str | None, **more: str) -> argparse.Namespace:
    """Of the command: --threads, which is set, --batch, and ``more`` with their defaults."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--batch", type=int, default=64)
    for name, default in more.items():
        parser.add_argument(f"--{name}", default=default)
    found = parser.parse_args()
    torch.set_num_threads(found.threads)
    prepare_cpu()
    return found
