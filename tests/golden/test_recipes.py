"""Recipes, the demo and benchmarks train what they trained, whatever the defaults of ``latelier train`` and of methods.

``recipes.json`` has a line for each training: method, a digest of its whole configuration, number of weights,
optimisers and the arguments that change what is learned. After a change that is meant, ``pytest tests/golden --renew``
writes it anew.
"""

import ast
import inspect
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

from latelier import trials
from latelier.bench import Bench, Job, find_recipe, list_recipes
from latelier.building import assemble, config_of
from latelier.core import Refusal
from latelier.data.scenes import draw_scenes
from latelier.lookup import find_module, module_names
from latelier.models import vae
from latelier.objectives.likelihood import Bernoulli, Gaussian
from latelier.runs import Where
from latelier.settings import configure, parse_assignments, to_json
from latelier.stated import stated, unlike_defaults
from latelier.told import told
from latelier.values import HEADED, HEADS, KINDS, METHODS, OF_THE_DATA, TRAINING
from latelier.verbs.demo import RECIPES, _few_labels
from latelier.verbs.train import train

KEPT = Path(__file__).with_name("recipes.json")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NEUTRAL = {  # arguments of latelier.train that change nothing that is learned, or that a recipe cannot know
    **dict.fromkeys(("data_root", "download"), "where pictures are"),
    **dict.fromkeys(("out", "resume", "quiet", "tensorboard", "keep"), "what is written, and where"),
    **dict.fromkeys(("compile", "device"), "how it is computed"),
    "parts": "one for each process",
    "model": "a job's",
}
SHAPES = {  # of the pictures, by where they come from
    **dict.fromkeys(("mnist", "binarized-mnist"), (1, 28, 28)),
    **dict.fromkeys(("scenes", "cifar100", "flickr8k", "captioned"), (3, 32, 32)),
    "digits": (1, 8, 8),
    "sprites": (1, 64, 64),
    "mixture": (1, 1, 2),
}
SCENES = draw_scenes(400)  # have labels, attributes and captions, whatever is asked for


class Reached(Exception):
    """All trainings of a recipe are known."""


class Untrained:
    def __getattr__(self, name: str) -> Any:
        raise Reached


class Recorder(Bench):
    """Trains nothing, and keeps the jobs that it is asked to train."""

    @property
    def jobs(self) -> list[Job]:
        found: list[Job] = self.__dict__.setdefault("kept", [])
        return found

    def train(self, job: Job) -> Any:
        self.jobs.append(job)
        return Untrained()

    def measure(self, jobs: Sequence[Job]) -> Any:
        self.jobs.extend(jobs)
        raise Reached


