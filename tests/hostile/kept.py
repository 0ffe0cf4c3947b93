"""What must be true of every command that is refused: one line, printable, and nothing lost or left."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from latelier.cli import main

Captured = pytest.CaptureFixture[str]
FAULT = "a fault of latelier's own"
LONGEST = 60  # seconds that a command may take to refuse


@contextmanager
def in_time() -> Iterator[None]:
    """Fails where what is within waits for a pipe, or reads something without an end."""
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail(f"not refused in {LONGEST} s"))
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def contents(folder: Path) -> dict[str, object]:
    """Everything below a folder: name -> what a file holds, or of what kind it is."""
    found: dict[str, object] = {}
    for above, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(above, name)
            plain = path.is_file() and not path.is_symlink()
            found[os.path.relpath(path, folder)] = path.read_bytes() if plain else path.lstat().st_mode
    return found


def refused(words: list[str], captured: Captured) -> str:
    """The line of a command that must be refused in the working folder, which stays as it is."""
    before = contents(Path())
    captured.readouterr()
    with in_time(), pytest.raises(SystemExit) as stop:
        main(words)
    said = captured.readouterr()
    lines = [line for line in said.err.splitlines() if line.startswith("latelier: ")]
    assert stop.value.code in (1, 2), said
    assert len(lines) == 1, said.err
    assert said.err.endswith(f"{lines[0]}\n"), said.err
    assert not {word for word in (FAULT, "Traceback") if word in said.err}, said.err
    assert all(character.isprintable() for character in (said.out + said.err).replace("\n", "")), said
    after = contents(Path())
    assert sorted(after) == sorted(before), "a file was left or lost"
    changed = [name for name in before if after[name] != before[name]]
    assert changed == [], f"changed: {changed}"
    return lines[0]
