"""Who uses a pack: its maker alone holds ``lock`` in it, all who have it open hold ``used`` together. The kernel lets
go of both however a process ends. (Two files, for a maker that came second waits until the first is done, and not until
nobody has the pack open any longer.)"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path

LOCK, USED = "lock", "used"


@contextmanager
def alone(part: Path) -> Iterator[int | None]:
    """Yields an open lock that one process has at a time, or None if ``part`` has changed hands meanwhile."""
    part.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lock = None
        with suppress(FileNotFoundError):  # renamed or removed meanwhile
            file = stack.enter_context(_open(part / LOCK))
            fcntl.flock(file, fcntl.LOCK_EX)
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
            fcntl.flock(file, fcntl.LOCK_SH)
        if _still(file, folder / USED):
            with suppress(OSError):
                os.utime(folder / USED)
            return file
        file.close()
    return None


def in_use(folder: Path) -> bool:
    """Whether a process makes this pack or has it open."""
    with ExitStack() as stack:
        try:
            fcntl.flock(stack.enter_context(_open(_which(folder), os.O_RDONLY)), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False


def remove(folder: Path) -> bool:
    """Removes a pack that nobody holds, and says whether it did. Whoever asks for it meanwhile finds none, and never a
    half of one. Raises OSError."""
    with ExitStack() as stack:
        file = stack.enter_context(_open(_which(folder)))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if not _still(file, _which(folder)):
            return False
        gone = folder.with_suffix(".gone")
        if folder != gone:  # which a killed removal has left
            shutil.rmtree(gone, ignore_errors=True)
            folder.rename(gone)
        shutil.rmtree(gone)
    return True


def _which(folder: Path) -> Path:
    return folder / (LOCK if folder.suffix else USED)


def _open(lock: Path, how: int = os.O_RDWR) -> FileIO:
    """Opens it; no link is followed, and a pipe is not waited for."""
    return FileIO(os.open(lock, how | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), "r")


def _still(file: FileIO, lock: Path) -> bool:
    """Whether an open lock is the one that stands there, and not one that did before."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.lstat(lock))
    except FileNotFoundError:
        return False
