"""Rules that hold over every file, whatever is in it."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from made import folder
from trees import nodes, trees

import latelier

ROOT = Path(__file__).parents[1]

# In pieces, so that this file keeps the rules that it states.
REGISTRIES = [f"{name}.org" for name in ("pypi", "pythonhosted", "download.pytorch", "npmjs", "anaconda", "deb.debian")]
PLACES = re.compile(rb"(?<![\w.~})/-])/(?:" + b"|".join([b"work", b"root", b"home", b"Users"]) + rb")/\w")


def tracked() -> list[Path]:
    """All files of the repository, those not yet committed included."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_no_file_names_a_registry() -> None:
    hosts = re.compile(b"|".join(re.escape(host.encode()) for host in REGISTRIES), re.IGNORECASE)
    assert [str(path) for path in tracked() if hosts.search(path.read_bytes())] == []


def test_no_file_has_the_marks_of_a_merge() -> None:
    marks = re.compile(rb"^(?:<{7}|>{7}) ", re.MULTILINE)
    assert [str(path) for path in tracked() if marks.search(path.read_bytes())] == []


def test_no_file_names_a_place_on_one_machine() -> None:
    found = {str(path): place.group() for path in tracked() if (place := PLACES.search(path.read_bytes()))}
    assert found == {}


@pytest.mark.parametrize("text", [b'"/' + b'work/main"', b"cd /" + b"root/x", b"(/" + b"home/me)"])
def test_a_place_would_be_found(text: bytes) -> None:
    assert PLACES.search(text)


@pytest.mark.parametrize("text", [b"net/work/x", b"~/home/x", b"a/root/b", b"https://x.example/home/me"])
def test_a_relative_path_is_no_place(text: bytes) -> None:
    assert not PLACES.search(text)


def imported(nodes: Iterator[ast.AST]) -> set[str]:
    """First parts of the names of all modules that these statements import."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: all but the insides of functions."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from at_import(node)


def unpickles(node: ast.AST) -> bool:
    """Whether this is a call that may run code found in a file. numpy's does so only if told to."""
    if not isinstance(node, ast.Call):
        return False
    told = any(word.arg == "allow_pickle" and ast.unparse(word.value) != "False" for word in node.keywords)
    kept = isinstance(node.func, ast.Attribute) and node.func.attr in ("load", "save")
    return told or (kept and ast.unparse(node.func) in {"torch.load", "torch.save"})


def test_nothing_is_unpickled() -> None:
    modules = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    assert [name for name, whole in nodes().items() if imported(whole) & modules] == []
    assert [name for name, whole in nodes().items() if any(map(unpickles, whole))] == []
    taken = [n for whole in nodes().values() for n in whole if isinstance(n, ast.ImportFrom)]
    assert [ast.unparse(n) for n in taken if n.module == "torch" and {"load", "save"} & {a.name for a in n.names}] == []


@pytest.mark.parametrize("text", ["torch.load(f)", "torch.save(x, f)", "np.load(f, allow_pickle=True)"])
def test_unpickling_would_be_found(text: str) -> None:
    assert any(map(unpickles, ast.walk(ast.parse(text))))


def test_torchvision_is_imported_only_where_it_is_used() -> None:
    """It is an extra, and one that does not fit the installed torch fails at import."""
    assert [name for name, tree in trees().items() if "torchvision" in imported(at_import(tree))] == []


def test_source_files_are_short() -> None:
    # A table of former values: read as a whole.
    longer = {"src/latelier/bench/values.py": 330}
    beside = (path for folder in ("benchmarks", "tools") for path in (ROOT / folder).glob("*.py"))
    names = [*trees(), *(path.relative_to(ROOT).as_posix() for path in beside)]
    lengths = {name: len((ROOT / name).read_text("utf-8").splitlines()) for name in names}
    assert {name: length for name, length in lengths.items() if length > longer.get(name, 250)} == {}


def test_every_dependency_is_pinned() -> None:
    """Or `make lock` was forgotten."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = sum(project["optional-dependencies"].values(), project["dependencies"])
    names = set(re.findall(r"^[\w.-]+", "\n".join(asked), re.MULTILINE)) - {project["name"]}
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    assert len(names) > 10
    assert names - pinned == set()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--help", "train"),
        ("models", "vae"),
        ("data", "digits"),
        ("data SRC", "12"),
        ("reproduce", "lecture/"),
        ("reproduce --list", "hours of two cores"),
        ("cache", ""),
    ],
)
def test_what_needs_no_torch_does_not_load_it(words: str, said: str, tmp_path: Path) -> None:
    """It takes longer to import than any of these takes."""
    folder(tmp_path / "pets", 12, "L", (8, 8))
    command = [sys.executable, "-X", "importtime", "-m", "latelier", *words.replace("SRC", "pets").split()]
    own = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "LATELIER_CACHE": str(tmp_path / "cache")}
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=own)
    assert said in outcome.stdout
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in outcome.stderr.splitlines()}
    assert "latelier" in modules  # importtime printed what this test reads
    assert not modules & {"torch", "sklearn", "matplotlib", "torchmetrics", "torchvision", "scipy"}
    assert words != "--help" or "pyarrow" not in modules


def test_the_citation_and_the_package_are_of_one_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert re.findall(r"^version: (\S+)", citation, re.MULTILINE) == [latelier.__version__]
    keywords = ", ".join(project["keywords"])
    assert f"keywords: [{keywords}]" in citation
