"""Which faults the tests would miss: one thing in the code is changed at a time, and tests run until one fails.

    python tools/mutants.py [--out FILE] [--seconds S] [NAME ...]

mutmut says what is changed, in the files and for the tests that ``[tool.mutmut]`` of pyproject.toml names. Its own run
starts the tests anew for each change; here they are collected once, and a change is made in a process forked from that
one, by giving a function other code. NAME is a mutant, or how the names of several begin: ``latelier.engine.loop.``;
@LIST is a file with one a line. Mutants that are in FILE already are not run again, and the order is random: a run that
was stopped goes on, and is a random sample of all.

A line of FILE is a mutant and its state: ``killed`` by a test, ``late`` (a test took CPU_S longer than it does, or
WALL_S), ``survived``, ``cut`` (so far, when its tests had taken S seconds), ``unreached`` (no test calls the function)
or ``unfit`` (cannot be put in place). FILE.reach holds which tests call which function; delete it when tests change.
"""

import argparse
import importlib
import json
import math
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from types import FrameType
from typing import Any, cast

import pytest
from _pytest.runner import runtestprotocol
from mutations import Function, Mutant, mutants, put

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
CPU_S, WALL_S = 60, 300
STATES = SURVIVED, KILLED, UNFIT, CUT = "survived", "killed", "unfit", "cut"  # by a mutant's process's exit status
HEAVY = ("latelier.", "torch.", "torchvision.", "numpy.", "scipy.", "sklearn.", "matplotlib.", "PIL.")


def forked(work: Callable[..., str], *given: Any) -> str:
    """Does ``work`` in a process of its own, without output: the state that it gives, or "late" if a signal ends it."""
    child = os.fork()
    if not child:
        state = KILLED
        try:
            for stream in (1, 2):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
            state = work(*given)
        finally:
            os._exit(STATES.index(state))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return STATES[status] if status >= 0 else "late"


