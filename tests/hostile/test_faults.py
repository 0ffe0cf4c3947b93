"""A fault of latelier's own is one line, with the traceback in a file; so is one of the user's own code."""

import re
from pathlib import Path

import pytest

import latelier
from latelier import cli
from latelier.errors import Refusal
from latelier.verbs import listing


def ended(capsys: pytest.CaptureFixture[str], *tokens: str) -> tuple[int | str | None, str]:
    """Exit status of a command, and all that it said on stderr."""
    with pytest.raises(SystemExit) as end:
        cli.main(tokens)
    return end.value.code, capsys.readouterr().err


def break_models(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on ``latelier models`` ends in that error."""

    def broken() -> None:
        raise error

    monkeypatch.setattr(listing, "models", broken)


@pytest.mark.parametrize(
    "error", [TypeError("of\x1b its\nown"), KeyError("x"), ValueError("no"), RuntimeError("no"), AssertionError()]
)
def test_an_unforeseen_error_is_one_line(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_models(error, monkeypatch)
    status, said = ended(capsys, "models")
    assert status == 1
    assert said.count("\n") == 1
    kind = type(error).__name__
    found = re.fullmatch(rf"latelier: a fault of latelier's own \({kind}.*report (\S+), which.*\n", said)
    assert found
    kept = Path(found[1])
    assert "in broken" in kept.read_text()
    kept.unlink()
    monkeypatch.setenv("LATELIER_TRACEBACK", "1")
    with pytest.raises(type(error)):
        cli.main(["models"])


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")]
)
def test_too_little_memory_is_no_fault(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_models(error, monkeypatch)
    status, said = ended(capsys, "models")
    assert status == 2
    assert said.startswith("latelier: there is not enough memory for this; take a smaller --batch")


@pytest.mark.parametrize("code", ["def f(:\n", "import nowhere_at_all\n", "1 / 0\n", "raise SystemExit(0)\n"])
def test_a_users_file_that_cannot_be_run_is_refused(code: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(code)
    error = "SyntaxError|ModuleNotFoundError|ZeroDivisionError|SystemExit"
    with pytest.raises(Refusal, match=rf"mine\.py cannot be run: ({error}): "):
        latelier.train(str(tmp_path / "mine.py"), data="digits", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train vae --data digits --device meta", "--device meta computes nothing; give cpu"),
        *(
            (f"train {name} --data digits --batch 1", "--batch 1 leaves one image")
            for name in ("bigan", "infogan", "hali --set net=table")
        ),
    ],
)
def test_what_can_be_foreseen_is_refused_and_leaves_nothing(
    words: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, line = ended(capsys, *words.split(), "--out", str(tmp_path / "run"))
    assert status == 2
    assert line.startswith(f"latelier: {said}")
    assert not (tmp_path / "run").exists()
