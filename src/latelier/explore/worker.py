"""One thread that owns the models: the newest request of each client, and long work in slices between requests."""

import threading
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from types import GeneratorType
from typing import Any, NamedTuple

from latelier.errors import Refusal

MOST = 64  # requests that wait or are worked at together; a client has one for each of a panel's actions


class OvertakenError(Exception):
    """A newer request of the same client has taken this one's place, or the client has gone away."""


class PendingAnswer:
    """The answer to a request, once it is there."""

    def __init__(self) -> None:
        self.future: Future[Any] = Future()
        self.share: float | None = None  # done, from 0 to 1, of long work that has begun
        self.left = False

    def leave(self) -> None:
        """It is no longer waited for: what is left of it is not done."""
        self.left = True


class _Job(NamedTuple):
    """Long work under way; without ``pending`` it is work that no request waits for."""

    pending: PendingAnswer | None
    slices: Iterator[Any]


class Worker:
    """Runs functions one at a time. Torch is not used by two threads at once, and a model's mode never changes under
    another's feet. A function that answers a generator is long work: it yields the share done and returns its answer,
    and each of its slices waits for the requests that have come meanwhile."""

    def __init__(self) -> None:
        self._requests: OrderedDict[Hashable, tuple[PendingAnswer, Callable[[], Any]]] = OrderedDict()
        self._pending: dict[Hashable, PendingAnswer] = {}  # the newest under each key that has no answer yet
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)
        self._thread.start()

    def ask(self, key: Hashable, work: Callable[[], Any]) -> PendingAnswer:
        """The answer to come. An older one under the same key that has no answer yet is dropped: its future raises
        OvertakenError. Raises Refusal where too many are there."""
        pending = PendingAnswer()
        with self._changed:
            if not self._open:
                raise Refusal("the explorer is closing; start it again")
            self._pending = {key: one for key, one in self._pending.items() if not one.future.done()}
            if key not in self._pending and len(self._pending) >= MOST:
                raise Refusal(f"{MOST} requests wait already; close some of the explorer's pages")
            older, waited = self._pending.get(key), self._requests.pop(key, None)
            self._pending[key] = pending
            self._requests[key] = pending, work
            self._changed.notify()
        if older is not None:
            older.leave()
        if waited is not None:
            _drop(waited[0])
        return pending

    def between(self, slices: Iterator[Any]) -> None:
        """Long work that no request waits for, a slice of which is done whenever no request waits."""
        with self._changed:
            self._jobs.append(_Job(None, slices))
            self._changed.notify()

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._requests)

    def close(self) -> None:
        """Ends the thread after the slice that it is at; what waits is dropped."""
        with self._changed:
            self._open = False
            dropped = [pending for pending, _ in self._requests.values()]
            self._requests.clear()
            self._changed.notify()
        for pending in dropped:
            pending.future.cancel()
        self._thread.join()
        for job in self._jobs:
            if job.pending is not None:
                _drop(job.pending)

    def _work(self) -> None:
        while self._open:
            with self._changed:
                while self._open and not self._requests and not self._jobs:
                    self._changed.wait()
                request = self._requests.popitem(last=False)[1] if self._requests else None
                job = self._jobs.popleft() if self._jobs and request is None else None
            again = _begun(*request) if request is not None else _gone_on(job) if job is not None else None
            if again is not None:
                self._jobs.append(again)


def _begun(pending: PendingAnswer, work: Callable[[], Any]) -> _Job | None:
    """Answers, unless the work is long. What is raised goes to the request; the thread lives on."""
    if pending.left:
        _drop(pending)
        return None
    if not pending.future.set_running_or_notify_cancel():
        return None
    try:
        answer = work()
    except Exception as error:
        pending.future.set_exception(error)
        return None
    if isinstance(answer, GeneratorType):
        return _gone_on(_Job(pending, answer))
    pending.future.set_result(answer)
    return None


def _gone_on(job: _Job) -> _Job | None:
    """Does one slice; answers the job if there is more of it. What fails is over; of work that no request waits
    for the traceback is on the terminal."""
    pending = job.pending
    if pending is not None and pending.left:
        job.slices.close()  # type: ignore[attr-defined]
        _drop(pending)
        return None
    try:
        share = next(job.slices)
    except StopIteration as end:
        if pending is not None:
            pending.future.set_result(end.value)
        return None
    except Exception as error:
        if pending is None:
            traceback.print_exc()
        else:
            pending.future.set_exception(error)
        return None
    if pending is not None:
        pending.share = share
    return job


def _drop(pending: PendingAnswer) -> None:
    if pending.future.running() or pending.future.set_running_or_notify_cancel():
        pending.future.set_exception(OvertakenError())
