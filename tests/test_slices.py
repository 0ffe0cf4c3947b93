"""Work in slices is the same work."""

import threading

import pytest
import torch
from torch import Generator, Tensor

from latelier.errors import Refusal
from latelier.objectives.langevin import Chain
from latelier.slices import Slices, aside, done, within


def counting(n: int) -> Slices[int]:
    for number in range(n):
        yield number / n
    return n


def test_a_part_has_its_share_of_the_whole() -> None:
    shares = list(within(counting(4), 0.5, 0.9))
    assert done(within(counting(4), 0.5, 0.9)) == 4
    assert shares == pytest.approx([0.5, 0.6, 0.7, 0.8])


def test_what_cannot_be_cut_is_done_in_a_thread_while_slices_go_on() -> None:
    go, other = threading.Event(), list[int]()

    def work() -> int:
        other.append(threading.get_ident())
        assert go.wait(10)
        return 7

    slices = aside(work)
    assert [next(slices) for _ in range(3)] == [0.0] * 3
    go.set()
    assert done(slices) == 7
    assert other != [threading.get_ident()]


def test_what_a_thread_raises_reaches_the_asker() -> None:
    def work() -> None:
        raise Refusal("no")

    with pytest.raises(Refusal, match="no"):
        done(aside(work))


def test_a_chain_walks_as_it_runs() -> None:
    def slope(z: Tensor) -> Tensor:
        return z

    chain, start = Chain(0.1, 5), torch.ones(3, 2)
    walked = list(chain.walk(start, slope, Generator().manual_seed(0)))
    assert len(walked) == 5
    assert torch.equal(walked[-1], chain.run(start, slope, Generator().manual_seed(0)))
