"""Many trainings at once, in processes of one thread each: small nets gain more from a second process than from a
second thread."""

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from threading import Thread
from typing import Any

from latelier.data.packing.pool import cores

SAVING = 5.0  # seconds that a training has to save before its process is killed


def run_all(
    jobs: Sequence[tuple[Callable[..., Any], Any]], done: Callable[[int, float], None] = lambda place, seconds: None
) -> list[Any]:
    """The results of all calls, in order, from as many processes as it may have cores. ``done`` is called with the
    place of each job that has ended and the seconds that it took."""
    context = multiprocessing.get_context("spawn")  # a forked torch inherits locks that its threads held
    workers = min(len(jobs), cores())
    others = multiprocessing.active_children()  # of the caller
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker) as pool:
        futures = {pool.submit(_timed, *job): place for place, job in enumerate(jobs)}
        try:
            for future in as_completed(futures):
                done(futures[future], future.result()[1])
        except BaseException:  # Ctrl-C too: no job that waits begins, and what runs ends now
            pool.shutdown(wait=False, cancel_futures=True)
            ours = [process for process in multiprocessing.active_children() if process not in others]
            for process in ours:
                process.terminate()  # a training saves, and its process would take the next job
            for process in ours:
                process.join(SAVING)
                process.kill()
            raise
        return [future.result()[0] for future in futures]


def _timed(function: Callable[..., Any], argument: Any) -> tuple[Any, float]:
    """The result, and the seconds that it took."""
    began = time.perf_counter()
    return function(argument), time.perf_counter() - began


def _begin_worker() -> None:
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would go on with what it has, unseen."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
