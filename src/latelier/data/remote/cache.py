"""Fetched shards on this machine: up to a number of bytes, those that were used last, each whole or not there.

    shards/<key>/NAME         the object's bytes, under its own name
    shards/<key>/object.json  its address, size, tag and sha256
    locks/shard-<key>         held by the one process that fetches it, beside ``shards``

A key is of address, size and tag, so that an object that changes is another one. An object is read again, and compared
with its sum, when a process first uses one that another has fetched; one that is damaged is fetched anew. Which
is removed for another is decided by when each was last used. A reader who finds one gone fetches it again.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from latelier.data.remote.store import Shard, fetch
from latelier.errors import Refusal
from latelier.storage import files, locks
from latelier.storage.addresses import is_address
from latelier.storage.amounts import BYTES, amount

VARIABLE, USUAL = "LATELIER_SHARDS", "32G"  # bytes of fetched shards at most
KEY = re.compile(r"[0-9a-f]{32}(\.part)?")
ABOUT = "object.json"


class Held(NamedTuple):
    """A fetched shard, or what is left of one."""

    folder: Path
    bytes: int
    used: float  # when last, in seconds since 1970


def limit() -> int:
    """Bytes that fetched shards may take. Raises Refusal for a setting that says no number."""
    given = os.environ.get(VARIABLE) or USUAL
    if (found := amount(given, BYTES)) is None:
        raise Refusal(f"{VARIABLE}={given}: expected bytes as a whole number and a unit, as in 32G")
    return found


def check_room(shards: Iterable[Shard], what: str) -> None:
    """Raises Refusal where these shards, of which ``what`` is said, could not lie here at once."""
    total, most = sum(shard.size for shard in set(shards) if is_address(shard.url)), limit()
    if total > most:
        raise Refusal(
            f"{what} have {total:,} bytes together, and fetched shards may take {most:,}; set "
            f"{VARIABLE}={total // BYTES['G'] + 1}G or more"
        )


def shelved(folder: Path) -> list[Held]:
    """What lies in a cache's folder ``shards``, that used last first."""
    found = list[Held]()
    for entry in folder.iterdir() if folder.is_dir() else ():
        if KEY.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink():
            with suppress(OSError):
                found.append(Held(entry, sum(file.stat().st_size for file in entry.iterdir()), entry.stat().st_mtime))
    return sorted(found, key=lambda held: -held.used)


def pruned(folder: Path, unused: float | None) -> int:
    """Removes what a killed process has left, and shards that were not used for ``unused`` seconds. How many shards
    are gone."""
    before, gone = time.time() - unused if unused is not None else 0.0, 0
    for held in shelved(folder):
        key = held.folder.name.partition(".")[0]
        if held.folder.suffix or held.used < before:
            lock = folder.parent / "locks" / f"shard-{key}"
            lock.parent.mkdir(parents=True, exist_ok=True)
            with locks.held(lock, wait=False) as handle:
                if handle is not None:  # else it is being fetched
                    shutil.rmtree(held.folder, ignore_errors=True)
                    gone += not held.folder.suffix
    return gone


class Cache:
    """Shards as local files, of one process."""

    def __init__(self, folder: Path):
        self.folder = folder / "shards"
        self._locks = folder / "locks"
        self._known = set[str]()  # keys of those whose bytes this process has compared with their sum
        self._given = dict[str, Shard]()  # by their keys
        self._room = Lock()

    def local(self, shard: Shard) -> Path:
        """An object as a file, which is fetched where it is not there; its modification time is that of its use. A
        local file is where it is. Raises Refusal as ``store.fetch`` does, for one that is larger than the cache may
        be, and on a full disk."""
        if not is_address(shard.url):
            return Path(shard.url)
        key = sha256(json.dumps(shard).encode()).hexdigest()[:32]
        folder = self.folder / key
        path = folder / shard.name
        self._given[key] = shard
        if key in self._known and self._touched(path):
            return path
        with files.refusing(self.folder):
            self._locks.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            with locks.held(self._locks / f"shard-{key}", wait=True):
                if not (self._touched(path) and self._whole(folder, path)):
                    self._fetch(shard, folder)
        self._known.add(key)
        return path

    def by_address(self, text: str) -> str:
        """A sentence with the address of each object in the place of its file and its folder here."""
        for key in set(re.findall(rf"{re.escape(str(self.folder))}.([0-9a-f]{{32}})", text)) & self._given.keys():
            shard, folder = self._given[key], str(self.folder / key)
            beside = shard.url[: -len(shard.name) - 1]
            text = text.replace(os.path.join(folder, shard.name), shard.url).replace(folder, beside)
        return text

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Within, what is refused is said ``by_address``."""
        try:
            yield
        except Refusal as error:
            raise type(error)(self.by_address(str(error))) from error

    def _touched(self, path: Path) -> bool:
        try:
            os.utime(path.parent)
        except OSError:
            return False
        return path.is_file()

    def _whole(self, folder: Path, path: Path) -> bool:
        try:
            about = json.loads((folder / ABOUT).read_bytes())
            found, _ = files.sum_of(path)
        except (OSError, ValueError):
            return False
        return isinstance(about, dict) and about.get("sha256") == found

    def _fetch(self, shard: Shard, folder: Path) -> None:
        if shard.size > limit():
            raise Refusal(
                f"{shard.url} has {shard.size:,} bytes, and fetched shards may take {limit():,}; {VARIABLE}=64G allows "
                "more"
            )
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)  # if one is there, it is damaged
        part.mkdir()
        try:
            with self._room:
                self._make_room(shard.size)
            with (part / shard.name).open("w+b") as file:
                digest = fetch(shard, file)
                file.flush()
                os.fsync(file.fileno())
            files.write_json(part / ABOUT, {**shard._asdict(), "sha256": digest})
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _make_room(self, size: int) -> None:
        """Removes those that were not used longest. Another process that reads one has it open, or fetches it again."""
        held = shelved(self.folder)
        left, most = sum(one.bytes for one in held) + size, limit()
        for one in reversed(held):
            if left <= most:
                break
            if not one.folder.suffix:  # else it is being fetched
                shutil.rmtree(one.folder, ignore_errors=True)
                self._known.discard(one.folder.name)
                left -= one.bytes
