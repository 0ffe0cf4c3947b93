"""The autoregressive prior of a codebook's entries: a law of symbols, and what it learns that single cells do not."""

import shlex
from itertools import product
from pathlib import Path

import pytest
import torch
from commands import Captured, refused, said
from made import folder
from torch import Generator

from latelier.cli import main
from latelier.codes.fitted import Fitted
from latelier.codes.symbols import Sequence, fit_sequence, log_by_cell
from latelier.core import Quantises, Samples, need
from latelier.runs.run import open_run

ENTRIES, CELLS = 3, 4


@pytest.fixture
def net() -> Sequence:
    torch.manual_seed(0)
    found = Sequence(ENTRIES, CELLS)
    with torch.no_grad():
        found.out.weight.mul_(20)  # chances that are far from even
        found.place.normal_()
    return found.requires_grad_(False)


ALL = torch.tensor(list(product(range(ENTRIES), repeat=CELLS)))


def test_the_chances_of_all_sequences_add_up_to_one(net: Sequence) -> None:
    log_p = net.log_prob(ALL)
    assert log_p.std() > 0.5
    assert float(log_p.exp().sum()) == pytest.approx(1, abs=1e-5)


def test_draws_have_these_chances(net: Sequence) -> None:
    n = 20_000
    drawn = net.sample(n, Generator().manual_seed(0))
    number = (drawn * ENTRIES ** torch.arange(CELLS - 1, -1, -1)).sum(1)
    share = torch.bincount(number, minlength=len(ALL)) / n
    p = net.log_prob(ALL).exp()
    assert ((share - p).abs() < 5 * (p * (1 - p) / n).sqrt() + 1e-4).all()
    assert torch.equal(drawn, net.sample(n, Generator().manual_seed(0)))


def test_a_cell_is_told_nothing_of_itself_or_of_later_ones(net: Sequence) -> None:
    one, other = torch.tensor([[0, 1, 2, 0]]), torch.tensor([[0, 1, 0, 2]])  # differ from the third cell on

    def first(symbols: torch.Tensor) -> float:
        """log p of the first two cells: the sum over what may follow."""
        ways = [torch.cat([symbols[:, :2], torch.tensor([rest])], 1) for rest in product(range(ENTRIES), repeat=2)]
        return float(torch.cat([net.log_prob(way) for way in ways]).logsumexp(0))

    assert first(one) == pytest.approx(first(other), abs=1e-5)


def test_cells_that_repeat_each_other_are_learned() -> None:
    """s, s, t, t: two numbers are free, where cells by themselves have four."""
    draw = Generator().manual_seed(0)
    free = torch.randint(ENTRIES, (600, 2), generator=draw)
    rows = free.repeat_interleave(2, 1)
    known, held = rows[:500], rows[500:]
    net = fit_sequence(known, held, ENTRIES, seed=0)
    exact = -2 * torch.tensor(3.0).log()
    assert float(net.log_prob(held).mean()) == pytest.approx(float(exact), abs=0.25)
    assert log_by_cell(known, held, ENTRIES) == pytest.approx(2 * float(exact), abs=0.1)
    again = fit_sequence(known, held, ENTRIES, seed=0)
    assert all(torch.equal(one, other) for one, other in zip(net.parameters(), again.parameters(), strict=True))


def test_by_cell_each_has_its_own_chances() -> None:
    known = torch.tensor([[0, 1], [0, 2], [0, 2]])
    log_p = [[4 / 6, 1 / 6, 1 / 6], [1 / 6, 2 / 6, 3 / 6]]
    expected = torch.tensor(log_p).log()
    assert log_by_cell(known, torch.tensor([[0, 2]]), 3) == pytest.approx(float(expected[0, 0] + expected[1, 2]))


def test_fit_prior_gives_a_run_that_prior(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "pets", 80, "L", (8, 8))
    small = "--steps 4 --quiet --set net.width=8 net.blocks=1 latent=2 codes=5"
    main(shlex.split(f"train vq --data pets --out vq {small}"))
    lines = said(capsys, "fit-prior vq --kind sequence")
    assert lines[0].startswith("vq: an autoregressive net over cells, fitted to codes of ")
    assert lines[1].endswith(" cell by cell")
    model = open_run("vq").model
    assert isinstance(model, Fitted)
    code = need(model, Samples).sample_prior(7, Generator().manual_seed(0))
    assert code["z"].shape == (7, *model.latents["z"].shape)
    symbols = need(model.inner, Quantises).symbols(code)
    assert torch.equal(need(model.inner, Quantises).of_symbols(symbols)["z"], code["z"])
    Path("vq/prior.safetensors").write_bytes(b"0" * 9)
    assert "is not the file that prior.json tells of" in refused(capsys, "score vq")
    said(capsys, "fit-prior vq --kind none")
    assert not isinstance(open_run("vq").model, Fitted)
    main(shlex.split("train vae --data pets --out vae --steps 2 --quiet --set net=mlp net.widths=4 latent=2"))
    assert "fit-prior --kind sequence takes a method that" in refused(capsys, "fit-prior vae --kind sequence")
