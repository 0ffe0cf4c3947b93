"""Images of more than 8 bits: the range of the set decides what is black and what is white."""

import io
import json
import signal
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made import folder, write
from PIL import Image

import latelier
from latelier.cli import main
from latelier.data.packing import fill
from latelier.data.packing import target as targets
from latelier.data.packing.decode import SurpriseError, Target, decode, probe
from latelier.data.packing.depth import Measured, span_of
from latelier.data.packing.single import read
from latelier.data.sources.open import open_images
from latelier.data.sources.survey import survey
from latelier.errors import Refusal
from latelier.runs.run import open_run
from latelier.runs.where import Where
from latelier.storage.json_records import SUM
from latelier.training.request import check


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATELIER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def file(values: np.ndarray, format: str = "TIFF", **options: Any) -> io.BytesIO:
    content = io.BytesIO()
    Image.fromarray(values).save(content, format, **options)
    return content


def target(values: np.ndarray, channels: int, span: tuple[float, float] | None) -> Target:
    return Target(values.shape[0], values.shape[1], channels, False, span)


def ramp(high: int, seed: int = 0) -> np.ndarray:
    """uint16 [10, 12] of 0 to ``high``, both of them there."""
    values = np.random.default_rng(seed).integers(0, high, (10, 12), np.uint16)
    values[0, 0], values[9, 11] = 0, high
    return values


def deep(path: Path, count: int, high: int = 4095, ending: str = "tif") -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(ramp(high, i)).save(path / f"deep-{i:03}.{ending}")
    return path


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def png16(values: np.ndarray, colour_type: int) -> io.BytesIO:
    """A PNG of 16 bits a channel, uint16 [h, w, c]; Pillow cannot write one in colour."""
    h, w = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = w.to_bytes(4, "big") + h.to_bytes(4, "big") + bytes([16, colour_type, 0, 0, 0])
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + parts)


def tiff(values: np.ndarray, order: str = "<", packed: bool = False) -> io.BytesIO:
    """A TIFF of unsigned whole numbers [h, w] or [h, w, 3], as Pillow cannot write; libtiff reads ``packed`` ones."""
    h, w, *channels = values.shape
    c, bits, big = (channels or [1])[0], 8 * values.itemsize, order == ">"
    pixels = values.astype(values.dtype.newbyteorder(order)).tobytes()
    pixels = zlib.compress(pixels) if packed else pixels

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "big" if big else "little")

    start = 8 + 2 + 8 * 12 + 4
    tags = [(256, 4, 1, w), (257, 4, 1, h), (258, 3, c, start if c == 3 else bits), (259, 3, 1, 8 if packed else 1)]
    tags += [(262, 3, 1, 2 if c == 3 else 1), (273, 4, 1, start + 6), (277, 3, 1, c), (279, 4, 1, len(pixels))]
    entries = b""
    for tag, kind, count, value in tags:
        inside = number(value, 2) + b"\0\0" if kind == 3 and count == 1 else number(value, 4)
        entries += number(tag, 2) + number(kind, 2) + number(count, 4) + inside
    head = (b"MM" if big else b"II") + number(42, 2) + number(8, 4)
    return io.BytesIO(head + number(len(tags), 2) + entries + bytes(4) + number(bits, 2) * 3 + pixels)


# ---- one image


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled_not_cut(format: str) -> None:
    values = np.arange(120, dtype=np.uint16).reshape(10, 12) * 550
    array, found = decode(file(values, format), target(values, 1, (0, 65535)))
    assert (array[..., 0] == np.rint(values / 257)).all()
    assert found == {"deep"}
    assert probe(file(values, format)) == (True, (10, 12), True)


def test_what_lies_outside_is_black_or_white_and_said() -> None:
    values = np.array([[0, 100, 150, 200, 65535]], np.uint16)
    array, found = decode(file(values), target(values, 1, (100, 200)))
    assert array.ravel().tolist() == [0, 0, 128, 255, 255]
    assert found == {"deep", "clipped"}


