"""Fields of a run's files that hold a value of another type, stamped as a stranger would, are refused in one line."""

import random
import shlex
from pathlib import Path
from typing import Any

import pytest
from hostile.fields import FOREIGN, Measured, note_of, placed, stamp
from hostile.kept import Captured, refused

AGAIN, SCORE = "train --out run --resume --steps 3 --quiet", "score run --only reconstruction --quiet"
CARD: dict[str, type] = {
    **{"model": str, "image": list, "image/0": int, "config": dict, "config/latent": int, "config/net": dict},
    **{
        "config/net/kind": str,
        "config/net/widths": list,
        "config/net/widths/0": int,
        "config/likelihood/learned": bool,
    },
    **{"config/penalty/kind": str, "config/penalty/weight": float, "config/critic": dict, "config/optimiser": dict},
    **{"config/optimiser/rate": float, "classes": list, "classes/0": str, "head": dict, "head/kind": str},
    **{"head/optimiser/rate": float, "head/rounds": list, "caption": dict, "caption/kind": str, "caption/hidden": int},
    **{"words": list, "words/0": str},
}
FIELDS: dict[str, tuple[str, dict[str, type]]] = {  # file -> the command that reads it, and which fields of what type
    "config.json": (
        AGAIN,
        {
            **{"": dict, "format": int, "data": dict, "data/source": str, "data/fingerprint": str, "data/images": int},
            **{"data/shape": list, "data/shape/0": int, "data/skipped": int, "data/remarks": list, "request": dict},
            **{"request/data": str, "request/batch": int, "request/seed": int, "request/flip": bool},
            **{"request/affine": float, "request/keep": int, "request/settings": list, "plan": dict},
            **{
                "plan/total": int,
                "plan/batch": int,
                "optimisers": dict,
                "threads": int,
                "versions": dict,
                "model": dict,
            },
            **{f"model/{name}": kind for name, kind in CARD.items()},
        },
    ),
    "weights-*": (SCORE, CARD | {"": dict, "seen": int, "format": int}),
    "state-*": (AGAIN, {"": dict, "seen": int, "best": Measured, "since_best": int, "format": int}),
    "manifest-*": (
        AGAIN,
        {
            "": dict,
            "format": int,
            "seen": int,
            "files": dict,
            "files/*": dict,
            "files/*/sha256": str,
            "files/*/bytes": int,
        },
    ),
    "scores.json": (
        SCORE,
        {
            **{
                "": list,
                "0": dict,
                "0/name": str,
                "0/values": dict,
                "0/values/*": Measured,
                "0/protocol": str,
                "0/n": int,
            },
            **{"0/seconds": Measured, "0/data": str, "0/fingerprint": str, "0/seen": int},
        },
    ),
}
DRAWN = 1


def cases() -> list[Any]:
    found = []
    for name, (_, fields) in FIELDS.items():
        for field, kind in fields.items():
            drawn = random.Random(name + field).sample(range(len(FOREIGN[kind])), DRAWN)
            for number, value in enumerate(FOREIGN[kind]):
                marks = () if number in drawn else pytest.mark.slow
                found.append(pytest.param(name, field, value, marks=marks, id=f"{name.strip('-*')}:{field}-{number}"))
    return found


def prepared(name: str, field: str, value: Any) -> list[str]:
    """Puts the value into every such file of the run, so that none is left as it was; the command that reads it."""
    for path in sorted(Path("run").glob(name)):
        stamp(path, placed(note_of(path), field, value))
    return shlex.split(FIELDS[name][0])


@pytest.mark.parametrize(("name", "field", "value"), cases())
def test_a_field_of_another_type_is_refused(name: str, field: str, value: Any, shop: Path, capsys: Captured) -> None:
    refused(prepared(name, field, value), capsys)
