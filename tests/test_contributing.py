"""The model of CONTRIBUTING.md is a real one: it is taken from the page, and trained."""

import re
import sys
from pathlib import Path

import pytest
import torch
from imports import FLOORS
from torch.nn import functional

import latelier
from latelier.core import Batch, Progress
from latelier.data.sources.open import open_images

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page's model, as a file of one's own, whose bytecode is kept as is Python's default."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    path = tmp_path / "sparse.py"
    path.write_text(code)
    return str(path)


def test_the_pages_model_trains(written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATELIER_CODE", written)  # opening a run does not run code of one's own unasked
    run = latelier.train(written, data="digits", out=str(tmp_path / "run"), epochs=2, quiet=True)
    image = open_images("digits").floats(slice(0, 100))
    untrained, trained = (
        (model.decode(model.encode(image).mode()) - image).square().mean().item()
        for model in (latelier.build(written, (1, 8, 8)), latelier.load(run))
    )
    assert trained < 0.5 * untrained


def test_the_pages_model_is_tied_and_priced(written: str) -> None:
    """With orthonormal directions and no bias a non-negative code is recovered, and costs its price and no more."""
    torch.manual_seed(0)
    z = torch.rand(3, 16)
    unknown = torch.full((3,), -1)
    for price in (0.0, 0.5):
        model = latelier.build(written, (1, 4, 4), latent=16, price=price)  # 16 directions in 16 pixels: a basis
        image = (z @ functional.normalize(model.directions, dim=1)).view(3, 1, 4, 4)
        batch = Batch(image, torch.arange(3), unknown, unknown[:, None], unknown[:, None])
        losses = model.moves()[0](batch, Progress(0, 3, torch.Generator()))
        torch.testing.assert_close(losses.code["z"], z)
        torch.testing.assert_close(losses.minimise["model"], price * z.sum(1).mean(), atol=1e-5, rtol=1e-5)


def test_every_wing_is_in_the_pages_table_from_the_top() -> None:
    table = PAGE.read_text().partition("| wing, from the top |")[2].partition("\n\n")[0]
    found = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    named = [wing for row in found for wing in re.findall(r"`([\w/]+?)/?(?:\.py)?`", row)]
    floor = {wing.replace(".", "/"): number for number, wings in enumerate(FLOORS) for wing in wings}
    doors = {"", "cli", "__main__"}  # cli.py stands with the verbs that it calls
    assert sorted({*named} - doors) == sorted({*floor} - doors)
    heights = [floor[wing] for wing in named if wing not in doors]
    assert heights == sorted(heights, reverse=True)
