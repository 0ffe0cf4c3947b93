"""Tables of recipes, from values that scores would give."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from latelier.bench.jobs import Bench, Job
from latelier.config.recipes import find_recipe
from latelier.runs.where import Where


class Given(Bench):
    """Of each job the accuracies or errors that its score would give, all of them 90 % right on codes and 70 on
    pixels."""

    def measure(self, jobs: Sequence[Job]) -> dict[str, list[dict[str, float]]]:
        found: dict[str, list[dict[str, float]]] = {}
        for job in jobs:
            budgets = [f"{job.options.get('labels', 10)}/class", "own labels"]
            values = {f"propagation pixels {budget} %": 70.0 for budget in budgets}
            if job.options.get("depth") != "pixels":
                values |= {f"propagation codes {budget} %": 90.0 for budget in budgets}
            probe = {
                "head %": 99.0,
                "majority %": 11.0,
                "linear codes 10/class %": 88.0,
                "linear pixels 10/class %": 75.0,
            }
            values = {"propagation": values, "tsvm": {"TSVM error %": 20.0}, "probe": probe}[job.score]
            found.setdefault(job.row, []).append(values)
        return found


@pytest.mark.parametrize("name", ["images-labels/few-labels", "adversary/few-labels"])
def test_label_propagation_on_pixels_stands_in_tables_of_few_labels(name: str, tmp_path: Path) -> None:
    result = find_recipe(name).reproduce(Given(tmp_path, "mnist", Where(), seeds=1))
    cells = {row[0]: row[-1] for row in result.rows}
    (pixels,) = [value for row, value in cells.items() if "propagation on pixels" in row]
    assert float(pixels) == 30
    if name.startswith("images"):
        assert [float(cells[row]) for row in ("xi = 0, propagation", "TSVM on pixels", "max-pooling")] == [10, 20, 1]


class Attributed(Bench):
    """Of each job the values that its score would give of two attributes."""

    def measure(self, jobs: Sequence[Job]) -> dict[str, list[dict[str, float]]]:
        own = {"VAE": {"codes": (70.0, 80.0)}, "ALI": {"codes": (75.0, 75.0)}}
        own["HALI"] = {"z1": (70.0, 85.0), "z2": (50.0, 60.0), "all": (75.0, 70.0)}
        found: dict[str, list[dict[str, float]]] = {}
        for job in jobs:
            values = {"pixels %": 90.0, "pixels hat %": 90.0, "pixels smile %": 90.0}
            for space, (hat, smile) in own[job.row].items():
                name = f"preserved {'code' if space == 'codes' else space}"
                for kind in (space, name) if space != "all" else (space,):
                    values |= {f"{kind} %": (hat + smile) / 2, f"{kind} % sd": 1.0}
                    values |= {f"{kind} hat %": hat, f"{kind} smile %": smile}
            found.setdefault(job.row, []).append(values)
        return found


def test_halis_tables_have_the_sd_over_attributes_and_how_many_a_row_is_best_on(tmp_path: Path) -> None:
    result = find_recipe("adversary/faces").reproduce(Attributed(tmp_path, "scenes", Where(), seeds=1))
    cells = {row[0]: (row[2], row[4]) for row in result.rows}
    assert cells["VAE"] == ("75.00 (7.07, 0)", "75.00 (7.07, 0)")
    assert cells["ALI"] == ("75.00 (0.00, 1)", "75.00 (0.00, 1)")  # alone of hats; in the probe beside all codes
    assert cells["HALI z1"] == ("77.50 (10.61, 1)", "77.50 (10.61, 1)")
    assert cells["HALI z1 and z2"] == ("72.50 (3.54, 1)", "")
    assert cells["pixels"] == ("90.00", "")


class Captioned(Bench):
    """Of each job a tenth by every metric, and METEOR where its jar was named."""

    def measure(self, jobs: Sequence[Job]) -> dict[str, list[dict[str, float]]]:
        metrics = find_recipe("images-captions/flickr8k").METRICS
        own = [metric for metric in metrics if metric != "METEOR" or job_of(jobs).options.get("meteor")]
        return {job.row: [dict.fromkeys(own, 0.1)] for job in jobs}


def job_of(jobs: Sequence[Job]) -> Job:
    assert len({json.dumps(job.options) for job in jobs}) == 1
    return jobs[0]


def test_captions_have_each_sets_published_figures_and_meteor_where_its_jar_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LATELIER_METEOR", raising=False)
    here = Captioned(tmp_path, "captioned", Where(), seeds=1)
    tables = {name: find_recipe(f"images-captions/{name}").reproduce(here) for name in ("table3", "flickr30k", "coco")}
    assert not [column for column in tables["table3"].columns if "METEOR" in column]
    cells = {name: dict(zip(table.columns, table.rows[1], strict=False)) for name, table in tables.items()}
    published = {name: (row["BLEU-4, published"], row["perplexity, published"]) for name, row in cells.items()}
    assert published == {"table3": ("0.22", "15.24"), "flickr30k": ("0.22", "16.17"), "coco": ("0.26", "11.57")}
    assert cells["coco"]["METEOR, published"] == "0.22"
    place = tables["coco"].columns.index("METEOR, published")
    assert [row[place + 1] for row in tables["coco"].rows[:3]] == ["", "", ""]
    assert tables["flickr30k"].rows[0][tables["flickr30k"].columns.index("perplexity, published")] == ""
    monkeypatch.setenv("LATELIER_METEOR", "meteor-1.5.jar")
    measured = find_recipe("images-captions/coco").reproduce(here)
    assert [row[place + 1] for row in measured.rows[:3]] == ["0.100"] * 3


class Reconstructed(Bench):
    """Of each job what its score would give, by the name that its options bring."""

    def measure(self, jobs: Sequence[Job]) -> dict[str, list[dict[str, float]]]:
        kinds = {job.row: "FID" if job.options.get("weights") else "Frechet distance" for job in jobs}
        return {job.row: [{"PSNR dB": 20.0, "SSIM": 0.5, f"{kinds[job.row]} of reconstructions": 7.0}] for job in jobs}


def test_reconstructions_are_measured_in_inceptions_features_where_its_weights_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LATELIER_INCEPTION", raising=False)
    here = Reconstructed(tmp_path, "imagenet", Where(), seeds=1)
    own = find_recipe("patchvae/reconstruction").reproduce(here)
    assert own.columns[4] == "Frechet distance"
    assert own.rows[0] == ["beta-VAE", "4.857", "20.00", "108.741", "7.000", "0.289", "0.500"]
    monkeypatch.setenv("LATELIER_INCEPTION", "inception.safetensors")
    assert find_recipe("patchvae/reconstruction").reproduce(here).columns[4] == "FID"
