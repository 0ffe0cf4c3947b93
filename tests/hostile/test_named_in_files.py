"""A name that stands in a file of a run is never run as code, whatever field it stands in."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hostile.fields import note_of, stamp

import latelier
from latelier import scores, sheets
from latelier.config.own_code import Named
from latelier.errors import Refusal
from latelier.explore import panels
from latelier.runs import building

DOTTED, FILE = "stranger.evil", "stranger/evil.py"
CODE = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
TINY = {"latent": 2, "net": "mlp", "net.widths": "4", "head": "softmax"}
Leaf = tuple[str | int, ...]  # keys from the top of a JSON text to a value


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("named") / "run"
    latelier.train("vae", data="digits", out=folder, images=64, steps=2, batch=8, settings=TINY, quiet=True)
    latelier.score(folder, only="reconstruction", quiet=True)
    return folder


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory, with code in it that notes when it runs."""
    package = tmp_path / "stranger"
    package.mkdir()
    (package / "evil.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield package
    sys.modules.pop(DOTTED, None)
    sys.modules.pop("stranger", None)


def leaves(value: Any, at: Leaf = ()) -> list[Leaf]:
    """Where texts and nothings stand: in their place a name could."""
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*at, key))]
    if isinstance(value, list):
        return [leaf for key, inner in enumerate(value) for leaf in leaves(inner, (*at, key))]
    return [at] if value is None or isinstance(value, str) else []


def with_leaf(value: Any, leaf: Leaf, new: Any) -> Any:
    if not leaf:
        return new
    if isinstance(value, list):
        return [with_leaf(inner, leaf[1:], new) if key == leaf[0] else inner for key, inner in enumerate(value)]
    known = value or {}
    return {**known, leaf[0]: with_leaf(known.get(leaf[0]), leaf[1:], new)}


def used(run: Path) -> None:
    """As a person would use it, however far that goes."""
    for use in (
        lambda: latelier.load(run),
        lambda: latelier.score(run, only="reconstruction", limit=8, quiet=True),
        lambda: latelier.train(out=run, resume=True, steps=3, quiet=True),
    ):
        with suppress(Exception, SystemExit):  # what it says of the damage is tested elsewhere
            use()


ADDED = (  # fields that a file of this run has not, where a stranger's may
    ("weights", ("caption",)),
    ("weights", ("caption", "kind")),
    ("config", ("request", "settings", "caption")),
    ("config", ("request", "settings", "net.kind")),
    ("config", ("model", "caption")),
)


@pytest.mark.parametrize("name", [DOTTED, pytest.param(FILE, marks=pytest.mark.slow)])
def test_no_field_of_no_file_is_obeyed(name: str, trained: Path, stranger: Path) -> None:
    files = [*trained.glob("*.json"), *trained.glob("*.safetensors")]
    places = [(file, leaf) for file in files for leaf in leaves(note_of(file))]
    places += [(file, leaf) for kind, leaf in ADDED for file in files if file.name.startswith(kind)]
    assert len(places) > 60
    for file, leaf in places:
        run = Path(shutil.copytree(trained, stranger.parent / "run"))
        stamp(run / file.name, with_leaf(note_of(file), leaf, name))
        used(run)
        assert not (stranger / "ran").exists(), f"{file.name}: {'.'.join(map(str, leaf))}"
        shutil.rmtree(run)


def test_ones_own_model_is_trained_resumed_and_judged_where_it_is_named(stranger: Path) -> None:
    (stranger / "mine.py").write_text("from latelier.models.vae import Config, Model\n")
    mine, run = "stranger/mine.py", stranger / "run"
    small = {"data": "digits", "images": 64, "batch": 8, "settings": ["net=mlp", "net.widths=4"]}
    latelier.train(mine, out=run, steps=2, **small)  # the verdict at its end opens the run
    latelier.train(mine, out=run, steps=3, resume=True)
    with pytest.raises(Refusal, match=r"'stranger/mine\.py' is code outside latelier"):
        latelier.train(out=run, steps=4, resume=True)
    with pytest.raises(Refusal, match=r"'stranger/mine\.py' is code outside latelier"):
        latelier.load(run)


def test_code_of_ones_own_is_run_where_it_was_named(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for find in (panels.find, scores.find, sheets.find):
        with pytest.raises(Refusal, match=r"'stranger.evil' is code outside latelier.* LATELIER_CODE=stranger.evil"):
            find(DOTTED)
        with pytest.raises(Refusal, match=r'"stranger\.evil" is no'):
            find(Named(DOTTED))
    with pytest.raises(Refusal, match="is no model: it must define Model and Config"):
        latelier.build(FILE, (1, 8, 8))
    for named in (DOTTED, f"other.py{os.pathsep}{DOTTED}"):
        monkeypatch.setenv("LATELIER_CODE", named)
        with pytest.raises(Refusal, match=r'"stranger\.evil" is no score'):
            scores.find(DOTTED)
    monkeypatch.setenv("LATELIER_CODE", str(stranger.parent / "mine" / "evil.py"))
    with pytest.raises(Refusal, match=r"no model file at .*mine/evil\.py"):
        building.config_of(FILE)  # as a run's file names it
