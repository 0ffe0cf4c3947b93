"""The pages: what they link to is there, their tables are the settings' own, and their commands run."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from marks import but_slow

import latelier
from latelier.cli import VERBS, app, main
from latelier.config import recipes
from latelier.config.lookup import find_module, module_names
from latelier.config.settings import configure, parse_assignments
from latelier.core import Encodes, Optimiser
from latelier.heads import bayesian_svm, gru, lstm, softmax
from latelier.runs.building import build
from latelier.scores import find as find_score
from latelier.scores import list_scores
from latelier.verbs.score import score

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md", *sorted(DOCS.rglob("*.md"))]
MODELS = module_names("latelier.models", "Model")
HEADS = {
    "head": {"softmax": softmax.Config, "bayesian_svm": bayesian_svm.Config},
    "caption": {"gru": gru.Config, "lstm": lstm.Config},
}
QUICK = ("pca",)  # pages whose commands are run whenever anything is
HEADINGS = [
    "What it is good for",
    "Limits",
    "Story and objective",
    "Settings",
    "What to expect",
    "How to see that it went wrong",
]
COMMAND = re.compile(r"^ {4,}(?:\S.*\s)?(?:\S*/)?latelier (.+)$", re.MULTILINE)

Row = tuple[str, str, str]  # choice as net=mlp or nothing, field, default

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
models = pytest.mark.parametrize("name", MODELS)


def text_of(page: Path) -> str:
    """A page without its fenced code, in which a # is no heading and brackets are no link."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> list[str]:
    """What the headings are linked by, in GitHub's way."""
    titles = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


def commands(page: Path) -> list[list[str]]:
    """Every indented command line, without the word latelier and what stands before it."""
    whole = text_of(page).replace("\\\n", " ")
    return [shlex.split(line, comments=True) for line in COMMAND.findall(whole)]


def rows(page: Path) -> list[Row]:
    """The page's tables of settings, with three columns or, of a choice's own fields, with four."""
    found = []
    for line in re.findall(r"^\| `.+ \|$", page.read_text(), re.MULTILINE):
        cells = [cell.strip().strip("`") for cell in line[1:-1].split("|")]
        if len(cells) == 4 or re.fullmatch(r"[a-z0-9_.]+", cells[0]):
            found.append((*([""] if len(cells) == 3 else []), *cells[:-1]))
    return found


def kinds(config: type, field: str) -> list[type]:
    """What a field can be, if it is a choice between settings."""
    return [kind for kind in get_args(get_type_hints(config)[field]) if isinstance(kind, type) and is_dataclass(kind)]


def expected(config: type) -> Iterator[tuple[str, str]]:
    """(choice, field) of every row about these settings."""
    for field in fields(config):
        of_a_choice = kinds(config, field.name)
        yield from (("", name) for name in [field.name] if of_a_choice)
        yield from (("", name) for name in named(config(), field.name) if not of_a_choice)
        for kind in of_a_choice:
            names = [f"{field.name}.{name}" for part in fields(kind) for name in named(kind(), part.name)]
            yield from ((f"{field.name}={kind.__name__.lower()}", name) for name in names or [""])


def named(config: Any, field: str) -> list[str]:
    """The field, or those in it: of an optimiser its rate and what differs from all, of other settings each; a
    choice within a choice is one."""
    default = getattr(config, field)
    if isinstance(default, Optimiser):
        own = [part.name for part in fields(Optimiser) if getattr(default, part.name) != part.default]
        return [f"{field}.{name}" for name in dict.fromkeys(["rate", *own])]
    if is_dataclass(default) and not kinds(type(config), field):
        return [f"{field}.{name}" for part in fields(default) for name in named(default, part.name)]
    return [field]


@cache
def config_of(model: str) -> type:
    config: type = find_module("latelier.models", model, "model", "Model").Config
    return config


def assert_default(config: type, chosen: dict[str, str], field: str, default: str) -> None:
    """Giving the field what the page says is its default changes nothing."""
    given = {**chosen, field: default} if field else chosen
    assert configure(config, given, "page") == configure(config, chosen, "page"), field


