"""Checkpoints, log and settings of a run, copied to its mirror while it trains, and brought back from there."""

import threading
from contextlib import suppress
from pathlib import Path

from latelier.engine import checkpoint
from latelier.engine.checkpoint import Checkpoint
from latelier.errors import Refusal
from latelier.storage import files, json_records
from latelier.storage.mirror import NAMES, Item, Mirror, held
from latelier.storage.schemas import LogRecord, Manifest, MirrorNote

STEADY = ("labels.csv", "attributes.csv", "skipped.txt")  # are written once, and may be long
TRIES = 3  # of a copy whose files were replaced meanwhile by a newer save


def copy(folder: Path, mirror: Mirror) -> None:
    """Makes the mirror what the folder is now: its whole checkpoints, and what belongs to them. What newer saves remove
    meanwhile is left to the copy that follows them. Raises Refusal."""
    for _ in range(TRIES):
        try:
            items = _items(folder)
        except FileNotFoundError:
            continue
        try:
            return mirror.write(items)
        except Refusal:
            if all(item.content.exists() for item in items.values() if isinstance(item.content, Path)):
                raise


def _items(folder: Path) -> dict[str, Item]:
    items = dict[str, Item]()
    for found in checkpoint.checkpoints(folder):
        with suppress(Refusal):  # a damaged one is passed over, as by who resumes
            sums = json_records.read(found.manifest, Manifest, "an older checkpoint serves")["files"]
            if all((folder / name).stat().st_size == facts["bytes"] for name, facts in sums.items()):
                items |= {name: Item(facts, folder / name) for name, facts in sums.items()}
                items[found.manifest.name] = held(found.manifest.read_bytes())
    for path in folder.iterdir():
        if not NAMES.fullmatch(path.name) or checkpoint_of(path.name) is not None:
            continue
        items[path.name] = _steady(path) if path.name in STEADY else held(path.read_bytes())
    return items


def _steady(path: Path) -> Item:
    sum, size = files.sum_of(path)
    return Item({"sha256": sum, "bytes": size}, path)


def checkpoint_of(name: str) -> int | None:
    """Of which checkpoint, by the images that it had seen, a file of a run is; None of any other."""
    number = name.partition(".")[0].partition("-")[2]
    return int(number) if number.isdecimal() else None


def newest(note: MirrorNote | None) -> int:
    """Images that the newest checkpoint of a copy has seen; 0 without one."""
    seen = (checkpoint_of(name) for name in note["files"] if name.startswith("manifest-")) if note else ()
    return max((number for number in seen if number is not None), default=0)


def restore(note: MirrorNote, mirror: Mirror, folder: Path) -> list[str]:
    """Brings a copy back into a folder: what makes it a run comes last, so that one that was interrupted is no run yet.
    Returns a sentence on each checkpoint that is damaged there and left out. Raises Refusal where none is whole, or
    anything else is damaged."""
    faults: dict[int, str] = {}
    order = sorted(note["files"], key=lambda name: (name == "config.json", name.startswith("manifest-"), name))
    for name in order:
        seen, facts = checkpoint_of(name), note["files"][name]
        if seen in faults or _is_there(folder / name, seen, facts["sha256"]):
            continue
        if fault := mirror.fetch(name, facts, folder):
            if seen is None:
                raise Refusal(f"{mirror.url}: {fault}; restore it, or begin anew with another --mirror")
            faults[seen] = fault
    if faults and not checkpoint.checkpoints(folder):
        said = "; ".join(faults.values())
        raise Refusal(f"{mirror.url} holds no whole checkpoint: {said}; restore one, or begin anew elsewhere")
    for found in checkpoint.checkpoints(folder):  # of an earlier copy
        if found.manifest.name not in note["files"] and found.seen <= newest(note):
            _remove(found)
    return list(faults.values())


def _is_there(path: Path, seen: int | None, sum: str) -> bool:
    """Whether a checkpoint's file was brought before."""
    return seen is not None and path.is_file() and files.sum_of(path)[0] == sum


def _remove(found: Checkpoint) -> None:
    for path in (found.manifest, found.state, found.weights):
        path.unlink(missing_ok=True)


class Copying:
    """Copies in a thread of its own, one at a time; who trains never waits for it. A save that comes meanwhile is
    copied afterwards, the newest one alone."""

    def __init__(self, folder: Path, mirror: Mirror):
        self._folder, self._mirror = folder, mirror
        self._changed = threading.Condition()
        self._requested, self._over, self._fault = False, False, ""
        self._new = list[str]()  # faults that the log does not have yet
        self.begun = False
        self._thread = threading.Thread(target=self._work, daemon=True, name="mirror")  # does not hold up an end

    def saved(self) -> list[str]:
        """There is a new checkpoint. Returns what has gone wrong with copies since the last time: the first of several
        that fail one after another."""
        if not self.begun:
            self._thread.start()
        with self._changed:
            self.begun = self._requested = True
            self._changed.notify()
            new, self._new = self._new, []
        return new

    def finish(self) -> str:
        """Copies what is there at the end, and waits for it. Returns what is wrong with the copy; "" where it is
        whole."""
        new = self.saved()
        with self._changed:
            self._over = True
            self._changed.notify()
        while self._thread.is_alive():
            self._thread.join(0.2)  # Windows lets nobody interrupt a longer one
        for fault in [*new, *self._new]:
            json_records.append(self._folder / "log.jsonl", {"seen": self._seen(), "remark": fault})
        return self._fault

    def _seen(self) -> int:
        records = json_records.read_lines(self._folder / "log.jsonl", LogRecord)[0]
        return records[-1]["seen"] if records else 0

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._requested or self._over)
                if not self._requested:
                    return
                self._requested = False
            try:
                copy(self._folder, self._mirror)
                fault = ""
            except Exception as error:  # whatever it is, training goes on
                fault = f"the copy of the run was not made: {' '.join(str(error).split())}"
            with self._changed:
                if fault and not self._fault:
                    self._new.append(f"{fault}; it is tried again at each checkpoint")
                self._fault = fault
