"""The arguments of ``latelier train``: checked before anything is written, and compared with those that a run began
with."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from latelier import files
from latelier.core import Refusal

FORMAT = 1  # of config.json
FREE = ("epochs", "resume", "device", "quiet", "tensorboard", "download", "data_root", "keep")  # may differ on a resume


def check(request: SimpleNamespace) -> None:
    """Raises Refusal for a number out of its range and for what is missing."""
    for name, least in (
        ("epochs", "more than 0"),
        ("batch", "at least 1"),
        ("keep", "at least 1"),
        ("save_every", "more than 0"),
        ("patience", "at least 1"),
        ("labels", "at least 1"),
        ("size", "at least 1"),
        ("parts", "at least 1"),
        ("clip", "more than 0"),
        ("ema", "more than 0"),
        ("rate", "more than 0"),
    ):
        value = getattr(request, name)
        if value is not None and not value > 0:
            raise Refusal(f"--{name.replace('_', '-')} takes {least}, but got {value}")
    if request.patience is not None and not request.validation:
        raise Refusal("--patience watches a validation loss: give --validation SHARE as well, for example 0.1")
    if request.resume is False and request.model is None:
        raise Refusal("no model was named; choose one of: latelier models")
    if request.data is None:
        raise Refusal("no pictures were given: --data takes a built-in name (latelier data), a folder, Parquet or tar")


def folder_of(request: SimpleNamespace) -> Path:
    """The run path. Raises Refusal where it would be overwritten."""
    if not request.out:
        raise Refusal("no run folder was given: --out RUN says where to write")
    path = Path(request.out)
    if path.exists() and not path.is_dir():
        raise Refusal(f"--out {path} is a file; give a folder")
    if not request.resume and path.exists() and any(file.name != ".lock" for file in path.iterdir()):
        raise Refusal(f"--out {path} exists and is not empty; go on with it by --resume, or name another")
    return path


def resumed(folder: Path, request: SimpleNamespace) -> SimpleNamespace:
    """The request with what the run's config.json fixes. Raises Refusal where the two differ."""
    path = folder / "config.json"
    if not request.resume or not path.exists():
        return request
    stored = files.read_json(path)
    if stored.get("format", FORMAT) > FORMAT:
        raise Refusal(
            f"{path} was written by a newer latelier (format {stored['format']}; this one reads {FORMAT}): "
            "upgrade latelier"
        )
    from latelier.verbs.train import train as verb

    defaults = verb.__kwdefaults__ or {}
    merged = dict(vars(request))
    for name, before in stored["request"].items():
        now = plain(merged[name])
        if now in (before, plain(defaults.get(name))):
            merged[name] = before
        elif name not in FREE:
            raise Refusal(
                f"--{name.replace('_', '-')} was {before} in {folder} and is {now} now; resume with the same, "
                "or name another --out"
            )
    return SimpleNamespace(**{**merged, "resume": True})


def plain(value: Any) -> Any:
    """As JSON gives it back."""
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple | list) else dict(value) if isinstance(value, Mapping) else value
