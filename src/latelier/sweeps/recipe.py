"""What a sweep is asked for: a TOML file whose values are either fixed or searched. Reading it needs no torch.

method = "vae"
data = "digits"
trials = 20

[training]
epochs = 10
validation = 0.1
rate = {log = [1e-4, 1e-2]}

[settings]
latent = {range = [2, 64]}
"penalty.weight" = {log = [0.25, 8]}
net = {choices = ["mlp", "conv"]}
"""

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from latelier.config.lookup import nearest
from latelier.config.own_code import HEADS, is_own
from latelier.config.settings import LARGEST, configure, words
from latelier.errors import Refusal
from latelier.runs.options import Options
from latelier.storage import json_records

NAME = "sweep.toml"  # the recipe's copy in the sweep's folder
MOST = 1 << 17  # bytes of a recipe
TOP = ("method", "data", "trials", "hours", "monitor", "seed", "prune", "training", "settings")
Kind = Literal["range", "log", "choices"]
KINDS: tuple[Kind, ...] = get_args(Kind)
APART = ("model", "data", "out", "settings", "monitor", "judge", "resume", "quiet", "mirror", "from_run")
TRAINING = tuple(field.name for field in fields(Options) if field.name not in APART)  # options of ``latelier train``
LEAST = {"trials": 1, "hours": 0}
BUDGET = tuple(LEAST)  # may be another when the sweep goes on


