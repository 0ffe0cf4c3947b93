"""Scores of captions: what they say of perfect captions, of a uniform writer, and of known ranks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator

from latelier.core import Model
from latelier.data.drawn.scenes import draw_block
from latelier.data.images import Images
from latelier.data.words import Vocabulary
from latelier.runs.building import build
from latelier.scores import captions, retrieval, scene_captions
from latelier.scores.captioning import codes_of, usual_draws
from latelier.scores.common import Splits
from latelier.scores.record import run_scores


@pytest.fixture(scope="module")
def splits() -> Splits:
    return Splits(draw_block(0, 40), draw_block(40, 60))


@pytest.fixture(scope="module")
def model(splits: Splits) -> Model:
    """Untrained; every word of the training captions is as likely as any, anywhere."""
    words = Vocabulary.of(text for texts in splits.fit.captions for text in texts).words
    small = {"net": "mlp", "net.widths": (4,), "latent": 3, "caption.hidden": 4, "caption.embedding": 3}
    built = build("vae", (3, 32, 32), words=words, caption="gru", **small)
    with torch.no_grad():
        for weight in built.get_submodule("writer.net.out").parameters():
            weight.zero_()
    return built.eval()


def first(model: Model, images: Images, *_: object) -> tuple[list[str], np.ndarray]:
    return [texts[0].replace(",", "") for texts in images.captions], np.zeros(len(images))


def test_perfect_captions_are_best(splits: Splits, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captions, "written", first)
    monkeypatch.setattr(scene_captions, "written", first)
    found = {record["name"]: record for record in run_scores(model, splits, ["captions", "scene_captions"])}
    values = found["captions"]["values"]
    assert [values[name] for name in ("BLEU-1", "BLEU-4", "ROUGE_L")] == pytest.approx([1, 1, 1])
    assert values["BLEU-4 nearest"] < 0.9
    assert found["captions"]["verdict"].startswith("Better than both copies by BLEU-4 and CIDEr, on 20 images.")
    assert set(found["scene_captions"]["values"].values()) == {100.0}


def test_captions_of_scripts_without_spaces_are_judged_by_their_characters(
    splits: Splits, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_chinese(images: Images) -> Images:
        return replace(images, captions=[[f"左边有一个{'红蓝绿'[row % 3]}色的圆"] for row in range(len(images))])

    monkeypatch.setattr(captions, "written", first)
    spoken = Splits(in_chinese(splits.fit), in_chinese(splits.test))
    values = captions.score(model, spoken, Generator().manual_seed(0), beam=1)
    assert [values[name] for name in ("BLEU-1", "BLEU-4", "ROUGE_L")] == pytest.approx([1, 1, 1])
    assert 0.5 < values["BLEU-1 commonest"] < 1


def test_a_uniform_writer_is_as_perplexed_as_it_has_tokens(splits: Splits, model: Model) -> None:
    values = captions.score(model, splits, Generator().manual_seed(0), beam=1)
    known = set(model.words())  # type: ignore[operator]
    assert values["perplexity"] == pytest.approx(len(known) - 1, rel=1e-4)
    said = [word.strip(",") for texts in splits.test.captions for text in texts for word in text.split()]
    assert values["unknown words %"] == pytest.approx(100 * np.mean([word not in known for word in said]))


@pytest.mark.parametrize(
    ("name", "settings", "usual"),
    [("vae", {"net": "mlp"}, 0), ("dgdn", {"pooling": "drawn", "estimator": "score"}, 50), ("dgdn", {}, 0)],
)
def test_codes_that_hang_on_positions_are_drawn_for_captions(name: str, settings: dict[str, str], usual: int) -> None:
    model = build(name, (1, 8, 8), **settings).eval()
    assert usual_draws(model) == usual
    image = torch.rand(3, 1, 8, 8, generator=Generator().manual_seed(0))
    found = codes_of(model, image, None, Generator().manual_seed(1))
    asked = codes_of(model, image, usual, Generator().manual_seed(1))
    assert len(found) == max(1, usual)
    assert all(torch.equal(one[key], other[key]) for one, other in zip(found, asked, strict=True) for key in one)
    assert len(codes_of(model, image, 2, Generator())) == 2


def test_the_words_of_a_caption_are_grouped_and_the_grounds_left_out() -> None:
    text = "on a striped ground there is a small red dotted star left of a large blue circle"
    found = scene_captions.grouped(text.split())
    assert found == {
        "sizes": ["small", "large"],
        "colours": ["red", "blue"],
        "textures": ["dotted"],
        "shapes": ["star", "circle"],
        "relations": ["left"],
    }


def test_ranks_count_what_is_better_or_as_good_and_wrong() -> None:
    table = np.array([[3.0, 1.0, 2.0], [5.0, 5.0, 0.0], [1.0, 2.0, 3.0]])
    right = np.array([[False, True, True], [True, False, False], [True, False, False]])
    assert retrieval.first_right(table, right).tolist() == [2, 2, 3]


def test_retrieval_among_equals_is_never_right_by_luck(splits: Splits, model: Model) -> None:
    values = retrieval.score(model, splits, Generator())
    assert values["chance recall@1 %"] == 5
    alone = replace(splits.test, captions=[(f"a {i}",) for i in range(len(splits.test))])
    tied = retrieval.score(model, splits._replace(test=alone), Generator())
    assert tied["image recall@10 %"] == tied["caption recall@10 %"] == 0
