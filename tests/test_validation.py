"""What validation pictures say: which terms there are to choose a checkpoint by, and which is chosen."""

from pathlib import Path

import pytest
import torch
from torch import Generator

import latelier
from latelier import checkpoint, files
from latelier.building import assemble
from latelier.core import Batch, Progress, Refusal

TINY = {"settings": ["net=mlp", "net.widths=", "latent=2"], "data": "digits", "batch": 64, "quiet": True}


def test_an_unknown_judge_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match='--judge label eror is no term of this run; did you mean "label errors"'):
        latelier.train("vae", out=str(tmp_path / "run"), labels=5, validation=0.1, judge="label eror", **TINY)
    assert not (tmp_path / "run").exists()


def test_the_checkpoint_with_the_fewest_label_errors_is_the_best(tmp_path: Path) -> None:
    run = latelier.train(
        "vae",
        out=str(tmp_path / "run"),
        epochs=2,
        labels=5,
        validation=0.1,
        judge="label errors",
        save_every=0.25,
        rate=0.02,
        **TINY,
    )
    errors = {
        record["seen"]: record["validation"]["label errors"]
        for record in files.read_lines(run / "log.jsonl")
        if "validation" in record
    }
    assert len(set(errors.values())) > 1
    assert errors[checkpoint.best(run).seen] == min(errors.values())


def test_errors_are_wrong_answers_to_known_labels_and_cost_training_nothing() -> None:
    model, _ = assemble(
        "vae", (1, 8, 8), tuple("abc"), {"net": "mlp", "net.widths": "", "latent": 2, "head": "softmax"}
    )
    with torch.no_grad():
        model.head.linear.weight.zero_()
        model.head.linear.bias.copy_(torch.tensor([0.0, 1.0, 0.0]))  # whatever the code: b
    none = torch.zeros(4, 0, dtype=torch.int64)
    batch = Batch(torch.rand(4, 1, 8, 8), torch.arange(4), torch.tensor([0, 1, 2, -1]), none, none)
    (move,) = model.moves()
    assert "label errors" not in move(batch, Progress(0, 1, Generator())).report
    model.eval()
    assert move(batch, Progress(0, 1, Generator())).report["label errors"].tolist() == [1, 0, 1, 0]


def test_terms_that_need_a_gradient_are_judged_without_a_warning(tmp_path: Path) -> None:
    settings = ["net=dense", "net.widths=8", "latent=2", "paired=true", "critic.r1=0.1"]
    run = latelier.train("ali", out=str(tmp_path / "run"), epochs=0.1, validation=0.1, **TINY | {"settings": settings})
    (last,) = [record["validation"] for record in files.read_lines(run / "log.jsonl") if "validation" in record][-1:]
    assert last["slope"] > 0
