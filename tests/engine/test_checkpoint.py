"""A checkpoint is whole or it is passed over by name; what is not latelier's is refused without being executed."""

import json
import math
import os
import pickle
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch

from latelier.data.batches import Batches
from latelier.data.sources.open import open_images
from latelier.engine import checkpoint
from latelier.engine.loop import train
from latelier.engine.plan import Plan
from latelier.errors import Refusal
from latelier.runs import building
from latelier.storage import files, json_records
from latelier.storage.schemas import CardNote, Manifest

TINY = {"latent": 2, "net": "mlp", "net.widths": "4"}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two checkpoints."""
    folder = tmp_path_factory.mktemp("run")
    images = open_images("digits")
    model, card = building.assemble("vae", images.shape, images.classes, TINY)
    batches = Batches(images, 32, seed=0, device=torch.device("cpu"))
    train(model, batches, Plan(total=128, batch=32, save_every=64), folder, card.json())
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def test_the_newest_checkpoint_opens_as_it_was_written(run: Path) -> None:
    found = checkpoint.latest(run)
    assert found is not None
    assert (found.seen, found.remarks) == (128, ())
    model = building.load(run)
    weights, _ = checkpoint.read(found.weights, CardNote)
    assert weights
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert not model.training


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-7] ^= 4
    path.write_bytes(content)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("spoil", [cut, flip, Path.unlink, pipe])
@pytest.mark.parametrize("kind", ["weights", "state", "manifest"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(run: Path, kind: str, spoil) -> None:
    path = next(run.glob(f"{kind}-00000128.*"))
    spoil(path)
    found = checkpoint.latest(run)
    assert found is not None
    assert found.seen == 64
    if (kind, spoil) != ("manifest", Path.unlink):  # without its manifest a checkpoint was never whole
        assert len(found.remarks) == 1
        said = {cut: "is cut short: ", flip: "is damaged: its sha256", Path.unlink: "is missing"}
        said |= {pipe: "is no regular file"}
        assert found.remarks[0].startswith(f"{path.name} {'is damaged' if kind == 'manifest' else said[spoil]}")
    building.load(run)


@pytest.mark.parametrize("field", ["seen", "files"])
def test_a_manifest_that_is_another_checkpoints_is_named_and_the_one_before_is_used(run: Path, field: str) -> None:
    newest, other = (
        json_records.read(run / f"manifest-{seen}.json", Manifest, "") for seen in ("00000128", "00000064")
    )
    json_records.write(run / "manifest-00000128.json", {**newest, field: other[field]})
    found = checkpoint.latest(run)
    assert found is not None
    assert (found.seen, found.remarks) == (64, ("manifest-00000128.json is another checkpoint's",))


def test_when_all_are_damaged_it_says_so_and_names_them(run: Path) -> None:
    for path in run.glob("weights-*"):
        cut(path)
    with pytest.raises(
        Refusal, match=r"no checkpoint of .* weights-00000128\S* is cut short: .* weights-00000064"
    ) as raised:
        checkpoint.latest(run)
    assert str(raised.value).endswith("; train it again, in another --out")


@pytest.mark.parametrize("spoil", [cut, flip, Path.unlink])
def test_whole_weights_are_read_without_the_state(run: Path, spoil) -> None:
    for path in run.glob("state-*"):
        spoil(path)
    found = checkpoint.best(run)
    assert found is not None
    assert (found.seen, found.remarks) == (128, ())
    line = rf"gone on from: state-00000128\S* is .*; but weights are whole: .* --from {run} --data SRC --out NEW"
    with pytest.raises(Refusal, match=line):
        checkpoint.latest(run)


def test_weights_whose_manifests_are_gone_are_not_trusted(run: Path) -> None:
    for path in run.glob("manifest-*"):
        path.unlink()
    for look in (building.load, checkpoint.latest):
        with pytest.raises(
            Refusal,
            match=r"lacks the manifests .*--from \S*weights-00000128.safetensors --data SRC --out NEW begins with it",
        ):
            look(run)
    (run / "weights-00000128.safetensors").unlink()
    (run / "log.jsonl").unlink()
    assert checkpoint.latest(run) is None  # what a first save leaves that was killed before its manifest


@pytest.mark.parametrize(
    ("saved", "logged", "left", "refused"),
    [
        *(([], [500], "", False), ([64], [], "", False), ([64], [32, 64], "", False), ([64], [32, 65], "", True)),
        *(([64, 128], [], "", True), ([128, 64], [65], "", True), ([64], [64], "x.json", False)),
        *(([64], [64], "verdict.json", True), ([64], [64], "scores.json", True)),
    ],
)
def test_weights_without_a_manifest_are_a_first_saves_that_was_killed_or_are_not_trusted(
    saved: list[int], logged: list[int], left: str, refused: bool, tmp_path: Path
) -> None:
    for seen in saved:
        (tmp_path / f"weights-{seen:08d}.safetensors").touch()
    for seen in logged:
        json_records.append(tmp_path / "log.jsonl", {"seen": seen, "remark": "so far"})
    (tmp_path / (left or "log.jsonl")).touch()
    for look in (checkpoint.latest, checkpoint.best):
        if refused:
            with pytest.raises(Refusal, match=rf"trust it as it is: .* --from \S*weights-0*{max(saved)}\.safetensors "):
                look(tmp_path)
        else:
            assert look(tmp_path) is None


class Bomb:
    """Unpickling it would make a file."""

    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


def test_a_pickle_passed_off_as_weights_is_refused_and_not_executed(run: Path, tmp_path: Path) -> None:
    found = checkpoint.latest(run)
    assert found is not None
    content = pickle.dumps(Bomb(tmp_path / "boom"))
    found.weights.write_bytes(content)
    with pytest.raises(Refusal, match="pickle, which may run code"):
        building.load(found.weights)
    torch.save({"weight": torch.zeros(2)}, found.weights)
    with pytest.raises(Refusal, match="pickle, which may run code"):
        building.load(found.weights)
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize(
    ("metadata", "line"),
    [
        (None, "is a safetensors file, but not latelier's: it does not say what model it holds"),
        ({"format": "pt"}, "is a safetensors file, but not latelier's: it does not say what model it holds"),
        ({"latelier": "5"}, "is damaged or not latelier's: .*; give a run that latelier trained"),
    ],
)
def test_a_strangers_safetensors_file_is_refused(metadata: dict[str, str] | None, line: str, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(2)}, path, metadata)
    with pytest.raises(Refusal, match=f"^{path} {line}$"):
        building.load(path)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "cannot read {}: No such file or directory.*"),
        (b"", r"{} is not a safetensors file \(damaged or foreign\); give a run that latelier trained"),
        (b"PK\3\4", r"{} is not a safetensors file \(a pickle, .*\); give a run that latelier trained"),
        (b"\x80\2", r"{} is not a safetensors file \(a pickle, .*\); give a run that latelier trained"),
        (b"{}" * 99, r"{} is not a safetensors file \(damaged or foreign\); give a run that latelier trained"),
    ],
)
def test_what_holds_no_weights_is_refused(content: bytes | None, line: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Refusal, match=f"^{line.format(path)}$"):
        checkpoint.read(path, CardNote)
    with pytest.raises(Refusal, match=f"^{tmp_path} is no regular file; give a run that latelier trained$"):
        checkpoint.read(tmp_path, CardNote)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "newer.safetensors"
    note = {"format": checkpoint.FORMAT + 1, "model": "vae"}
    safetensors.torch.save_file({"weight": torch.zeros(2)}, path, {"latelier": json.dumps(note)})
    with pytest.raises(Refusal, match=f"^{path} was written by a newer latelier"):
        building.load(path)


def test_a_model_outside_the_package_is_not_run_unasked(run: Path, tmp_path: Path) -> None:
    code = tmp_path / "mine.py"
    code.write_text(f"import os; os.mkdir({str(tmp_path / 'boom')!r})")
    path = tmp_path / "theirs.safetensors"
    note = {"format": 1, "model": str(code), "image": [1, 8, 8], "config": {}, "head": None, "classes": []}
    safetensors.torch.save_file({"weight": torch.zeros(2)}, path, {"latelier": json.dumps(note)})
    with pytest.raises(Refusal, match="not run unasked"):
        building.load(path)
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize(
    ("first", "second", "seen"),
    [
        *((1.0, 999.0, 20), (1.0, 1000.0, 10), (0.5, 999.0, 20), (-5.0, 4999.0, 20), (-5.0, 5000.0, 10)),
        *(
            (1.0, math.inf, 10),
            (1.0, math.nan, 10),
            (math.nan, math.nan, 20),
            (math.nan, 1.0, 20),
            (None, 5000.0, 20),
            (5.0, None, 20),
        ),
    ],
)
def test_a_checkpoint_that_has_diverged_beside_the_best_is_not_gone_on_from(
    tmp_path: Path, first: float | None, second: float | None, seen: int
) -> None:
    for place, score in ((10, first), (20, second)):
        checkpoint.save(tmp_path, place, {"w": torch.zeros(1)}, {}, {}, {}, score)
    found = checkpoint.latest(tmp_path)
    assert found is not None
    assert found.seen == seen
    assert bool(found.remarks) == (seen == 10)
    assert all(said.startswith("the checkpoint at 20 images has diverged: ") for said in found.remarks)


def test_sweeping_takes_away_what_a_killed_save_has_left_and_nothing_else(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 10, {"w": torch.zeros(1)}, {}, {}, {})
    kept = {path.name for path in tmp_path.iterdir()} | {"mine.safetensors", "weights-mine", ".mine-1.tmp", "log.jsonl"}
    killed = ("weights-00000020.safetensors", "state-00000020.safetensors")
    half = (".weights-00000030.safetensors.7.tmp", ".state-1.tmp", ".manifest-1.tmp")
    for name in (*kept, *killed, *half):
        (tmp_path / name).touch()
    for kind in ("weights", "state", "manifest"):
        os.mkfifo(tmp_path / f"{kind}-00000040")
    checkpoint.sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_pruning_spares_the_newest_and_the_best(tmp_path: Path) -> None:
    for seen, score in ((10, 3.0), (20, 1.0), (30, 2.0), (40, 4.0)):
        checkpoint.save(tmp_path, seen, {"w": torch.zeros(1)}, {}, {}, {}, score)
    checkpoint.prune(tmp_path, 1, seen=40)
    assert [c.seen for c in checkpoint.checkpoints(tmp_path)] == [20, 40]
    best = checkpoint.best(tmp_path)
    assert best is not None
    assert best.seen == 20


def test_what_is_saved_past_a_damaged_checkpoint_is_kept(tmp_path: Path) -> None:
    for seen in (10, 20, 30):
        checkpoint.save(tmp_path, seen, {"w": torch.zeros(1)}, {}, {}, {})
    cut(tmp_path / "weights-00000030.safetensors")
    checkpoint.save(tmp_path, 25, {"w": torch.zeros(1)}, {}, {}, {})  # gone on from 20
    checkpoint.prune(tmp_path, 1, seen=25)
    assert checkpoint.last_seen(tmp_path) == 25


def test_a_full_disk_is_said_and_the_old_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights"
    files.write(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refusal, match="disk is full"):
        files.write(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["weights"]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with (
        files.only_writer(tmp_path),
        pytest.raises(Refusal, match="being written by another"),
        files.only_writer(tmp_path),
    ):
        pass