def test_floats_and_signed_numbers() -> None:
    for values in (np.array([[-1.5, 0, 2.5]], np.float32), np.array([[-1000, 500, 3000]], np.int32)):
        array, _ = decode(file(values), target(values, 1, (float(values.min()), float(values.max()))))
        assert array.ravel().tolist() == np.rint((values - values.min()) / np.ptp(values) * 255).ravel().tolist()


def test_unsigned_numbers_of_32_bits_have_no_sign() -> None:
    values = np.array([[0, 1 << 31, (1 << 32) - 1]], np.uint32)
    array, _ = decode(tiff(values), target(values, 1, (0, 2.0**32 - 1)))
    assert array.ravel().tolist() == [0, 128, 255]


def test_white_is_zero_in_some_tiffs() -> None:
    values = ramp(4095)
    content = bytearray(file(values).getvalue())
    at = content.index(b"\x06\x01\x03\x00\x01\x00\x00\x00")  # tag 262, a short
    assert content[at + 8] == 1
    plain, _ = decode(io.BytesIO(content), target(values, 1, (0, 4095)))
    content[at + 8] = 0
    turned, _ = decode(io.BytesIO(content), target(values, 1, (0, 4095)))
    assert (turned == 255 - plain).all()
    assert plain.max() == 255


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_no_numbers_are_refused(bad: float) -> None:
    values = np.ones((4, 4), np.float32)
    values[1, 1] = bad
    with pytest.raises(ValueError, match="NaN or infinite"):
        decode(file(values), target(values, 1, (0, 1)))


@pytest.mark.parametrize("kind", ["PNG", "<", ">", "< packed", "> packed"])
def test_colour_of_16_bits_keeps_its_lower_bits(kind: str) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (10, 12, 3), np.uint16)
    content = png16(values, 2) if kind == "PNG" else tiff(values, kind[0], "packed" in kind)
    assert probe(content) == (False, (10, 12), True)
    array, found = decode(content, target(values, 3, (0, 4095)))
    assert (array == np.rint(values / 4095 * 255)).all()
    assert found == {"deep"}


@pytest.mark.parametrize(("colour_type", "channels"), [(4, 1), (6, 3)])
def test_transparency_of_16_bits_is_laid_on_white(colour_type: int, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 4096, (10, 12, channels + 1), np.uint16)
    opaque = np.random.default_rng(1).integers(0, 2, (10, 12), np.uint16)
    values[..., -1] = 65535 * opaque
    content = png16(values, colour_type)
    assert probe(content) == (channels == 1, (10, 12), True)
    array, found = decode(content, target(values, channels, (0, 4095)))
    expected = np.where(opaque[..., None], np.rint(values[..., :-1] / 4095 * 255), 255)
    assert (array == expected).all()
    assert found == {"deep", "alpha"}


def test_without_a_range_an_image_is_a_surprise_and_alone_has_its_own() -> None:
    values = ramp(1000)
    with pytest.raises(SurpriseError) as raised:
        decode(file(values), target(values, 1, None))
    assert raised.value.args[0] == "span"
    assert np.asarray(read(file(values).getvalue())).max() == round(1000 / 1023 * 255)


# ---- black and white of a set


@pytest.mark.parametrize(
    ("high", "white"), [(0, 255), (200, 255), (256, 1023), (4000, 4095), (9000, 16383), (65535, 65535)]
)
def test_the_fewest_bits_that_hold_all_whole_numbers(high: int, white: int) -> None:
    assert span_of([Measured(0, high, True, np.array([0, high]))]) == (0, white)


def test_floats_and_other_whole_numbers_by_their_least_and_greatest() -> None:
    values = np.linspace(-0.25, 0.5, 100)
    assert span_of([Measured(-0.25, 0.5, False, values)]) == (-0.25, 0.5)
    assert span_of([Measured(-1000, 3000, True, values * 4000), Measured(0, 3500, True, values)]) == (-1000, 3500)
    assert span_of([Measured(0, 1 << 20, True, np.array([0, 1 << 20]))]) == (0, 1 << 20)


