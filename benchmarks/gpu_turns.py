"""Contestants of one process that take turns on one device: each is a thread, and one alone runs at a time.

Processes of their own, as in training.py, take a CUDA context and seconds of start each, for some hundred entrants.
"""

from collections.abc import Mapping
from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np
import torch
from contestants import Contestant, Gate, Race
from gpu_session import Clock

AT_THE_GATE, ENDED = object(), object()
Laps = dict[str, list[tuple[float, float]]]  # entrant -> (seconds a step, loss) of each lap


class TimedGate(Gate):
    """A gate with the device's own clock."""

    def __init__(self, connection: Any, steps: int, clock: Clock):
        super().__init__(connection, steps, "wall")
        self._clock, self._each = clock, steps

    def start(self) -> None:
        self._connection.recv()
        self._begun = self._clock.mark()

    def stop(self) -> None:
        self._seconds = self._clock.since(self._begun) / self._each


class Entrant:
    """A contestant's thread, which stands at its gate once this is made. It is its own end of the gate's connection:
    ``recv`` and ``send`` are called by the thread, the rest by whoever holds the race."""

    def __init__(self, contestant: Contestant, race: Race, precision: str, pixels: np.ndarray, clock: Clock):
        self._go, self._said = SimpleQueue[bool](), SimpleQueue[Any]()
        self._clock = clock
        given = contestant, race, precision, pixels, TimedGate(self, race.steps, clock)
        self._thread = Thread(target=self._body, args=given, daemon=True)
        self._thread.start()
        self._heard()

    def _body(self, contestant: Contestant, race: Race, precision: str, pixels: np.ndarray, gate: Gate) -> None:
        torch.set_num_threads(race.threads)
        torch.manual_seed(race.seed)
        try:
            contestant(race, precision, pixels, gate)
        except EOFError:  # the race was called off
            pass
        except Exception as error:
            self._said.put(error)
        self._said.put(ENDED)

    def recv(self) -> None:
        self._said.put(AT_THE_GATE)
        if not self._go.get():
            raise EOFError

    def send(self, lap: tuple[float, float]) -> None:
        self._said.put(lap)

    def lap(self) -> tuple[float, float]:
        """Runs one lap, and what follows it (a checkpoint, say) up to the next gate or the end."""
        self._clock.settle()
        self._go.put(True)
        lap = self._heard()
        if not isinstance(lap, tuple):
            raise RuntimeError("an entrant ended before its lap")
        self._heard()
        return lap

    def call_off(self) -> None:
        self._go.put(False)
        self._thread.join()

    def _heard(self) -> Any:
        said = self._said.get()
        if isinstance(said, Exception):
            raise said
        return said


def alternate(sides: Mapping[str, Contestant], race: Race, precision: str, pixels: np.ndarray, clock: Clock) -> Laps:
    """Every side's laps, one after another; who begins changes from lap to lap. Raises what a side raises."""
    entrants: dict[str, Entrant] = {}
    laps: Laps = {name: [] for name in sides}
    try:
        for name, contestant in sides.items():
            entrants[name] = Entrant(contestant, race, precision, pixels, clock)
        names = list(sides)
        for number in range(race.laps):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                laps[name].append(entrants[name].lap())
    finally:
        for entrant in entrants.values():
            entrant.call_off()
    return laps
