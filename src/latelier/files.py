"""Files that are either whole or not there: written beside their place under another name, synced, then renamed."""

import csv
import errno
import fcntl
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from latelier.core import Refusal

FULL = (errno.ENOSPC, errno.EDQUOT)


def write(path: Path, content: bytes | str) -> None:
    """Replaces ``path`` in one step. On a full disk the old file stays and a Refusal says so."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """An open file that takes the place of ``path`` when the block ends well, for what is too long to hold; if it does
    not, the old file stays. Raises Refusal where nothing can be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _refusal(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as CSV, with a header."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerow(columns)
    writer.writerows(rows)
    return lines.getvalue()


def write_json(path: Path, value: Any) -> None:
    """As ``write``, indented for people."""
    write(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Raises Refusal for a file that is not JSON."""
    try:
        return json.loads(path.read_text())
    except (ValueError, UnicodeDecodeError) as error:
        raise Refusal(f"{path} is damaged: it is not JSON ({error})") from error


def append_line(path: Path, value: Any) -> None:
    """One JSON object as one flushed line, after whatever a crash or a full disk has left there."""
    try:
        with open(path, "ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                torn = file.read(1) != b"\n"
            else:
                torn = False
            file.write((("\n" if torn else "") + json.dumps(value) + "\n").encode())
    except OSError as error:
        raise _refusal(path, error) from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file of lines; a last line cut off by a crash is left out."""
    if not path.exists():
        return []
    records = []
    for line in path.read_text().splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return records


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Holds the folder's lock; the kernel lets go of it however the process ends. Raises Refusal if another holds
    it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_WRONLY | os.O_CREAT)
    except OSError as error:
        raise _refusal(folder, error) from error
    with os.fdopen(lock, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refusal(
                f"{folder} is being written by another latelier right now; wait for it or use another --out"
            ) from None
        yield


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits until no other process holds the lock of ``path``, and holds it: for files that are read, changed and
    written back by several. The lock is a file beside it. Raises Refusal where none can be made."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        handle = os.open(lock, os.O_WRONLY | os.O_CREAT)
    except OSError as error:
        raise _refusal(path, error) from error
    with os.fdopen(handle, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _refusal(path: Path, error: OSError) -> Refusal:
    if error.errno in FULL:
        return Refusal(
            f"the disk is full: cannot write {path}; what was there before is intact. Free some space and run the same "
            "command again (a training with --resume)"
        )
    file_above = isinstance(error, FileExistsError | NotADirectoryError)
    reason = "part of that path is a file" if file_above else error.strerror or str(error)
    return Refusal(f"cannot write {path}: {reason}; give another place, or mend this one")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
