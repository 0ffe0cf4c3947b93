import importlib
import subprocess
import sys

import pytest

from latelier.config.lookup import find_module, known, module_names, sentence, summaries
from latelier.config.own_code import Named
from latelier.errors import Refusal


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A package of two models, one of which cannot be imported, a helper and a private module."""
    name = f"zoo_{tmp_path.name}".replace("-", "_")
    folder = tmp_path / name
    folder.mkdir()
    for file, source in {
        "__init__.py": "",
        "vae.py": '"""Learns codes.\n\nAt length."""\nclass Model: pass\n',
        "broken.py": '"""Needs an extra."""\nimport an_extra_that_is_not_there\nclass Model: pass\n',
        "helper.py": "def help(): pass\n",
        "_private.py": "class Model: pass\n",
    }.items():
        (folder / file).write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return name


def test_lists_what_defines_the_attribute_without_importing_it(zoo):
    assert summaries(zoo, "Model") == {"broken": "Needs an extra.", "vae": "Learns codes."}
    assert module_names(zoo) == ["broken", "helper", "vae"]
    assert f"{zoo}.vae" not in sys.modules


def test_listing_does_not_import_torch(zoo, tmp_path):
    listed = f"from latelier.config.lookup import summaries; summaries('{zoo}')"
    code = f"import sys; {listed}; sys.exit('torch' in sys.modules)"
    path = [str(tmp_path), *sys.path]
    subprocess.run([sys.executable, "-c", f"import sys; sys.path[:] = {path}; {code}"], check=True)


def test_finds_a_module_and_offers_the_nearest(zoo):
    assert find_module(zoo, "vae", "model", "Model").Model
    with pytest.raises(Refusal, match=r'^unknown model "vea"; did you mean "vae"\? there are: broken, vae$'):
        find_module(zoo, "vea", "model", "Model")


def test_a_hyphen_means_an_underscore(zoo):
    assert find_module("latelier.sheets", "part-crops", "sheet", "draw").__name__ == "latelier.sheets.part_crops"
    assert known("latelier.scores", "attribute-probe", "score", "score") == "attribute_probe"
    with pytest.raises(Refusal, match=r'^unknown model "v-ae"; did you mean "vae"\? '):
        known(zoo, "v-ae", "model", "Model")
    assert known(zoo, "my-models.mine", "model", "Model") == "my-models.mine"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("draw run nosuch", "sheet"),
        ("score run --only nosuch", "score"),
        ("score run --set nosuch.option=1", "score"),
        ("train nosuch --data digits --out new", "model"),
        ("reproduce nosuch", "recipe"),
    ],
)
def test_an_unknown_name_is_refused_before_torch_loads(command, kind):
    code = f"""
import sys
from latelier.cli import main
try:
    main({command.split()!r})
except SystemExit as stop:
    sys.exit(repr(stop.code) + (" with torch" if "torch" in sys.modules else ""))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    refused, status = done.stderr.splitlines()
    assert status == "2"
    assert refused.startswith(f'latelier: unknown {kind} "nosuch"; there are: ')


@pytest.mark.parametrize("name", ["helper", "_private", "", "../vae", "vae.py", "..", "a..b", "nowhere.at.all", ".vae"])
def test_refuses_what_is_no_model(zoo, name):
    with pytest.raises(Refusal, match=r"^unknown model"):
        find_module(zoo, Named(name), "model", "Model")


def test_a_name_with_dots_is_the_users_own_module(zoo):
    assert find_module("latelier.sheets", Named(f"{zoo}.vae"), "model", "Model").__name__ == f"{zoo}.vae"
    with pytest.raises(Refusal, match="does not define Model"):
        find_module("latelier.sheets", Named(f"{zoo}.helper"), "model", "Model")


def test_what_a_users_module_misses_is_not_hidden(zoo):
    with pytest.raises(Refusal, match=r"broken cannot be run: ModuleNotFoundError.* 'an_extra_that_is_not_there'"):
        find_module("latelier.sheets", Named(f"{zoo}.broken"), "model", "Model")


@pytest.mark.parametrize(
    ("docstring", "first"),
    [
        ("One.", "One."),
        (
            "A method (Lee et al. 2016, arXiv\n1511.05644).\n\nAt length.",
            "A method (Lee et al. 2016, arXiv 1511.05644).",
        ),
        ("One thing. And another.", "One thing."),
        ("No end", "No end"),
        (None, ""),
    ],
)
def test_a_sentence_is_whole_however_many_lines_it_takes(docstring, first):
    assert sentence(docstring) == first


def test_no_method_is_summed_up_in_half_a_sentence():
    for package, attribute in (
        ("latelier.models", "Model"),
        ("latelier.scores", "score"),
        ("latelier.sheets", "draw"),
    ):
        for name, line in summaries(package, attribute).items():
            assert line.endswith((".", "?")), name
            assert line.count("(") == line.count(")"), name
