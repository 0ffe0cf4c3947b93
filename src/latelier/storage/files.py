"""Files that are either whole or not there: written beside their place under another name, synced, then renamed."""

import csv
import errno
import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from latelier.errors import Refusal
from latelier.storage import locks

FORMULA = re.compile("'*[=+\\-@\t\r]")  # how it begins, behind any number of apostrophes
OF_RUNS = re.compile(r"(config|scores|verdict|calibration)\.json|log\.jsonl|(manifest|weights|state)-\d+\..+")
FULL = (errno.ENOSPC, errno.EDQUOT)


def write(path: Path, content: bytes | str) -> None:
    """Replaces ``path`` in one step. On a full disk the old file stays and a Refusal says so. Text is UTF-8, with the
    bytes of file names that are not as they were."""
    with replacing(path) as file:
        file.write(content.encode(errors="surrogateescape") if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """An open file that takes the place of ``path`` when the block ends well, for what is too long to hold; if it does
    not, the old file stays. Raises Refusal where nothing can be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with open(temporary, "xb") as file:  # "x" follows no link that somebody has put there
            yield file
            file.flush()
            os.fsync(file.fileno())
        rename(temporary, path)
    except OSError as error:
        raise _refusal(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def sum_of(path: Path) -> tuple[str, int]:
    """The sha256 of a file, in hexadecimal, and its bytes. Raises OSError."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return digest.hexdigest(), file.tell()


def rename(old: Path, new: Path) -> None:
    """Puts a file in the place of another, for good. Raises OSError."""
    os.replace(old, new)
    _sync_folder(new.parent)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as CSV, with a header; no cell is a formula to a spreadsheet."""
    table = [columns, *rows]
    return csv_lines(table, any(parts_cells(cell) for row in table for cell in row))


def csv_lines(rows: Iterable[Sequence[str]], quoted: bool) -> str:
    """Some rows of such a table, the header among them; ``quoted`` if any cell of the whole ``parts_cells``."""
    lines = io.StringIO()
    writer = csv.writer(lines, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerows([disarmed(cell) for cell in row] for row in rows)
    return lines.getvalue()


def parts_cells(cell: str) -> bool:
    """Whether it holds something at which some spreadsheets part cells."""
    return ";" in cell or "\t" in cell


def disarmed(cell: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would compute; numbers stay as they are. ``armed`` takes it
    away again."""
    if not FORMULA.match(cell):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def armed(cell: str) -> str:
    """What ``disarmed`` was given."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell[1:]) else cell


def write_json(path: Path, value: Any) -> None:
    """As ``write``, indented for people."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write(path, text.encode(errors="backslashreplace"))  # as JSON escapes the bytes of names that are no UTF-8


def check_inside(folder: Path) -> None:
    """Looks at what is in a run and opens none of it. Raises Refusal for a link, as what is written there would go
    elsewhere and what is read could be anything of the user's (a folder that is a link itself is the user's own), and
    for a folder in the place of a file, which would be found out when there is work to lose."""
    for above, folders, names in os.walk(folder):
        if above == str(folder) and (wrong := [name for name in folders if OF_RUNS.fullmatch(name)]):
            raise Refusal(f"{os.path.join(above, wrong[0])} is a folder, where a run has a file: remove it")
        for name in (*folders, *names):
            if os.path.islink(found := os.path.join(above, name)):
                raise Refusal(f"{found} is a link, and no run has one: remove it, or put what it leads to in its place")


def append(path: Path, line: str) -> None:
    """One flushed line more, after whatever a crash or a full disk has left there."""
    try:
        with open(path, "ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                torn = file.read(1) != b"\n"
            else:
                torn = False
            file.write((("\n" if torn else "") + line + "\n").encode())
    except OSError as error:
        raise _refusal(path, error) from error


@contextmanager
def only_writer(folder: Path, what: Path | None = None) -> Iterator[None]:
    """Holds the folder's lock. Raises Refusal if another holds it, which is said of ``what``, by default of it."""
    with _locked(folder, folder, locks.NAME, wait=False) as alone:
        if not alone:
            said = f"{what or folder} is being written by another latelier right now"
            raise Refusal(f"{said}; wait for it or use another --out")
        yield


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits until no other process holds the lock of ``path``, and holds it: for files that are read, changed and
    written back by several. The lock is a file beside it. Raises Refusal where none can be made."""
    with _locked(path, path.parent, f".{path.name}{locks.NAME}", wait=True):
        yield


@contextmanager
def _locked(what: Path, folder: Path, name: str, wait: bool) -> Iterator[bool]:
    """Whether the lock is held; that there can be none is said of ``what``."""
    with ExitStack() as stack:
        with refusing(what):
            folder.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context(locks.held(folder / name, wait=wait))
        yield lock is not None


@contextmanager
def refusing(what: Path) -> Iterator[None]:
    """Raises Refusal for an OSError within, with what can be done, said of the file that it names or else of
    ``what``."""
    try:
        yield
    except OSError as error:
        raise _refusal(Path(str(error.filename or what)), error) from error


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
    """So that a renamed file is still there after a power cut. Windows opens no folder, and has no need to."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
