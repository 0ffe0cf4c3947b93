"""Runs of several seeds as one: what belongs together, means and sds, and tests that are possible."""

import math
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import wilcoxon

from latelier.cli import main
from latelier.errors import Refusal
from latelier.runs.over_seeds import FEWEST, Group, grouped, paired, tables

FIRST = [1.0, 2.5, 3.0, 4.2, 5.0, 6.6]


@dataclass
class Card:
    config: dict[str, Any]
    model: str = "vae"

    def json(self) -> dict[str, Any]:
        return {"model": self.model, "config": self.config, "head": None, "caption": None}


@dataclass
class Scored:
    """What is read of a run."""

    seed: int
    value: float = 1.0
    card: Card = field(default_factory=lambda: Card({"latent": 2}))
    data: str = "digits:test"
    request: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return Path(f"runs/{self.seed}")

    @property
    def config(self) -> dict[str, Any]:
        out = {"out": f"runs/{self.seed}", "seed": self.seed, "quiet": bool(self.seed)}
        return {"data": {"fingerprint": "f"}, "request": {**out, **self.request}}

    @property
    def scores(self) -> list[dict[str, Any]]:
        values = {"PSNR dB": self.value, "PSNR dB sd": 9.0, "same": 3.0}
        return [{"name": "reconstruction", "values": values, "n": 500, "data": self.data}]


def group(name: str, values: list[float]) -> Group:
    return Group(name, {seed: Scored(seed, value) for seed, value in enumerate(values)})  # type: ignore[misc]


def test_runs_that_differ_in_their_seed_alone_are_one_group() -> None:
    wide = Card({"latent": 8, "net": {"kind": "mlp"}})
    runs: Any = [
        Scored(1),
        Scored(0),
        Scored(0, card=wide),
        Scored(0, request={"labels": 5}),
        Scored(0, card=Card({}, "pca")),
    ]
    found = grouped(runs)
    assert [(one.name.partition(" ")[0], list(one.runs)) for one in found] == [
        ("vae", [0, 1]),
        ("vae", [0]),
        ("vae", [0]),
        ("pca", [0]),
    ]
    assert found[1].name == "vae latent=8 net.kind=mlp"
    assert "labels=5" in found[2].name
    assert found[3].name == "pca"
    with pytest.raises(Refusal, match=r"runs/0 and runs/0 are the same training with the same seed \(0\)"):
        grouped([Scored(0), Scored(0)])  # type: ignore[list-item]


def test_a_paired_test_is_wilcoxons_of_the_differences_by_seed() -> None:
    other = [value - shift for value, shift in zip(FIRST, (0.5, 0.1, 0.3, -0.2, 0.4, 0.6), strict=True)]
    found = paired(dict(enumerate(FIRST)), dict(enumerate(other)))
    assert (found.pairs, found.difference) == (6, pytest.approx(1.7 / 6))
    assert found.p == pytest.approx(wilcoxon(FIRST, other).pvalue)
    always = paired(dict(enumerate(FIRST)), {seed: value - 1 - seed for seed, value in enumerate(FIRST)})
    assert always.p == pytest.approx(2 / 2**6)  # the least that six pairs allow
    assert paired(dict(enumerate(FIRST)), dict(enumerate(FIRST))).p is None
    few = paired(dict(enumerate(FIRST[: FEWEST - 1])), dict(enumerate(other)))
    assert (few.pairs, few.p) == (FEWEST - 1, None)
    broken = paired({0: math.nan, 1: 2.0, 2: 3.0}, {1: 1.0, 2: math.inf, 7: 1.0})
    assert (broken.difference, broken.pairs, broken.p) == (1.0, 1, None)
    assert paired({0: 1.0}, {1: 1.0}).pairs == 0


def test_a_table_has_means_and_sds_and_says_where_values_are_not_finite() -> None:
    said = tables([group("a", [1.0, 2.0, 3.0]), group("b", [4.0, math.nan, 6.0]), group("c", [math.nan])])
    assert "a (3 seeds)" in said
    (row,) = [line for line in said.splitlines() if line.startswith("reconstruction: PSNR dB")]
    assert "2.0 ± 1.0" in row
    assert "5.0 ± 1.4 (2 of 3)" in row
    assert row.endswith("not finite")
    assert "nan" not in said
    assert " sd " not in said.replace("± sd", "")  # of draws within a run
    assert "No test of a against b: 3 seeds in common" in said
    assert "No test of a against c: 1 seed in common" in said


def test_six_seeds_are_tested_by_score() -> None:
    said = tables([group("a", FIRST), group("b", [value - 1 - seed for seed, value in enumerate(FIRST)])])
    (row,) = [line for line in said.splitlines() if line.startswith("reconstruction: PSNR dB") and "0.031" in line]
    assert row.split()[-2:] == ["0.031", "6"]
    (same,) = [line for line in said.splitlines() if line.startswith("reconstruction: same") and line.endswith("6")]
    assert same.split()[-2:] == ["-", "6"]
    assert "Nothing is corrected for the number of tests, 2." in said


def test_the_verb_groups_real_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    tiny = "--data digits --steps 2 --quiet --set net=mlp net.widths=4"
    for latent in (2, 3):
        for seed in (0, 1):
            out = f"v{latent}-{seed}"
            main(shlex.split(f"train vae {tiny} latent={latent} --seed {seed} --out {out}"))
            main(shlex.split(f"score {out} --only reconstruction --quiet"))
    capsys.readouterr()
    main(["compare", "v2-0", "v2-1", "v3-1", "v3-0", "--seeds", "--out", "both.png"])
    said = capsys.readouterr().out
    assert "vae latent=2 (2 seeds)" in said
    assert "vae latent=3 (2 seeds)" in said
    assert "No test of vae latent=2 against vae latent=3: 2 seeds in common" in said
    assert Path("both.png").exists()
