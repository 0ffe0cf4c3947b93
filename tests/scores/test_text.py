"""Metrics of captions: by hand, and beside values that coco-caption's own scorers gave."""

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from latelier.data.words import words_of
from latelier.errors import Refusal
from latelier.scores.text.bleu import bleu, bleu_of
from latelier.scores.text.cider import cider
from latelier.scores.text.meteor import meteor
from latelier.scores.text.rouge import rouge_l

ORACLE = Path(__file__).parents[3] / "shared" / "data" / "caption-oracle"  # beside the repository, on some machines
known = pytest.mark.skipif(not ORACLE.is_dir(), reason="needs ../shared/data")


def oracle() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ORACLE / "oracle.json").read_text())
    return found


@known
def test_all_agree_with_nlg_eval() -> None:
    cases = oracle()["nlg_eval_tests"]["cases"]
    assert len(cases) == 4
    for case in cases:
        candidates = [words_of(text) for text in case["hyps"]]
        references = [[words_of(text) for text in beside] for beside in case["refs"]]
        found = {f"Bleu_{n}": value for n, value in enumerate(bleu(candidates, references), 1)}
        found |= {"ROUGE_L": rouge_l(candidates, references), "CIDEr": cider(candidates, references)}
        for name, value in case["scores"].items():
            if name != "METEOR":
                assert found[name] == pytest.approx(value, abs=1e-5), (name, case["hyps"])


@known
def test_bleu_agrees_with_coco_caption_from_its_counts() -> None:
    demo = oracle()["tylin_coco_caption_demo"]
    counts = demo["bleu_counts"]
    found = bleu_of(counts["correct"], counts["guess"], counts["testlen"], counts["reflen"])
    for n, value in enumerate(found, 1):
        assert value == pytest.approx(demo["scores"][f"Bleu_{n}"], abs=5e-4)  # three decimals are given


def test_bleu_of_a_worked_case() -> None:
    """Papineni et al. 2002, section 2.1: "the" seven times is right twice."""
    the, references = ["the"] * 7, [words_of("The cat is on the mat."), words_of("There is a cat on the mat.")]
    assert bleu([the], [references])[0] == pytest.approx(2 / 7)
    words = words_of("this is a good test")  # of its pairs two, of its triples one are in the reference
    found = bleu([words], [[words_of("this is a test")]])
    assert found[0] == pytest.approx(4 / 5)
    assert found[1] == pytest.approx(math.sqrt(4 / 5 * 2 / 4))
    assert found[2] == pytest.approx((4 / 5 * 2 / 4 * 1 / 3) ** (1 / 3))


def test_bleu_punishes_what_is_short_by_the_nearest_reference() -> None:
    short, long = words_of("a b c d"), words_of("a b c d e f")
    assert bleu([short], [[long]])[0] == pytest.approx(math.exp(1 - 6 / 4))
    assert bleu([short], [[long, short]])[0] == pytest.approx(1)
    assert bleu([words_of("a b c")], [[words_of("a b"), short]])[0] == pytest.approx(1)  # of two as near the shorter


def test_rouge_of_a_worked_case() -> None:
    one, other = words_of("this is a good test"), [words_of("this is a test"), words_of("this is also a test")]
    assert rouge_l([one], [other]) == pytest.approx(2.44 * 0.8 / (1 + 1.44 * 0.8))
    assert rouge_l([words_of("a b"), words_of("b a")], [[words_of("a b")]] * 2) == pytest.approx((1 + 0.5) / 2)
    assert rouge_l([[]], [[["a"]]]) == 0


def test_cider_of_a_worked_case() -> None:
    """Two images, each with a reference of its own words: log 2 is the weight of every n-gram."""
    references = [[words_of("a b c d")], [words_of("e f g h")]]
    assert cider([words_of("a b c d"), words_of("x y z w")], references) == pytest.approx(10 / 2)
    # Of "a b x": a and b of three words beside four, one pair of two beside three; one word shorter.
    expected = (2 / math.sqrt(3 * 4) + 1 / math.sqrt(2 * 3)) / 4 * math.exp(-1 / 72)
    assert cider([words_of("a b x"), []], references) == pytest.approx(10 * expected / 2)
    assert cider([words_of("a b c d")], [[words_of("a b c d")]]) == 0  # one image alone: nothing is rare


def test_identical_is_best_and_disjoint_is_nothing() -> None:
    said, other = [words_of("one two three four five"), words_of("six seven eight nine")], [[["x"] * 5], [["y"] * 5]]
    same = [[words] for words in said]
    assert bleu(said, same) == pytest.approx([1] * 4)
    assert (rouge_l(said, same), cider(said, same)) == pytest.approx((1, 10))
    assert max(bleu(said, other)) < 1e-3
    assert (rouge_l(said, other), cider(said, other)) == (0, 0)


PROGRAM = """#!/bin/sh
while IFS= read -r line; do
  case "$line" in
    SCORE*) echo "$line" | tr -cd '|' | wc -c ;;
    EVAL*) echo 0.25; echo 0.75; echo 0.5 ;;
  esac
done
"""


def test_meteor_speaks_with_the_java_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java, jar = tmp_path / "java", tmp_path / "meteor-1.5.jar"
    jar.touch()
    for program, check in ((PROGRAM, None), ("#!/bin/sh\necho no such thing\n", "did not answer as METEOR")):
        java.write_text(program)
        java.chmod(java.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        said = [["a"], ["b"]], [[["a"], ["b"]], [["c"]]]
        if check is None:
            assert meteor(*said, jar) == 0.5
        else:
            with pytest.raises(Refusal, match=check):
                meteor(*said, jar)
    with pytest.raises(Refusal, match="is no file"):
        meteor([["a"]], [[["a"]]], tmp_path / "none.jar")
