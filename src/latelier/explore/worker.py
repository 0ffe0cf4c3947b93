"""One thread that owns the models: the newest request of each client, and long work in slices between requests."""

import threading
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from typing import Any

from latelier.errors import Refusal

MOST = 64  # requests that wait at once; a client has one for each of a panel's actions


class OvertakenError(Exception):
    """A newer request of the same client has taken this one's place."""


class Worker:
    """Runs functions one at a time. Torch is not asked by two threads at once, and a model's mode never changes under
    another's feet."""

    def __init__(self) -> None:
        self._requests: OrderedDict[Hashable, tuple[Future[Any], Callable[[], Any]]] = OrderedDict()
        self._slices: deque[Iterator[None]] = deque()
        self._changed = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)
        self._thread.start()

    def ask(self, key: Hashable, work: Callable[[], Any]) -> "Future[Any]":
        """The result, later. A request that still waits under the same key is dropped: its future raises
        OvertakenError. Raises Refusal where too many wait."""
        future: Future[Any] = Future()
        with self._changed:
            if not self._open:
                raise Refusal("the explorer is closing; start it again")
            older = self._requests.pop(key, None)
            if older is None and len(self._requests) >= MOST:
                raise Refusal(f"{MOST} requests wait already; close some of the explorer's pages")
            self._requests[key] = future, work
            self._changed.notify()
        if older is not None and older[0].set_running_or_notify_cancel():
            older[0].set_exception(OvertakenError())
        return future

    def between(self, slices: Iterator[None]) -> None:
        """Long work, a slice of which is done whenever nobody waits."""
        with self._changed:
            self._slices.append(slices)
            self._changed.notify()

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._requests)

    def close(self) -> None:
        """Ends the thread after what it is at; what waits is dropped."""
        with self._changed:
            self._open = False
            dropped = [future for future, _ in self._requests.values()]
            self._requests.clear()
            self._slices.clear()
            self._changed.notify()
        for future in dropped:
            future.cancel()
        self._thread.join()

    def _work(self) -> None:
        while self._open:
            with self._changed:
                while self._open and not self._requests and not self._slices:
                    self._changed.wait()
                request = self._requests.popitem(last=False)[1] if self._requests else None
                slices = self._slices[0] if self._slices and request is None else None
            if request is not None:
                _answer(*request)
            elif slices is not None and not _goes_on(slices):
                self._slices.popleft()


def _goes_on(slices: Iterator[None]) -> bool:
    """Does one slice. What fails is over; its traceback is on the terminal."""
    try:
        next(slices)
    except StopIteration:
        return False
    except Exception:
        traceback.print_exc()
        return False
    return True


def _answer(future: "Future[Any]", work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():  # whoever asked has gone away
        return
    try:
        future.set_result(work())
    except Exception as error:  # the asker gets it; the thread lives on
        future.set_exception(error)
