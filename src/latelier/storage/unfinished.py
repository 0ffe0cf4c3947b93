"""Long output beside the file that it will become, from which the same command, given again, goes on after a crash.

``.NAME.part`` holds what is written, ``.NAME.note`` how much of it is whole, with a checksum, and what it is part of. A
note is written once in ``EVERY`` seconds, after the bytes that it tells of are on the disk."""

import glob
import os
import stat
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from latelier.errors import Refusal
from latelier.storage import files, json_records, locks
from latelier.storage.schemas import UnfinishedNote
from latelier.terminal.say import say

EVERY = 1.0  # seconds between notes
PIECE = 1 << 20  # bytes that are read at once
BINARY, NO_LINK = getattr(os, "O_BINARY", 0), getattr(os, "O_NOFOLLOW", 0)


class Unfinished:
    """What is written so far: after ``done`` images, with whatever else the work carries on in ``state``."""

    def __init__(self, out: Path, task: str, file: BinaryIO):
        self.out, self.task, self.file = out, task, file
        self.done, self.state, self.kept = 0, dict[str, Any](), False
        self._sum, self._last = 0, time.monotonic()
        self._go_on()

    def add(self, content: bytes, done: int, state: Mapping[str, Any]) -> None:
        """Writes the next bytes, after which this many images are done. Raises Refusal where there is no room."""
        with files.refusing(self.out):
            self.file.write(content)
        self._sum, self.done, self.state = zlib.crc32(content, self._sum), done, dict(state)
        if time.monotonic() - self._last >= EVERY:
            self.note()

    def note(self) -> None:
        """Puts down how far it is. Raises Refusal where that cannot be written."""
        with files.refusing(self.out):
            self.file.flush()
            os.fsync(self.file.fileno())
            size = self.file.tell()
        note = {"task": self.task, "done": self.done, "bytes": size, "sum": self._sum, "state": self.state}
        json_records.write(note_of(self.out), note)
        self.kept, self._last = True, time.monotonic()

    def content(self) -> BinaryIO:
        """The open file, at its beginning. Raises Refusal where the last bytes have no room."""
        with files.refusing(self.out):
            self.file.seek(0)
        return self.file

    @property
    def written(self) -> tuple[int, int]:
        """How many bytes, and their checksum."""
        return self.file.tell(), self._sum

    def rename(self) -> None:
        """Puts what is written in the place of the output, as it is."""
        with files.refusing(self.out):
            self.file.flush()
            os.fsync(self.file.fileno())
            if not locks.FLOCK:
                self.file.close()  # Windows renames no open file; elsewhere its lock is held until it has its name
            files.rename(data_of(self.out), self.out)

    def _go_on(self) -> None:
        """From where the note says that the same task was; else from the beginning, which a line says."""
        path = note_of(self.out)
        found = json_records.kept(path, UnfinishedNote, "what it tells of is begun anew")
        if found and found["task"] == self.task and self._sum_of(found["bytes"]) == found["sum"]:
            self.done, self.state, self._sum, self.kept = found["done"], found["state"], found["sum"], True
            self.file.truncate(found["bytes"])
            said = f"going on after the {self.done:,} images of an earlier command that was interrupted"
            say(f"{self.out}: {said}", error=True)
        else:
            if found and os.fstat(self.file.fileno()).st_size:
                why = "damaged" if found["task"] == self.task else "of other weights, images, options or versions"
                say(f"{self.out}: what an interrupted command left there is {why}; begun anew", error=True)
            path.unlink(missing_ok=True)
            self.file.truncate(0)
        self.file.seek(0, os.SEEK_END)

    def _sum_of(self, size: int) -> int | None:
        """The checksum of the first bytes; None where there are fewer."""
        total, left = 0, size
        self.file.seek(0)
        while left and (piece := self.file.read(min(PIECE, left))):
            total, left = zlib.crc32(piece, total), left - len(piece)
        return None if left else total


