"""A command that failed half-way can be given again: folders of results are whole or not there."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import Captured, refused, stopped
from made import folder
from marks import but_slow

import latelier
from latelier.cli import main
from latelier.errors import Refusal
from latelier.storage import files, locks
from latelier.storage.folders import UNFINISHED, filling, is_free

TINY = ["latent=2", "net=mlp", "net.widths=4", "head=softmax"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("folders") / "run"
    return latelier.train("vae", data="digits", out=out, images=64, steps=2, batch=8, settings=TINY, quiet=True)


def fill(out: Path, error: BaseException) -> None:
    with filling(out) as inside:
        (inside / "a.png").write_text("half")
        raise error


@pytest.mark.parametrize("there", [True, False], ids=["empty", "new"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), Refusal("no")])
def test_what_fails_leaves_the_folder_as_it_was(tmp_path: Path, there: bool, error: BaseException) -> None:
    out = tmp_path / "out"
    if there:
        out.mkdir()
    with pytest.raises(type(error)):
        fill(out, error)
    assert out.exists() is there
    assert is_free(out)
    with filling(out) as inside:
        (inside / "a.png").write_text("whole")
        assert not (out / "a.png").exists()
    assert [path.name for path in out.iterdir()] == ["a.png"]
    assert not is_free(out)


def test_what_a_killed_process_has_left_is_in_nobodys_way(tmp_path: Path) -> None:
    left = tmp_path / "out" / UNFINISHED
    left.mkdir(parents=True)
    (left / locks.NAME).touch()  # which the kernel has let go of
    (left / "old.png").write_text("half")
    assert is_free(tmp_path / "out")
    with filling(tmp_path / "out") as inside:
        (inside / "new.png").write_text("whole")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["new.png"]


def test_two_do_not_fill_one_folder(tmp_path: Path) -> None:
    second = filling(tmp_path / "out")
    with filling(tmp_path / "out") as inside:
        (inside / "a.png").write_text("first")
        with pytest.raises(Refusal, match=r"out is being written by another latelier right now"), second:
            pass
        assert (inside / "a.png").exists()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]


def test_the_folder_of_somebody_else_is_not_free_and_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs" / UNFINISHED).mkdir(parents=True)
    (tmp_path / "theirs" / UNFINISHED / "precious").write_text("")
    assert not is_free(tmp_path / "theirs")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / UNFINISHED).symlink_to(tmp_path / "theirs")
    with pytest.raises(Refusal, match="is a link"), filling(tmp_path / "out"):
        pass
    assert (tmp_path / "theirs" / UNFINISHED / "precious").exists()


@pytest.fixture(scope="module")
def source(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images, decoded already, as is what the verbs read beside them: no cache is written once a disk is full."""
    given = folder(tmp_path_factory.mktemp("source"), 6, "L", (8, 8))
    main(words(run, "edit", given, tmp_path_factory.mktemp("edited") / "out"))
    return given


def words(run: Path, verb: str, given: Path, out: Path) -> list[str]:
    more = {"edit": ["--attribute", "3"], "inpaint": ["--mask", "half"]}
    source = [] if verb in ("export", "draw", "report") else [str(given)]
    sheet = ["samples"] if verb == "draw" else []
    return [verb, str(run), *source, *sheet, *more.get(verb, []), "--out", str(out)]


