"""Commands as a user gives them, in this process or in one of their own."""

import csv
import shlex
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

import pytest

from latelier.cli import main

Captured = pytest.CaptureFixture[str]


def stopped(captured: Captured, command: str | list[str]) -> tuple[int, str]:
    """Exit code and stderr of a command that does not end well."""
    captured.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(command) if isinstance(command, str) else command)
    assert isinstance(stop.value.code, int)
    return stop.value.code, captured.readouterr().err


def refused(captured: Captured, command: str | list[str]) -> str:
    """The one line that a refused command leaves on stderr."""
    code, said = stopped(captured, command)
    line, *more = said.splitlines()
    assert (code, more) == (2, [])
    assert line.startswith("latelier: ")
    return line


def said(captured: Captured, command: str) -> list[str]:
    """The lines that a command prints."""
    captured.readouterr()
    main(shlex.split(command))
    return captured.readouterr().out.splitlines()


def rows(path: str) -> list[dict[str, str]]:
    """Of a CSV file, by its columns."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def started(command: list[str]) -> BaseProcess:
    """The command in a process of its own, forked from one that has imported torch already."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["latelier.training.run"])
    process = context.Process(target=main, args=(command,))
    process.start()
    return process
