"""No argument of any verb ends in anything but a result or one line: paths that are none, numbers that cannot be."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from commands import Captured, refused

import latelier
from latelier.cli import VERBS
from latelier.errors import Refusal
from latelier.storage.paths import place

BAD = ("~nosuchuser/x", "~nosuchuser", "a\0b", "")
WORDS = {  # a command of each verb that lacks nothing; none of them is carried out
    "cache": "cache",
    "caption": "caption run digits --out o.csv",
    "classify": "classify run digits --out o.csv",
    "compare": "compare run run",
    "data": "data images",
    "decode": "decode run {}",
    "duplicates": "duplicates run digits --out o.csv",
    "demo": "demo",
    "draw": "draw run samples",
    "edit": "edit run digits --attribute 3 --out o",
    "encode": "encode run digits --out o.parquet",
    "explore": "explore run",
    "export": "export run --out o",
    "fit-prior": "fit-prior run",
    "inpaint": "inpaint run digits --mask half --out o",
    "neighbours": "neighbours run digits --query one.png --out o.csv",
    "outliers": "outliers run digits --out o.csv",
    "parts": "parts run digits --out o.parquet",
    "reconstruct": "reconstruct run digits --out o",
    "report": "report run",
    "reproduce": "reproduce lecture/ksparse-table",
    "score": "score run",
    "suggest": "suggest run digits --out o.csv",
    "sweep": "sweep recipe.toml --out o",
    "train": "train vae --data digits --out o",
}


def arguments(verb: str, kind: str) -> list[inspect.Parameter]:
    """Those of a verb whose type reads like that."""
    module, _, name = VERBS[verb][0].partition(":")
    found = inspect.signature(getattr(import_module(f"latelier.verbs.{module}"), name)).parameters.values()
    return [parameter for parameter in found if re.search(kind, str(parameter.annotation))]


def with_value(verb: str, parameter: inspect.Parameter, value: str) -> list[str]:
    """The verb's command with that value of that argument."""
    words = WORDS[verb].split()
    if parameter.kind is parameter.KEYWORD_ONLY:
        name = {"from_run": "from"}.get(parameter.name, parameter.name.replace("_", "-"))
        if f"--{name}" in words:
            at = words.index(f"--{name}")
            words[at : at + 2] = []
        return [*words, f"--{name}={value}"]
    number = 2 if parameter.name in ("source", "code") and verb != "data" else 1
    return [*words[:number], value, *words[number + 1 :]]


PATHS = [(verb, parameter) for verb in WORDS for parameter in arguments(verb, r"function path")]


def test_every_verb_is_tried() -> None:
    assert set(WORDS) == set(VERBS) - {"models"}
    assert len(PATHS) > 50


@pytest.mark.parametrize(("verb", "parameter"), PATHS, ids=lambda value: getattr(value, "name", value))
def test_what_can_be_no_path_is_refused(
    verb: str, parameter: inspect.Parameter, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in BAD:
        line = refused(capsys, with_value(verb, parameter, value))
        assert "is no path" in line or "no home folder ~nosuchuser here" in line
    assert not list(tmp_path.iterdir())


NUMBERS = [(verb, parameter) for verb in WORDS for parameter in arguments(verb, "validators|Number|Seed")]


@pytest.mark.parametrize(("verb", "parameter"), NUMBERS, ids=lambda value: getattr(value, "name", value))
def test_a_seed_is_one_that_generators_take(
    verb: str, parameter: inspect.Parameter, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in ("-1", str(10**23), "nan", "1.5", "x", str(1 << 63)):
        assert "--seed" in refused(capsys, with_value(verb, parameter, value))
    assert not list(tmp_path.iterdir())


def test_seeds_are_found() -> None:
    assert {verb for verb, _ in NUMBERS} == {
        "caption",
        "draw",
        "fit-prior",
        "inpaint",
        "outliers",
        "score",
        "suggest",
        "train",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train vae --data digits --save-every nan", "--save-every takes more than 0 and at most 1e+12, but got nan"),
        ("train vae --data digits --size 1000000000", "size 1000000000: expected a whole number of pixels above 0 and"),
        ("train vae --data digits --images 1000000000000000000000000000000", "--images takes at least 1 and at most"),
        ("train vae --data digits --set latent=1e9", "vae: with these settings its weights alone take"),
        ("train vae --data digits --set penalty.weight=-1", "vae: penalty.weight takes numbers of at least 0"),
        ("train vae --data digits --set net=resnet net.blocks=0", "vae: net.blocks takes numbers of at least 1"),
        ("train vae --data digits --set optimiser.betas=-0.1,0.9", "vae: optimiser.betas takes numbers of at least 0"),
    ],
)
def test_a_number_that_cannot_be_meant_is_refused_and_leaves_nothing(
    words: str, said: str, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused(capsys, f"{words} --out o")
    assert not list(tmp_path.iterdir())


def test_python_is_refused_too(tmp_path: Path) -> None:
    uses = (
        lambda bad: latelier.train("vae", data=bad, out=tmp_path / "o"),
        lambda bad: latelier.train("vae", data="digits", out=bad),
        lambda bad: latelier.train("vae", data="digits", out=tmp_path / "o", data_root=bad, steps=1),
        lambda bad: latelier.train("vae", data="digits", out=tmp_path / "o", labels_file=bad),
        lambda bad: latelier.train("vae", data="digits", out=tmp_path / "o", attributes_file=bad),
        lambda bad: latelier.load(bad),
        lambda bad: latelier.score(bad),
        lambda bad: latelier.encode(bad, "digits", out=tmp_path / "o"),
    )
    for use in uses:
        for bad in ("~nosuchuser/x", "a\0b"):
            with pytest.raises(Refusal, match=r"is no path|no home folder ~nosuchuser here"):
                use(bad)
    with pytest.raises(Refusal, match="--seed takes at least 0 and less than 9,223,372,036,854,775,808"):
        latelier.train("vae", data="digits", out=tmp_path / "o", seed=10**24)
    assert not list(tmp_path.iterdir())


def test_a_home_folder_is_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert place("~/run", "--out") == tmp_path / "run"
    monkeypatch.chdir(tmp_path)
    here = place("./~run", "--out")  # called so
    assert place(here, "RUN") == tmp_path / "~run"
