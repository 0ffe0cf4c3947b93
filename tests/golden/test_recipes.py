"""Recipes and the demo train what they trained, whatever the defaults of ``latelier train`` and of methods.

``recipes.json`` has a line for each training: method, a digest of its whole configuration, number of weights,
optimisers and the arguments that change what is learned. After a change that is meant, ``pytest tests/golden --renew``
writes it anew.
"""

import inspect
import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from leaves import leaves

from latelier.bench import demo, processes
from latelier.bench.demo import RECIPES
from latelier.bench.jobs import Bench, Job
from latelier.bench.values import OF_THE_DATA, TRAINING
from latelier.config.recipes import find_recipe, list_recipes
from latelier.config.settings import parse_assignments
from latelier.data import captions, words
from latelier.data.drawn.scenes import draw_scenes
from latelier.data.sources import builtin
from latelier.data.sources.open import open_images
from latelier.engine.memory import by_shape
from latelier.runs import building
from latelier.runs.building import assemble
from latelier.runs.where import Where
from latelier.training.supervision import supervised
from latelier.verbs.train import train

KEPT = Path(__file__).with_name("recipes.json")
NEUTRAL = {  # arguments of latelier.train that change nothing that is learned, or that a recipe cannot know
    **dict.fromkeys(("data_root", "download", "as_", "pack"), "where images are, and how they are read"),
    **dict.fromkeys(("out", "mirror", "resume", "quiet", "tensorboard", "keep"), "what is written, and where"),
    **dict.fromkeys(("compile", "device"), "how it is computed"),
    "parts": "one for each process",
    "steps": "the same length as epochs, in another unit",
    "judge": "the former name of monitor",
    "model": "a job's",
}
SHAPES = {  # of the images, by where they come from
    **dict.fromkeys(("mnist", "binarized-mnist"), (1, 28, 28)),
    **dict.fromkeys(("scenes", "cifar10", "cifar100", "flickr8k", "captioned"), (3, 32, 32)),
    **dict.fromkeys(("imagenet", "indoor67", "places205", "caltech101", "caltech256"), (3, 64, 64)),
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

    def counted(source: str, split: str) -> Any:
        """What a demo asks of its images is how many there are: scenes need not be drawn for that."""
        return range(builtin.SCENES[split][0]) if source == "scenes" else open_images(source, split=split)

    monkeypatch.setattr(demo, "open_images", counted)
    monkeypatch.setattr(processes, "run_all", record)
    with pytest.raises(Reached):
        demo.few_labels(RECIPES[name], name, Path("main"), Path("beside"))
    known = set[str]()
    for call in calls:
        if isinstance(call, dict):
            arguments = {**call}
            settings, method = parse_assignments(arguments.pop("settings")), arguments.pop("model")
            yield f"run of {method}", method, settings, arguments
        elif call.row not in known:
            known.add(call.row)
            same = ("data", "batch", "shift", "affine", "cutout", "colour", "images")
            rest = {**{name: getattr(call, name) for name in same}, **call.plan}
            yield call.row, call.method, dict(call.settings), {**TRAINING, **rest, "epochs": None}


def resolved(method: str, settings: dict[str, Any], arguments: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The method's whole configuration as JSON, and the line of recipes.json."""
    most = {"labels": 2, "captions": 50}  # as many as the scenes have
    few = {name: number if arguments[name] else None for name, number in most.items()}
    request = SimpleNamespace(**{"seed": 0, "card": None, **arguments, **few, "model": method, "settings": settings})
    known = supervised(request, SCENES, np.arange(300))
    channels, *sides = SHAPES[arguments["data"]]
    if arguments["size"]:
        sides = [arguments["size"]] * 2
    with nullcontext() if method == "dgdn_sampled" else by_shape():  # whose prior is as wide as its first weights
        model, card = assemble(
            method, (channels, *sides), known.images.classes, dict(known.settings), words=known.words
        )
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


@pytest.fixture(scope="module", autouse=True)
def what_recipes_share() -> Iterator[None]:
    """Captions are taken apart once for all trainings, and nobody asks whether a model without weights has room."""
    with pytest.MonkeyPatch.context() as patched:
        taken = cache(words.words_of)
        for module in (words, captions):
            patched.setattr(module, "words_of", taken)
        patched.setattr(words, "runs", cache(words.runs))
        patched.setattr(building, "check_room", lambda name, make: None)
        yield


@pytest.mark.parametrize("name", [*sorted(list_recipes()), *(f"demo {data}" for data in RECIPES)])
def test_it_trains_what_it_trained_and_follows_no_default(
    name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    demo = name.startswith("demo ")
    found: dict[str, str] = {}
    for row, method, settings, arguments in of_demo(name[5:], monkeypatch) if demo else of_recipe(name):
        config, line = resolved(method, settings, arguments)
        unsaid = set(inspect.signature(train).parameters) - {*arguments, *NEUTRAL, "settings"}
        assert not unsaid, f"{row}: bench/values.py must say {unsaid}"
        if not demo:  # a demo's command says what has to be said; its line below is of the whole
            silent = {leaf for leaf in leaves(config) if leaf not in settings and leaf not in OF_THE_DATA}
            assert not silent, f"{row}: bench/values.py must say {silent}"
        found.setdefault(row, line)
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if request.config.getoption("--renew", default=False):
        kept = dict(sorted({**kept, name: found}.items()))
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    assert found == kept.get(name), (
        f"{name} would train something else than it did: state in the recipe or in bench/values.py what a default has "
        "changed; if the change is meant, say so in CHANGELOG.md and run: pytest tests/golden --renew"
    )


def test_every_line_belongs_to_a_training() -> None:
    assert set(json.loads(KEPT.read_text())) == {*list_recipes(), *(f"demo {data}" for data in RECIPES)}
