"""What is no image, no regular file, or asks for more memory than there is, is refused or counted, and not waited
for."""

import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.torch
from PIL import Image

import latelier
from latelier.data.sources.open import open_images
from latelier.engine import checkpoint
from latelier.errors import Refusal
from latelier.explore.uploads import read
from latelier.storage import files, json_records
from latelier.storage.schemas import CardNote

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"


def image(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (8, 8), np.uint8)).save(path)


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a program called gs leaves when it is started."""
    program, mark = tmp_path / "bin" / "gs", tmp_path / "started"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return mark


def test_an_image_is_what_pillow_itself_reads(tmp_path: Path, ghostscript: Path) -> None:
    folder = tmp_path / "images"
    for number in range(3):
        image(folder / f"{number}.png", number)
    (folder / "x.png").write_bytes(EPS)
    images = open_images(folder)
    assert len(images) == 3
    assert images.skipped == ("x.png",)
    with pytest.raises(Refusal, match="image"):
        read(EPS)
    assert not ghostscript.exists()


def test_pipes_among_images_are_left_out_and_counted(tmp_path: Path) -> None:
    for number in range(3):
        image(tmp_path / "all" / f"{number}.png", number)
    os.mkfifo(tmp_path / "all" / "pipe.png")
    (tmp_path / "all" / "device.png").symlink_to("/dev/zero")
    images = open_images(tmp_path / "all")
    assert len(images) == 3
    assert images.skipped == ("device.png", "pipe.png")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "run"
    tiny = {"latent": 2, "net": "mlp", "net.widths": "4"}
    latelier.train("vae", data="digits", out=folder, images=64, steps=2, batch=8, settings=tiny, quiet=True)
    return folder


def with_pipe(trained: Path, place: Path, name: str) -> Path:
    """A copy of the run, with a pipe in the place of the newest file of that name."""
    run = Path(shutil.copytree(trained, place / "run"))
    file = max(run.glob(name))
    file.unlink()
    os.mkfifo(file)
    return run


@pytest.mark.parametrize("name", [".lock", "config.json", "log.jsonl"])
def test_a_pipe_in_a_run_is_not_waited_for(name: str, trained: Path, tmp_path: Path) -> None:
    run = with_pipe(trained, tmp_path, name)
    with pytest.raises(Refusal, match=r"regular file|not seekable"):
        latelier.train(out=run, resume=True, steps=3, quiet=True)


@pytest.mark.parametrize("name", ["weights-*", "manifest-*", "state-*"])
def test_a_pipe_in_a_checkpoint_is_passed_over(name: str, trained: Path, tmp_path: Path) -> None:
    run = with_pipe(trained, tmp_path, name)
    latelier.train(out=run, resume=True, steps=3, quiet=True)
    assert checkpoint.last_seen(run) == 3 * 8


def test_a_lock_cannot_be_run(trained: Path) -> None:
    assert not (trained / ".lock").stat().st_mode & 0o111


def test_a_card_that_asks_for_a_terabyte_is_refused(trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    weights = max(run.glob("weights-*"))
    with safetensors.safe_open(weights, "pt") as opened:
        card = json.loads(opened.metadata()["latelier"])
    card["config"]["latent"] = 10**12
    safetensors.torch.save_file(safetensors.torch.load_file(weights), weights, {"latelier": json.dumps(card)})
    with pytest.raises(Refusal, match=r"its weights alone take [\d,]+ GiB, and this machine has"):
        latelier.load(weights)


@pytest.mark.parametrize("latent", [10**12, 10**30, -(10**30)])
def test_so_is_what_a_user_asks_for(latent: int) -> None:
    with pytest.raises(Refusal, match=r"its weights alone take|latent takes numbers of at most"):
        latelier.build("vae", (1, 8, 8), latent=latent)


def sparse(path: Path, name: str) -> None:
    """A tar whose member ``name`` is 6 GiB of gaps (GNU's old sparse form, as written by tar --sparse)."""
    holes = path.parent / name
    with open(holes, "wb") as file:
        file.truncate(6 << 30)
    shutil.which("tar") or pytest.skip("no tar here")
    os.spawnlp(os.P_WAIT, "tar", "tar", "--sparse", "-C", str(path.parent), "-cf", str(path), name)
    holes.unlink()


def claimed(path: Path, name: str) -> None:
    """A tar whose member ``name`` says that it has 6 GiB, with none of them there."""
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 6 << 30
        tar.fileobj.write(info.tobuf())  # type: ignore[union-attr]


@pytest.mark.parametrize("write", [sparse, claimed])
@pytest.mark.parametrize("name", ["a.png", "a.json"])
def test_a_member_of_a_tar_is_measured_before_it_is_read(
    write: Callable[[Path, str], None], name: str, tmp_path: Path
) -> None:
    write(tmp_path / "shard.tar", name)
    with pytest.raises(Refusal, match=rf"{name} is (stored with gaps|6,442,450,944 bytes long); leave it out"):
        open_images(tmp_path / "shard.tar")


def test_reading_says_what_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refusal, match="pipe is not a regular file"):
        json_records.text(tmp_path / "pipe")
    with pytest.raises(Refusal, match="pipe is no regular file"):
        checkpoint.read(tmp_path / "pipe", CardNote)


