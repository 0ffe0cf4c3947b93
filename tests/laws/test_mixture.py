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
    """Seed 0 of the row of adversary/mixture that holds steady, at the recipe's whole length: 250 epochs of 50,000
    points, 48,828 steps.

    False alarms: on one machine the training is one and the same; where sums are rounded otherwise it may come out as
    another seed would. Of ten seeds at this length (docs/recipes.md) none fails: all 25 modes, 100 % staying, 93.9 +-
    1.1 % of high quality, at least 92.3. By a normal law with these ten's mean and sd (Student's t, 9 degrees) one seed
    in 250 has fewer than 90. Without any law ten of ten say no more than that fewer than 26 % of seeds fail, at 95 %
    confidence."""
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
