"""latelier score --set: a score's keywords as words, read by their types, and kept with what they gave."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from commands import Captured, refused
from made import folder

import latelier
from latelier.cli import main
from latelier.errors import Refusal
from latelier.verbs.score import options_of

# A score of a user's own, whose name has a dot.
OWN = """
from latelier.core import Decodes
needs, PROTOCOL, LIMIT = (Decodes,), "Adds.", 10
def score(model, data, generator, *, first: float = 1.0, second: int | None = None, loose=3):
    return {"sum": first + (second or 0)}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on eight images of 8 x 8 pixels."""
    place = tmp_path_factory.mktemp("made")
    pets = shlex.quote(str(folder(place / "pets", 8, "L", size=(8, 8))))
    tiny = "net=mlp net.widths=4 latent=2 likelihood=gaussian"
    main(shlex.split(f"train vae --data {pets} --out {place / 'run'} --epochs 1 --batch 4 --quiet --set {tiny}"))
    return place / "run"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_scores").mkdir()
    (tmp_path / "my_scores" / "adds.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)


def kept(run: Path, name: str) -> dict[str, Any]:
    (record,) = [record for record in json.loads((run / "scores.json").read_text()) if record["name"] == name]
    assert isinstance(record, dict)
    return record


@pytest.mark.parametrize("only", [[], ["--only", "likelihood"]])
def test_an_option_reaches_its_score_and_is_kept_with_it(run: Path, only: list[str], capsys: Captured) -> None:
    (run / "scores.json").unlink(missing_ok=True)
    main(["score", str(run), *only, "--set", "likelihood.samples=1,3"])
    assert "density IWAE-3 nats/image" in capsys.readouterr().out
    (record,) = json.loads((run / "scores.json").read_text())  # that score alone
    assert record["options"] == {"samples": [1, 3]}
    assert "density IWAE-100 nats/image" not in record["values"]


def test_without_options_the_usual_scores_are_taken(run: Path) -> None:
    records = latelier.score(str(run), quiet=True)
    assert {"likelihood", "reconstruction", "prior_gap"} <= {record["name"] for record in records}
    assert all(record["options"] == {} for record in records if "values" in record)


def test_a_named_score_without_options_is_taken_beside_one_with_them(run: Path) -> None:
    records = latelier.score(
        str(run), only=["reconstruction", "likelihood"], settings=["likelihood.samples=2"], quiet=True
    )
    assert [record["options"] for record in records] == [{}, {"samples": [2]}]


@pytest.mark.parametrize(
    "settings",
    [
        ["my_scores.adds.first=2.5", "my_scores.adds.second=4"],
        {"my_scores.adds.first": 2.5, "my_scores.adds.second": "4"},
        {"my_scores.adds": {"first": "2.5", "second": 4}},
    ],
)
def test_texts_and_dicts_mean_the_same_to_a_users_own_score(own: None, run: Path, settings: Any) -> None:
    (record,) = latelier.score(str(run), settings=settings, quiet=True)
    assert record["values"] == {"sum": 6.5}
    assert record["options"] == {"first": 2.5, "second": 4} == kept(run, "my_scores.adds")["options"]


def test_values_are_read_by_the_type_of_their_keyword() -> None:
    given = ["epochs=1e1", "rate=.5", "best=no", "moving=true", "frozen=conv1", "top=none", "precision=bf16"]
    assert options_of([f"frozen_probe.{text}" for text in given]) == {
        "frozen_probe": {
            **{"epochs": 10, "rate": 0.5, "best": False, "moving": True},
            **{"frozen": "conv1", "top": None, "precision": "bf16"},
        }
    }
    assert options_of(None) == options_of({}) == {}


REFUSED = {
    "finetun.epochs=5": 'unknown score "finetun"; did you mean "finetune"?',
    "finetune.epcohs=5": "score finetune has no field 'epcohs'; did you mean \"epochs\"? there are: epochs, rate",
    "reconstruction.epochs=5": "score reconstruction has no field 'epochs'; there are: none",
    "finetune.model=5": "score finetune has no field 'model'; there are",
    "finetune.epochs=5.5": "score finetune: epochs takes a whole number, but got '5.5'",
    "finetune.best=perhaps": "score finetune: best takes true or false, but got 'perhaps'",
    "frozen_probe.precision=fp8": "score frozen_probe: precision takes one of fp32, bf16, but got 'fp8'",
    "likelihood.samples=1,x": "score likelihood: samples takes whole numbers above 0 separated by commas, but got",
    "fid.weights=nowhere": "--set fid.weights=nowhere: no such file; give a safetensors file",
    "epochs=5": "--set takes SCORE.OPTION=value, for example finetune.epochs=5, but got 'epochs=5'",
    "finetune.epochs": "--set takes field=value, but got 'finetune.epochs'",
    "likelihood.samples=2 --only reconstruction prior_gap": "--set has options of likelihood, but --only asks for "
    "reconstruction, prior_gap; add it there",
    "finetune.epochs=1": 'score "finetune" needs labels, but',  # named by its option, and so refused and not left out
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_mistake_is_one_line_and_changes_nothing(run: Path, words: str, capsys: Captured) -> None:
    path = run / "scores.json"
    before = path.read_bytes() if path.exists() else None
    assert REFUSED[words] in refused(capsys, f"score {shlex.quote(str(run))} --set {words}")
    assert (path.read_bytes() if path.exists() else None) == before


def test_a_keyword_without_a_type_is_no_option(own: None) -> None:
    with pytest.raises(Refusal, match=r"score my_scores\.adds has no field 'loose'; there are: first, second"):
        options_of(["my_scores.adds.loose=1"])


def test_fid_is_on_request_and_takes_weights(run: Path, capsys: Captured) -> None:
    latelier.score(str(run), only="fid", quiet=True)
    values: Sequence[str] = list(kept(run, "fid")["values"])
    assert values == [f"Frechet distance of {kind}" for kind in ("reconstructions", "samples", "training images")]
    (run / "weights.txt").write_text("none")
    said = refused(capsys, f"score {run} --quiet --set fid.weights={run / 'weights.txt'}")
    assert f"fid: weights={run / 'weights.txt'} cannot be read" in said
