"""Processes of one start find each other in a store that still holds what ended ones left."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch.distributed as dist

from latelier.engine.meeting import of_one_start

COUNT = 4


def start(store: dist.Store, count: int = COUNT) -> list[dist.Store]:
    """As that many processes do, each in a thread."""
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(lambda own: of_one_start(store, own, count, limit=20), range(count)))


def test_processes_that_start_together_share_a_part_of_the_store_and_no_two_starts_do() -> None:
    store = dist.HashStore()
    first, second = start(store), start(store)
    for number, parts in enumerate((first, second)):
        parts[0].set("address", f"{number}")
        assert [part.get("address").decode() for part in parts] == [f"{number}"] * COUNT
        parts[3].set("only", f"{number}")
    assert [parts[1].get("only").decode() for parts in (first, second)] == ["0", "1"]


@pytest.mark.parametrize("gone", [(0,), (1,), (0, 2), (1, 2, 3)])
def test_what_processes_leave_that_end_at_their_start_misleads_nobody(gone: tuple[int, ...]) -> None:
    """Those that are still there wait until the launcher ends them; here they give up."""
    store = dist.HashStore()
    start(store)
    with ThreadPoolExecutor(COUNT) as threads:
        here = [own for own in range(COUNT) if own not in gone]
        broken = [threads.submit(of_one_start, store, own, COUNT, 0.3) for own in here]
        ended = [one.exception() for one in broken if one.exception()]
    assert ended
    assert all(isinstance(error, dist.DistStoreError) for error in ended)
    parts = start(store)
    parts[2].set("address", "new")
    assert [part.get("address").decode() for part in parts] == ["new"] * COUNT


def test_who_is_alone_says_so_in_words_that_tell_of_a_lost_process() -> None:
    with pytest.raises(dist.DistStoreError, match=r"timed out after 0\.1 s at the start: process 0 did not come"):
        of_one_start(dist.HashStore(), 1, 2, 0.1)
    with pytest.raises(dist.DistStoreError, match=r"timed out after 0\.1 s at the start: the others did not come"):
        of_one_start(dist.HashStore(), 0, 2, 0.1)
