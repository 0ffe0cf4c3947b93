import multiprocessing
import time

import pytest

from latelier.bench.processes import run_all


def test_a_job_that_fails_ends_the_others_and_nobody_elses_process() -> None:
    outside = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(300,))
    outside.start()
    before = multiprocessing.active_children()  # a pool of an earlier test may stand still
    began = time.monotonic()
    try:
        with pytest.raises(ValueError, match="invalid literal"):
            run_all([(int, "no"), (time.sleep, 300)])
        assert time.monotonic() - began < 120
        for left in set(multiprocessing.active_children()) - set(before):
            left.join(60)  # on a slow machine one that was told to end may still be ending
            assert not left.is_alive()
        assert outside.is_alive()
    finally:
        outside.kill()
        outside.join()
