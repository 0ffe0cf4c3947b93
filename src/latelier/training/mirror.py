"""``--mirror URL``: a run is copied there while it trains, and goes on from there where its folder is gone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from latelier.data.packing.pack import cache_folder
from latelier.engine import checkpoint, parallel
from latelier.engine.copies import Copying, copy, newest, restore
from latelier.engine.state import differing
from latelier.errors import Failed, Refusal
from latelier.runs.config import read_config
from latelier.storage import files
from latelier.storage.addresses import is_address
from latelier.storage.mirror import NAMES, Mirror
from latelier.storage.schemas import MirrorNote
from latelier.terminal.say import say
from latelier.terminal.tables import counted
from latelier.training.request import FREE, folder_of


@contextmanager
def mirrored(request: SimpleNamespace) -> Iterator[None]:
    """Within, the request's ``saved`` copies each checkpoint to --mirror, if there is one; a run whose folder is gone
    is brought back first. At the end what is there is copied and waited for, also after Ctrl-C (which, given again,
    gives it up). Raises Refusal before anything is written; Failed where the run is trained and its copy is not
    made."""
    request.saved = tuple
    mirror = _mirror(request)
    if mirror is None:
        yield
        return
    folder = folder_of(request)
    _check_apart(folder, mirror)
    if request.resume:
        _bring(folder, mirror)
    elif parallel.rank() == 0 and mirror.read() is not None:
        raise Refusal(f"--mirror {mirror.url} holds a run; go on with it by --resume, or name another place")
    if parallel.rank() > 0:
        yield
        return
    mirror.check_writable()
    if request.resume:
        mirror.read()  # what another process has copied there is this run's
    copying = Copying(folder, mirror)
    request.saved = copying.saved
    try:
        yield
    except BaseException:
        if copying.begun and (fault := _finished(copying, folder, mirror, request.quiet)):
            say(fault, error=True)  # beside what ended the training
        raise
    if fault := _finished(copying, folder, mirror, request.quiet):
        raise Failed(fault)


def _finished(copying: Copying, folder: Path, mirror: Mirror, quiet: bool) -> str:
    """What is wrong with the last copy, which is waited for, and what to do; "" where it is whole."""
    if not quiet:
        say(f"copying {folder} to {mirror.url}", error=True)
    fault = copying.finish()
    return f"{folder} is saved, and {fault}; the same command with --resume tries again" if fault else ""


def _mirror(request: SimpleNamespace) -> Mirror | None:
    """What --mirror names. An --out that is a URL is one too: then the run's folder lies in the cache."""
    if request.out and is_address(request.out):
        if request.mirror is not None:
            raise Refusal(f"--out {request.out} is copied there itself; leave --mirror out, or name a folder by --out")
        mirror = Mirror(request.out, "--out")
        request.mirror = mirror.url
        name = f"{sha256(mirror.url.encode()).hexdigest()[:12]}-{mirror.url.rpartition('/')[2]}"
        request.out = str(cache_folder(None) / "runs" / name)
        if parallel.rank() == 0 and not request.quiet:
            say(f"the run is written to {request.out} and copied to {mirror.url}", error=True)
        return mirror
    return None if request.mirror is None else Mirror(request.mirror)


def _check_apart(folder: Path, mirror: Mirror) -> None:
    """Raises Refusal for a run and its copy in one another."""
    if mirror.folder is None:
        return
    run, there = (Path(os.path.realpath(path)) for path in (folder, mirror.folder))
    if run == there or run in there.parents or there in run.parents:
        raise Refusal(f"--mirror {mirror.url} and --out {folder} lie in one another; name another place")


def _bring(folder: Path, mirror: Mirror) -> None:
    """Makes the newest checkpoint that there is, here, on another machine or in the mirror, that of every machine. Each
    machine may have a folder of its own, or all of them one. Raises Refusal where folder and mirror hold two runs."""
    note = mirror.read()
    here, there = _seen(folder), newest(note)
    if note is not None:
        _check_same(folder, mirror, note)
    seen = parallel.gathered(here, "look into the run's folder")
    if max(seen) > there and parallel.rank() == seen.index(max(seen)):
        copy(folder, mirror)  # which a process that ended had no time for
    parallel.wait("copy the run")
    if here < max(there, *seen) or (note is not None and not (folder / "config.json").exists()):
        with files.locked(folder):  # several processes may share it
            note = mirror.read()
            if note is not None and (_seen(folder) < newest(note) or not (folder / "config.json").exists()):
                faults = restore(note, mirror, folder)
                at = counted(_seen(folder), "image")
                say(f"{folder} is brought back from {mirror.url}, at {at}", error=True)
                for fault in faults:
                    say(f"{mirror.url}: {fault}; left out", error=True)
    parallel.wait("bring the run back")


def _seen(folder: Path) -> int:
    """Images that a folder's newest good checkpoint has seen; 0 without one, or without what makes it a run."""
    with suppress(Refusal):  # all are damaged: there may be others in the mirror
        return checkpoint.last_seen(folder) if (folder / "config.json").exists() else 0
    return 0


def _check_same(folder: Path, mirror: Mirror, note: MirrorNote) -> None:
    """Raises Refusal where the folder holds something else than the run whose copy the mirror is."""
    if not (folder / "config.json").exists():
        others = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        if wrong := [name for name in others if not (NAMES.fullmatch(name) or name.startswith("."))]:
            raise Refusal(f"--out {folder} is no run and holds {wrong[0]}, among others; name another folder")
        return
    if "config.json" not in note["files"]:
        raise Refusal(f"{mirror.url} lacks its config.json, which says what run it is of; name another --mirror")
    with TemporaryDirectory() as place:
        if fault := mirror.fetch("config.json", note["files"]["config.json"], Path(place)):
            raise Refusal(f"{mirror.url}: {fault}; name another --mirror")
        other = read_config(Path(place) / "config.json")
    for name, one, own in differing(_identity(other), _identity(read_config(folder / "config.json"))):
        raise Refusal(
            f"--mirror {mirror.url} holds another run than {folder} ({name} is {one} there and {own} here); give "
            "the --mirror of this run, or an empty place"
        )


def _identity(config: dict[str, Any]) -> dict[str, Any]:
    """What a resume never changes: images, model and what was asked for. Two runs that agree in it are equal."""
    request = {name: value for name, value in config["request"].items() if name not in (*FREE, "model")}
    return {"data": config["data"]["fingerprint"], "model": config["model"], "request": request}