class Runner:
    """A pytest plugin that runs tests on mutants, in place of each test once."""

    def __init__(self, names: tuple[str, ...], out: Path, seconds: float, patterns: list[str]):
        self.whole = {name for name in names if "__mutmut_" in name}
        self.starts = tuple(set(names) - self.whole)
        self.out, self.seconds = out, seconds
        paths = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
        self.sources = {".".join(path.relative_to(SRC).with_suffix("").parts): path for path in paths}
        self.seen: set[Function] = set()
        self.shared: dict[str, set[Function]] = defaultdict(set)  # what fixtures of many tests call

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        before, self.seen = self.seen, set()
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":
                self.shared[fixturedef.argname] |= self.seen
            self.seen |= before

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.base = cast(Any, session.config)._tmp_path_factory.getbasetemp()
        for module in self.sources:
            importlib.import_module(module)
        noted = self.out.with_suffix(".reach")
        if not noted.exists():
            forked(self.reach, session.items, noted)
        reach = json.loads(noted.read_text())
        for module in reach["modules"]:
            importlib.import_module(module)
        with tempfile.TemporaryDirectory() as folder:
            self.copy, self.note = shutil.copytree(SRC, Path(folder) / "src"), Path(folder) / "note"
            self.run({item.nodeid: item for item in session.items}, reach["tests"])
        return True

    def reach(self, items: list[pytest.Item], noted: Path) -> str:
        """Runs all tests without a change. Notes of those that pass their seconds and the functions that they call."""
        of = {str(path): module for module, path in self.sources.items()}

        def call(frame: FrameType, event: str, argument: object) -> None:
            code = frame.f_code
            if event == "call" and code.co_filename in of:
                self.seen.add((of[code.co_filename], code.co_qualname.partition(".<locals>")[0]))

        tests = {}
        for item, after in zip(items, [*items[1:], None], strict=True):
            self.seen, start = set(), process_time()
            threading.setprofile(call)
            sys.setprofile(call)
            reports = runtestprotocol(item, nextitem=after, log=False)
            sys.setprofile(None)
            if not any(report.failed for report in reports):
                called = self.seen.union(*(self.shared.get(name, ()) for name in getattr(item, "fixturenames", ())))
                tests[item.nodeid] = process_time() - start, sorted(called)
        modules = [name for name in sys.modules if name.startswith(HEAVY)]
        noted.write_text(json.dumps({"tests": tests, "modules": modules}))
        return SURVIVED

    def run(self, items: dict[str, pytest.Item], reach: dict[str, tuple[float, list[Function]]]) -> None:
        """All mutants, each until a test fails: first those that failed for the same function, then the quickest."""
        tests: dict[Function, list[str]] = defaultdict(list)
        for test, (_, functions) in sorted(reach.items(), key=lambda pair: pair[1][0]):
            for module, name in functions:
                tests[module, name].append(test)
        every = [mutant for source in self.sources.items() for mutant in mutants(*source)]
        random.Random(0).shuffle(every)
        known = {line["name"] for line in lines(self.out)}
        for mutant in every:
            if mutant.name in known or not (mutant.name in self.whole or mutant.name.startswith(self.starts)):
                continue
            own = tests[mutant.function]
            state = forked(self.tried, mutant, [(items[test], reach[test][0] + CPU_S) for test in own])
            note = json.loads(self.note.read_text())
            if state in (SURVIVED, CUT):
                note["by"] = None
            if state == KILLED and note["by"]:
                own.insert(0, own.pop(own.index(note["by"])))
            with self.out.open("a") as out:
                print(json.dumps({"name": mutant.name, "state": state if own else "unreached", **note}), file=out)
            shutil.copyfile(mutant.path, self.copy / mutant.path.relative_to(SRC))
            for left in self.base.iterdir():
                shutil.rmtree(left, ignore_errors=True)

    def tried(self, mutant: Mutant, items: list[tuple[pytest.Item, float]]) -> str:
        """In a mutant's process: its state. Processes that its tests start find the mutant in a copy of src."""
        text, diff = mutant.text(), mutant.diff()
        self.note.write_text(json.dumps({"by": None, "diff": diff}))
        (self.copy / mutant.path.relative_to(SRC)).write_text(text)
        os.environ["PYTHONPATH"] = str(self.copy)
        sys.path.insert(0, str(self.copy))
        if not put(mutant.function, text):
            return UNFIT
        end = process_time() + self.seconds
        for (item, limit), (after, _) in zip(items, [*items[1:], (None, 0)], strict=True):
            if process_time() > end:
                return CUT
            resource.setrlimit(resource.RLIMIT_CPU, (int(process_time() + limit), resource.RLIM_INFINITY))
            signal.alarm(WALL_S)
            self.note.write_text(json.dumps({"by": item.nodeid, "diff": diff}))
            if any(report.failed for report in runtestprotocol(item, nextitem=after, log=False)):
                return KILLED
        return SURVIVED


def lines(out: Path) -> list[dict[str, Any]]:
    """What is known already."""
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


if __name__ == "__main__":
    parser = argparse.ArgumentParser(fromfile_prefix_chars="@")
    parser.add_argument("names", nargs="*", metavar="NAME", default=["latelier"])
    parser.add_argument("--out", type=Path, default=ROOT / "mutants" / "mutants.jsonl")
    parser.add_argument("--seconds", type=float, default=math.inf)
    given = parser.parse_args()
    given.out.parent.mkdir(exist_ok=True)
    os.chdir(ROOT)
    own = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    runner = Runner(tuple(given.names), given.out.resolve(), given.seconds, own["only_mutate"])
    words = own["pytest_add_cli_args"] + own["pytest_add_cli_args_test_selection"]
    status = pytest.main(words, plugins=[runner])
    print(", ".join(f"{count} {state}" for state, count in Counter(line["state"] for line in lines(given.out)).items()))
    sys.exit(status)
