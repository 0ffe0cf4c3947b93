"""The command line as a user meets it: what works ends 0; what is refused ends 2 with one line and nothing written."""

import json
import subprocess
import sys
from pathlib import Path

import made
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import latelier
from latelier.cli import VERBS, main
from latelier.verbs.train import train

TINY = ["--set", "net=mlp", "net.widths=16", "latent=4"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run with a label head."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    main(["train", "vae", "--data", "digits", "--out", str(out), "--epochs", "1", "--quiet", *TINY, "head=softmax"])
    return out


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The line with which the command is refused."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1, line
    assert "Traceback" not in line
    return line


def test_help_needs_no_torch_and_every_verb_has_a_page() -> None:
    code = (
        "import sys, latelier.cli as c\n"
        "try: c.main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for verb in VERBS:
        assert verb in shown
    assert (
        "Raises"
        not in subprocess.run(
            [sys.executable, "-m", "latelier", "train", "--help"], capture_output=True, text=True, check=True
        ).stderr
    )


@pytest.mark.parametrize("sheet", ["reconstruct", "samples", "traverse", "interpolate", "losses"])
def test_every_sheet_is_drawn(run: Path, tmp_path: Path, sheet: str) -> None:
    main(["draw", str(run), sheet, "--out", str(tmp_path / "sheet.png")])
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.mode == "RGB"
        assert picture.width >= 400
        assert np.asarray(picture).std() > 5  # not a blank


def test_encode_writes_a_row_a_picture_and_the_same_at_every_call(run: Path, tmp_path: Path) -> None:
    for name in ("one.parquet", "two.parquet"):
        main(["encode", str(run), "digits:test", "--out", str(tmp_path / name)])
    one, two = (pq.read_table(tmp_path / name) for name in ("one.parquet", "two.parquet"))
    assert one.equals(two)
    assert one.column_names == ["file", *(f"z[{i}]" for i in range(4))]
    assert one.num_rows == 500


def test_classify_and_reconstruct_write_a_line_a_picture(run: Path, tmp_path: Path) -> None:
    main(["classify", str(run), "digits:test", "--out", str(tmp_path / "predictions.csv")])
    lines = (tmp_path / "predictions.csv").read_text().splitlines()
    assert lines[0].startswith("file,class,probability,0,1")
    assert len(lines) == 501
    main(["reconstruct", str(run), "digits:test", "--out", str(tmp_path / "again")])
    assert len(list((tmp_path / "again").glob("*.png"))) == 500


def test_score_compare_and_report_agree(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["score", str(run), "--only", "reconstruction"])
    record = json.loads((run / "scores.json").read_text())[0]
    assert record["name"] == "reconstruction"
    assert record["n"] == 500
    assert "did not see" in record["protocol"]
    main(["compare", str(run), str(run), "--out", str(tmp_path / "both.png")])
    shown = f"{record['values']['PSNR dB']:.4g}"
    assert shown in capsys.readouterr().out
    main(["report", str(run)])
    page = (run / "report.html").read_text()
    assert shown in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_python_takes_the_same_arguments(run: Path, tmp_path: Path) -> None:
    out = latelier.encode(str(run), "digits:test", out=str(tmp_path / "codes.parquet"))
    assert Path(out).exists()
    model = latelier.load(str(run))
    assert not model.training
    assert latelier.build("vae", image=(1, 8, 8), latent=3).latents["z"].shape == (3,)


def test_a_run_in_two_goes_equals_one(tmp_path: Path) -> None:
    words = ["--data", "digits", "--quiet", "--save-every", "0.5", *TINY]
    main(["train", "vae", "--out", str(tmp_path / "one"), "--epochs", "2", *words])
    main(["train", "vae", "--out", str(tmp_path / "two"), "--epochs", "1", *words])
    main(["train", "--out", str(tmp_path / "two"), "--epochs", "2", "--resume", "--quiet"])
    newest = [max(path.glob("weights-*")).read_bytes() for path in (tmp_path / "one", tmp_path / "two")]
    assert newest[0] == newest[1]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["vea", "--data", "digits"], 'did you mean "vae"'),
        (["vae", "--data", "digts"], "did you mean digits"),
        (["vae"], "no pictures were given"),
        (["vae", "--data", "digits", "--epochs", "-1"], "--epochs"),
        (["vae", "--data", "digits", "--batch", "0"], "--batch"),
        (["vae", "--data", "digits", "--size", "0"], "size"),
        (["vae", "--data", "digits", "--labels", "1000"], "has only"),
        (["vae", "--data", "digits", "--set", "latnet=3"], 'did you mean "latent"'),
        (["vae", "--data", "digits", "--set", "latent"], "field=value"),
        (["vae", "--data", "digits", "--epoks", "1"], "--epochs"),
        (["vae", "--data", "digits", "--rate", "1e30", *TINY], "training diverged"),
        (["vae", "--data", "FOLDER"], "FOLDER"),
    ],
)
def test_a_refused_training_says_why(
    words: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "FOLDER").mkdir()
    words = [str(tmp_path / word) if word == "FOLDER" else word for word in words]
    said = refused(capsys, "train", *words, "--quiet", "--out", str(tmp_path / "run"))
    assert line in said
    if "diverged" not in line:
        assert not (tmp_path / "run").exists()


def test_what_diverged_names_player_term_and_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(
        capsys, "train", "vae", "--data", "digits", "--rate", "1e30", "--quiet", "--out", str(tmp_path / "run"), *TINY
    )
    assert "player 'model': term '" in said
    assert "images (" in said


def test_a_run_is_not_overwritten_and_resumed_only_as_it_was(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted((path.name, path.stat().st_mtime_ns) for path in run.iterdir())
    words = ("train", "vae", "--data", "digits", "--quiet", "--out", str(run))
    assert "--resume" in refused(capsys, *words)
    assert "--seed" in refused(capsys, *words, "--resume", "--seed", "5")
    assert before == sorted((path.name, path.stat().st_mtime_ns) for path in run.iterdir())


def test_a_newer_run_and_a_missing_one_are_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "does not exist" in refused(capsys, "score", str(tmp_path / "none"))
    config = json.loads((run / "config.json").read_text())
    kept = (run / "config.json").read_text()
    try:
        (run / "config.json").write_text(json.dumps({**config, "format": 99}))
        assert "newer latelier" in refused(capsys, "score", str(run))
    finally:
        (run / "config.json").write_text(kept)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["draw", "RUN", "travers"], 'did you mean "traverse"'),
        (["draw", "RUN", "samples", "--out", "sheet.jpg"], ".png"),
        (["score", "RUN", "--only", "prob"], 'did you mean "probe"'),
        (["encode", "RUN", "digits", "--out", "x.parquet", "--features", "conv9"], "conv9"),
        (["scor", "RUN"], "score"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(
    words: list[str], line: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(run) if word == "RUN" else str(tmp_path / word) if "." in word else word for word in words]
    assert line in refused(capsys, *words)


def test_a_folder_with_bad_files_among_good_ones_trains_and_names_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made.folder(tmp_path / "pictures", 20, "RGB", (16, 16))
    (folder / "text.png").write_text("no picture")
    whole = made.write(folder / "cut.jpg", "RGB", (64, 64)).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    train("vae", data=str(folder), out=str(tmp_path / "run"), epochs=1, batch=8, size=16, settings={"latent": 2})
    said = capsys.readouterr().err
    assert "cut.jpg" in said
    assert "text.png" in said
    assert (tmp_path / "run" / "skipped.txt").read_text().count("\n") == 2
