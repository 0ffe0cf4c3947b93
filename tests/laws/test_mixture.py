"""ALI on 25 Gaussians, facts.md 2.6, oracle 15: every mode is drawn, and x -> z -> x stays in its mode."""

from pathlib import Path

import pytest

from latelier.bench.jobs import Bench, Job
from latelier.config.recipes import find_recipe
from latelier.data.sources.open import open_images
from latelier.runs.where import Where
from latelier.scores.common import Splits


@pytest.mark.slow
def test_ali_draws_every_mode_and_knows_whose_points_are(tmp_path: Path) -> None:
    """Seed 0 of the row of adversary/mixture that holds steady; ten of ten have these figures (docs/recipes.md)."""
    recipe = find_recipe("adversary/mixture")
    method, settings = recipe.ROWS[recipe.STEADY]
    job = Job(recipe.STEADY, method, "coverage", 0, recipe.EPOCHS, settings, recipe.TRAINING)
    (found,) = Bench(tmp_path, recipe.DATA, Where()).measure([job])[recipe.STEADY]
    assert found["modes covered"] == found["modes"] == 25
    assert found["samples of high quality %"] > 90
    assert found["reconstructions that stay in their mode %"] > 90  # 4 by chance


def test_expectation_maximisation_which_is_told_the_number_of_modes_finds_them_all() -> None:
    recipe = find_recipe("adversary/mixture")
    data = Splits(*(open_images(recipe.DATA, split=split) for split in ("train", "test")))
    found = recipe.maximised(data, 0)
    assert found["modes covered"] == found["modes"] == 25
    assert 98 < found["samples of high quality %"] < 100