def test_a_few_hot_pixels_do_not_take_all_levels() -> None:
    values = np.random.default_rng(0).integers(0, 4000, 4096)
    assert span_of([Measured(0, 65535, True, values)]) == (0, 4095)
    low, high = span_of([Measured(-1e6, 1e6, False, values / 4000)])
    assert 0 <= low < 0.01
    assert 0.99 < high < 1
    assert span_of([Measured(0, 65535, True, np.zeros(4096, int))]) == (
        0,
        65535,
    )  # nearly all is black: nothing is lost


@pytest.mark.parametrize("share", [0.002, 0.01, 0.3])
def test_a_value_that_marks_takes_no_levels_however_often_it_stands(share: float) -> None:
    draw = np.random.default_rng(0)
    marked = draw.random(4096) < share
    values = np.where(marked, 65535, draw.integers(0, 3000, 4096))
    assert span_of([Measured(0, 65535, True, values)]) == (0, 4095)
    low, high = span_of([Measured(-9999, 1, False, np.where(marked, -9999, values / 3000))])
    assert 0 <= low < 0.01
    assert 0.99 < high < 1


@pytest.mark.parametrize("share", [0.03, 0.5, 0.97])
def test_white_that_others_lead_up_to_is_no_mark(share: float) -> None:
    draw = np.random.default_rng(0)
    values = np.where(draw.random(4096) < share, 4095, draw.integers(0, 4000, 4096))
    assert span_of([Measured(0, 4095, True, values)]) == (0, 4095)
    spots = np.where(draw.random(4096) < share, draw.integers(1000, 4096, 4096), draw.integers(0, 10, 4096))
    assert span_of([Measured(0, 4095, True, spots)]) == (0, 4095)  # a few bright spots are what an image may be of


# ---- a folder


def test_twelve_bits_in_sixteen(tmp_path: Path) -> None:
    images = open_images(deep(tmp_path / "all", 5))
    expected = np.stack([np.rint(ramp(4095, i) / 4095 * 255) for i in range(5)])
    assert (images.pixels[..., 0] == expected).all()
    assert images.range == (0, 4095)
    assert images.remarks == ("5 of 5 images: more than 8 bits; values of 0 to 4,095 are drawn from black to white",)


def test_the_range_is_told_before_any_training(tmp_path: Path) -> None:
    said = "more than 8 bits; values of 0 to 4,095 are drawn from black to white"
    assert survey(deep(tmp_path / "all", 5)).remarks == [said]
    assert survey(folder(tmp_path / "plain", 3)).remarks == []


def test_a_range_overrules_and_is_part_of_the_pack(tmp_path: Path) -> None:
    source = deep(tmp_path / "all", 3)
    before = open_images(source)
    narrow = open_images(source, range=(0, 1000))
    assert narrow.fingerprint != before.fingerprint
    assert narrow.range == (0, 1000)
    assert narrow.remarks[0].startswith("3 of 3 images: some values lie outside 0 to 1,000, and")
    assert (open_images(source, range=(0, 4095)).pixels == before.pixels).all()
    for bad in ((5, 5), (10, 0), (0, float("inf")), (float("nan"), 1)):
        with pytest.raises(Refusal, match="expected two numbers, black and white"):
            open_images(source, range=bad)


