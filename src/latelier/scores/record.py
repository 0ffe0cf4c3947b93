"""Scores as records: each value with its protocol, the number of images behind it, the seconds it took and its seed."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from types import ModuleType
from typing import Any

import torch

from latelier.codes.fitted import prior_of
from latelier.codes.rows import device_of, some
from latelier.core import Model, innermost, missing
from latelier.core.lacking import lack
from latelier.data.captions import has_caption
from latelier.errors import Refusal
from latelier.scores import find, possible
from latelier.scores.attributes import attributes_of
from latelier.scores.common import Splits, factors_of
from latelier.terminal.tables import counted


def run_scores(
    model: Model,
    data: Splits,
    names: Sequence[str] | None = None,
    *,
    seed: int = 0,
    limit: int | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    say: Callable[[str], None] | None = None,
    but: Collection[str] = (),
) -> list[dict[str, Any]]:
    """One JSON-able record a score: name, values, protocol, n, seconds, seed, and a verdict where the score gives one.

    Without ``names`` these are all scores that model and data allow, ``but`` some and those on request. Of one that
    cannot be taken of these images (they have no labels, or those of one class; they are too few) the record is its
    name and the "reason", without values; one that was named is refused. At most ``limit`` test images are measured, or
    the score's own ``LIMIT``, drawn by ``seed``. ``options`` are keywords for a score's function, by the score's name;
    its record repeats them. ``say`` is called with a line for each score before it begins.
    """
    if limit is not None and limit < 1:
        raise Refusal(f"limit is {limit}, but at least one image must be measured; leave it out for the usual number")
    if len(data.test) == 0:
        raise Refusal(f"{data.test.source or 'the test split'}: there are no images to score")
    if data.test.shape != model.image:
        given, built = ("x".join(map(str, shape)) for shape in (data.test.shape, model.image))
        raise Refusal(f"the images are {given} (c x h x w), but the model was built for {built}; give such images")
    for name in names or []:
        _refuse(name, model, data)
    chosen = names or [name for name in possible(model) if name not in but and _usual(find(name), data)]
    records = []
    for place, name in enumerate(chosen, 1):
        if say is not None:
            say(f"scoring: {name}, {place} of {len(chosen)}")
        try:
            if not names:
                _suits(find(name), data)
            records.append(_record(name, model, data, seed, limit, (options or {}).get(name, {})))
        except Refusal as error:
            if names:
                raise
            records.append({"name": name, "reason": str(error).removeprefix(f"{name}: ")})
    return records


def _record(
    name: str, model: Model, data: Splits, seed: int, limit: int | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    module = find(name)
    test = some(data.test, limit or module.LIMIT, seed, labelled=_flag(module, "NEEDS_LABELS"))
    # A generator of its own: a value does not depend on which other scores were asked for.
    generator = torch.Generator(device_of(model)).manual_seed(seed)
    start = time.perf_counter()
    values = module.score(model, data._replace(test=test), generator, **options)
    seconds = time.perf_counter() - start
    measured = f"{len(test):,} of {counted(len(data.test), 'test image')}"
    which = "some of which the model may have seen" if data.doubtful else "which the model did not see"
    scope = f"{measured}, {'which the model saw' if data.seen else which}"
    prior = f" The prior is {said}." if (said := prior_of(model)) else ""
    record = {
        "name": name,
        "values": {key: float(value) for key, value in values.items()},
        "protocol": f"{module.PROTOCOL} Measured on {scope} in training.{prior}",
        "n": len(test),
        "seconds": seconds,
        "seed": seed,
        "options": dict(options),
    }
    return record | ({"verdict": module.verdict(values, len(test))} if hasattr(module, "verdict") else {})


def _refuse(name: str, model: Model, data: Splits) -> None:
    module = find(name)
    if lacking := missing(model, module.needs):
        able = ", ".join(other for other in possible(model) if not _unmet(find(other), data)) or "none"
        raise Refusal(f'score "{name}" {lack(type(innermost(model)), lacking)}; ask for one of: {able}')
    try:
        _suits(module, data)
    except Refusal as error:
        raise Refusal(f'score "{name}" {error}') from None


def _suits(module: ModuleType, data: Splits) -> None:
    """Raises Refusal where the data lack what the score needs."""
    for flag in _unmet(module, data):
        raise Refusal(f"needs {NEEDS[flag][1].format(data.test.source or 'these images')}")


def _unmet(module: ModuleType, data: Splits) -> list[str]:
    """The score's needs (``NEEDS``) that the data do not meet."""
    return [flag for flag, (met, _) in NEEDS.items() if _flag(module, flag) and not met(data)]


def _usual(module: ModuleType, data: Splits) -> bool:
    """Whether the score is asked for when none is named. Of what a user can add to images, its lack is said; what
    only drawn images have is no lack of others. A class alone is a factor on request."""
    if _flag(module, "ON_REQUEST") or set(_unmet(module, data)) - set(ADDABLE):
        return False
    return not _flag(module, "NEEDS_FACTORS") or len(factors_of(data)) > 1


def _flag(module: ModuleType, name: str) -> bool:
    return bool(getattr(module, name, False))


def _labelled(data: Splits) -> bool:
    return bool((data.fit.label >= 0).any() and (data.test.label >= 0).sum() >= LABELLED)


def _drawn_with(truth: str) -> Callable[[Splits], bool]:
    return lambda data: truth in data.fit.truth and truth in data.test.truth


LABELLED = 2  # to test on: of one image a share is all or nothing
ADDABLE = ("NEEDS_LABELS", "NEEDS_CAPTIONS")
NEEDS: dict[str, tuple[Callable[[Splits], bool], str]] = {  # flag -> whether the data do, and what to say if not
    "NEEDS_LABELS": (_labelled, "labels, but {} has none to fit or fewer than two to test on; add them"),
    "NEEDS_FACTORS": (
        lambda data: bool(factors_of(data)),
        "known factors, but {} has none to fit or none to test on; give every image a label or attributes, or use "
        "drawn ones (scenes)",
    ),
    "NEEDS_ATTRIBUTES": (
        lambda data: bool(attributes_of(data).names),
        "attributes or classes, but {} has none that images to fit and images to test on show both ways; add them",
    ),
    "NEEDS_CAPTIONS": (
        lambda data: bool(has_caption(data.fit).any() and has_caption(data.test).any()),
        "captions, but {} has none to fit or none to test on; give a captions.csv or a Parquet column captions",
    ),
    "NEEDS_PARTS": (_drawn_with("parts"), "images whose parts are known, but {} has none; give scenes"),
    "NEEDS_MODES": (_drawn_with("mode"), "images whose modes are known, but {} has none; give mixture"),
}


def replaced(kept: list[dict[str, Any]], records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """``kept`` with ``records`` in place of those of the same name, data and checkpoint."""
    of = itemgetter("name", "data", "seen")
    fresh = {of(record) for record in records}
    return [record for record in kept if of({"seen": None, **record}) not in fresh] + records
