"""The arguments of ``latelier train``: checked before anything is written, and compared with those that a run began
with."""

import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from operator import index
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from latelier.config.settings import LARGEST, to_json
from latelier.engine import parallel
from latelier.engine.checkpoint import last_seen
from latelier.errors import Refusal
from latelier.runs import locations
from latelier.runs.config import DEEP_BEFORE, read_config, there
from latelier.runs.labels import COPIES
from latelier.runs.options import FLAGS, Options
from latelier.storage import files
from latelier.storage.folders import UNSAVED
from latelier.storage.paths import place
from latelier.terminal.say import escaped, say

SEEDS = 1 << 63  # those that torch takes
FREE = (  # may differ on a resume
    *("epochs", "steps", "rate", "clip", "keep", "device", "quiet", "tensorboard", "download", "data_root"),
    *("out", "resume"),  # a run may be moved
    *("data", "as_"),  # and so may its images: that they are the same, their fingerprint says
)
LENGTHS = ("steps", "epochs")
TEMPORARY = r"\..*\.tmp"
TORN = rf"{TEMPORARY}|(weights|state)-\d+\.safetensors"  # by a first save that was killed
BEGUN = ("config.json", *COPIES, "log.jsonl", "skipped.txt")  # and a run these, of which nothing was saved yet
ANEW = ("out", "resume", "quiet", "download")  # are not taken over from the last time
# Arguments that runs of earlier versions did not have.
LACKED: dict[str, Any] = {
    **{"from_run": None, "labels_file": None, "prior": None, "range": DEEP_BEFORE, "as_": None, "pack": "auto"},
    **{"attributes_file": None, "where": None, "affine": 0.0, "cutout": 0.0, "colour": 0.0},
}


def check(request: SimpleNamespace) -> None:
    """Raises Refusal for a number out of its range and for what is missing."""
    for name, least in (
        ("epochs", "more than 0"),
        ("steps", "at least 1"),
        ("batch", "at least 1"),
        ("keep", "at least 1"),
        ("save_every", "more than 0"),
        ("patience", "at least 1"),
        ("images", "at least 1"),
        ("labels", "at least 1"),
        ("captions", "at least 1"),
        ("size", "at least 1"),
        ("parts", "at least 1"),
        ("clip", "more than 0"),
        ("ema", "more than 0"),
        ("rate", "more than 0"),
    ):
        value = _number(request, name, whole=least == "at least 1")
        if value is not None and not 0 < value <= LARGEST:
            most = "" if value <= 0 else f" and at most {LARGEST:g}"
            raise Refusal(f"--{name.replace('_', '-')} takes {least}{most}, but got {value}")
    if request.range is not None and not request.range[0] < request.range[1]:
        low, high = request.range
        raise Refusal(f"--range takes two numbers, black and white, the smaller one first, but got {low:g},{high:g}")
    if request.epochs is not None and request.steps is not None:
        raise Refusal(f"--steps {request.steps} and --epochs {request.epochs:g} both say how long; give one of them")
    if not 0 <= request.warmup <= LARGEST:
        raise Refusal(f"--warmup takes at least 0 and at most {LARGEST:g}, but got {request.warmup}")
    if not 0 <= request.seed < SEEDS:
        most = "" if request.seed < 0 else f" and less than {SEEDS:,}"
        raise Refusal(f"--seed takes at least 0{most}, but got {request.seed}")
    if request.validation is not None and not 0 <= request.validation < 1:
        raise Refusal(f"--validation takes a share of the images, from 0 to below 1, but got {request.validation}")
    if request.model is None and request.resume and (seen := _lacks_config(request.out)):
        raise Refusal(
            f"{request.out} has a checkpoint at {seen:,} images and no config.json, which says of what: restore it"
        )
    if request.model is None and request.resume:
        raise Refusal(f"{request.out} holds no run to resume, and no model was named; choose one of: latelier models")
    if request.data is None:
        raise Refusal("no images were given: --data takes a built-in name (latelier data), a folder, Parquet or tar")


def _number(request: SimpleNamespace, name: str, whole: bool) -> float | None:
    """The argument as Python's own number, which it is from then on. Raises Refusal for what is not a number."""
    value = getattr(request, name)
    if value is None:
        return None
    try:
        if isinstance(value, bool | str):
            raise TypeError
        value = index(value) if whole else value if isinstance(value, int) else float(value)
    except TypeError:
        kind = "a whole number" if whole else "a number"
        raise Refusal(f"--{name.replace('_', '-')} takes {kind}, but got {value!r}") from None
    setattr(request, name, value)
    return value


