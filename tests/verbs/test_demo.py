"""The main job, cut short: its table, its page, and what it refuses to replace."""

from dataclasses import replace
from pathlib import Path

import pytest

import latelier
from latelier.bench import demo
from latelier.errors import Refusal
from latelier.sheets import find
from latelier.storage.folders import DEMO, emptied
from latelier.verbs.demo import SHEETS


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two draws at one budget, a batch or two for each model, in this process."""
    for name, recipe in demo.RECIPES.items():
        parts = recipe.parts and recipe.parts | {"images": 64, "epochs": 1}
        monkeypatch.setitem(demo.RECIPES, name, replace(recipe, main=128, images=128, alone=128, parts=parts))
    monkeypatch.setattr(demo, "DRAWS", 2)
    monkeypatch.setattr(demo, "BUDGETS", (1,))
    monkeypatch.setattr("latelier.bench.processes.run_all", lambda jobs, _: [f(task) for f, task in jobs])


@pytest.mark.slow
def test_a_table_and_a_page(short: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = latelier.demo(out=str(tmp_path / "demo"))
    printed = capsys.readouterr().out
    for row in ("VAE and label head, all images", "same encoder, labels alone", "logistic regression on pixels"):
        assert row in printed
        assert row in page.read_text()
    assert "* " in printed  # the best is marked, whoever it is
    assert str(page) in printed
    emptied(tmp_path / "demo", "digits")  # what the next demo begins with
    assert [path.name for path in (tmp_path / "demo").iterdir()] == [DEMO]


def test_only_an_earlier_demo_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "mine.txt").write_text("kept")
    with pytest.raises(Refusal, match="is not an earlier demo"):
        latelier.demo(out=str(tmp_path / "mine"))
    (tmp_path / "mine" / DEMO).write_text('{"of": "another program"}')
    with pytest.raises(Refusal, match=r"demo\.json is damaged or not latelier's"):
        latelier.demo(out=str(tmp_path / "mine"))
    assert (tmp_path / "mine" / "mine.txt").read_text() == "kept"


@pytest.mark.slow
def test_scenes_show_the_parts_that_were_found(short: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = latelier.demo(out=str(tmp_path / "demo"), data="scenes")
    printed = capsys.readouterr().out
    assert "What the parts find: average precision" in printed
    assert "SpriteVAE, 64 images without labels" in page.read_text()
    for sheet in SHEETS:
        assert str(find(sheet).__doc__).splitlines()[0] in page.read_text() or sheet == "swap"  # so little training
    assert (tmp_path / "demo-parts" / "config.json").exists()