def test_eight_bits_beside_stay_as_they_are(tmp_path: Path) -> None:
    source = deep(folder(tmp_path / "all", 3, "L"), 2)
    images = open_images(source)
    alone = open_images(folder(tmp_path / "alone", 3, "L"))
    assert (images.pixels[:3] == alone.pixels).all()
    assert alone.range is None
    assert images.remarks == (
        "2 of 5 images: more than 8 bits; values of 0 to 4,095 are drawn from black to white",
        "the other images have 8 bits, whose 0 to 255 are drawn from black to white",
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_a_deep_image_that_the_sample_missed(processes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path / "all", 40, "L")
    Image.fromarray(ramp(4095)).save(source / "037.png")
    monkeypatch.setattr(targets, "PROBED", 4)
    monkeypatch.setattr(targets, "BLOCK", 2)
    monkeypatch.setattr(fill, "SMALL", 2 if processes == 2 else 500)
    monkeypatch.setattr(fill, "JOB_ROWS", 4)
    monkeypatch.setattr(fill, "cores", lambda: 2)
    images = open_images(source)
    assert images.range == (0, 4095)
    assert (images.pixels[37, ..., 0] == np.rint(ramp(4095) / 4095 * 255)).all()
    assert (images.pixels[:37] == open_images(folder(tmp_path / "alone", 37, "L")).pixels).all()


def test_floats_that_are_no_numbers_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    for i in range(4):
        values = np.random.default_rng(i).random((10, 12)).astype(np.float32)
        values[0, 0] = np.nan if i == 2 else values[0, 0]
        Image.fromarray(values).save(tmp_path / "all" / f"{i}.tif")
    images = open_images(tmp_path / "all")
    assert images.skipped == ("2.tif",)
    assert images.pixels.min() == 0
    assert images.pixels.max() == 255
    skipped = next((tmp_path / "cache/packs").glob("*/skipped.txt")).read_text()
    assert skipped == "2.tif\tNaN or infinite values\n"


def test_one_value_alone_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    for i in range(3):
        Image.fromarray(np.full((4, 4), 3.5, np.float32)).save(tmp_path / "all" / f"{i}.tif")
    with pytest.raises(Refusal, match=r"all values are 3\.5, which says not what is black.*--range LO,HI does"):
        open_images(tmp_path / "all")
    assert (open_images(tmp_path / "all", range=(0, 7)).pixels == 128).all()


def test_whole_numbers_and_floats_are_not_of_one_scale(tmp_path: Path) -> None:
    source = deep(tmp_path / "all", 2)
    Image.fromarray(np.linspace(0, 1, 120, dtype=np.float32).reshape(10, 12)).save(source / "float.tif")
    with pytest.raises(Refusal, match=r"whole numbers \(0 to 4,095\) and others floats \(0 to 1\).*--range LO,HI"):
        open_images(source)
    assert open_images(source, range=(0, 4095)).range == (0, 4095)


def test_pages_that_are_left_out_are_said(tmp_path: Path) -> None:
    pages = [Image.fromarray(ramp(4095, i)) for i in range(3)]
    (tmp_path / "all").mkdir()
    pages[0].save(tmp_path / "all" / "stack.tif", save_all=True, append_images=pages[1:])
    assert "1 of 1 images: of several pages, the first taken" in open_images(tmp_path / "all").remarks


STOPPED = """
    import os, signal, sys
    from latelier.data.packing import fill
    from latelier.data.sources.open import open_images

    fill.JOB_ROWS = 4

    def stop(done, total):
        if done >= 8:
            os.kill(os.getpid(), signal.SIGKILL)

    open_images(sys.argv[1], progress=stop)
"""


def test_a_killed_pack_goes_on_with_its_range(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = deep(tmp_path / "all", 20)
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(STOPPED), str(source)], check=False)
    assert killed.returncode == -signal.SIGKILL
    journal = next((cache / "packs").iterdir()) / "done.jsonl"
    assert json.loads(journal.read_text().splitlines()[0])["target"] == [10, 12, 1, False, [0.0, 4095.0]]
    monkeypatch.setattr(fill, "JOB_ROWS", 4)
    told: list[int] = []
    assert open_images(source, progress=lambda done, _: told.append(done)).range == (0, 4095)
    assert told[0] > 4  # what was done is done


# ---- a run


TINY: dict[str, Any] = {"steps": 2, "batch": 8, "settings": {"latent": 2, "net": "mlp", "net.widths": "4"}}
WHERE = Where()


