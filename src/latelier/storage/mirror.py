"""A copy of a run at a URL of fsspec (an object store, another disk), whole or not there, as on disk:

    0123456789abcdef-NAME    a file, behind the first digits of its sha256: never written over
    mirror-00000007.json     names, sizes and sums of all that the copy is of

The manifest is written when all that it names is there: until then the one before holds. Then what it does not name
goes. What is read back may be a stranger's, and is held to form, sizes and sums. Nothing else at the URL is touched.
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from latelier.errors import Refusal, in_words
from latelier.storage import files, json_records
from latelier.storage.addresses import check_no_secret, hushed, is_address, scheme_of
from latelier.storage.folders import check_above
from latelier.storage.paths import text
from latelier.storage.schemas import FileSum, MirrorNote

FORMAT = 1
NAMES = re.compile(
    r"(config|scores|verdict|calibration)\.json|log\.jsonl|(labels|attributes)\.csv|skipped\.txt"
    r"|(weights|state)-\d{8,18}\.safetensors|manifest-\d{8,18}\.json"
)
MANIFEST, FILE = re.compile(r"mirror-(\d{8})\.json"), re.compile(rf"[0-9a-f]{{16}}-({NAMES.pattern})")
SUM = re.compile("[0-9a-f]{64}")
ONE_SLASH = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
EXTRA = ("s3", "http", "https", "hf")  # what is read by packages of the extra; of others fsspec names them
PIECE = 1 << 20  # bytes that are read at once


class Item(NamedTuple):
    """A file to be copied, from disk or, of one that changes meanwhile, as it was."""

    facts: FileSum
    content: Path | bytes


class _DamagedError(Exception):
    """What was read is not what was written."""


def held(content: bytes) -> Item:
    """A file of these bytes."""
    return Item({"sha256": sha256(content).hexdigest(), "bytes": len(content)}, content)


class Mirror:
    """Such a copy. All errors of the library that reaches it are Refusals of one line."""

    def __init__(self, url: str | Path, option: str = "--mirror"):
        self.url, self._option = _checked(url, option), option
        self._known: set[str] | None = None  # manifests that are this run's; none: it has not been looked
        with self._reaching("use"):
            from fsspec.core import url_to_fs
            from fsspec.implementations.local import LocalFileSystem

            if is_address(self.url):
                hushed(scheme_of(str(self.url)))
                self._fs, root = url_to_fs(self.url, use_listings_cache=False, skip_instance_cache=True)
            else:
                self._fs, root = LocalFileSystem(), os.path.abspath(self.url)
            self._root = str(root).rstrip("/")
            self._local = Path(self._root) if isinstance(self._fs, LocalFileSystem) else None

    @property
    def folder(self) -> Path | None:
        """Where it lies, if on a disk."""
        return self._local

    def check_writable(self) -> None:
        """Raises Refusal where nothing can be written, of a store by writing a byte and removing it."""
        if self._local is not None:
            check_above(self._local / "any", self._option)
            return
        with self._reaching("write to"):
            self._pipe("latelier-probe", b".")
            self._fs.rm_file(f"{self._root}/latelier-probe")

    def read(self) -> MirrorNote | None:
        """What the newest manifest says that is whole, or None where there is none. Raises Refusal where all are
        damaged."""
        faults, self._known = list[str](), set[str]()
        for name in _manifests(self._names()):
            try:
                self._known.add(content := self._text(name))
                note = self._parsed(name, content)
            except Refusal as fault:
                faults.append(str(fault))
            else:
                return note
        if faults:
            raise Refusal(f"{faults[0]}; or name another {self._option}")
        return None

    def write(self, items: Mapping[str, Item]) -> None:
        """Makes the copy one of these files, by name. Raises Refusal, also where another run's has come there since it
        was read; the copy is then as it was."""
        there = self._names()
        newest = next(iter(_manifests(there)), None)
        if newest is not None and self._known is not None and self._text(newest) not in self._known:
            raise Refusal(f"{self.url} holds the copy of another run by now; name another {self._option}")
        keys = {_key(name, item.facts) for name, item in items.items()}
        left_over = self._left_over(there) - keys
        with self._reaching("copy to"):
            for name in left_over:  # first: a place may be full of them
                self._fs.rm_file(f"{self._root}/{name}")
            for name, item in items.items():
                key = _key(name, item.facts)
                if there.get(key) == item.facts["bytes"]:
                    continue
                self._put(key, item.content)
                if (size := int(self._fs.info(f"{self._root}/{key}")["size"])) != item.facts["bytes"]:
                    raise OSError(f"{name} was cut short: {size:,} of {item.facts['bytes']:,} bytes")
            note = {"format": FORMAT, "files": {name: item.facts for name, item in items.items()}}
            number = 1 + (int(newest[len("mirror-") : -len(".json")]) if newest else 0)
            manifest, content = f"mirror-{number:08d}.json", json_records.line(note)
            if self._known is not None:
                self._known.add(content)
            self._pipe(manifest, content.encode())
            for name in there.keys() - keys - left_over - {manifest}:
                if MANIFEST.fullmatch(name) or FILE.fullmatch(name):
                    self._fs.rm_file(f"{self._root}/{name}")

    def _left_over(self, there: Iterable[str]) -> set[str]:
        """Files that no manifest names, as a copy leaves them that fails. None where a manifest is damaged: it may name
        them."""
        named = set[str]()
        for name in _manifests(there):
            try:
                note = self._parsed(name, self._text(name))
            except Refusal:
                return set()
            named |= {_key(inner, facts) for inner, facts in note["files"].items()}
        return {name for name in there if FILE.fullmatch(name)} - named

    def _parsed(self, name: str, content: str) -> MirrorNote:
        """Raises Refusal for what is no manifest of a run."""
        where = f"{self.url}/{name}"
        note = json_records.note(content, MirrorNote, where, "restore it", FORMAT)
        for inner, facts in note["files"].items():
            if not (NAMES.fullmatch(inner) and SUM.fullmatch(facts["sha256"])):
                raise Refusal(f"{where} names {inner!r}, which is no file of a run: restore it")
        return note

    def fetch(self, name: str, facts: FileSum, into: Path) -> str | None:
        """Writes a file of the copy into a folder. Returns what is wrong with it, where it is not what the manifest
        says, and then writes nothing. Raises Refusal where it cannot be read, or written."""
        key = _key(name, facts)
        size = self._names().get(key)
        if size != facts["bytes"]:
            return (
                f"{name} is missing" if size is None else f"{name} is cut short: {size:,} of {facts['bytes']:,} bytes"
            )
        try:
            with files.replacing(into / name) as file:
                digest = sha256()
                for piece in self._pieces(key):
                    digest.update(piece)
                    file.write(piece)
                if file.tell() != facts["bytes"] or digest.hexdigest() != facts["sha256"]:
                    raise _DamagedError
        except _DamagedError:
            return f"{name} is damaged: its sha256 is not the manifest's"
        return None

    def _names(self) -> dict[str, int]:
        """What lies there, with its size."""
        with self._reaching("read"):
            self._fs.invalidate_cache()
            try:
                found: list[dict[str, Any]] = self._fs.ls(self._root, detail=True)
            except FileNotFoundError:
                return {}
            return {
                str(one["name"]).rpartition("/")[2]: int(one["size"] or 0) for one in found if one["type"] == "file"
            }

    def _text(self, name: str) -> str:
        """Raises Refusal for what is longer than any manifest, or no text."""
        with self._reaching("read"), self._fs.open(f"{self._root}/{name}", "rb") as file:
            content: bytes = file.read(json_records.MOST + 1)
        if len(content) > json_records.MOST:
            raise Refusal(f"{self.url}/{name} has more than {json_records.MOST:,} bytes, as no manifest has: remove it")
        return content.decode(errors="replace")

    def _pieces(self, key: str) -> Iterator[bytes]:
        with self._reaching("read"), self._fs.open(f"{self._root}/{key}", "rb") as file:
            yield from iter(partial(file.read, PIECE), b"")

    def _put(self, key: str, content: Path | bytes) -> None:
        if isinstance(content, bytes):
            self._pipe(key, content)
        elif self._local is None:
            self._fs.put_file(str(content), f"{self._root}/{key}")
        else:
            with open(content, "rb") as source, files.replacing(self._local / key) as file:
                shutil.copyfileobj(source, file, PIECE)

    def _pipe(self, key: str, content: bytes) -> None:
        if self._local is None:
            self._fs.pipe_file(f"{self._root}/{key}", content)
        else:
            files.write(self._local / key, content)

    @contextmanager
    def _reaching(self, what: str) -> Iterator[None]:
        """Raises Refusal for whatever a library raises within."""
        try:
            yield
        except (Refusal, GeneratorExit):
            raise
        except ImportError as error:
            extra = '; pip install "latelier[remote]"' if scheme_of(self.url) in EXTRA else ""
            raise Refusal(f"cannot {what} {self.url}: {error}{extra}") from error
        except Exception as error:
            raise Refusal(
                f"cannot {what} {self.url}: {in_words(error)}; name another {self._option}, or mend this one"
            ) from error


def _manifests(names: Iterable[str]) -> list[str]:
    """Those of manifests, the newest first."""
    return sorted((name for name in names if MANIFEST.fullmatch(name)), reverse=True)


def _checked(url: str | Path, option: str) -> str:
    """Raises Refusal for a URL that holds a secret, which would be said, and for one of more than a place."""
    given = text(url, option)
    if "://" not in given:
        if ONE_SLASH.match(given):
            raise Refusal(
                f"{option} takes a folder or a URL with ://, such as s3://bucket/run; one slash makes it neither"
            )
        return given
    check_no_secret(given, option)
    if not is_address(given) or not given.partition("://")[2].strip("/"):
        raise Refusal(f"{option} {given} names no place; give one such as s3://bucket/run")
    return given.rstrip("/")


def _key(name: str, facts: FileSum) -> str:
    return f"{facts['sha256'][:16]}-{name}"
