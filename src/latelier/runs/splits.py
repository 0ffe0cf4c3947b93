"""What of a source probes are fitted on, and what a run is measured on."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latelier.data.images import Images
from latelier.data.sources.matching import source_parts
from latelier.errors import Refusal
from latelier.runs.learned import kept_back, labels_learned, learned_labels, learned_rows, parted
from latelier.runs.where import Where
from latelier.scores.common import Splits

if TYPE_CHECKING:
    from latelier.runs.run import Run

HALF, FEWEST = 512 << 20, 2_000  # bytes of pixels, and images, up to which each part of a split is taken whole


def splits(run: "Run", source: str | Path | None, where: Where) -> Splits:
    """Images to fit on and images to measure on, as ``Run.splits`` says."""
    given, source = source, str(source or run.source)
    base, held, own = _parts(run, source, where)
    if held:
        test = run.images(base, where, held, sample=True)
        if given is None and (held_out := _held_out(run, test)) is not None:
            return held_out
        whole = fit = run.images(base, where, "train", sample=True) if "train" in own else test
        rows = np.arange(len(whole))
    else:
        whole = run.images(base, where, sample=True)
        if (held_out := _held_out(run, whole)) is not None:
            return held_out
        if len(whole) == 1:
            return _alone(run, whole, None if given is None else where)
        most = _most(whole)
        order = np.random.default_rng(0).permutation(len(whole))[: 2 * most]
        rows = np.sort(order[::2])
        fit, test = whole.take(rows), whole.take(np.sort(order[1::2]))
        test = replace(test, fingerprint=whole.fingerprint)
    data = run.config.get("data", {})
    seen = test.fingerprint == data.get("fingerprint")
    doubtful = not seen and (not data or whole.source == test.source == data.get("source"))
    return _with_learned(run, Splits(fit, test, seen, doubtful), whole, rows)


def measured(run: "Run", source: str, where: Where) -> Images | None:
    """The images that ``splits`` measures on, without those to fit on; None where both are taken of one set."""
    base, held, _ = _parts(run, source, where)
    return run.images(base, where, held, sample=True) if held else None


def _parts(run: "Run", source: str, where: Where) -> tuple[str, str, tuple[str, ...]]:
    """A source without its split, the split to measure on ("" where none lies apart), and all splits that it has."""
    base, chosen = source_parts(source)
    own = run.splits_of(base, where)
    held = next((name for name in ("test", "validation") if name in own), "")
    return base, chosen or (held if "train" in own else ""), own


def _alone(run: "Run", one: Images, where: Where | None) -> Splits:
    """One image to measure on, which no half can be taken of. What is fitted is fitted on the images that the run
    was trained on, if they can be had from ``where``, or else on this one."""
    seen = one.fingerprint == run.config.get("data", {}).get("fingerprint")
    if where is not None and not seen:
        with suppress(Refusal):  # they may be gone, and of one image something can be said without
            return splits(run, None, where)._replace(test=one, seen=False)
    return _with_learned(run, Splits(one, one, seen), one, np.arange(1))


def _with_learned(run: "Run", splits: Splits, whole: Images, rows: np.ndarray) -> Splits:
    """With the images and labels that the model learned from; the splits' ``fit`` is ``rows`` of ``whole``."""
    data, request = run.config.get("data", {}), run.config.get("request", {})
    if any(request.get(name) is not None for name in ("where", "images")) and whole.fingerprint == data.get(
        "fingerprint"
    ):
        learned = np.isin(rows, learned_rows(run.config, whole))
        splits = splits._replace(learned_rows=np.flatnonzero(learned))
    if not learned_labels(run.model):
        return splits
    if whole.fingerprint != data.get("fingerprint"):
        return splits._replace(labels_learned=int(data.get("labelled", 0)))
    own = labels_learned(run.model, run.config, whole)
    return splits._replace(labels_learned=int(own.sum()), labelled_rows=np.flatnonzero(own[rows]))


def _held_out(run: "Run", whole: Images) -> Splits | None:
    """The split of these images that the run was trained with, if it was trained on them and held some out."""
    if not kept_back(run.config) or whole.fingerprint != run.config["data"].get("fingerprint"):
        return None
    parts = parted(run.config, len(whole))
    order = np.random.default_rng(0)
    rows, held = (np.sort(order.permutation(part)[: _most(whole)]) for part in parts)
    test = replace(whole.take(held), source=f"{whole.source}, {len(parts[1]):,} held out")
    return _with_learned(run, Splits(whole.take(rows), test, seen=False), whole, rows)


def _most(images: Images) -> int:
    """Images of each part of a split at most: their pixels are copied."""
    return max(FEWEST, HALF // max(1, images.pixels[:1].nbytes))
