"""Who uses a pack: its maker alone holds ``locks/<key>`` beside the packs, all who have it open hold ``used`` in it
together. The kernel lets go of both however a process ends. (Two files, for a maker that came second waits until the
first is done, and not until no process has the pack open; and the maker's lies in no folder that is renamed, for
Windows renames none in which a file is open.)"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path

from latelier.storage import locks

USED = "used"
PLAIN = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


@contextmanager
def alone(folder: Path) -> Iterator[int]:
    """Yields an open lock of the pack that one process has at a time. Raises OSError where there can be none."""
    with locks.held(_lock(folder), wait=True) as handle:
        assert handle is not None  # having waited
        yield handle


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
    with ExitStack() as stack, suppress(OSError):
        return not _taken(folder, stack)
    return False


def remove(folder: Path) -> bool:
    """Removes a pack that no process holds, and says whether it did. A process that asks for it meanwhile finds none,
    and never a half of one. Raises OSError."""
    with ExitStack() as stack:
        if not _taken(folder, stack):
            return False
        gone = folder.with_suffix(".gone")
        if folder != gone:  # which a killed removal has left
            shutil.rmtree(gone, ignore_errors=True)
            folder.rename(gone)
        shutil.rmtree(gone)
    return True


def _taken(folder: Path, stack: ExitStack) -> bool:
    """Takes what its maker or its users would hold, until the stack ends; False where one of them does."""
    if folder.suffix:
        return stack.enter_context(locks.held(_lock(folder), wait=False)) is not None
    file = stack.enter_context(_open(folder / USED, os.O_RDONLY))
    free = not locks.FLOCK or locks.take(file.fileno(), wait=False)  # Windows removes no folder with an open file
    return free and _still(file, folder / USED)


def _lock(folder: Path) -> Path:
    """The maker's, of a pack finished or not."""
    lock = folder.parents[1] / "locks" / folder.stem
    lock.parent.mkdir(parents=True, exist_ok=True)
    return lock


def _open(lock: Path, how: int) -> FileIO:
    """Opens it; no link is followed, and a pipe is not waited for."""
    return FileIO(os.open(lock, how | os.O_CREAT | PLAIN, 0o666), "r")


def _still(file: FileIO, lock: Path) -> bool:
    """Whether an open lock is the one that stands there, and not one that did before."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.lstat(lock))
    except FileNotFoundError:
        return False