@dataclass(frozen=True)
class Searched:
    """What values one setting may have: ``range`` and ``log`` have two ends, both whole if only whole numbers are
    meant; log is a range that is even in the logarithm."""

    kind: Kind
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Sweep:
    """A recipe. ``space`` has a training option by its flag (``--rate``), a method's setting by its dotted name."""

    method: str
    data: str
    trials: int | None  # no new one begins after this many
    hours: float | None  # or after trainings of this many hours, all processes together
    monitor: str | None
    seed: int
    prune: bool
    training: Mapping[str, Any]
    settings: Mapping[str, Any]
    space: Mapping[str, Searched]

    def options(self, values: Mapping[str, Any], out: Path | str = "") -> Options:
        """What one trial is trained by; ``values`` has one for each name of the space. Raises Refusal for an unknown
        option of the training, and for a value that is none of it."""
        flags = {_option(name): value for name, value in values.items() if name.startswith("--")}
        settings = {name: value for name, value in values.items() if not name.startswith("--")}
        given: Options = configure(Options, {**self.training, **flags}, "training")
        return Options(
            **{
                **vars(given),
                **{"model": self.method, "data": self.data, "monitor": self.monitor, "out": str(out), "quiet": True},
                "settings": words({**self.settings, **settings}),
            }
        )

    def ends(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The first value of each name, and the last: what is right at both is taken for right between."""
        first, last = ({name: of.values[place] for name, of in self.space.items()} for place in (0, -1))
        return first, last

    def json(self) -> dict[str, Any]:
        """All that must be the same when the sweep goes on, as JSON."""
        return {name: value for name, value in asdict(self).items() if name not in BUDGET}

    def code(self) -> list[str]:
        """Modules outside the package that it names."""
        values = [self.settings.get(name) for name in HEADS]
        values += [value for name in HEADS if name in self.space for value in self.space[name].values]
        return [name for name in (self.method, *values) if isinstance(name, str) and is_own(name)]


def read(path: Path) -> Sweep:
    """Raises Refusal for a file that is not there or no TOML, for an unknown name and for a value that is none."""
    text = json_records.text(path, MOST)
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Refusal(f"{path} is no TOML: {error}; docs/sweep.md shows one") from None
    for name in found:
        if name not in TOP:
            raise Refusal(f"{path} has an unknown name '{name}'; {nearest(name, list(TOP))}")
    training = {_option(name): value for name, value in _table(found, "training", path).items()}
    for name in training:
        if name not in TRAINING:
            raise Refusal(f"{path}: latelier train has no option '{name}' for a sweep; {nearest(name, list(TRAINING))}")
    values = {f"--{name.replace('_', '-')}": value for name, value in training.items()}
    values |= _table(found, "settings", path)
    space = {name: _searched(name, value, path) for name, value in values.items() if isinstance(value, Mapping)}
    if not space:
        raise Refusal(f"{path} searches nothing; give a setting as latent = {{range = [2, 64]}}, or as log or choices")
    fixed = {name: _plain(name, value, path) for name, value in values.items() if name not in space}
    return Sweep(
        method=_text(found, "method", path),
        data=_text(found, "data", path),
        monitor=_text(found, "monitor", path) if "monitor" in found else None,
        seed=_number(found, "seed", path, 0, 1 << 32) if "seed" in found else 0,
        prune=_flag(found, "prune", path),
        training={_option(name): value for name, value in fixed.items() if name.startswith("--")},
        settings={name: value for name, value in fixed.items() if not name.startswith("--")},
        space=space,
        **_budget(found, path),
    )


def _option(flag: str) -> str:
    """The field of ``Options`` that an option's name or flag stands for."""
    name = flag.removeprefix("--").replace("-", "_")
    return "as_" if name == "as" else name


def _table(found: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = found.get(name, {})
    if not isinstance(table, Mapping):
        raise Refusal(f"{path}: {name} is a table, [{name}], but got {table!r}")
    return dict(_leaves(table))


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names of a table's values; what says a range or choices is one value."""
    for name, value in table.items():
        if isinstance(value, Mapping) and not value.keys() <= set(KINDS):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _searched(name: str, value: Mapping[str, Any], path: Path) -> Searched:
    for kind in KINDS:
        given = value.get(kind)
        if len(value) > 1 or not isinstance(given, list) or not given:
            continue
        if kind == "choices":
            choices = [_plain(name, one, path) for one in given]
            return Searched(kind, tuple(",".join(map(str, one)) if isinstance(one, list) else one for one in choices))
        least = 0 if kind == "log" else -LARGEST
        if len(given) == 2 and all(map(_is_number, given)) and least < given[0] < given[1]:
            whole = all(isinstance(end, int) for end in given)
            return Searched(kind, tuple(given if whole else map(float, given)))
    raise Refusal(
        f"{path}: {name} is searched by one of {{range = [LOW, HIGH]}}, {{log = [LOW, HIGH]}} with LOW above 0, and "
        f"{{choices = [A, B]}}, but got {dict(value)}"
    )


def _plain(name: str, value: Any, path: Path) -> Any:
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, str | bool) or _is_number(part) for part in parts):
        raise Refusal(f"{path}: {name} takes a number, a text, true or false, or a list of these, but got {value!r}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _text(found: Mapping[str, Any], name: str, path: Path) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not value:
        said = "is missing" if name not in found else f"takes a text, but got {value!r}"
        raise Refusal(f'{path}: {name} {said}; give it as {name} = "..."')
    return value


def _flag(found: Mapping[str, Any], name: str, path: Path) -> bool:
    value = found.get(name, True)
    if not isinstance(value, bool):
        raise Refusal(f"{path}: {name} takes true or false, but got {value!r}")
    return value


def _number(found: Mapping[str, Any], name: str, path: Path, least: int, most: float) -> Any:
    value = found[name]
    whole = name != "hours"
    right = isinstance(value, int) if whole else _is_number(value)
    if isinstance(value, bool) or not right or not math.isfinite(value) or not least <= value <= most:
        raise Refusal(f"{path}: {name} takes a {'whole ' * whole}number from {least} to {most:,}, but got {value!r}")
    return value


def _budget(found: Mapping[str, Any], path: Path) -> dict[str, Any]:
    budget = {name: _number(found, name, path, LEAST[name], 1_000_000) for name in BUDGET if name in found}
    if not budget:
        raise Refusal(f"{path} says not how long to search; give trials = 20, or hours = 2, or both")
    return {**dict.fromkeys(BUDGET), **budget}
