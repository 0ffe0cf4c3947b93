"""Captions in batches: one of each image's own, as a function of seed and position; which images keep theirs."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from latelier.data.batches import Batches
from latelier.data.captions import Sentences, has_caption, hide_captions, spoken
from latelier.data.drawn.scenes import draw_scenes
from latelier.data.images import Images
from latelier.data.words import Vocabulary
from latelier.errors import Refusal

CPU = torch.device("cpu")
TEXTS = [("one",), (), ("two a", "two b c", "..."), ("three",)] * 10
WORDS = Vocabulary.of(text for texts in TEXTS for text in texts)


@pytest.fixture(scope="module")
def images() -> Images:
    return replace(draw_scenes(40), captions=TEXTS)


def batches(images: Images, seed: int = 0, size: int = 8, share: float = 0.5, **more: Any) -> Batches:
    sentences = Sentences(images, WORDS, longest=5)
    return Batches(images, size, seed=seed, device=CPU, captioned=share, sentences=sentences, **more)


def texts_of(caption: torch.Tensor) -> list[str]:
    return [WORDS.text(row) for row in caption.tolist()]


def test_every_image_has_one_of_its_own(images: Images) -> None:
    drawn, found = batches(images), Counter[tuple[int, str]]()
    for position in range(0, 4_000, 8):
        batch = drawn.at(position)
        for row, text in zip(batch.index.tolist(), texts_of(batch.caption), strict=True):
            assert text in (TEXTS[row] or ("",))
            found[row % 4, text] += 1
    a, b = found[2, "two a"], found[2, "two b c"]
    assert abs(a - b) < 4 * (a + b) ** 0.5  # four standard errors: a false alarm of 1 in 16,000
    assert (batches(images).at(0).caption.dtype, batches(images).at(0).caption.shape[0]) == (torch.int64, 8)


def test_images_with_a_label_and_those_with_a_caption_are_counted(images: Images) -> None:
    some = replace(images, label=np.where(np.arange(40) % 3, images.label, -1))
    assert batches(some).known() == (26, 30)
    assert Batches(some, 8, seed=0, device=CPU).known() == (26, 0)


def test_they_are_a_function_of_seed_and_position(images: Images) -> None:
    one, other = batches(images), batches(images)
    other.at(0)
    assert torch.equal(one.at(16).caption, other.at(16).caption)
    parts = [one.at(16, part, 2) for part in range(2)]
    whole = one.at(16)
    for number, part in enumerate(parts):
        assert texts_of(part.caption) == texts_of(whole.caption[number::2])
    rows = torch.tensor([2, 3, 1, 6, 10, 14])
    assert torch.equal(one.rows(rows).caption, other.rows(rows).caption)
    assert all(text in (TEXTS[row] or ("",)) for row, text in zip(rows, texts_of(one.rows(rows).caption), strict=True))
    assert any(texts_of(one.at(p).caption) != texts_of(batches(images, seed=1).at(p).caption) for p in range(0, 80, 8))


def test_a_share_of_every_batch_has_captions(images: Images) -> None:
    few = replace(images, captions=[texts if row < 3 else () for row, texts in enumerate(TEXTS)])
    for position in range(0, 80, 8):
        assert int((batches(few).at(position).caption[:, 0] > 0).sum()) >= 4
    whole = batches(images, share=1.0)
    shown = {row for position in range(0, 80, 8) for row in whole.at(position).index.tolist()}
    assert shown == {row for row, texts in enumerate(TEXTS) if texts}  # with one caption or more, and no others
    both = batches(few, labelled=0.25).at(0)
    assert int((both.caption[:, 0] > 0).sum()) >= 4
    assert len(batches(few, size=3, share=0.5, labelled=0.5).at(0).index) == 3
    with pytest.raises(Refusal, match="shares of one batch"):
        batches(few, labelled=0.75)
    with pytest.raises(Refusal, match="needs captions"):
        batches(replace(images, captions=[()] * 40))
    with pytest.raises(Refusal, match="needs captions"):
        Batches(images, 8, seed=0, device=CPU, captioned=0.5)


def test_a_share_is_drawn_from_those_that_are_trained_on(images: Images) -> None:
    among = np.array([0, 1, 5, 6, 7, 12, 13])
    one = replace(images, label=np.where(np.isin(np.arange(40), [6, 9]), 0, -1))
    for position in range(0, 80, 8):
        batch = batches(one, labelled=0.25, among=among).at(position)
        assert np.isin(batch.index, among).all()
        assert int((batch.index == 6).sum()) >= 2  # the only label of these
        assert int((batch.caption[:, 0] > 0).sum()) >= 4


def test_without_captions_a_batch_has_none(images: Images) -> None:
    plain = Batches(images, 8, seed=0, device=CPU)
    assert (plain.at(0).caption.dtype, plain.at(0).caption.shape) == (torch.int64, (8, 0))
    assert torch.equal(plain.at(8).index, Batches(images, 8, seed=0, device=CPU).at(8).index)


def test_a_part_of_the_images_keeps_theirs(images: Images) -> None:
    sentences = Sentences(images, WORDS, longest=5)
    rows = np.array([2, 3, 6])
    assert texts_of(sentences.take(rows).at(torch.tensor([1, 1, 0]), 0))[:2] == ["three", "three"]
    assert texts_of(sentences.all(6)) == ["two a", "two b c"]
    assert sentences.all(1).shape[0] == 0


def test_hiding_keeps_so_many(images: Images) -> None:
    among = np.arange(20)
    few = hide_captions(images, 5, seed=0, among=among)
    known = np.flatnonzero(has_caption(few))
    assert len(known) == 5
    assert set(known) <= set(among)
    assert all(few.captions[row] == TEXTS[row] for row in known)
    assert not np.array_equal(known, np.flatnonzero(has_caption(hide_captions(images, 5, seed=1, among=among))))
    with pytest.raises(Refusal, match="16 were asked for, but 15 of the images"):
        hide_captions(images, 16, seed=0, among=among)


def test_the_first_captions_with_a_word_are_kept() -> None:
    captions = [["", "a", "b", "c"], [], ["d"]]
    assert [spoken(texts, 2) for texts in captions] == [["a", "b"], [], ["d"]]
    vocabulary = Vocabulary.of("abcd")
    sentences = Sentences(replace(draw_scenes(3), captions=captions), vocabulary, 5, most=2)
    said = [[vocabulary.text(row) for row in sentences.all(image).tolist()] for image in range(3)]
    assert said == [["a", "b"], [], ["d"]]
