"""Shares of classes that a training is told (--prior)."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from made import folder

import latelier
from latelier.errors import Refusal
from latelier.runs.run import open_run

TINY: dict[str, Any] = {"settings": ["net=mlp", "net.widths=4", "latent=2"], "batch": 4, "quiet": True, "data": "pets"}
SHARES = "share,class\n30,dog\n10,cat\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with twelve images in pets/, of which labels.csv calls three cats and one a dog."""
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    folder(tmp_path / "pets", 12, "L", (8, 8))
    rows = "".join(f"{i:03}.png,{'cat' if i < 3 else 'dog'}\n" for i in range(4))
    (tmp_path / "labels.csv").write_text(f"file,class\n{rows}")
    (tmp_path / "shares.csv").write_text(SHARES)
    monkeypatch.chdir(tmp_path)


def trained(prior: str, **more: Any) -> list[float]:
    """What the head takes the shares of cats and dogs to be; empty for even ones."""
    run = latelier.train("vae", out="run", steps=2, prior=prior, **{**TINY, "labels_file": "labels.csv", **more})
    shares: list[float] = json.loads((run / "config.json").read_text())["model"]["head"]["prior"]
    return shares


@pytest.mark.parametrize(("prior", "shares"), [("even", []), ("labels", [0.75, 0.25]), ("shares.csv", [0.25, 0.75])])
def test_a_head_goes_by_the_shares_that_were_given(prior: str, shares: list[float]) -> None:
    assert trained(prior) == shares
    if shares:
        assert open_run("run").model.state_dict()["head.unlabelled.prior"].tolist() == shares


def test_shares_are_those_of_the_labels_that_are_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert trained("labels", labels=1, quiet=False) == [0.5, 0.5]
    assert "--prior labels: --labels keeps 1 of each class, so that classes count as eq" in capsys.readouterr().err
    shutil.rmtree("run")
    assert trained("labels", quiet=False) == [0.75, 0.25]
    assert "equally common" not in capsys.readouterr().err


def test_a_resumed_run_keeps_its_shares_wherever_the_file_is_by_then() -> None:
    trained("shares.csv")
    Path("shares.csv").unlink()
    latelier.train(out="run", resume=True, steps=4, quiet=True)
    assert json.loads(Path("run/config.json").read_text())["model"]["head"]["prior"] == [0.25, 0.75]
    with pytest.raises(Refusal, match=r"--prior was shares.csv in run and is labels now"):
        latelier.train(out="run", resume=True, steps=6, quiet=True, prior="labels")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("class,share\ncat,1\n", r"^shares.csv: expected one row for each of the classes cat, dog, not cat$"),
        (
            "class,share\ncat,1\ndog,many\n",
            r"^shares.csv, row 3: a share is a number, but could not convert .* 'many'$",
        ),
        ("class,share\ncat,1\ndog,0\n", r"^--prior shares.csv: every class needs a share above 0, but dog has none$"),
        ("name,share\ncat,1\n", r"^shares.csv: the first line must name the columns class,share; class is missing"),
    ],
)
def test_a_file_that_gives_no_shares_is_refused_in_one_line(text: str, line: str) -> None:
    Path("shares.csv").write_text(text)
    with pytest.raises(Refusal, match=line) as refusal:
        trained("shares.csv")
    assert "\n" not in str(refusal.value)
    assert not Path("run").exists()


def test_what_is_no_prior_is_refused() -> None:
    with pytest.raises(Refusal, match=r"^prior evn: expected even, labels or a CSV file with the columns class,share"):
        trained("evn")


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"labels_file": None}, "--prior labels says how common classes are among images without a label, but no"),
        ({"settings": [*TINY["settings"], "head.unlabelled=none"]}, "no label head learns from such here"),
        ({"settings": [*TINY["settings"], "head.prior=1,3"]}, "--prior labels and head.prior=1,3 both say how common"),
    ],
)
def test_a_prior_that_nothing_would_go_by_is_refused(more: dict[str, Any], line: str) -> None:
    with pytest.raises(Refusal, match=line):
        trained("labels", **more)
