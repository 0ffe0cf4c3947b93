"""METEOR by its authors' Java program (meteor-1.5.jar), which the user gives; no other number is called METEOR."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from latelier.errors import Refusal
from latelier.scores.text.ngrams import Words


def meteor(candidates: Sequence[Words], references: Sequence[Sequence[Words]], jar: str | Path) -> float:
    """Of the corpus, in [0, 1]. Raises Refusal without the jar or Java, and for a program that answers otherwise."""
    java = shutil.which("java")
    if java is None or not Path(jar).is_file():
        raise Refusal(
            f"METEOR needs Java and its jar, but {'there is no java' if java is None else f'{jar} is no file'}"
        )
    command = [java, "-jar", "-Xmx2G", str(jar), "-", "-", "-stdio", "-l", "en", "-norm"]
    pairs = list(zip(candidates, references, strict=True))
    try:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        ) as program:
            try:
                # One image a line: its references and the candidate; what it answers, together, is evaluated.
                stats = [_ask(program, ["SCORE", *map(" ".join, beside), " ".join(words)]) for words, beside in pairs]
                _say(program, ["EVAL", *stats])
                return float([_hear(program) for _ in range(len(stats) + 1)][-1])
            finally:
                program.kill()
    except (OSError, ValueError) as error:
        raise Refusal(f"{jar} did not answer as METEOR 1.5 does ({error}); give its jar") from error


def _ask(program: "subprocess.Popen[str]", parts: Sequence[str]) -> str:
    _say(program, parts)
    return _hear(program)


def _say(program: "subprocess.Popen[str]", parts: Sequence[str]) -> None:
    assert program.stdin is not None
    program.stdin.write(" ||| ".join(parts) + "\n")
    program.stdin.flush()


def _hear(program: "subprocess.Popen[str]") -> str:
    assert program.stdout is not None
    line = program.stdout.readline()
    if not line:
        raise ValueError("it ended")
    return line.strip()