@pytest.fixture
def full_at(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A disk on which the third file, or the first where there is but one, finds no room."""
    sync, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 4:
            raise OSError(28, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    return monkeypatch


@pytest.mark.parametrize("verb", but_slow(["reconstruct", "edit", "inpaint"], "edit"))
def test_a_full_disk_leaves_nothing_and_the_same_command_works_when_there_is_room(
    verb: str, run: Path, source: Path, tmp_path: Path, full_at: pytest.MonkeyPatch, capsys: Captured
) -> None:
    command = words(run, verb, source, tmp_path / "out")
    said = refused(capsys, command) if verb != "edit" else stopped(capsys, command)[1]
    assert "the disk is full: cannot write" in said
    assert not list(tmp_path.iterdir())
    full_at.undo()
    main(command)
    assert len(list((tmp_path / "out").iterdir())) == 8  # images, the table, the mark of latelier's own


@contextmanager
def small_files() -> Iterator[None]:
    """The system's own limit: no file of this process grows beyond 60 bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


LARGE = {"encode": "out.parquet", "draw": "out.png", "export": "out", "reconstruct": "images"}


@pytest.mark.parametrize("verb", but_slow(LARGE, "export"))
def test_a_file_that_cannot_be_written_whole_leaves_nothing(
    verb: str, run: Path, source: Path, tmp_path: Path, capsys: Captured
) -> None:
    with small_files():
        said = refused(capsys, words(run, verb, source, tmp_path / LARGE[verb]))
    assert "cannot write" in said
    assert "File too large" in said
    assert not list(tmp_path.iterdir())


FILES = ("encode", "classify", "suggest", "draw", "report", "duplicates", "outliers")


@pytest.mark.parametrize("verb", but_slow(FILES, "report"))
def test_a_file_is_written_over_by_its_like_alone(verb: str, run: Path, tmp_path: Path, capsys: Captured) -> None:
    """Neither the images that a command reads nor its run, nor a table of the user's."""
    given = folder(tmp_path / "pets", 6, "L", (8, 8))
    (given / "labels.csv").write_text("file,label\n000.png,3\n")
    one, out = Path(shutil.copytree(run, tmp_path / "run")), tmp_path / ("o.png" if verb == "draw" else "of any name")
    files = (path for path in sorted(tmp_path.rglob("*")) if path.is_file() and path.stat().st_size)
    before = {path: path.read_bytes() for path in {path.suffix: path for path in files}.values()}
    another = "encode" if verb != "encode" else "classify"  # what latelier wrote as something else stays too
    main(words(one, another, given, tmp_path / "another"))
    before[tmp_path / "another"] = (tmp_path / "another").read_bytes()
    for path in before:
        assert "is there, and no earlier output of this kind" in refused(capsys, words(one, verb, given, path))
    assert {path: path.read_bytes() for path in before} == before
    out.write_bytes(b"")
    for _ in range(2):  # over an empty file, and over its like
        main(words(one, verb, given, out))


@pytest.mark.parametrize(
    ("verb", "name", "ending"),
    [
        ("encode", "c.csv", ".parquet"),
        ("classify", "c.parquet", ".csv"),
        ("draw", "s.jpg", ".png"),
        ("report", "r.pdf", ".html"),
    ],
)
def test_a_name_that_promises_another_format_is_refused_before_the_work(
    verb: str, name: str, ending: str, run: Path, source: Path, tmp_path: Path, capsys: Captured
) -> None:
    said = refused(capsys, words(run, verb, source, tmp_path / name))
    assert f"{name} does not end in {ending}, and is written as " in said
    assert not list(tmp_path.iterdir())


def test_a_training_that_saved_nothing_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    command = ["train", "vae", "--data", "digits", "--out", str(tmp_path / "run"), "--images", "64", "--steps", "2"]
    command += ["--batch", "8", "--quiet", "--set", *TINY]
    write = files.write

    def full(path: Path, content: bytes | str) -> None:
        if path.suffix == ".safetensors":
            raise Refusal("the disk is full")
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", full)
        refused(capsys, command)
    assert (tmp_path / "run" / "config.json").exists()
    main([word for word in command if word != "--quiet"])
    assert "was begun before, and nothing was saved: it is begun anew" in capsys.readouterr().err
    assert list((tmp_path / "run").glob("manifest-*"))
    assert "exists and is not empty; go on with it by --resume" in refused(capsys, command)


def test_a_folder_of_something_else_is_not_begun_in(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "labels.csv").write_text("file,class\n")
    said = refused(capsys, ["train", "vae", "--data", "digits", "--out", str(tmp_path)])
    assert "exists, is not empty and is no run; name another" in said
    assert (tmp_path / "labels.csv").exists()


@pytest.mark.parametrize(
    ("more", "said"), [(["--data", "digits", "--rate", "-1"], "--rate"), (["--data", "nothing"], "nothing is neither")]
)
def test_a_refused_training_leaves_nothing(more: list[str], said: str, tmp_path: Path, capsys: Captured) -> None:
    assert said in refused(capsys, ["train", "vae", "--out", str(tmp_path / "run"), *more])
    (tmp_path / "empty").mkdir()
    refused(capsys, ["train", "vae", "--out", str(tmp_path / "run"), "--data", str(tmp_path / "empty")])
    assert not (tmp_path / "run").exists()


def test_an_image_is_called_as_every_system_allows(run: Path, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "p").mkdir()
    for name in ('a"b<c>:d|e?', "n" * 250, "\u00fc" * 120):
        Image.new("L", (8, 8), len(name)).save(tmp_path / "p" / f"{name}.png")
    latelier.reconstruct(run, tmp_path / "p", out=tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert names[0] == "000000-a_b_c__d_e_.png"
    assert names[1] == f"000001-{'n' * 200}.png"
    assert names[2] == f"000002-{chr(0xFC) * 100}.png"


def test_a_demo_that_was_stopped_is_replaced_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from latelier.bench import demo

    def halted(*_: object) -> None:
        shutil.copytree(tmp_path / "run", tmp_path / "demo", dirs_exist_ok=True)
        raise KeyboardInterrupt

    latelier.train("pca", data="digits", out=tmp_path / "run", images=64, quiet=True, settings=["latent=2"])
    monkeypatch.setattr(demo, "few_labels", halted)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            latelier.demo(out=tmp_path / "demo")
    assert (tmp_path / "demo" / "config.json").exists()
