"""The decoding processes of one pack: jobs go to whichever is idle, reports come back in the order of the jobs."""

import json
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from subprocess import PIPE, Popen

import latelier
from latelier.data.packing.decode import Target
from latelier.data.packing.known import ORIGIN, PIXELS, Known
from latelier.data.packing.plan import Plan
from latelier.data.packing.worker import READERS, Decoder, Report
from latelier.errors import Refusal

Job = tuple[Target, range]  # and the rows to decode
Run = Callable[[Iterable[Job]], Generator[Report, None, None]]


class LostError(Refusal):
    """A decoding process has ended before its time; what the others have done is kept."""


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@contextmanager
def crew(plan: Plan, part: Path, processes: int, lock: int, known: tuple[str, int, list[str]] | None) -> Iterator[Run]:
    """Yields what runs jobs, into the files of ``part``. With one process they run in this one. ``lock`` is a
    descriptor that the processes keep open as long as they live, so that a pack whose maker was killed stays locked
    until its last process has gone. (Windows hands on no lock; there they end with their input, in the middle of an
    image.) ``known``: what ``Known`` is made of, if other packs may hold such images."""
    pixels, origin = str(part / PIXELS), str(part / ORIGIN)
    if processes == 1:
        with ExitStack() as stack:
            rows_of_others = stack.enter_context(closing(Known(*known))) if known else None
            decoder = Decoder(READERS[plan.reader](plan.paths), pixels, origin, rows_of_others)
            yield lambda jobs: (decoder(target, rows.start, plan.slice(rows)) for target, rows in jobs)
        return
    setup = json.dumps({"reader": plan.reader, "paths": plan.paths, "pixels": pixels, "origin": origin, "known": known})
    idle: SimpleQueue[Popen[str]] = SimpleQueue()
    workers = [_start(lock) for _ in range(processes)]
    try:
        for worker in workers:
            _send(worker, setup)
            idle.put(worker)
        with ThreadPoolExecutor(processes) as threads:  # each waits for one process

            def run(jobs: Iterable[Job]) -> Generator[Report, None, None]:
                yield from threads.map(partial(_run, plan, idle), jobs)

            yield run
    finally:
        for worker in workers:
            worker.communicate()  # the end of its input ends it


def _start(lock: int) -> "Popen[str]":
    package = str(Path(latelier.__file__).parents[1])
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "latelier.data.packing.worker"]
    kept = [] if os.name == "nt" else [lock]
    return Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=environment, pass_fds=kept)


def _send(worker: "Popen[str]", line: str) -> None:
    assert worker.stdin is not None
    try:
        worker.stdin.write(line + "\n")
        worker.stdin.flush()
    except BrokenPipeError:  # it has ended: the missing answer says so
        pass


def _run(plan: Plan, idle: "SimpleQueue[Popen[str]]", job: Job) -> Report:
    target, rows = job
    worker = idle.get()
    _send(worker, json.dumps([target, rows.start, plan.slice(rows)]))
    assert worker.stdout is not None
    answer = worker.stdout.readline()
    idle.put(worker)  # even a lost one: the job that takes it finds out at once, instead of waiting for ever
    if not answer:
        raise LostError(
            f"a decoding process ended with code {worker.wait()} on the images {plan.facts.names[rows.start]} to "
            f"{plan.facts.names[rows[-1]]} (out of memory?); what is done is kept, the same command goes on"
        )
    report: Report = json.loads(answer)
    return report
