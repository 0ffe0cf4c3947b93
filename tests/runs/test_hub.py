"""A run in the form of a model hub: the same model, a card without paths, and no way for a stranger's code."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import Captured, refused
from made import folder
from torch import Tensor

import latelier
from latelier.cli import main
from latelier.core import Encodes, need
from latelier.data.sources.own import MARK
from latelier.engine import checkpoint
from latelier.errors import Refusal
from latelier.runs import hub
from latelier.runs.model_card import plain
from latelier.storage import json_records


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`run`, of images with a private place and a class of an odd name, scored; and `hub`."""
    place = tmp_path_factory.mktemp("made")
    for name in ("owl|<b>", "cat"):
        folder(place / "private place" / "pets" / name, 30, "L", (8, 8))
    asked = "train vae --steps 4 --batch 8 --validation 0.2 --set net=mlp net.widths=8 latent=3 head=softmax"
    main([*asked.split(), "--out", str(place / "run"), "--data", str(place / "private place" / "pets")])
    main(["score", str(place / "run"), "--only", "reconstruction", "--quiet"])
    main(["export", str(place / "run"), "--to", "hub-folder", "--out", str(place / "hub")])
    return place


def codes(place: str, image: Tensor) -> Tensor:
    return need(latelier.load(place), Encodes).encode(image).mode()["z"]


def test_the_folder_opens_as_the_run_does(here: Path) -> None:
    assert sorted(path.name for path in Path("hub").iterdir()) == sorted([MARK, hub.CARD, hub.CONFIG, hub.WEIGHTS])
    found = checkpoint.best(Path("run"))
    assert found is not None
    assert Path("hub", hub.WEIGHTS).read_bytes() == found.weights.read_bytes()
    image = torch.rand(5, 1, 8, 8)
    one, other = (codes(place, image) for place in ("run", "hub"))
    assert torch.equal(one, other)
    source = "private place/pets"
    for place in ("run", "hub"):
        main(["encode", place, source, "--out", f"{place}.parquet"])
    assert Path("run.parquet").read_bytes() == Path("hub.parquet").read_bytes()


def test_the_card_says_what_and_how_good_and_names_no_place(here: Path) -> None:
    text = Path("hub", hub.CARD).read_text()
    head = text.split("---")[1]
    assert "library_name: latelier" in head
    assert "license: unknown" in head
    assert "- vae\n- softmax" in head
    assert "**Licence: not chosen.**" in text
    verdict = json.loads(Path("run", "verdict.json").read_text())
    assert plain(verdict["findings"][0]["text"]) in text
    assert "| PSNR dB |" in text
    assert "| classes | 2: cat, owl\\|&lt;b&gt; |" in text
    assert 'latelier.load("hf://USER/REPOSITORY")' in text
    for name in (hub.CARD, hub.CONFIG):
        assert "private place" not in Path("hub", name).read_text()
        assert str(here.parent) not in Path("hub", name).read_text()


def test_a_run_without_scores_says_so(here: Path) -> None:
    for name in ("verdict.json", "scores.json"):
        Path("run", name).unlink()
    main(["export", "run", "--to", "hub-folder", "--out", "bare"])
    assert "It was not measured" in Path("bare", hub.CARD).read_text()


@pytest.mark.parametrize("change", ["weights", "config", "sum", "method", "newer", "another"])
def test_what_was_changed_is_refused(here: Path, change: str, capsys: Captured) -> None:
    config, weights = Path("hub", hub.CONFIG), Path("hub", hub.WEIGHTS)
    note = {name: value for name, value in json.loads(config.read_text()).items() if name != "checksum"}
    if change == "weights":
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
    elif change == "config":
        config.write_text(config.read_text().replace('"seen": 32', '"seen": 33'))
    elif change == "another":
        json_records.write(config, note | {"model": note["model"] | {"image": [1, 16, 16]}})
    elif change == "newer":
        json_records.write(config, note | {"format": 9})
    elif change == "sum":
        json_records.write(config, note | {"weights": {"sha256": "0" * 64, "bytes": 1}})
    else:
        json_records.write(config, {name: note[name] for name in note if name != "model"})
    said = refused(capsys, ["encode", "hub", "digits", "--out", "out.parquet"])
    why = {"weights": "sha256", "sum": "sha256", "newer": "upgrade latelier", "another": "is another run's"}
    assert why.get(change, "damaged") in said


def test_an_address_is_downloaded_into_the_cache_and_files_of_code_are_not_asked_for(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("LATELIER_CACHE", str(here / "cache"))
    asked: list[Any] = []

    def download(repository: str, *, revision: str | None, local_dir: Path, allow_patterns: list[str]) -> str:
        asked.append((repository, revision, allow_patterns))
        return str(shutil.copytree("hub", local_dir, dirs_exist_ok=True))

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    image = torch.rand(2, 1, 8, 8)
    assert torch.equal(codes("hf://user/pets@v1.0", image), codes("hub", image))
    assert asked == [("user/pets", "v1.0", [hub.CONFIG, hub.WEIGHTS, hub.CARD])]
    main(["encode", "hf://user/pets", "digits", "--out", "codes.parquet"])
    assert sorted(path.name for path in (here / "cache" / "hub").iterdir()) == ["user--pets@main", "user--pets@v1.0"]


@pytest.mark.parametrize("address", ["hf://user", "hf://user/../../x", "hf://user/x@../..", "hf://", "hf://a/b/c"])
def test_an_address_of_no_model_is_refused(address: str) -> None:
    with pytest.raises(Refusal, match="is no model of a hub; give hf://user/repository"):
        latelier.load(address)


def test_a_download_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path))

    def fails(*of: Any, **more: Any) -> str:
        raise OSError("no route\nto the hub")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fails)
    with pytest.raises(Refusal, match=r"^cannot download hf://user/pets: no route to the hub$"):
        latelier.load("hf://user/pets")


def test_a_folder_that_is_not_empty_is_refused(here: Path, capsys: Captured) -> None:
    assert "is not an empty folder" in refused(capsys, ["export", "run", "--to", "hub-folder", "--out", "hub"])
    assert "to" in refused(capsys, ["export", "run", "--to", "elsewhere", "--out", "new"])


def test_what_is_measured_of_it_is_said_and_written_nowhere_and_the_next_command_works(
    here: Path, capsys: Captured
) -> None:
    before = {path.name: path.read_bytes() for path in Path("hub").iterdir()}
    main(["score", "hub", "--data", "digits", "--only", "reconstruction", "--limit", "20"])
    following = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Next: "))
    assert following == "Next: latelier report hub --data digits --out hub.html"
    assert {path.name: path.read_bytes() for path in Path("hub").iterdir()} == before
    assert "hub is a folder of a model hub and no run folder; say where to write with --out" in refused(
        capsys, "report hub --data digits"
    )
    main(following.removeprefix("Next: latelier ").split())
    assert "reconstruction" in Path("hub.html").read_text()
