"""What is damaged in a run's files is named, or what is read of them is what was written: never something else."""

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors
import safetensors.torch
import torch
from drawn_folder import drawn_folder

import latelier
from latelier.engine import checkpoint
from latelier.errors import Refusal
from latelier.runs.calibration import Temperature, kept
from latelier.runs.config import read_config
from latelier.runs.run import open_run
from latelier.storage import files, json_records
from latelier.storage.schemas import CardNote, LogRecord, Standing, VerdictNote
from latelier.terminal.say import say

TINY = {"latent": 2, "net": "mlp", "net.widths": "4", "head": "softmax"}
GIVEN: dict[str, Any] = {"data": "digits", "images": 64, "batch": 8, "settings": TINY, "quiet": True}
KINDS = ("config.json", "log.jsonl", "scores.json", "verdict.json", "calibration.json", "manifest", "weights", "state")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two checkpoints with every file that a run can have."""
    folder = tmp_path_factory.mktemp("faults") / "run"
    latelier.train("vae", out=folder, steps=4, save_every=0.25, **{**GIVEN, "quiet": False})
    latelier.score(folder, only=["reconstruction", "probe"], quiet=True, limit=20)
    seen = open_run(folder).seen
    json_records.write(folder / "calibration.json", {"seen": seen, **Temperature(2.0, 60, "x")._asdict()})
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def contents(run: Path) -> dict[str, Any]:
    """All that is read of a run."""
    opened = open_run(run)
    newest = checkpoint.latest(run)
    assert newest is not None
    for remark in newest.remarks:  # as --resume says them
        say(remark, error=True)
    state, standing = checkpoint.read(newest.state, Standing)
    found = kept(opened)
    return {
        "config": opened.config,
        "log": opened.log,
        "scores": opened.scores,
        "card": opened.card,
        "seen": (opened.seen, newest.seen, standing),
        "temperature": found,
        "verdict": json_records.read(run / "verdict.json", VerdictNote, "look"),
        "weights": [tensor.tolist() for tensor in (*opened.model.state_dict().values(), *state.values())],
    }


def flipped(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]


def cut(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) - 1)
    return content[:at] + (b"x" if content[:at].endswith(b"\n") else b"")  # a log may end with any of its lines


def blanked(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + bytes(min(16, len(content) - at)) + content[at + 16 :]


def doubled(content: bytes, draw: random.Random) -> bytes:
    at, size = draw.randrange(len(content)), draw.randrange(1, 40)
    return content[:at] + content[at : at + size] + content[at:]


@pytest.mark.parametrize("kind", KINDS)
def test_of_300_faults_none_is_silent(kind: str, trained: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, draw = contents(trained), random.Random(kind)
    (*_, path) = sorted(run.glob(f"{kind}*"))
    content, named = path.read_bytes(), 0
    faults: list[Callable[[bytes, random.Random], bytes]] = [flipped, flipped, flipped, cut, blanked, doubled]
    for number in range(38):
        path.write_bytes(faults[number % len(faults)](content, draw))
        capsys.readouterr()
        try:
            after = contents(run)
        except Refusal as refusal:
            said = str(refusal)
        else:
            said = capsys.readouterr().err
            assert path.name in said or after == before, f"fault {number} of {path.name} is silent"
        named += path.name in said
    assert named >= 34  # the others are of no meaning, as a capital in 1E-3


@pytest.mark.parametrize(
    ("name", "field", "value", "line"),
    [
        ("config.json", ("data", "images"), "many", r"config\.json, field data\.images is .*expected `int`, got `str`"),
        ("config.json", ("request", "seed"), "x", r"config\.json, request\.seed is .*expected `int`, got `str`"),
        ("config.json", ("model", "image"), [1, 8], r"config\.json, field model\.image .* of length 3, got 2"),
        ("config.json", ("plan", "batch"), 0, r"config\.json, field plan\.batch is .*expected `int` >= 1"),
        ("config.json", ("data", "held_out"), {"share": 7}, r"field data\.held_out\.share is .*expected `float` < 1"),
        ("config.json", ("format",), 99, r"config\.json was written by a newer latelier \(format 99; .* upgrade"),
        ("config.json", ("extra",), 1, r"config\.json is .*there is no field 'extra'"),
    ],
)
def test_another_form_is_named_with_its_field(run: Path, name: str, field: Any, value: Any, line: str) -> None:
    config = read_config(run / name)
    inner = config
    for key in field[:-1]:
        inner = inner[key]
    inner[field[-1]] = value
    files.write_json(run / name, config)  # as earlier versions did, without a checksum
    with pytest.raises(Refusal, match=line):
        open_run(run)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"settings": {**TINY, "latent": 3}}, r"config.json is another run's: latent is 3 in it and 2 in the weights"),
        ({"settings": {**TINY, "penalty.weight": 5.0}}, r"config.json is another run's: penalty.weight is 5.0 in it"),
        ({"data": "clothes"}, r"config.json is another run's: classes is"),
    ],
)
def test_the_config_of_another_run_is_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn_folder(Path("clothes"), 90, side=8)
    given = {**GIVEN, **changed}
    latelier.train("vae", out=tmp_path / "other", steps=4, save_every=0.25, **given)
    shutil.copy(tmp_path / "other/config.json", run)
    with pytest.raises(Refusal, match=line):
        open_run(run)
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    with pytest.raises(Refusal, match=r"is another run's|are not those that|has shape"):
        latelier.train("vae", out=run, steps=6, resume=True, quiet=True)
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("left", [(), ("verdict.json", "scores.json")])
def test_weights_without_manifests_are_not_trained_over(run: Path, left: tuple[str, ...]) -> None:
    for path in (*run.glob("manifest-*"), *(run / name for name in left)):
        path.unlink()
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    for resume in (True, False):
        with pytest.raises(Refusal, match=r"lacks the manifests of its checkpoints|exists and is not empty"):
            latelier.train("vae", out=run, steps=4, save_every=0.25, resume=resume, **GIVEN)
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 40 + "1" + "}" * 40, "", "{", "nul", "1e999", "\udcff"])
def test_no_json_and_too_deep_json_is_refused(run: Path, text: str) -> None:
    (run / "config.json").write_text(text, errors="surrogateescape")
    with pytest.raises(Refusal, match=r"config\.json is damaged"):
        open_run(run)


def test_a_file_beyond_its_size_is_refused_unread(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MOST", 100)
    with pytest.raises(Refusal, match=r"has more than the 100 bytes"):
        json_records.text(run / "config.json", json_records.MOST)


@pytest.mark.parametrize("wrong", [{"value": float("nan")}, {"value": 1e9}, {"labels": 0}])
def test_a_temperature_that_none_was_is_named(
    run: Path, wrong: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    note = {"seen": open_run(run).seen, **Temperature(2.0, 60, "x")._asdict(), **wrong}
    json_records.write(run / "calibration.json", note)
    assert kept(open_run(run)) is None
    assert f"calibration.json, field {next(iter(wrong))} is damaged" in capsys.readouterr().err


def test_a_byte_that_is_no_text_costs_its_line_of_the_log_alone(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray((run / "log.jsonl").read_bytes())
    lines = content.count(b"\n")
    content[20] ^= 128
    (run / "log.jsonl").write_bytes(content)
    assert len(open_run(run).log) == lines - 1
    assert "log.jsonl, line 1 is damaged" in capsys.readouterr().err
    latelier.train("vae", out=run, resume=True, steps=6, quiet=True)


def test_lines_of_a_log_that_are_damaged_are_named_and_the_others_count(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (run / "log.jsonl").read_text().splitlines()
    changed = lines[1].replace('"seen": ', '"seen": 1')
    (run / "log.jsonl").write_text("\n".join([lines[0], changed, *lines[2:], '{"seen": 9']) + "\n")
    assert len(open_run(run).log) == len(lines) - 1
    said = capsys.readouterr().err
    assert "log.jsonl, line 2 is damaged" in said
    assert f"log.jsonl, line {len(lines) + 1} is damaged" in said


def test_a_log_from_before_there_were_checksums_is_read(run: Path) -> None:
    records, _ = json_records.read_lines(run / "log.jsonl", LogRecord)
    (run / "log.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    assert json_records.read_lines(run / "log.jsonl", LogRecord) == (records, [])


def rewritten(run: Path, kind: str, change: Callable[[dict[str, torch.Tensor], dict[str, Any]], None]) -> None:
    """The newest checkpoint's file with other contents; the manifest's sums follow, as a stranger's would."""
    *_, path = sorted(run.glob(f"{kind}-*"))
    with safetensors.safe_open(path, "pt") as file:
        note = json.loads(file.metadata()["latelier"])
    tensors = safetensors.torch.load_file(path)
    change(tensors, note)
    content = safetensors.torch.save(tensors, {"latelier": json.dumps(note)})
    path.write_bytes(content)
    *_, manifest = sorted(run.glob("manifest-*"))
    sums = json.loads(manifest.read_text())
    sums.pop(json_records.SUM)
    sums["files"][path.name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    json_records.write(manifest, sums)


def drop_optimiser(tensors: dict[str, torch.Tensor], note: dict[str, Any]) -> None:
    tensors.pop(next(name for name in tensors if name.endswith("exp_avg")))


def drop_all(tensors: dict[str, torch.Tensor], note: dict[str, Any]) -> None:
    tensors.clear()


def reshape(tensors: dict[str, torch.Tensor], note: dict[str, Any]) -> None:
    name = next(name for name in tensors if name.endswith("exp_avg"))
    tensors[name] = torch.zeros(1)


def poison(tensors: dict[str, torch.Tensor], note: dict[str, Any]) -> None:
    next(tensor for tensor in tensors.values() if tensor.dim()).view(-1)[0] = float("nan")


def overflow(tensors: dict[str, torch.Tensor], note: dict[str, Any]) -> None:
    next(tensor for tensor in tensors.values() if tensor.dim()).view(-1)[0] = float("inf")


def later(tensors: dict[str, torch.Tensor], note: dict[str, Any]) -> None:
    note["seen"] += 8


def foreign(tensors: dict[str, torch.Tensor], note: dict[str, Any]) -> None:
    tensors["model/nowhere/exp_avg"] = torch.zeros(1)


@pytest.mark.parametrize(
    ("kind", "change", "line"),
    [
        ("state", drop_optimiser, "lacks '.*exp_avg', which training goes on from"),
        ("state", drop_all, "lacks '.*', which training goes on from"),
        ("state", reshape, r"has shape \(1,\), not"),
        ("state", poison, r"holds what is no number \(NaN or infinite\)"),
        ("state", later, "is of another moment, at"),
        ("state", foreign, "has a 'model/nowhere/exp_avg' that this training has no use for"),
        ("weights", poison, r"holds what is no number \(NaN or infinite\)"),
        ("weights", overflow, r"holds what is no number \(NaN or infinite\)"),
        ("weights", later, "is of another moment, at"),
        ("weights", drop_all, "has no tensor"),
    ],
)
def test_a_resume_that_is_refused_has_changed_nothing(
    run: Path, kind: str, change: Callable[[dict[str, torch.Tensor], dict[str, Any]], None], line: str
) -> None:
    rewritten(run, kind, change)
    (run / "config.json").touch()
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.iterdir() if path.is_file()}
    with pytest.raises(Refusal, match=line):
        latelier.train(out=run, resume=True, steps=6, quiet=True)
    after = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.iterdir() if path.is_file()}
    assert after.keys() == before.keys()
    assert [name for name in before if after[name] != before[name] and name != ".lock"] == []


def test_a_checkpoint_between_two_steps_is_refused(run: Path) -> None:
    config = read_config(run / "config.json")
    config["request"]["batch"] = 24
    json_records.write(run / "config.json", config)
    with pytest.raises(Refusal, match="at 32 images, between two steps of 24"):
        latelier.train(out=run, resume=True, steps=6, quiet=True)


def test_a_weights_file_alone_of_another_form_is_refused(run: Path) -> None:
    def numbers(tensors: dict[str, torch.Tensor], note: dict[str, Any]) -> None:
        note["classes"] = 5

    rewritten(run, "weights", numbers)
    *_, path = sorted(run.glob("weights-*"))
    with pytest.raises(Refusal, match=r"safetensors, field classes is .*expected `array`, got `int`"):
        checkpoint.read(path, CardNote)
