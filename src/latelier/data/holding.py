"""Who uses a pack: its maker alone holds ``lock`` in it, all who have it open hold ``used`` together. The kernel lets
go of both however a process ends. (Two files, for a maker that came second waits until the first is done, and not until
nobody has the pack open any longer.)

Windows renames no folder in which a file is open, and has no locks that are shared: there the maker's lock lies in
``locks/`` beside ``packs/``, and a pack that is open somewhere is one that cannot be renamed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path

from latelier import locks

LOCK, USED = "lock", "used"


@contextmanager
def alone(part: Path) -> Iterator[int | None]:
    """Yields an open lock that one process has at a time, or None if ``part`` has changed hands meanwhile."""
    part.mkdir(parents=True, exist_ok=True)
    if not locks.FLOCK:
        with locks.held(_beside(part), wait=True) as handle:
            part.mkdir(exist_ok=True)
            yield handle
        with suppress(OSError):  # of what another made meanwhile
            part.rmdir()
        return
    with ExitStack() as stack:
        lock = None
        with suppress(FileNotFoundError):  # renamed or removed meanwhile
            file = stack.enter_context(_open(part / LOCK))
            locks.take(file.fileno(), wait=True)
            lock = file.fileno() if _still(file, part / LOCK) else None
        yield lock


def hold(folder: Path) -> FileIO | None:
    """An open lock that says that this pack is in use, and when it was last; None if there is no such pack. A cache
    that cannot be written is read all the same."""
    while folder.is_dir():
        try:
            file = _open(folder / USED, os.O_RDONLY)
        except FileNotFoundError:  # removed meanwhile
            continue
        except OSError:
            return open(os.devnull, "rb", buffering=0)
        with suppress(OSError):  # a file system without locks
            locks.share(file.fileno())
        if _still(file, folder / USED):
            with suppress(OSError):
                os.utime(folder / USED)
            return file
        file.close()
    return None


def in_use(folder: Path) -> bool:
    """Whether a process makes this pack or has it open."""
    with suppress(OSError), ExitStack() as stack:
        if not locks.FLOCK:
            making = folder.suffix and stack.enter_context(locks.held(_beside(folder), wait=False)) is None
            return bool(making)
        return not locks.take(stack.enter_context(_open(_which(folder), os.O_RDONLY)).fileno(), wait=False)
    return False


def remove(folder: Path) -> bool:
    """Removes a pack that nobody holds, and says whether it did. Whoever asks for it meanwhile finds none, and never a
    half of one. Raises OSError."""
    if not locks.FLOCK:
        with suppress(PermissionError):  # somebody has it open
            if not in_use(folder):
                _remove(folder)
                return True
        return False
    with ExitStack() as stack:
        file = stack.enter_context(_open(_which(folder)))
        if not locks.take(file.fileno(), wait=False) or not _still(file, _which(folder)):
            return False
        _remove(folder)
    return True


def _remove(folder: Path) -> None:
    gone = folder.with_suffix(".gone")
    if folder != gone:  # which a killed removal has left
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
    shutil.rmtree(gone)


def _beside(folder: Path) -> Path:
    lock = folder.parents[1] / "locks" / folder.stem
    lock.parent.mkdir(exist_ok=True)
    return lock


def _which(folder: Path) -> Path:
    return folder / (LOCK if folder.suffix else USED)


def _open(lock: Path, how: int = os.O_RDWR) -> FileIO:
    """Opens it; no link is followed, and a pipe is not waited for."""
    careful = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    return FileIO(os.open(lock, how | os.O_CREAT | careful, 0o666), "r")


def _still(file: FileIO, lock: Path) -> bool:
    """Whether an open lock is the one that stands there, and not one that did before."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.lstat(lock))
    except FileNotFoundError:
        return False