def of_recipe(name: str) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Row, method, settings and arguments of each of its trainings, one seed."""
    recipe, known = find_recipe(name), set[str]()
    bench = Recorder(Path("nowhere"), recipe.DATA, Where())
    try:
        recipe.reproduce(bench)
    except Reached:
        pass
    else:
        assert name == "lecture/two-points"  # trains nothing
    for job in bench.jobs:
        if job.folder not in known:
            known.add(job.folder)
            arguments = bench.arguments(job)
            yield job.row, job.model, arguments.pop("settings"), arguments


def of_demo(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    calls: list[Any] = []

    def record(jobs: Sequence[Any], done: Any) -> None:
        calls.extend(argument for _, argument in jobs)
        raise Reached

    monkeypatch.setattr(trials, "run_all", record)
    with pytest.raises(Reached):
        _few_labels(RECIPES[name], name, Path("main"), Path("beside"), Progress)
    known = set[str]()
    for call in calls:
        if isinstance(call, dict):
            arguments = {**call}
            settings, method = parse_assignments(arguments.pop("settings")), arguments.pop("model")
            yield f"run of {method}", method, settings, arguments
        elif call.row not in known:
            known.add(call.row)
            rest = {"data": call.data, "batch": call.batch, "shift": call.shift, "images": call.images, **call.plan}
            yield call.row, call.method, dict(call.settings), {**TRAINING, **rest, "epochs": None}


class Progress:
    def __init__(self, *arguments: Any, **options: Any):
        self.at = print

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None: ...


def resolved(method: str, settings: dict[str, Any], arguments: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The method's whole configuration as JSON, and the line of recipes.json."""
    most = {"labels": 2, "captions": 50}  # as many as the scenes have
    few = {name: number if arguments[name] else None for name, number in most.items()}
    request = SimpleNamespace(**{"seed": 0, **arguments, **few, "model": method, "settings": settings})
    known = told(request, SCENES, np.arange(300))
    channels, *sides = SHAPES[arguments["data"]]
    if arguments["size"]:
        sides = [arguments["size"]] * 2
    model, card = assemble(method, (channels, *sides), known.images.classes, dict(known.settings), words=known.words)
    digest = sha256(json.dumps([card.config, card.head, card.caption], sort_keys=True).encode()).hexdigest()[:12]
    optimisers = "; ".join(
        f"{player} {o.kind} {o.rate:g} {o.betas} {o.weight_decay:g}" for player, o in model.optimisers().items()
    )
    weights = sum(weight.numel() for weight in model.parameters())
    nothing = (None, False, 0, "none", "loss", "fp32")
    said = ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in sorted(arguments.items())
        if value not in nothing and name not in NEUTRAL
    )
    return card.config, f"{method} {digest}, {weights:,} weights; {optimisers or 'no optimiser'}; {said}"


@pytest.mark.parametrize("name", [*sorted(list_recipes()), *(f"demo {data}" for data in RECIPES)])
def test_it_trains_what_it_trained_and_follows_no_default(
    name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    demo = name.startswith("demo ")
    found: dict[str, str] = {}
    for row, method, settings, arguments in of_demo(name[5:], monkeypatch) if demo else of_recipe(name):
        config, line = resolved(method, settings, arguments)
        unsaid = set(inspect.signature(train).parameters) - {*arguments, *NEUTRAL, "settings"}
        assert not unsaid, f"{row}: latelier.values must say {unsaid}"
        if not demo:  # a demo's command says what has to be said; its line below is of the whole
            silent = {leaf for leaf in leaves(config) if leaf not in settings and leaf not in OF_THE_DATA}
            assert not silent, f"{row}: latelier.values must say {silent}"
        found.setdefault(row, line)
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if request.config.getoption("--renew", default=False):
        kept = dict(sorted({**kept, name: found}.items()))
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    assert found == kept.get(name), (
        f"{name} would train something else than it did: state in the recipe or in latelier.values what a default has "
        "changed; if the change is meant, say so in CHANGELOG.md and run: pytest tests/golden --renew"
    )


def leaves(config: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names, as ``stated`` has them."""
    for name, value in config.items():
        if not isinstance(value, dict):
            yield prefix + name
            continue
        rest = dict(value)
        kinds = not {"rate", "betas"} <= set(rest)  # an optimiser's kind is a field of its own
        if kinds and rest.pop("kind", None) is not None:
            yield prefix + name
        yield from leaves(rest, f"{prefix}{name}.")


def test_every_line_belongs_to_a_training() -> None:
    assert set(json.loads(KEPT.read_text())) == {*list_recipes(), *(f"demo {data}" for data in RECIPES)}


@pytest.mark.parametrize("method", module_names("latelier.models", "Model"))
def test_every_field_and_kind_of_a_method_is_stated(method: str) -> None:
    assert method in METHODS
    for settings in ({}, *choices(config_of(method), "")):
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
    assert unlike_defaults("vae", {}) == {"likelihood": "bernoulli", "latent": 32}
    assert unlike_defaults("vae", {"latent": 7, "likelihood": "gaussian"}) == {"latent": 7, "likelihood": "gaussian"}

    @dataclass(frozen=True)
    class Longer(vae.Config):
        new: int = 3

    monkeypatch.setattr(vae, "Config", Longer)
    with pytest.raises(LookupError, match="values does not say new"):
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