@pages
def test_every_link_and_image_resolves(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", text_of(page))
    missing = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "://" not in link and (not target.exists() or (anchor and anchor not in anchors(target))):
            missing.append(link)
    assert missing == []


@pages
def test_every_file_of_the_repository_that_is_named_is_there(page: Path) -> None:
    text = page.read_text().replace("src/latelier/models/sparse.py", "")  # a model that the reader is to write
    named = re.findall(r"`((?:src|tests|benchmarks|tools)/[\w/]+\.\w+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_page_is_listed() -> None:
    listed = re.findall(r"^- \[.+\]\((.+)\): \S", (DOCS / "index.md").read_text(), re.MULTILINE)
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if path.name != "index.md"]
    assert sorted(listed) == sorted(pages)
    assert "(docs/index.md)" in (ROOT / "README.md").read_text()


def test_the_verbs_are_listed_in_the_words_of_the_help() -> None:
    found = re.findall(r"^\| `([\w-]+)` \| (.+) \|$", (DOCS / "index.md").read_text(), re.MULTILINE)
    assert [row for row in found if row[0] in VERBS] == [
        (verb, line.removesuffix(".")) for verb, (_, line) in VERBS.items()
    ]


def test_the_scores_on_request_are_those_of_the_help_and_of_the_page() -> None:
    on_request = sorted(name for name in list_scores() if getattr(find_score(name), "ON_REQUEST", False))
    (said,) = re.findall(r"except these:\s+([\w,\s]+)\.\n", score.__doc__ or "")
    assert re.findall(r"\w+", said) == on_request
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", (DOCS / "scores.md").read_text(), re.MULTILINE)
    assert sorted(name for name, taken in rows if taken.startswith("on request")) == on_request
    assert sorted(name for name, _ in rows) == sorted(list_scores())


def test_every_method_has_a_page_in_one_form() -> None:
    assert sorted(path.stem for path in (DOCS / "models").glob("*.md")) == sorted(MODELS)
    for name in MODELS:
        page = (DOCS / "models" / f"{name}.md").read_text()
        assert page.startswith(f"# {name}\n")
        assert re.findall(r"^## (.+)$", page, re.MULTILINE) == HEADINGS, name


@models
def test_a_page_has_every_setting_with_its_default(name: str) -> None:
    config = config_of(name)
    own, shared = rows(DOCS / "models" / f"{name}.md"), rows(DOCS / "settings.md")
    named, elsewhere = [row[:2] for row in own], {row[:2] for row in shared if row[0]}
    wanted = set(expected(config))
    assert len(named) == len(set(named))
    assert set(named) <= wanted
    assert wanted - elsewhere <= set(named)
    for choice, field, default in own:
        assert_default(config, parse_assignments([choice] if choice else []), field, default)


def test_shared_settings_have_their_defaults() -> None:
    found = rows(DOCS / "settings.md")
    parts = [f"optimiser.{field.name}" for field in fields(Optimiser)]
    parts += [
        f"{name}.{field}"
        for name, kinds in HEADS.items()
        for head in kinds.values()
        for choice, field in expected(head)
        if not choice
    ]
    assert [name for name in parts if name not in [row[1] for row in found]] == []
    for choice, field, default in found:
        name, _, kind = choice.partition("=")
        owners = [config for config in map(config_of, MODELS) if (choice, field) in expected(config)]
        if name in ("", *HEADS):
            owners, kind, field = [HEADS[name][kind] if name else Optimiser], "", field.partition(".")[2]
        assert owners, f"{choice} {field}"
        for config in owners:
            assert_default(config, {name: kind} if kind else {}, field, default)


@pages
def test_every_command_is_one(page: Path) -> None:
    """Verbs, options and settings are there; what they are given need not be."""
    for command in commands(page):
        _, bound, _ = app().parse_args(command, exit_on_error=False, print_error=False)
        given: dict[str, Any] = bound.arguments
        if given.get("model") in MODELS and command[0] == "train":
            settings: Any = parse_assignments(given.get("settings") or [])
            build(
                given["model"], (1, 64, 64), classes=10, words=("<padding>", "<end>", "<unknown>", "word"), **settings
            )
        if command[0] == "reproduce":
            assert given.get("listed") or given["recipe"] in recipes.list_recipes()


@pytest.mark.parametrize("name", but_slow(MODELS, *set(MODELS).difference(QUICK)))
def test_a_pages_commands_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = commands(DOCS / "models" / f"{name}.md")
    assert found[0][:2] == ["train", name]
    for command in found:
        if "DIR" not in command:  # the user's own copy of a data set
            main(command)
    for run in tmp_path.glob("runs/*/"):  # of a model that does not encode, no score is of digits
        model = find_module("latelier.models", name, "model", "Model").Model
        assert (run / "scores.json").exists() == issubclass(model, Encodes), run.name


def test_the_recipes_are_listed_and_one_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.findall(r"^\| `(.+?)` \| `(.+?)` \|", (DOCS / "recipes.md").read_text(), re.MULTILINE)
    assert dict(found) == {name: recipes.find_recipe(name).DATA for name in recipes.list_recipes()}
    monkeypatch.chdir(tmp_path)
    for command in commands(DOCS / "recipes.md"):
        main(command)


@pytest.mark.slow
def test_the_pages_recipe_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", (DOCS / "recipes.md").read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "digits_by_k.py").write_text(code)
    monkeypatch.setattr(recipes, "RECIPES", tmp_path)
    monkeypatch.setattr("latelier.bench.processes.run_all", lambda jobs, _: [f(task) for f, task in jobs])
    out = latelier.reproduce("digits-by-k", out=tmp_path / "runs", share=0.25)
    table = dict(re.findall(r"^(k = \d+) +([\d.]+) ±", (out / "digits-by-k.txt").read_text(), re.MULTILINE))
    assert float(table["k = 16"]) > float(table["k = 4"]) + 1
