"""Settings as text, as JSON and as objects mean the same; what is wrong is refused with the nearest match."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_type_hints

import pytest
import torch

from latelier.config.lookup import module_names
from latelier.config.settings import LEAST, _kinds, configure, parse_assignments, to_json, words
from latelier.core import Batch, Progress
from latelier.errors import Refusal
from latelier.heads import bayesian_svm, gru, softmax
from latelier.runs.building import assemble, config_of


@dataclass(frozen=True)
class Beta:
    weight: float = 1.0


@dataclass(frozen=True)
class Mmd:
    weight: float = 1000.0
    draws: int = 200


@dataclass(frozen=True)
class Rate:
    kind: Literal["adam", "sgd"] = "adam"
    value: float = 1e-3


@dataclass(frozen=True)
class Config:
    latent: int = 32
    widths: tuple[int, ...] = (4, 2)
    penalty: Beta | Mmd = Beta()
    clip: float | None = None
    whiten: bool = False
    rate: Rate = Rate()


def test_text_is_read_by_the_type_of_its_field() -> None:
    config = configure(
        Config,
        parse_assignments(
            ["latent=1e2", "widths=8,4,2", "penalty=mmd", "penalty.draws=7", "clip=.5", "whiten=yes", "rate=sgd"]
        ),
        "toy",
    )
    assert config == Config(100, (8, 4, 2), Mmd(draws=7), 0.5, True, Rate("sgd"))


def test_settings_as_words_are_read_again() -> None:
    config = Config(100, (8, 4, 2), Mmd(draws=7), None, True, Rate("sgd"))
    assert words(to_json(config)) == [
        *("latent=100", "widths=8,4,2", "penalty.kind=mmd", "penalty.weight=1000.0", "penalty.draws=7", "clip=None"),
        *("whiten=True", "rate.kind=sgd", "rate.value=0.001"),
    ]
    assert configure(Config, parse_assignments(words(to_json(config))), "toy") == config


def test_an_empty_tuple_and_none_can_be_written() -> None:
    assert configure(Config, {"widths": "", "clip": "none"}, "toy") == Config(widths=(), clip=None)


def test_a_field_of_the_default_kind_needs_no_kind() -> None:
    assert configure(Config, {"penalty.weight": "4"}, "toy").penalty == Beta(4.0)


@dataclass(frozen=True)
class Critic:
    norm: str = "none"
    rate: Rate = Rate()


@dataclass(frozen=True)
class Game:
    critic: Critic = Critic("batch", Rate("sgd", 0.5))


def test_what_is_not_named_keeps_the_owners_default_however_deep() -> None:
    assert configure(Game, {"critic.rate.value": "0.1"}, "toy") == Game(Critic("batch", Rate("sgd", 0.1)))
    assert configure(Game, {"critic.norm": "weight"}, "toy") == Game(Critic("weight", Rate("sgd", 0.5)))


def test_json_and_objects_come_back_as_they_went() -> None:
    config = Config(penalty=Mmd(draws=3), rate=Rate("sgd", 0.1))
    assert configure(Config, to_json(config), "toy") == config
    assert configure(Config, {"penalty": Mmd(draws=3), "rate": Rate("sgd", 0.1)}, "toy") == config


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ("latnet=3", "toy has no field 'latnet'; did you mean \"latent\"?"),
        ("penalty.wieght=3", "toy with penalty=beta has no field 'penalty.wieght'; did you mean \"penalty.weight\"?"),
        (
            "penalty.draw=3",
            "toy with penalty=beta has no field 'penalty.draw'; there are: penalty.weight; 'penalty.draws'",
        ),
        ("penalty.other=3", "toy with penalty=beta has no field 'penalty.other'; there are: penalty.weight"),
        ("penalty=mdm", "toy: penalty cannot be 'mdm'; did you mean \"mmd\"?"),
        ("latent=2.5", "toy: latent takes a whole number, but got '2.5'"),
        ("latent=-1", "toy: latent takes numbers of at least 0, but got '-1'"),
        ("widths=4,-1", "toy: widths takes whole numbers above 0 separated by commas, but got '4,-1'"),
        ("widths=4,0", "toy: widths takes whole numbers above 0 separated by commas, but got '4,0'"),
        ("whiten=perhaps", "toy: whiten takes true or false, but got 'perhaps'"),
        ("penalty.weight=nan", "toy: penalty.weight takes numbers of at most 1e+12 in size, but got 'nan'"),
        ("penalty.weight=inf", "toy: penalty.weight takes numbers of at most 1e+12 in size, but got 'inf'"),
        ("clip=-1e300", "toy: clip takes numbers of at most 1e+12 in size, but got '-1e300'"),
        ("widths=4,1e30", "toy: widths takes numbers of at most 1e+12 in size, but got '4,1e30'"),
        ("rate=lion", "toy: rate.kind takes one of adam, sgd, but got 'lion'"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(setting: str, line: str) -> None:
    with pytest.raises(Refusal) as refused:
        configure(Config, parse_assignments([setting]), "toy")
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


@dataclass(frozen=True)
class Bound:
    rows: int = field(default=4, metadata={LEAST: 2})
    cells: int | None = None

    def __post_init__(self) -> None:
        if self.cells is not None and not 3 <= self.cells <= 9:
            raise Refusal(f"cells are from 3 to 9, not {self.cells}")


@pytest.mark.parametrize("value", ["0", "-1"])
def test_what_is_below_a_bound_is_told_the_bound_itself(value: str) -> None:
    with pytest.raises(Refusal, match=f"toy: rows takes numbers of at least 2, but got '{value}'"):
        configure(Bound, {"rows": value}, "toy")
    with pytest.raises(Refusal, match=f"cells are from 3 to 9, not {value}"):
        configure(Bound, {"cells": value}, "toy")


def test_a_number_that_is_none_is_refused_from_python_too() -> None:
    with pytest.raises(Refusal, match=r"penalty\.weight takes numbers"):
        configure(Config, {"penalty.weight": float("nan")}, "toy")


def test_a_setting_without_a_value_is_refused() -> None:
    with pytest.raises(Refusal, match="field=value"):
        parse_assignments(["latent"])


def numbers(config: type, prefix: str = "", chosen: dict[str, str] | None = None) -> Iterator[tuple[str, Any]]:
    """Every field of a Config that is a number or several, and the settings that choose its kind and it at -1."""
    for one in fields(config):
        hint, name = get_type_hints(config)[one.name], prefix + one.name
        for kind, inner in _kinds(hint).items():
            yield from numbers(inner, f"{name}.", {**(chosen or {}), **({name: kind} if len(_kinds(hint)) > 1 else {})})
        if not _kinds(hint) and ("int" in str(hint) or "float" in str(hint)) and LEAST not in one.metadata:
            yield name, {**(chosen or {}), name: "-1"}


CONFIGS = [config_of(name) for name in module_names("latelier.models", "Model")]
CONFIGS += [softmax.Config, bayesian_svm.Config, gru.Config]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.__module__)
def test_no_number_of_any_method_is_below_0(config: type) -> None:
    found = list(numbers(config))
    assert found
    for name, settings in found:
        with pytest.raises(Refusal, match=rf"{name} takes|{name.rpartition('.')[2]}"):
            configure(config, settings, "it")


@pytest.mark.slow
@pytest.mark.parametrize("method", module_names("latelier.models", "Model"))
def test_a_number_at_its_edge_is_refused_or_can_be_trained_with(method: str) -> None:
    usual = {"attributes": "a,b"} if method in ("vac", "introvac") else {}
    for name, settings in numbers(config_of(method)):
        for value in ("0", "2", "1e-12"):
            with suppress(Refusal):
                played(method, usual, {**settings, name: value})


def played(method: str, usual: dict[str, str], settings: dict[str, str]) -> None:
    """One turn of every move of a small model."""
    torch.manual_seed(0)
    model, _ = assemble(method, (1, 8, 8), ("a", "b"), {**usual, **settings})
    attribute = torch.ones(6, 2 if usual else 0, dtype=torch.long)
    captions = torch.zeros(6, 0, dtype=torch.long)
    batch = Batch(torch.rand(6, 1, 8, 8), torch.arange(6), torch.tensor([0, 1] * 3), attribute, captions)
    for move in model.moves():
        assert move(batch, Progress(0, 100, torch.Generator(), {})).minimise