@contextmanager
def unfinished(out: Path, task: str) -> Iterator[Unfinished]:
    """What an interrupted command of the same ``task`` has left of ``out``, or nothing yet. When the block ends well
    what is left beside the output is removed; otherwise it stays, if there is any, and a line says so. Raises Refusal
    where another process is writing it."""
    with files.refusing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        file = _opened(data_of(out))
    part = None
    try:
        _alone(file, out)
        _sweep(out)
        with files.refusing(out):
            part = Unfinished(out, task, file)
        yield part
    except BaseException:
        if part is not None:
            _leave(part)
        raise
    else:
        _remove(out)
    finally:
        with suppress(OSError):  # of a full disk, which was met before
            file.close()


def share_of(out: Path, number: int) -> Path:
    """What stands for the output where several processes write it: that of one of them."""
    return out.with_name(f"{out.name}.{number}")


def join(whole: Unfinished, shares: Sequence[tuple[int, int]]) -> None:
    """Writes the shares of an output one after another, by the size and the checksum of each. Raises Refusal for one
    that is not there as it was written, as on machines that share no folder."""
    for number, (size, expected) in enumerate(shares):
        path, total, left = data_of(share_of(whole.out, number)), 0, size
        with files.refusing(whole.out), suppress(FileNotFoundError), open(path, "rb") as file:
            while left and (piece := file.read(min(PIECE, left))):
                whole.file.write(piece)
                total, left = zlib.crc32(piece, total), left - len(piece)
        if left or total != expected:
            raise Refusal(f"{path} is not what process {number} wrote; all machines must see one folder of {whole.out}")


def clear_shares(out: Path) -> None:
    """Removes what several processes have left of an output that is written now; not what a process has open."""
    for path in out.parent.glob(f".{glob.escape(out.name)}.*.part"):
        number = path.suffixes[-2:-1]
        if number and number[0][1:].isdecimal():
            with suppress(OSError, Refusal), _opened(path) as file:
                _alone(file, share_of(out, int(number[0][1:])))
                _remove(share_of(out, int(number[0][1:])))


def data_of(out: Path) -> Path:
    """Where the bytes are meanwhile."""
    return out.with_name(f".{out.name}.part")


def note_of(out: Path) -> Path:
    """Where it stands how far they go."""
    return out.with_name(f".{out.name}.note")


def _opened(path: Path) -> BinaryIO:
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        path.unlink()  # a link or a pipe that somebody has put there
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | BINARY | NO_LINK, 0o666), "r+b")


def _alone(file: BinaryIO, out: Path) -> None:
    """Locks the file, where there are locks. Raises Refusal if another holds it, or had until just now."""
    try:
        alone = locks.take(file.fileno(), wait=False)
    except OSError as error:
        if error.errno not in locks.NONE_HERE:
            raise
        return
    with suppress(FileNotFoundError):
        alone = alone and os.path.samestat(os.fstat(file.fileno()), os.stat(data_of(out)))
    if not alone:
        raise Refusal(f"{out} is being written by another latelier right now; wait for it or use another --out")


def _sweep(out: Path) -> None:
    """Removes what a kill has left of ``files.replacing``, of the output or the note: who holds the lock writes them
    alone."""
    for name in (out.name, note_of(out).name):
        for path in out.parent.glob(f".{glob.escape(name)}.*.tmp"):
            if path.suffixes[-2:-1] and path.suffixes[-2][1:].isdecimal():
                with suppress(OSError):
                    path.unlink()


def _leave(part: Unfinished) -> None:
    """Notes how far it is, if it can be; without any note there is nothing to go on from, and nothing is left."""
    with suppress(Refusal, OSError, ValueError):  # on a full disk the last note holds; a file that has its new name
        if part.done:
            part.note()
    if part.kept and data_of(part.out).exists():
        said = f"{part.done:,} images are done and kept in {data_of(part.out).name}"
        say(f"{part.out}: {said}; the same command goes on from there", error=True)
    else:
        _remove(part.out)


def _remove(out: Path) -> None:
    with suppress(OSError):
        data_of(out).unlink(missing_ok=True)
        note_of(out).unlink(missing_ok=True)
