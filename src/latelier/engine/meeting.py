"""Where the processes that a launcher started leave word for each other: its key-value store.

The store outlives them. A launcher that starts them again gives the new ones the same store, with all that the ended
ones left there (torch 2.5 and later; pytorch issue 135712): addresses of closed sockets, values that were not taken.
Nothing in the environment tells one start from another on every machine, since each machine counts its own
restarts. So the processes of one start agree on a name first, under which everything is kept, torch's addresses too.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import uuid4

import torch
import torch.distributed as dist

from latelier.terminal.say import say

SAID_AFTER = 30.0  # seconds until a line says who is waited for; then after twice as many, and so on
LEAST, MOST = 0.002, 1.0  # seconds between two looks at who is there
SOON = 0.1  # the longest of them at a start
PIECE = 1 << 20  # characters of a value that are stored together


def of_one_start(store: dist.Store, own: int, count: int, limit: float) -> dist.Store:  # type: ignore[name-defined]
    """The part of the store that belongs to the ``count`` processes that were started together, of which this is number
    ``own``. Waits ``limit`` seconds at most for each of them to come, and raises ``DistStoreError`` then.

    Each process but the first leaves a word that was never used before, which the first answers with the name of the
    start. A word of an ended process is answered too, and never confirmed; who came after it has overwritten it."""
    name = uuid4().hex
    if own:
        store.set(f"latelier/here/{own}", name)
        _until(lambda: store.check([f"latelier/start/{name}"]), limit, "process 0")
        start = store.get(f"latelier/start/{name}").decode()
        store.set(f"latelier/{start}/{own}", "")
        return dist.PrefixStore(f"latelier/{start}", store)  # type: ignore[attr-defined]
    late, answered = set(range(1, count)), set[str]()

    def all_here() -> bool:
        for other in sorted(late):
            if store.check([f"latelier/here/{other}"]):
                word = store.get(f"latelier/here/{other}").decode()
                if word not in answered:
                    store.set(f"latelier/start/{word}", name)
                    answered.add(word)
            if store.check([f"latelier/{name}/{other}"]):
                late.discard(other)
        return not late

    _until(all_here, limit, "the others")
    return dist.PrefixStore(f"latelier/{name}", store)  # type: ignore[attr-defined]


class Meeting:
    """What processes exchange in the part of the store that is theirs alone, and how often they have done so."""

    def __init__(self, store: dist.Store, own: int, count: int):  # type: ignore[name-defined]  # torch does not list it
        self.store, self.own, self.count, self.number = store, own, count, 0

    def exchange(self, value: Any, what: str) -> list[Any]:
        """Every process's value (fit for JSON), by rank. Waits without a limit; ``what`` is what the last one does."""
        self.number += 1
        keys = [f"{self.number}/{other}" for other in range(self.count)]
        self._put(keys[self.own], json.dumps(value))
        began, said, pauses = time.monotonic(), SAID_AFTER, _pauses(MOST)
        while not self.store.check(keys):
            time.sleep(next(pauses))
            if time.monotonic() - began > said:
                self._say(keys, what, time.monotonic() - began)
                said *= 2
        values = [json.loads(self._get(key)) for key in keys]
        dist.all_reduce(torch.zeros(1))  # the store may be in a process, which must not end before all have read
        for number in range(int(self.store.get(keys[self.own]))):
            self.store.delete_key(f"{keys[self.own]}/{number}")
        self.store.delete_key(keys[self.own])
        return values

    def _put(self, key: str, text: str) -> None:
        """In pieces, then how many there are: the store takes no value beyond 8 MiB."""
        pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        for number, piece in enumerate(pieces):
            self.store.set(f"{key}/{number}", piece)
        self.store.set(key, str(len(pieces)))

    def _get(self, key: str) -> str:
        return b"".join(self.store.get(f"{key}/{n}") for n in range(int(self.store.get(key)))).decode()

    def _say(self, keys: Sequence[str], what: str, seconds: float) -> None:
        late = [number for number, key in enumerate(keys) if not self.store.check([key])]
        if late and self.own == min(set(range(self.count)) - set(late)):  # one of those who are here
            names = ", ".join(map(str, late[:8])) + (", ..." if len(late) > 8 else "")
            of = f"{len(late)} of {self.count} processes ({names})"
            say(f"waiting for {of}, which still {what}: {seconds:,.0f} s so far", error=True)


def _until(there: Callable[[], bool], limit: float, who: str) -> None:
    """Looks again and again; what stops a process reaches it between two looks."""
    end, pauses = time.monotonic() + limit, _pauses(SOON)
    while not there():
        if time.monotonic() > end:
            raise dist.DistStoreError(f"timed out after {limit:g} s at the start: {who} did not come")
        time.sleep(next(pauses))


def _pauses(most: float) -> Iterator[float]:
    """Seconds between looks, endlessly: half as much again each time."""
    pause = LEAST
    while True:
        yield pause
        pause = min(most, 1.5 * pause)
