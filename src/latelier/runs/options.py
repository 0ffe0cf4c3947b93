"""What a training is asked for: the arguments of ``latelier train`` and their defaults, in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FLAGS = {"model": "the method", "settings": "--set", "as_": "--as", "from_run": "--from"}  # else the field's name


@dataclass(frozen=True)
class Options:
    """One field an argument of ``latelier train``, whose docstring says what each does."""

    model: str | None = None
    data: str | Path | None = None
    out: str | Path = ""
    steps: int | None = None
    epochs: float | None = None
    batch: int | None = None
    seed: int = 0
    size: int | None = None
    channels: Literal[1, 3] | None = None
    range: tuple[float, float] | None = None
    where: str | None = None
    images: int | None = None
    labels: int | None = None
    labels_file: str | Path | None = None
    attributes_file: str | Path | None = None
    prior: str | Path | None = None
    captions: int | None = None
    from_run: str | Path | None = None
    shift: int = 0
    flip: bool = False
    affine: float = 0
    cutout: float = 0
    colour: float = 0
    settings: Sequence[str] | Mapping[str, Any] | None = None
    rate: float | None = None
    warmup: float = 0
    decay: Literal["none", "linear", "cosine", "steps"] | None = None
    clip: float | None = None
    ema: float | None = None
    precision: Literal["fp32", "tf32", "bf16"] | None = None
    validation: float | None = None
    monitor: str | None = None
    judge: str | None = None
    patience: int | None = None
    save_every: float | None = None
    keep: int = 2
    parts: int | None = None
    pack: Literal["auto", "always", "never"] = "auto"
    compile: bool = False
    as_: Literal["folder", "parquet", "tar", "classes", "splits", "images"] | None = None
    data_root: str | Path | None = None
    download: bool = False
    device: str | None = None
    tensorboard: bool = False
    mirror: str | Path | None = None
    resume: bool = False
    quiet: bool = False
