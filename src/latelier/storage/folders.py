"""Folders of results that are either whole or not there, so that a command which failed can be given again."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from latelier.errors import Refusal
from latelier.storage import files, json_records, locks
from latelier.storage.schemas import DemoNote

MARK = ".latelier"  # an empty file: the folder around it was filled by latelier
DEMO = "demo.json"  # says that a folder is a demo's, which the next demo may replace; train lets it be
UNSAVED = (".lock", ".lock.held", DEMO)  # a folder may hold these and be no run yet
UNFINISHED = ".latelier-unfinished"  # in the folder, so that both are on one disk


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """A place for files that move into ``folder`` when the block ends well. If it does not, they go, and so does the
    folder if it was not there; what a killed process has left goes with the next. Raises Refusal where nothing can be
    written, and where another process is filling the folder."""
    there, inside = folder.exists(), folder / UNFINISHED
    if inside.is_symlink():
        raise Refusal(f"{inside} is a link; remove it, or name another folder")
    with ExitStack() as last, files.only_writer(inside, folder):
        last.callback(_remove, inside, not there)  # once the lock is let go of: Windows removes no file that is open
        _clear(inside)  # of what was killed
        try:
            yield inside
            for path in _results(inside):
                with files.refusing(path):
                    os.replace(path, folder / path.name)
        finally:
            _clear(inside)


def is_free(folder: Path) -> bool:
    """Whether ``filling`` may fill the folder: it is new, empty, or holds what a killed process has left."""
    if not os.path.lexists(folder):
        return True
    return folder.is_dir() and all(path.name == MARK or _is_left(path) for path in folder.iterdir())


def check_above(path: Path, option: str) -> None:
    """Raises Refusal for a name that the system does not take, and where nothing can be made in what is there of the
    folders above."""
    with files.refusing(path), suppress(FileNotFoundError, NotADirectoryError):
        path.lstat()
    above = next((folder for folder in path.absolute().parents if os.path.lexists(folder)), path)
    if not above.is_dir() or not os.access(above, os.W_OK):
        what = "cannot be written to" if above.is_dir() else "is a file" if above.is_file() else "is no folder"
        raise Refusal(f"{option} {path}: {above} {what}; name another place")


def emptied(folder: Path, data: str) -> None:
    """Makes the folder ready for a demo on ``data``. Raises Refusal if it holds anything but an earlier demo."""
    check_above(folder, "--out")
    if (folder / DEMO).is_file():
        json_records.read(folder / DEMO, DemoNote, "name another folder")  # another program may name a file so
    elif os.path.lexists(folder) and (
        not folder.is_dir() or any(path.name not in UNSAVED for path in folder.iterdir())
    ):
        raise Refusal(f"--out {folder} exists and is not an earlier demo; name another folder")
    if folder.exists():
        shutil.rmtree(folder)
    json_records.write(folder / DEMO, {"data": data})  # first, or one that was stopped would be in the next one's way


def _is_left(path: Path) -> bool:
    return path.name == UNFINISHED and path.is_dir() and ((path / locks.NAME).exists() or not any(path.iterdir()))


def _results(inside: Path) -> list[Path]:
    return sorted(path for path in inside.iterdir() if not path.name.startswith(locks.NAME))


def _remove(inside: Path, above: bool) -> None:
    with suppress(OSError):  # another has begun to fill the folder
        (inside / locks.NAME).unlink()
        inside.rmdir()
        if above:
            inside.parent.rmdir()


def _clear(inside: Path) -> None:
    for path in _results(inside):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
