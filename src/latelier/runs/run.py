"""A run on disk as the verbs see it: its model, what it was trained on, its log and its scores."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from latelier.codes.directions import found
from latelier.core import UNKNOWN_FACTORS, AttributeDirections, Model, has
from latelier.data.attributes import with_unions
from latelier.data.augment import changes_of
from latelier.data.images import Images, with_classes
from latelier.data.notices import say_notices
from latelier.data.sources.matching import source_parts
from latelier.data.sources.open import open_images, splits_of
from latelier.engine.state import check_card
from latelier.errors import Refusal
from latelier.runs import hub, locations
from latelier.runs.building import Card, open_model
from latelier.runs.config import DEEP_BEFORE, read_config, there
from latelier.runs.labels import of_run, same_place
from latelier.runs.learning_curve import read_log
from latelier.runs.splits import splits
from latelier.runs.where import Where
from latelier.runs.with_prior import with_prior
from latelier.scores.common import Splits
from latelier.scores.record import replaced
from latelier.sheets.view import View
from latelier.storage import files, json_records
from latelier.storage.schemas import of_score
from latelier.terminal.say import say
from latelier.terminal.tables import counted

SEEN = 256 << 20  # bytes of float pixels up to which a sheet sees as many images as it wants


@dataclass
class Run:
    """A trained run, opened."""

    folder: Path  # or a lone weights file
    model: Model
    card: Card
    config: dict[str, Any]
    seen: int
    remarks: tuple[str, ...]

    @property
    def name(self) -> str:
        """What tables and titles call it."""
        return self.folder.resolve().name

    @property
    def keeps(self) -> bool:
        """Whether what is measured of it is kept beside it: in a run's folder, but not in a model hub's, which holds
        the model alone, nor beside a lone weights file."""
        return self.folder.is_dir() and (self.seen > 0 or not hub.is_hub_folder(self.folder))

    def home(self, instead: str) -> Path:
        """The folder that what is made of the run goes into. Raises Refusal where there is none that ``keeps`` it."""
        if not self.keeps:
            what = "folder of a model hub" if self.folder.is_dir() else "weights file"
            raise Refusal(f"{self.folder} is a {what} and no run folder; say where to write with {instead}")
        return self.folder

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        """The records of training, without those of images that were seen again after a crash. Damaged ones are left
        out and named on stderr."""
        return read_log(self.folder)

    @cached_property
    def scores(self) -> list[dict[str, Any]]:
        """The records of this checkpoint; those of others, as before a resumed training, are ``stale``."""
        return [record for record in self._records() if record.get("seen") == self.seen]

    @property
    def stale(self) -> list[int]:
        """After how many images the checkpoints were taken that other records in scores.json belong to."""
        return sorted({int(r.get("seen", 0)) for r in self._records()} - {self.seen})

    def keep(self, records: list[dict[str, Any]]) -> None:
        """Puts scores in place of earlier ones of the same name, data and checkpoint, and writes them into scores.json,
        beside what others have written there meanwhile, if the run ``keeps`` them."""
        self.scores = replaced(self.scores, records)
        if self.keeps:
            path = self.folder / "scores.json"
            with files.locked(path):
                json_records.write_list(path, replaced(self._records(), records))

    def _records(self) -> list[dict[str, Any]]:
        path = self.folder / "scores.json"
        way_out = "remove it, and score the run anew"
        return json_records.read_list(path, of_score, way_out) if path.exists() else []

    @property
    def source(self) -> str:
        """The data argument that the run was trained on."""
        return there(self.config, self.folder)

    def images(
        self, source: str | Path, where: Where, split: str | None = None, quiet: bool = False, sample: bool = False
    ) -> Images:
        """Images of any source, brought to the size and channels that the model was built for.

        Labels are renumbered to the model's classes, by name. What was converted or skipped is said on stderr, unless
        ``quiet``. ``sample``: of shards that the run was streamed from, those that it is measured on and as many beside
        them, in place of all. Raises Refusal if the images cannot be made to fit."""
        some = sample and self._own(str(source)) and self.config.get("request", {}).get("pack") == "never"
        for way in self._ways(str(source)):
            data = open_images(source, split=split, sample=some, **way, **self._how(str(source), where))
            if data.shape == self.model.image and data.range in (None, self._range or data.range):
                break
        else:
            given, built = ("x".join(map(str, shape)) for shape in (data.shape, self.model.image))
            raise Refusal(
                f"{source} has images of {given} (channels x height x width), but {self.folder} was trained on "
                f"{built}; give images of that size"
            )
        data = with_classes(of_run(self.folder, self.config, data), self.card.classes)
        data = with_unions(data, self.card.config.get("attributes", ()))  # that the model learned as one
        if not quiet:
            say_notices(data)
        return data

    @property
    def _range(self) -> tuple[float, float] | None:
        """Black and white of values of more than 8 bits, as the run learned from them; None where it did from none."""
        data = self.config.get("data", {})
        found = data.get("range", DEEP_BEFORE if data else None)
        return found and (float(found[0]), float(found[1]))

    def _ways(self, source: str) -> list[dict[str, Any]]:
        """Sizes, channels and ranges to ask for, in turn. What training asked for goes first where the source is the
        same, so that its decoded images serve again."""
        (c, h, w), request, name = self.model.image, self.config.get("request", {}), source_parts(source)[0]
        own = name not in ("scenes", "sprites") or h in (32, 64)  # drawn in two sizes, whatever the model is built for
        ways = [{"size": h if h == w and own else None, "channels": c, "range": self._range}]
        if name == source_parts(locations.find(self.config, self.folder, "data") or "")[0]:
            ways.insert(0, {option: request.get(option) for option in ("size", "channels", "range")})
        return ways

    def splits_of(self, source: str, where: Where) -> tuple[str, ...]:
        """The splits that a source has, read as ``images`` reads it."""
        return splits_of(source, **self._how(source, where))

    def _how(self, source: str, where: Where) -> dict[str, Any]:
        """Where a source lies and how it is read: what training said of its own holds for verbs that say nothing."""
        own = self.config.get("request", {}).get("as_") if self._own(source) else None
        root = where.data_root or locations.root(self.config, self.folder)
        return {"root": root, "download": where.download, "as_": where.as_ or own}

    def _own(self, source: str) -> bool:
        """Whether a source is the one that the run was trained on, whatever its split."""
        trained_on = locations.find(self.config, self.folder, "data")
        return same_place(source, trained_on or str(self.config.get("request", {}).get("data")))

    def splits(self, source: str | Path | None, where: Where) -> Splits:
        """What to fit probes on and what to measure on: the source's own splits; of the source without splits that the
        run has learned from, its training images and exactly those that it held out; halves of any other. One image
        is measured, and probes are fitted on what the run was trained on."""
        return splits(self, source, where)

    def view(self, data: Images, title: str, seed: int = 0, most: int = 64) -> View:
        """What a sheet is drawn from: up to ``most`` of the images, drawn by seed; of big images, if more than 64
        are asked for, as many as fit into ``SEEN`` bytes."""
        most = min(most, max(64, SEEN // (4 * data.pixels[:1].size)))
        rows = np.random.default_rng(seed).permutation(len(data))[:most]
        known = data.factors if "levels" in data.truth else ()
        device = next(iter(self.model.state_dict().values())).device
        return View(
            model=self.model,
            image=data.floats(rows).to(device),
            names=[str(data.names[i]) for i in rows],
            label=[data.classes[data.label[i]] if data.label[i] >= 0 and data.classes else "" for i in rows],
            log=self.log,
            title=title,
            generator=torch.Generator(device).manual_seed(seed),
            factors=known,
            levels=torch.from_numpy(data.truth["levels"][rows]) if known else UNKNOWN_FACTORS,
            found=found(self.model, None) if has(self.model, AttributeDirections) else None,
            captions=[data.captions[i] for i in rows],
            augment=changes_of(self.config.get("request", {})),
        )


def open_run(run: str | Path, own: str | None = None) -> Run:
    """Opens a run folder (or a lone weights file, which then has no log); damaged checkpoints that were passed over are
    named on stderr. Raises Refusal as ``building.open_model`` does."""
    from latelier.device import multiply_fast, pick_device

    path = hub.local(run)
    model, card, found = open_model(path, own)
    files.check_inside(path)  # here, where it is known to be a run, and no large folder that was named by mistake
    multiply_fast(model)
    model = with_prior(model, path, found.seen) if found else model
    config_path = path / "config.json"
    if config := read_config(config_path) if found and config_path.exists() else {}:
        check_card(config["model"], card.json(), config_path)
    seen = found.seen if found else 0
    for remark in found.remarks if found else ():
        say(f"{path}: {remark}; using the checkpoint at {counted(seen, 'image')}", error=True)
    return Run(path, model.to(pick_device()), card, config, seen, found.remarks if found else ())
