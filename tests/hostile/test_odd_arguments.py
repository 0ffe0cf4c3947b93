"""Odd values of every option and argument of every verb are refused in one line, and nothing is lost or left."""

import random
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import odd
from hostile.kept import Captured, refused
from hostile.places import DEAR, GOOD, NAMES, NUMBERS, OTHERS, READS, SURPLUS, WHOLE, WRITES

from latelier.cli import main

DRAWN = 1  # of the values of a place, for the default tests


def places() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Verb, option or argument, and what it is given."""
    for table, values in ((WHOLE, odd.WHOLE), (NUMBERS, odd.NUMBERS), (NAMES, odd.NAME)):
        yield from ((verb, option, values) for verb, options in table.items() for option in options.split())
    yield from ((verb, "--out", values) for verb, values in WRITES.items())
    yield from ((verb, "--data", odd.SOURCE) for verb in READS)
    yield from ((verb, option, values) for (verb, option), values in OTHERS.items())
    yield from ((verb, "", values) for verb, values in SURPLUS.items())
    for verb, words in GOOD.items():
        if words.split()[1:2] in (["run"], ["parts.safetensors"]):
            yield verb, "RUN", odd.RUN
        if "pets" in words.split()[1:3]:
            yield verb, "SRC", odd.SOURCE
    yield from (("train", "MODEL", odd.NAME), ("draw", "SHEET", odd.NAME), ("reproduce", "RECIPE", odd.NAME))
    yield "", "VERB", odd.NAME


def cases() -> Iterator[Any]:
    for verb, place, values in places():
        drawn = random.Random(f"{verb} {place}").sample(values, min(DRAWN, len(values)))
        for number, value in enumerate(values):
            marks = () if value in drawn else pytest.mark.slow
            name = "-".join(filter(None, (verb, place.strip("-"), str(number))))
            yield pytest.param(verb, place, value, marks=marks, id=name)


def command(verb: str, place: str, value: str) -> list[str]:
    """The verb's command, right but for one value."""
    words = shlex.split(GOOD[verb]) if verb else [""]
    if not place:
        return [*words, value]
    if place.startswith("--"):
        if place in words:
            at = words.index(place)
            del words[at : None if place == "--set" else at + 2]
        *others, option = place.split()
        return [*words, *others, f"{option}={value}"]
    after = place in ("SRC", "SHEET", "CODE") and verb != "data"
    at = 2 if after else 1 if verb else 0
    return [*words[:at], value, *words[at + 1 :]]


@pytest.mark.parametrize("verb", [verb for verb in GOOD if verb not in DEAR])
def test_what_is_right_is_done(verb: str, shop: Path) -> None:
    main(shlex.split(GOOD[verb]))


@pytest.mark.parametrize(("verb", "place", "value"), list(cases()))
def test_what_is_odd_is_refused(verb: str, place: str, value: str, shop: Path, capsys: Captured) -> None:
    refused(command(verb, place, value), capsys)