def test_a_run_keeps_its_range_for_other_images(tmp_path: Path) -> None:
    latelier.train("vae", data=deep(tmp_path / "all", 30), out=tmp_path / "run", **TINY, quiet=True)
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["data"]["range"] == [0, 4095]
    assert config["request"]["range"] is None
    run = open_run(tmp_path / "run")
    darker = run.images(deep(tmp_path / "darker", 3, high=500), WHERE)
    assert darker.range == (0, 4095)
    assert darker.pixels.max() == round(500 / 4095 * 255)


def test_what_was_asked_for_is_kept_and_resumed(tmp_path: Path) -> None:
    latelier.train("vae", data=deep(tmp_path / "all", 30), out=tmp_path / "run", range=(0, 8000), **TINY, quiet=True)
    latelier.train(out=tmp_path / "run", resume=True, steps=3, quiet=True)
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["request"]["range"] == [0, 8000]
    with pytest.raises(Refusal, match="--range was 0"):
        latelier.train(out=tmp_path / "run", resume=True, steps=4, range=(0, 100), quiet=True)


def test_a_run_from_before_has_the_range_that_was_fixed_then(tmp_path: Path) -> None:
    source = deep(tmp_path / "all", 30)
    latelier.train("vae", data=source, out=tmp_path / "run", range=(0, 65535), **TINY, quiet=True)
    path = tmp_path / "run/config.json"
    config = json.loads(path.read_text())
    del config["data"]["range"], config["request"]["range"], config[SUM]
    path.write_text(json.dumps(config))
    assert open_run(tmp_path / "run").images(source, WHERE).fingerprint == config["data"]["fingerprint"]
    latelier.train(out=tmp_path / "run", resume=True, steps=3, quiet=True)


def test_validation_is_scaled_as_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for split, high in (("train", 4095), ("validation", 900)):
        deep(tmp_path / "all" / split, 20, high)
    latelier.train("vae", data=tmp_path / "all", out=tmp_path / "run", **TINY, quiet=True)
    digests = [json.loads(path.read_text()) for path in (tmp_path / "cache/packs").glob("*/info.json")]
    assert [info["range"] for info in digests] == [[0, 4095], [0, 4095]]


def test_a_run_decodes_its_own_images_once(tmp_path: Path) -> None:
    source = deep(tmp_path / "all", 30)
    latelier.train("vae", data=source, out=tmp_path / "run", **TINY, quiet=True)
    assert open_run(tmp_path / "run").images(source, WHERE).range == (0, 4095)
    assert len(list((tmp_path / "cache/packs").iterdir())) == 1


def test_a_range_that_no_image_needs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    latelier.train("vae", data=folder(tmp_path / "all", 30), out=tmp_path / "run", range=(0, 100), **TINY)
    assert "--range 0,100 has no effect: all images have 8 bits" in capsys.readouterr().err.splitlines()


def test_the_command_line_takes_a_negative_black(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = f"train pca --data {deep(tmp_path / 'all', 30)} --out {tmp_path / 'run'} --set latent=2 --quiet --range"
    main([*ask.split(), "-1000,3000"])
    assert json.loads((tmp_path / "run/config.json").read_text())["data"]["range"] == [-1000, 3000]
    with pytest.raises(SystemExit) as ended:
        main([*ask.split(), "100"])
    assert ended.value.code == 2
    assert "expected two numbers with a comma between them" in capsys.readouterr().err


def test_a_range_needs_two_numbers() -> None:
    with pytest.raises(Refusal, match="--range takes two numbers"):
        check(SimpleNamespace(**{**latelier.train.__kwdefaults__, "model": "vae", "data": "digits", "range": (9, 3)}))


def test_images_of_8_bits_are_as_before(tmp_path: Path) -> None:
    write(tmp_path / "all" / "one.png")
    assert open_images(tmp_path / "all").range is None
