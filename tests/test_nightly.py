"""The nightly workflow, which runs on a forge alone: that its jobs do on each system what make and .ci/run do."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOW = (ROOT / ".github" / "workflows" / "nightly.yml").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def commands(job: str) -> list[str]:
    """What the steps of a job run."""
    (text,) = re.findall(rf"^  {job}:.*\n((?:   .*\n|\n)+)", WORKFLOW, re.MULTILINE)
    return re.findall(r"^      - run: (.+)$", text, re.MULTILINE)


def recipe(target: str) -> str:
    """The commands of one of make's targets."""
    (text,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return text


def test_posix_runs_what_make_does() -> None:
    assert commands("unix") == [".ci/run", "make test WORKERS=0", "make wheel", "make slow WORKERS=3"]


def test_windows_does_each_of_makes_checks() -> None:
    ran = commands("windows")
    tools = re.findall(r'"([^"]+)"|(\bmypy\b)', recipe("check").partition("; do")[0])
    wanted = [re.sub(r"^-m python ", "", f"-m {quoted or bare}") for quoted, bare in tools]
    assert wanted == ["-m ruff check", "-m ruff format --check", "-m mypy", "tools/prose.py"]
    wanted += [re.findall(r"bin/python (.+)", recipe(target))[0] for target in ("docs", "wheel")]
    for one in (*wanted, '-m pytest -n 2 -m "not slow"', "-m pytest -n 3 -m slow"):
        assert f"python {one}" in ran


def test_no_command_asks_for_hashes_of_a_folder() -> None:
    """pip refuses: constraints.txt has hashes, and a folder can have none."""
    installing = [command for command in commands("windows") if "pip install" in command]
    assert [("constraints.txt" in command, bool(re.search(r" \.(\[|$)", command))) for command in installing] == [
        (True, False),
        (False, True),
    ]


def test_actions_are_pinned_and_no_secret_is_read() -> None:
    uses = re.findall(r"uses: (\S+)", WORKFLOW)
    assert len(uses) == 4
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one) for one in uses)
    assert "secrets" not in WORKFLOW


@pytest.mark.parametrize("system", ["ubuntu", "macos", "windows"])
def test_every_system_has_a_job(system: str) -> None:
    assert f"{system}-latest" in WORKFLOW
