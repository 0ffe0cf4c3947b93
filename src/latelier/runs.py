"""A run on disk as the verbs see it: its model, what it was trained on, its log and its scores."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from latelier import files
from latelier.building import Card, open_model
from latelier.core import Model, Refusal
from latelier.data.images import Images
from latelier.data.sources import open_images, splits_of
from latelier.pictures.view import View
from latelier.request import FORMAT
from latelier.scores.common import Splits


@dataclass(frozen=True)
class Where:
    """Where pictures come from besides their name: options that every verb passes on."""

    data_root: Path | None = None
    download: bool = False


@dataclass
class Run:
    """A trained run, opened."""

    folder: Path
    model: Model
    card: Card
    config: dict[str, Any]
    seen: int
    remarks: tuple[str, ...]

    @property
    def name(self) -> str:
        """What tables and titles call it."""
        return self.folder.name

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        return files.read_lines(self.folder / "log.jsonl")

    @property
    def scores(self) -> list[dict[str, Any]]:
        path = self.folder / "scores.json"
        return list(files.read_json(path)) if path.exists() else []

    @property
    def source(self) -> str:
        """The data argument that the run was trained on."""
        source = self.config.get("request", {}).get("data")
        if not source:
            raise Refusal(f"{self.folder} does not say what it was trained on; give --data SRC")
        return str(source)

    def images(self, source: str, where: Where, split: str | None = None) -> Images:
        """Pictures of any source, brought to the size and channels that the model was built for.

        Labels are renumbered to the model's classes, by name. Raises Refusal if the pictures cannot be made to fit.
        """
        c, h, w = self.model.image
        size = h if h == w else None
        data = open_images(source, split=split, size=size, channels=c, root=where.data_root, download=where.download)
        if data.shape != self.model.image:
            raise Refusal(
                f"{source} has pictures of shape {data.shape} (c, h, w), but {self.folder} was trained on "
                f"{self.model.image}"
            )
        return with_classes(data, self.card.classes)

    def splits(self, source: str | None, where: Where) -> Splits:
        """What to fit probes on and what to measure on: the source's own splits, or its halves where it has none."""
        source = source or self.source
        base, _, chosen = source.partition(":") if not Path(source).exists() else (source, "", "")
        own = splits_of(base, root=where.data_root)
        held = next((name for name in ("test", "validation") if name in own), None)
        if chosen or (held and "train" in own):
            test = self.images(base, where, chosen or held)
            fit = self.images(base, where, "train") if "train" in own else test
        else:
            whole = self.images(base, where)
            order = np.random.default_rng(0).permutation(len(whole))
            fit, test = whole.take(np.sort(order[::2])), whole.take(np.sort(order[1::2]))
            if len(test) == 0:
                raise Refusal(
                    f"{source} has one picture; scores need at least two, to fit on one and measure on the other"
                )
            test = replace(test, fingerprint=whole.fingerprint)
        return Splits(fit, test, seen=test.fingerprint == self.config.get("data", {}).get("fingerprint"))

    def view(self, data: Images, title: str, seed: int = 0, most: int = 64) -> View:
        """What a sheet is drawn from: up to ``most`` of the pictures, drawn by seed."""
        rows = np.random.default_rng(seed).permutation(len(data))[:most]
        device = next(iter(self.model.state_dict().values())).device
        return View(
            model=self.model,
            image=data.floats(rows).to(device),
            names=[str(data.names[i]) for i in rows],
            label=[data.classes[data.label[i]] if data.label[i] >= 0 and data.classes else "" for i in rows],
            log=self.log,
            title=title,
            generator=torch.Generator(device).manual_seed(seed),
        )


def open_run(run: str | Path) -> Run:
    """Opens a run folder (or a lone weights file, which then has no log). Raises Refusal as ``building.open_model``
    does."""
    from latelier.device import pick_device

    path = Path(run)
    model, card, found = open_model(path)
    config_path = path / "config.json"
    config = files.read_json(config_path) if found and config_path.exists() else {}
    if config.get("format", FORMAT) > FORMAT:
        raise Refusal(
            f"{config_path} was written by a newer latelier (format {config['format']}; this one reads "
            f"{FORMAT}): upgrade latelier"
        )
    return Run(path, model.to(pick_device()), card, config, found.seen if found else 0, found.remarks if found else ())


def with_classes(data: Images, classes: tuple[str, ...]) -> Images:
    """The same pictures with labels renumbered to ``classes`` by name; a class that is not among them becomes
    unknown."""
    if not classes or data.classes == classes or not data.classes:
        return data
    number = np.array([classes.index(name) if name in classes else -1 for name in data.classes], np.int64)
    return replace(data, label=np.where(data.label >= 0, number[data.label], -1), classes=classes)
