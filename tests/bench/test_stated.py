"""Settings of recipes: every value stated, none a default."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import get_args, get_type_hints

import pytest
from leaves import leaves

from latelier.bench.stated import stated, unlike_defaults
from latelier.bench.values import HEADED, HEADS, KINDS, METHODS, OF_THE_DATA
from latelier.config.lookup import find_module, module_names
from latelier.config.settings import configure, to_json
from latelier.errors import Refusal
from latelier.models import vae
from latelier.objectives.likelihood import Bernoulli, Gaussian
from latelier.runs.building import config_of

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("method", module_names("latelier.models", "Model"))
def test_every_field_and_kind_of_a_method_is_stated(method: str) -> None:
    assert method in METHODS
    for settings in ({}, *choices(config_of(method), "")):
        settings |= {"pooling": "largest"} if settings.get("estimator") == "exact" else {}  # it goes with that alone
        config = configure(config_of(method), stated(method, settings), method)
        assert {*leaves(to_json(config))} - {*OF_THE_DATA} == {*stated(method, settings)}


@pytest.mark.parametrize("head", sorted(HEADS))
def test_every_field_and_kind_of_a_head_is_stated(head: str) -> None:
    name = next(name for name, usual in HEADED.items() if ("Head" in vars(module_of(head))) == (usual == "softmax"))
    for settings in ({}, *choices(module_of(head).Config, f"{name}.")):
        own = {
            field.removeprefix(f"{name}."): value
            for field, value in stated("vae", {name: head, **settings}).items()
            if field.startswith(f"{name}.")
        }
        assert {*leaves(to_json(configure(module_of(head).Config, own, head)))} == {*own}


def module_of(head: str) -> ModuleType:
    return find_module("latelier.heads", head, "head")


def choices(config: type, prefix: str) -> Iterator[dict[str, str]]:
    """A setting for each kind that a field can be."""
    hints = get_type_hints(config)
    for field in fields(config):  # type: ignore[arg-type]
        kinds = [kind for kind in get_args(hints[field.name]) if is_dataclass(kind)]
        for kind in kinds:
            assert kind.__name__.lower() in KINDS
            yield {f"{prefix}{field.name}": kind.__name__.lower()}


def test_another_default_is_not_followed_and_an_unsaid_field_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Other(vae.Config):
        likelihood: Bernoulli | Gaussian = Gaussian()
        latent: int = 7

    monkeypatch.setattr(vae, "Config", Other)
    assert configure(Other, stated("vae", {}), "vae").likelihood == Bernoulli()
    said = unlike_defaults("vae", {})
    assert (said["likelihood"], said["latent"]) == ("bernoulli", 32)
    both = {"latent": 7, "likelihood": "gaussian"}
    assert both.items() <= unlike_defaults("vae", both).items()

    @dataclass(frozen=True)
    class Longer(vae.Config):
        new: int = 3

    monkeypatch.setattr(vae, "Config", Longer)
    with pytest.raises(LookupError, match="does not say new"):
        stated("vae", {})
    assert stated("vae", {"new": 4})["new"] == 4


def test_what_a_recipe_says_goes_before_and_takes_no_other_kinds_values() -> None:
    found = stated("vae", {"net": "mlp", "net.widths": (8,), "optimiser.kind": "sgd", "penalty.weight": 4.0})
    assert found["net.widths"] == (8,)
    assert found["net.decoder_activation"] == "tanh"
    assert "net.hidden" not in found  # a convolutional net's
    assert (found["optimiser.kind"], found["optimiser.rate"]) == ("sgd", 1e-4)
    assert (found["penalty"], found["penalty.weight"], found["penalty.warmup"]) == ("beta", 4.0, 0)
    assert stated("hali", {"head.weight": 10.0}, labels=True)["head"] == "softmax"
    assert "head" not in stated("introvac", {}, labels=True)  # its labels are attributes
    with pytest.raises(Refusal, match="vae has no field 'latnt'"):
        stated("vae", {"latnt": 3})


def test_benchmarks_build_stated_methods() -> None:
    """The nets that are timed are those of results.jsonl."""
    built = [
        call
        for path in BENCHMARKS.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "build"
    ]
    assert len(built) >= 5
    for call in built:
        spread = [word.value for word in call.keywords if word.arg is None]
        assert any(isinstance(value, ast.Call) and getattr(value.func, "id", "") == "stated" for value in spread)