def _lacks_config(out: str | None) -> int:
    """How many images the newest checkpoint has seen of a run without its config.json; 0 of any other."""
    path = Path(out) if out else None
    return last_seen(path) if path is not None and path.is_dir() and not (path / "config.json").exists() else 0


def folder_of(request: SimpleNamespace) -> Path:
    """The run path. Raises Refusal where it would be overwritten."""
    if not request.out:
        example = "latelier train vae --data digits --out runs/first"
        raise Refusal(f"no run folder was given: --out RUN says where to write, for example: {example}")
    path = place(request.out, "--out")
    if escaped(str(path)) != str(path):
        raise Refusal(
            f"--out {path} is not UTF-8, and weights are read by a library that opens no such path; name another"
        )
    if len(path.name.splitlines()) > 1:
        raise Refusal(
            f"--out {path} has a line break in its name, which every line that says it would have; name another"
        )
    if path.exists() and not path.is_dir():
        raise Refusal(f"--out {path} is a file; give a folder")
    if not request.resume and path.exists() and not _is_new(path):
        if (path / "config.json").exists():
            raise Refusal(f"--out {path} exists and is not empty; go on with it by --resume, or name another")
        raise Refusal(f"--out {path} exists, is not empty and is no run; name another")
    files.check_inside(path)  # last: a large folder that was named by mistake is refused unread
    return path


def _is_new(folder: Path) -> bool:
    """Whether a training may begin there: in an empty folder, or in a run of which nothing was saved yet."""
    names = {file.name for file in folder.iterdir()} - set(UNSAVED)
    first = "config.json" in names and not any(name.startswith("manifest-") for name in names)
    names = {name for name in names if not re.fullmatch(TORN if first else TEMPORARY, name)}
    if not names:
        return True
    return first and names <= set(BEGUN) and bool(read_config(folder / "config.json")) and not last_seen(folder)


def clear(folder: Path) -> bool:
    """Removes what a training has left that saved nothing; for the only writer. Whether there was anything."""
    left = [path for name in BEGUN if (path := folder / name).exists()]
    for path in left:
        path.unlink()
    return bool(left)


def resumed(folder: Path, request: SimpleNamespace) -> SimpleNamespace:
    """The request with what the run's config.json fixes. Raises Refusal where the two differ."""
    path = folder / "config.json"
    if not request.resume or not path.exists():
        return request
    stored = read_config(path)
    defaults = vars(Options())
    merged = dict(vars(request)) | {"card": stored["model"], "begun": stored.get("begun")}
    typed: dict[str, Any] = {}  # what stays in config.json, wherever it is found from here
    longer = any(getattr(request, name) is not None for name in LENGTHS)
    for name, before in _today(stored["request"]).items():
        now = plain(merged.get(name))
        if name in ANEW or (name in LENGTHS and longer):  # whichever unit the former length was in
            continue
        if now in (before, plain(defaults.get(name))) or locations.leads_there(now, stored, folder, name):
            if name == "data":
                merged[name] = there(stored, folder)
            elif now != before:  # a model that was named again stays the user's own
                merged[name] = locations.find(stored, folder, name) or before if name in locations.PATHS else before
            if merged[name] != before:
                typed[name] = before
        elif name not in FREE:
            option = FLAGS.get(name, f"--{name.replace('_', '-')}")
            raise Refusal(
                f"{option} was {_words(before)} in {folder} and is {_words(now)} now; resume with the same, "
                "or name another --out"
            )
    if merged.get("validation") is None and stored["data"].get("held_out") == {}:
        merged["validation"] = 0.0  # what is held out by default may have changed since
    return SimpleNamespace(**{**merged, "resume": True, "typed": typed})


def _today(stored: dict[str, Any]) -> dict[str, Any]:
    """A stored request in today's names, with the defaults that it was made under."""
    stored = LACKED | stored
    if "judge" not in stored:
        return stored
    request = {name: value for name, value in stored.items() if name != "judge"}
    return request | {"monitor": stored["judge"], "epochs": 20 if stored["epochs"] is None else stored["epochs"]}


def _words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def plain(value: Any) -> Any:
    """As JSON gives it back."""
    if is_dataclass(value) and not isinstance(value, type):
        return {"kind": type(value).__name__.lower(), **to_json(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value


def announce(request: SimpleNamespace, line: str) -> None:
    """Says a line, unless the request is to be quiet; of several processes the first does."""
    if not request.quiet and parallel.rank() == 0:
        say(line, error=True)