@pytest.mark.parametrize("name", ["log.jsonl", ".lock", "sheets", "explore", "skipped.txt", ".report.html.1.tmp"])
def test_a_run_with_a_link_is_refused_and_what_it_leads_to_stays(name: str, trained: Path, tmp_path: Path) -> None:
    run, victim = Path(shutil.copytree(trained, tmp_path / "run")), tmp_path / "victim"
    if name in ("sheets", "explore"):
        victim.mkdir()
    else:
        victim.write_text("precious")
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(victim)
    uses = (
        lambda: latelier.train(out=run, resume=True, steps=3, quiet=True),
        lambda: latelier.report(run),
        lambda: latelier.draw(run, "samples"),
        lambda: latelier.score(run, only="reconstruction", quiet=True),
    )
    for use in uses:
        with pytest.raises(Refusal, match="is a link, and no run has one"):
            use()
    assert victim.read_text() == "precious" if victim.is_file() else not any(victim.iterdir())


def test_a_temporary_file_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / f".page.html.{os.getpid()}.tmp").symlink_to(tmp_path / "victim")
    files.write(tmp_path / "page.html", "new")
    assert (tmp_path / "victim").read_text() == "precious"
    assert not (tmp_path / "page.html").is_symlink()


def test_names_that_are_no_utf8_are_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.png")
    files.write(tmp_path / "t.csv", files.csv_text(["file"], [[name]]))
    assert (tmp_path / "t.csv").read_bytes().split(b"\r\n")[1] == b"\xff.png"
    json_records.write(tmp_path / "t.json", {"name": name})
    assert json_records.read(tmp_path / "t.json", dict, "") == {"name": name}


@pytest.mark.parametrize("text", ["[1]", '{"captions": 5}', "[" * 100_000])
def test_json_of_another_form_in_a_tar_is_refused(text: str, tmp_path: Path) -> None:
    image(tmp_path / "a.png")
    (tmp_path / "a.json").write_text(text)
    with tarfile.open(tmp_path / "shard.tar", "w") as tar:
        tar.add(tmp_path / "a.png", "a.png")
        tar.add(tmp_path / "a.json", "a.json")
    with pytest.raises(Refusal, match=r"a\.json is not understood"):
        open_images(tmp_path / "shard.tar")


@pytest.mark.parametrize("name", ["log.jsonl", "verdict.json", "manifest-00000024.json"])
def test_a_folder_in_the_place_of_a_file_is_refused_before_the_work(name: str, trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    (run / name).unlink(missing_ok=True)
    (run / name).mkdir()
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    with pytest.raises(Refusal, match=f"{name} is a folder, where a run has a file: remove it"):
        latelier.train(out=run, resume=True, steps=3, quiet=True)
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == before
