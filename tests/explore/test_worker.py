"""One thread: the newest wish of each client, bounded, and long work in between."""

import threading
from collections.abc import Callable, Iterator

import pytest

from latelier.errors import Refusal
from latelier.explore.worker import MOST, OvertakenError, Worker


@pytest.fixture
def desk() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


class Held:
    """Keeps the desk busy until it is let go."""

    def __init__(self, desk: Worker):
        self.begun, self.end = threading.Event(), threading.Event()
        self.future = desk.ask("held", self.work).future
        assert self.begun.wait(10)

    def work(self) -> None:
        self.begun.set()
        assert self.end.wait(10)


def test_of_many_wishes_of_a_client_the_newest_is_done(desk: Worker) -> None:
    held, done = Held(desk), []
    asked = [desk.ask("client", lambda number=number: done.append(number)) for number in range(1000)]
    other = desk.ask("other", lambda: done.append("other"))
    assert desk.waiting == 2
    held.end.set()
    asked[-1].future.result(10)
    other.future.result(10)
    assert done == [999, "other"]
    assert all(isinstance(one.future.exception(10), OvertakenError) for one in asked[:-1])


def test_what_waits_is_bounded(desk: Worker) -> None:
    held = Held(desk)
    asked = [desk.ask(number, lambda: None) for number in range(MOST - 1)]  # and the one that is worked at
    with pytest.raises(Refusal, match="requests wait already"):
        desk.ask("one more", lambda: None)
    again = desk.ask(0, lambda: None)  # an older wish makes room
    held.end.set()
    again.future.result(10)
    asked[-1].future.result(10)


def test_long_work_waits_for_short(desk: Worker) -> None:
    order, held = [], Held(desk)
    finished = threading.Event()

    def slices() -> Iterator[None]:
        for number in range(3):
            order.append(number)
            if number == 1:
                desk.ask("client", lambda: order.append("wish"))
            yield
        finished.set()

    desk.between(slices())
    held.end.set()
    assert finished.wait(10)
    assert order == [0, 1, "wish", 2]


def test_a_failure_reaches_its_asker_and_no_one_else(desk: Worker, capsys: pytest.CaptureFixture[str]) -> None:
    def failing() -> Iterator[None]:
        yield
        raise RuntimeError("between")

    desk.between(failing())
    with pytest.raises(ZeroDivisionError):
        desk.ask("client", lambda: 1 // 0).future.result(10)
    assert desk.ask("client", lambda: "alive").future.result(10) == "alive"
    last = threading.Event()
    desk.between(iter([last.set()]))
    assert last.wait(10)


def test_what_is_left_when_it_closes_is_dropped() -> None:
    desk = Worker()
    held = Held(desk)
    waiting = desk.ask("client", lambda: None)
    held.end.set()
    desk.close()
    assert waiting.future.done()
    with pytest.raises(Refusal, match="closing"):
        desk.ask("client", lambda: None)


def long_work(order: list[object], name: str, slices: int, answer: object = "done") -> Callable[[], Iterator[float]]:
    """A function that answers a generator, as long actions do."""

    def work() -> Iterator[float]:
        for number in range(slices):
            order.append((name, number))
            yield number / slices
        return answer

    return work


def test_requests_are_answered_between_the_slices_of_a_job(desk: Worker) -> None:
    order: list[object] = []
    held = Held(desk)
    job = desk.ask("one", long_work(order, "job", 4))

    def asking() -> None:
        order.append("first")
        desk.ask("three", lambda: order.append("second"))

    desk.ask("two", asking)
    held.end.set()
    assert job.future.result(10) == "done"
    assert order == [("job", 0), "first", "second", ("job", 1), ("job", 2), ("job", 3)]
    assert job.share == 3 / 4


def test_two_jobs_take_turns(desk: Worker) -> None:
    order: list[object] = []
    held = Held(desk)
    jobs = [desk.ask(name, long_work(order, name, 3)) for name in ("a", "b")]
    held.end.set()
    assert [job.future.result(10) for job in jobs] == ["done", "done"]
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]


@pytest.mark.parametrize("way", ["left", "overtaken"])
def test_a_job_that_nobody_waits_for_ends(desk: Worker, way: str) -> None:
    order: list[object] = []
    begun = threading.Event()

    def endless() -> Iterator[float]:
        try:
            while True:
                begun.set()
                yield 0.0
        finally:
            order.append("closed")

    job = desk.ask("client", endless)
    assert begun.wait(10)
    newer = desk.ask("client", lambda: "newer") if way == "overtaken" else None
    if newer is None:
        job.leave()
    with pytest.raises(OvertakenError):
        job.future.result(10)
    assert order == ["closed"]
    assert newer is None or newer.future.result(10) == "newer"


def test_a_job_that_fails_tells_its_asker(desk: Worker) -> None:
    def failing() -> Iterator[float]:
        yield 0.5
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        desk.ask("client", failing).future.result(10)
    assert desk.ask("client", lambda: "alive").future.result(10) == "alive"
