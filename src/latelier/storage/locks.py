"""A lock on a file, of which the kernel lets go however its holder ends: by flock on POSIX, LockFileEx on Windows."""

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

FLOCK = find_spec("fcntl") is not None  # whether locks may be shared, and files renamed that are open
NAME = ".lock"  # of a folder's
NONE_HERE = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)  # a Python or a file system without locks


@contextmanager
def held(path: Path, *, wait: bool) -> Iterator[int | None]:
    """Yields the locked file's descriptor, or None where another process holds the lock and ``wait`` is False. Python
    closes the descriptor in programs that it starts; who hands it on there has the lock held until they have ended.

    Where the kernel knows no locks, a file beside it, ``PATH.held``, names the holder instead; one whose process has
    ended on this machine counts for nothing. Raises OSError where there can be no lock, and for a pipe, which would be
    waited for."""
    from filelock import SoftFileLock, Timeout, lock_descriptor

    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, f"{path.name} is not a regular file")
    with ExitStack() as stack:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        stack.callback(os.close, handle)
        try:
            alone = lock_descriptor(handle, blocking=wait)
        except OSError as error:
            if error.errno not in NONE_HERE:
                raise
            try:
                stack.enter_context(SoftFileLock(f"{path}.held", timeout=-1 if wait else 0))
                alone = True
            except Timeout:
                alone = False
        yield handle if alone else None


def take(handle: int, *, wait: bool) -> bool:
    """Locks an open file, and says whether it did. Raises OSError where there are no locks."""
    from filelock import lock_descriptor

    return lock_descriptor(handle, blocking=wait)


def share(handle: int) -> None:
    """Locks an open file together with all others who share it. Raises OSError where there are no such locks."""
    if not FLOCK:
        raise OSError(errno.ENOSYS, "no shared locks")
    import fcntl

    fcntl.flock(handle, fcntl.LOCK_SH)
