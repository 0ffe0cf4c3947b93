"""``learners.patch_words`` against the same in loops, and what a few labels make of it."""

import numpy as np
import pytest
import torch

from latelier.learners.patch_words import NORMAL, PatchWords, Teacher


def images(n: int, side: int = 12) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((n, 2, side, side), np.float32))


@pytest.mark.parametrize("step", [1, 2])
def test_an_image_is_read_as_in_loops(step: int) -> None:
    words = PatchWords([images(30)], words=7, step=step)
    (image,) = images(1)
    places = range(0, 12 - 3 + 1, step)
    near = np.zeros((len(places), len(places), 7))
    for row, top in enumerate(places):
        for column, left in enumerate(places):
            patch = image[:, top : top + 3, left : left + 3].flatten().double().numpy()
            patch = (patch - patch.mean()) / np.sqrt(patch.var(ddof=1) + NORMAL)
            patch = (patch - words.mean.numpy()) @ words.white.numpy()
            apart = np.linalg.norm(patch / np.linalg.norm(patch) - words.words.numpy(), axis=1)
            near[row, column] = np.maximum(0, apart.mean() - apart)
    half = -(-len(places) // 2)
    parts = [
        near[a:b, c:d].mean((0, 1))
        for a, b in ((0, half), (len(places) // 2, None))
        for c, d in ((0, half), (len(places) // 2, None))
    ]
    expected = np.stack(parts, 1).ravel()  # of each word its four quarters
    assert words(image[None])[0].numpy() == pytest.approx(expected, abs=1e-5)


def test_what_is_learned_is_white_and_the_same_each_time() -> None:
    one, other = (PatchWords([images(40)[:25], images(40)[25:]], words=5) for _ in range(2))
    assert torch.equal(one.words, other.words)
    assert one.words.norm(dim=1).max() <= 1 + 1e-5


def test_large_images_are_read_averaged_down() -> None:
    small, large = images(20, 32), images(20, 32).repeat_interleave(2, 2).repeat_interleave(2, 3)
    words = PatchWords([small], words=6)
    assert torch.allclose(words(large), words(small), atol=1e-5)


def test_no_more_patches_are_taken_than_asked() -> None:
    def blocks() -> "object":
        yield images(4)
        yield images(4)
        raise AssertionError("nothing more is read")

    PatchWords(blocks(), words=3, patches=70)  # type: ignore[arg-type]


def test_a_teacher_names_the_likeliest_of_its_shares_and_no_class_without_a_label() -> None:
    rng = np.random.default_rng(0)
    label = np.repeat([0, 2], 20)
    rows = rng.normal(size=(40, 5)).astype(np.float32) + label[:, None]
    teacher = Teacher(rows, label, 1.0)
    share = teacher.shares(rows, 4)
    assert share.sum(1) == pytest.approx(np.ones(40), abs=1e-6)
    assert not share[:, [1, 3]].any()
    assert (share.argmax(1) == teacher.predict(rows)).all()
    assert (teacher.predict(rows) == label).mean() > 0.9
