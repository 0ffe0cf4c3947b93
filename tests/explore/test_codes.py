"""Codes of the data: computed once, kept on disk while there is one, never trusted blindly."""

import io
import os
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from explore.opened import noise_images
from sheets.fakes import Fake

from latelier.codes.rows import codes
from latelier.errors import Refusal
from latelier.explore import codes as module
from latelier.explore import kept_rows
from latelier.explore.codes import Codes, WaitingError, stratified
from latelier.explore.kept_rows import FILES

IMAGE = (1, 8, 6)


def whole(one: Codes) -> np.ndarray:
    for _ in one.slices():
        pass
    return one.rows()


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "explore").glob("*"))


def test_they_are_the_models_and_come_slice_by_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 5)
    monkeypatch.setattr(module, "SLICE", -1.0)
    one = Codes(Fake(IMAGE), noise_images(), None)
    shares = []
    for _ in one.slices():
        with pytest.raises(WaitingError) as waiting:
            one.rows()
        shares.append(waiting.value.share)
    assert shares == [5 / 12, 10 / 12, 1.0]
    assert np.allclose(one.rows(), codes(Fake(IMAGE), noise_images()), atol=1e-6)


def test_a_second_page_finds_them_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = whole(Codes(Fake(IMAGE), noise_images(), tmp_path))
    monkeypatch.setattr(Fake, "encode", None)  # nothing is encoded
    assert np.array_equal(whole(Codes(Fake(IMAGE), noise_images(), tmp_path)), first)


def test_other_weights_and_other_images_have_others(tmp_path: Path) -> None:
    changed = Fake(IMAGE)
    changed.into.weight.data.mul_(2)
    rows = [
        whole(Codes(*of, tmp_path))
        for of in ((Fake(IMAGE), noise_images()), (changed, noise_images()), (Fake(IMAGE), noise_images(seed=1)))
    ]
    assert len(kept(tmp_path)) == 3
    assert not np.allclose(rows[0], rows[1])
    assert not np.allclose(rows[0], rows[2])


def test_what_is_kept_on_disk_is_bounded(tmp_path: Path) -> None:
    for seed in range(FILES + 2):
        whole(Codes(Fake(IMAGE), noise_images(seed=seed), tmp_path))
        os.utime(kept(tmp_path)[-1])
    assert len(kept(tmp_path)) == FILES


def others(shape: tuple[int, ...]) -> bytes:
    """Codes of another shape, or other ones, as np.save writes them."""
    content = io.BytesIO()
    np.save(content, np.zeros(shape, np.float32))
    return content.getvalue()


@pytest.mark.parametrize("damage", [b"", b"junk", b"\x93NUMPY\x01\x00", others((12, 5)), others((7, 5))])
@pytest.mark.parametrize("summed", [False, True])
def test_a_damaged_file_is_computed_again(tmp_path: Path, damage: bytes, summed: bool) -> None:
    first = whole(Codes(Fake(IMAGE), noise_images(), tmp_path))
    path = kept(tmp_path)[0]
    if damage == others((12, 5)) and summed:
        return  # what has the right sum and shape is what was written
    path.write_bytes(damage + crc32(damage).to_bytes(4, "little") if summed else damage)
    assert np.array_equal(whole(Codes(Fake(IMAGE), noise_images(), tmp_path)), first)
    path.unlink()
    os.mkfifo(path)  # is not waited for
    assert np.array_equal(whole(Codes(Fake(IMAGE), noise_images(), tmp_path)), first)


def test_a_full_disk_leaves_them_in_memory(tmp_path: Path) -> None:
    (tmp_path / "explore").write_text("a file where a folder would be")
    one = Codes(Fake(IMAGE), noise_images(), tmp_path)
    assert len(whole(one)) == 12
    assert "kept in memory alone" in one.remark


def test_a_failure_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Fake, "encode", broken)
    one = Codes(Fake(IMAGE), noise_images(), None)
    with pytest.raises(Refusal, match="could not be computed: out of memory"):
        whole(one)


def test_the_nearest_are_nearest_first() -> None:
    one = Codes(Fake(IMAGE), noise_images(), None)
    rows = whole(one)
    found = one.nearest(rows[7], 3)
    assert found[0] == (7, 0.0)
    assert [away for _, away in found] == sorted(np.linalg.norm(rows - rows[7], axis=1))[:3]


def test_of_too_many_a_sample_is_taken_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = whole(Codes(Fake(IMAGE), noise_images(), tmp_path))
    for name, most in (("IMAGES", 6), ("NUMBERS", 30)):  # codes of five numbers
        monkeypatch.setattr(module, "BLOCK", 4)
        with monkeypatch.context() as bounded:
            bounded.setattr(module, name, most)
            one = Codes(Fake(IMAGE), noise_images(), tmp_path)
            assert one.said == "codes of 6 of 12 images, a sample"
            assert np.array_equal(whole(one), every[one.picked])
            assert one.nearest(every[one.picked[2]], 1) == [(one.picked[2], 0.0)]
    assert Codes(Fake(IMAGE), noise_images(), tmp_path).said == "codes of all 12 images"
    assert len(kept(tmp_path)) == 2


def test_a_sample_has_of_each_class_its_share_and_one_at_least() -> None:
    label = np.repeat([2, 0, -1, 7], [6000, 3000, 990, 10])  # in the order of folders
    rows = stratified(label, 1000)
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert len(rows) == 1000
    counts = {int(one): int((label[rows] == one).sum()) for one in (2, 0, -1, 7)}
    assert counts == pytest.approx({2: 600, 0: 300, -1: 99, 7: 1}, abs=2)
    assert counts[7] >= 1
    assert rows[:300].max() > 2000  # not the first of each
    assert np.array_equal(rows, stratified(label, 1000))
    assert not np.array_equal(rows, stratified(label, 1000, seed=1))
    assert np.array_equal(stratified(label, 10_000), np.arange(10_000))


def test_what_is_kept_is_bounded_in_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "BYTES", 1000)
    for seed in range(3):
        whole(Codes(Fake(IMAGE), noise_images(seed=seed), tmp_path))
        os.utime(kept(tmp_path)[-1])
    assert len(kept(tmp_path)) == 2  # of 372 bytes each


def test_a_piece_at_a_time_is_read_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "PIECE", 100)
    first = whole(Codes(Fake(IMAGE), noise_images(), tmp_path))
    again = Codes(Fake(IMAGE), noise_images(), tmp_path)
    monkeypatch.setattr(Fake, "encode", None)
    assert len(list(again.slices())) == 3  # 240 bytes
    assert np.array_equal(again.rows(), first)
