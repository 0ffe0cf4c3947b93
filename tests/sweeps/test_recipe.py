"""A sweep's recipe: what is fixed, what is searched, and what is refused before anything is trained."""

import subprocess
import sys
from pathlib import Path

import pytest

from latelier.errors import Refusal
from latelier.sweeps.recipe import Searched, read

GOOD = """
method = "vae"
data = "digits"
trials = 4

[training]
steps = 10
save-every = 0.5
rate = {log = [1e-4, 1e-2]}

[settings]
latent = {range = [2, 8]}
penalty.kind = "beta"
penalty.weight = {log = [0.25, 8]}
net.widths = [32, 16]
likelihood = {choices = ["gaussian", "squared"]}
"""


def written(place: Path, text: str) -> Path:
    path = place / "recipe.toml"
    path.write_text(text)
    return path


def test_fixed_and_searched_values_become_the_options_of_a_training(tmp_path: Path) -> None:
    sweep = read(written(tmp_path, GOOD))
    assert sweep.space == {
        "--rate": Searched("log", (1e-4, 1e-2)),
        "latent": Searched("range", (2, 8)),
        "penalty.weight": Searched("log", (0.25, 8.0)),
        "likelihood": Searched("choices", ("gaussian", "squared")),
    }
    options = sweep.options({"--rate": 0.002, "latent": 3, "penalty.weight": 1.5, "likelihood": "squared"}, "run")
    assert (options.model, options.data, options.out, options.quiet) == ("vae", "digits", "run", True)
    assert (options.steps, options.save_every, options.rate, options.seed) == (10, 0.5, 0.002, 0)
    assert options.settings == [
        *("penalty.kind=beta", "net.widths=32,16"),
        *("latent=3", "penalty.weight=1.5", "likelihood=squared"),
    ]
    first, last = sweep.ends()
    assert (first["latent"], last["latent"], last["likelihood"]) == (2, 8, "squared")


def test_a_list_among_choices_is_one_value(tmp_path: Path) -> None:
    sweep = read(written(tmp_path, GOOD.replace("[32, 16]", "{choices = [[32, 16], [64]]}")))
    assert sweep.space["net.widths"].values == ("32,16", "64")


def test_only_the_budget_may_change(tmp_path: Path) -> None:
    one = read(written(tmp_path, GOOD))
    longer = read(written(tmp_path, GOOD.replace("trials = 4", "hours = 2")))
    other = read(written(tmp_path, GOOD.replace("[2, 8]", "[2, 9]")))
    assert (longer.trials, longer.hours) == (None, 2)
    assert one.json() == longer.json() != other.json()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("trials = 4", "", "says not how long to search"),
        ("trials = 4", "trials = 0", "trials takes a whole number from 1"),
        ("trials = 4", "trials = 1.5", "trials takes a whole number from 1"),
        ("trials = 4", "hours = nan", "hours takes a number from 0"),
        ("trials = 4", "trial = 4", "unknown name 'trial'; did you mean \"trials\"?"),
        ("trials = 4", "trials = 4\nprune = 1", "prune takes true or false, but got 1"),
        ("trials = 4", "trials = 4\nseed = -1", "seed takes a whole number from 0"),
        ('method = "vae"', "", 'method is missing; give it as method = "..."'),
        ('method = "vae"', "method = 3", "method takes a text, but got 3"),
        ("steps = 10", "step = 10", "has no option 'step' for a sweep; did you mean \"steps\"?"),
        ("steps = 10", 'out = "x"', "has no option 'out' for a sweep"),
        ("[2, 8]", "[8, 2]", "latent is searched by one of"),
        ("[2, 8]", "[2, 4, 8]", "latent is searched by one of"),
        ("{range = [2, 8]}", "{range = [2, 8], log = [2, 8]}", "latent is searched by one of"),
        ("{range = [2, 8]}", "{choices = []}", "latent is searched by one of"),
        ("[1e-4, 1e-2]", "[0, 1e-2]", "--rate is searched by one of"),
        ("[32, 16]", "1979-05-27", "net.widths takes a number, a text, true or false, or a list of these"),
        ("[training]", "[training", "is no TOML"),
    ],
)
def test_what_is_no_recipe_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(Refusal) as fault:
        read(written(tmp_path, GOOD.replace(old, new)))
    assert said in str(fault.value)
    assert "\n" not in str(fault.value).strip()


def test_a_recipe_that_searches_nothing_or_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="searches nothing"):
        read(written(tmp_path, 'method = "vae"\ndata = "digits"\ntrials = 3\n'))
    with pytest.raises(Refusal, match="training is a table"):
        read(written(tmp_path, 'method = "vae"\ndata = "digits"\ntrials = 3\ntraining = 3\n'))
    with pytest.raises(Refusal, match="cannot read"):
        read(tmp_path / "none.toml")


def test_a_value_of_another_type_is_refused(tmp_path: Path) -> None:
    sweep = read(written(tmp_path, GOOD.replace("steps = 10", 'decay = "fast"')))
    with pytest.raises(Refusal, match="training: decay takes one of none, linear, cosine, steps, but got 'fast'"):
        sweep.options(sweep.ends()[0])


def test_code_of_ones_own_is_told(tmp_path: Path) -> None:
    text = GOOD.replace('"vae"', '"my_model.py"').replace("likelihood", "head").replace('"squared"', '"mine.head"')
    assert read(written(tmp_path, text)).code() == ["my_model.py", "mine.head"]


def test_reading_a_recipe_takes_no_torch(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    code = f"import sys, pathlib; from latelier.sweeps.recipe import read; read(pathlib.Path({str(path)!r}))"
    assert not subprocess.run([sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"]).returncode
