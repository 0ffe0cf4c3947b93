"""Long work in slices: a generator that yields the share done, from 0 to 1, and returns the answer. A caller
can do something else between two slices, say how far it is, or leave it. No context, such as torch's of gradients, is
held while it waits: what is done between slices would be done in it."""

from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
Slices = Generator[float, None, T]
TICK = 0.01  # seconds that a slice waits for a thread


def done(slices: Slices[T]) -> T:
    """The answer, at once."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            answer: T = end.value
            return answer


def within(slices: Slices[T], low: float, high: float) -> Slices[T]:
    """The same work as a part, from ``low`` to ``high``, of a larger one."""
    while True:
        try:
            share = next(slices)
        except StopIteration as end:
            answer: T = end.value
            return answer
        yield low + (high - low) * share


def aside(work: Callable[[], T]) -> Slices[T]:
    """Work that cannot be cut, in a thread of its own, which must share nothing with others that they change: what it
    raises is raised here. A thread that is left ends by itself."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, name="aside", daemon=True).start()
    while not wait([future], TICK).done:
        yield 0.0
    return future.result()
