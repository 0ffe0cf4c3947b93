"""Object stores, web servers and local files behind one door: what a pattern stands for, and an object's bytes.

fsspec knows the protocols. What it fails at for a moment is tried again (``attempts``). Nothing is ever written there,
and keys are neither asked for nor kept: each library finds them where it always does.
"""

import glob
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from hashlib import md5, sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from latelier.data.remote.attempts import CutError, tried, words
from latelier.data.remote.patterns import READ_BY, checked, expanded, is_wild
from latelier.errors import Refusal
from latelier.storage.addresses import hushed, is_address

PIECE = 16 << 20  # bytes of a request
AT_ONCE = 16  # requests, while many objects are looked up
AGAIN = 60.0  # seconds for which a listing of a store holds
FEW = 32  # objects that are looked up one by one; of more their folder is listed
TAGS = ("ETag", "etag", "blob_id", "md5Hash", "Content-MD5", "LastModified", "last_modified", "mtime")
ONCE = {"retries": {"max_attempts": 0}}  # what is tried again is tried again here
SETTINGS: dict[str, dict[str, Any]] = {"s3": {"config_kwargs": {"connect_timeout": 10, "read_timeout": 60, **ONCE}}}


class Shard(NamedTuple):
    """One object, as it was when it was listed."""

    url: str  # an address, or an absolute path
    size: int
    tag: str  # changes with its content: an ETag, or when it was last written

    @property
    def name(self) -> str:
        """The last part of its address."""
        return self.url.replace("\\", "/").rpartition("/")[2]


def listed(pattern: str) -> list[Shard]:
    """What a pattern stands for, in the order of its braces, and by name where it has wildcards. Raises Refusal where
    that is nothing, where one of the names is missing, and for what may not be read. A store is not asked again within
    a minute: a command looks at its source several times."""
    checked(pattern)
    return list(_in_store(pattern, int(time.monotonic() / AGAIN)) if is_address(pattern) else _listed(pattern))


@lru_cache(8)
def _in_store(pattern: str, minute: int) -> list[Shard]:
    return _listed(pattern)


def _listed(pattern: str) -> list[Shard]:
    names = expanded(pattern)
    found = _addresses(names, pattern) if is_address(pattern) else _files(names)
    if lost := [name for name in names if not is_wild(name) and name not in found]:
        of = f" ({len(lost):,} of {len(names):,} names)" if len(names) > 1 else ""
        raise Refusal(f"{pattern}: {lost[0]} is not there{of}; name what there is")
    if not any(found.values()):
        raise Refusal(f"{pattern} matches nothing; give a pattern of .tar or .parquet files that are there")
    return [shard for name in dict.fromkeys(names) for shard in sorted(found.get(name, ()))]


def sibling(shard: Shard, name: str) -> Shard | None:
    """The object of that name beside it, if there is one."""
    where = shard.url[: -len(shard.name)] + name
    if not is_address(where):
        return next(iter(_files([where]).get(where, ())), None)
    return _perhaps(where)


def fetch(shard: Shard, file: BinaryIO) -> str:
    """Writes an object's bytes to a file that is empty. Their sha256. Raises Refusal where it is not what was listed,
    or cannot be read."""
    system, before = filesystem(shard.url), ""
    while True:
        file.seek(0)
        file.truncate()
        whole, sums = sha256(), md5(usedforsecurity=False)
        while (at := file.tell()) < shard.size:
            piece = tried(partial(_piece, system, shard, at), shard.url)
            file.write(piece)
            whole.update(piece)
            sums.update(piece)
        found = whole.hexdigest()
        # An ETag of 32 digits is the MD5 of an object that was stored in one part, unless the store encrypts it: bytes
        # that come twice in the same way are what is there.
        if (
            not re.fullmatch(r'"?[0-9a-f]{32}"?', shard.tag)
            or sums.hexdigest() == shard.tag.strip('"')
            or found == before
        ):
            break
        before = found
    now = tried(lambda: _looked_up(shard.url), shard.url, looked_up=True)
    if now != shard:
        raise Refusal(f"{shard.url} has changed since it was listed; run the same command again")
    return found


def filesystem(url: str) -> Any:
    """What reads an address. Raises Refusal where a package for it is missing."""
    scheme = url.partition("://")[0].lower()
    needs = ["fsspec", READ_BY[scheme]]
    if lacking := [name for name in needs if find_spec(name) is None]:
        extra = "pip install gcsfs" if lacking == ["gcsfs"] else 'pip install "latelier[remote]"'
        raise Refusal(f"{scheme}:// needs {' and '.join(lacking)}, not installed here: {extra}")
    import fsspec

    hushed(scheme)
    system = fsspec.filesystem(scheme, **SETTINGS.get(scheme, {}))
    if scheme == "s3":
        system.retries = 1
    return system


def _piece(system: Any, shard: Shard, at: int) -> bytes:
    end = min(at + PIECE, shard.size)
    piece: bytes = system.cat_file(shard.url, start=at, end=end)
    if at == 0 and len(piece) == shard.size:  # of a server that knows no ranges
        return piece
    if len(piece) != end - at:
        raise CutError(f"{len(piece):,} of {end - at:,} bytes came, from byte {at:,}")
    return piece


def _files(names: Sequence[str]) -> dict[str, list[Shard]]:
    """Of each name the files that it stands for."""
    found = dict[str, list[Shard]]()
    for name in names:
        paths = glob.glob(name, recursive=True) if is_wild(name) else [name]
        found[name] = [of_file(Path(path)) for path in paths if Path(path).is_file()]
    return {name: files for name, files in found.items() if files}


def of_file(path: Path) -> Shard:
    """A local file as a shard."""
    status = path.stat()
    return Shard(str(path.absolute()), status.st_size, str(status.st_mtime_ns))


def _addresses(names: Sequence[str], pattern: str) -> dict[str, list[Shard]]:
    """Of each address the objects that it stands for."""
    try:
        plain = [name for name in names if not is_wild(name)]
        found = {name: _matching(name) for name in names if is_wild(name)}
        with ThreadPoolExecutor(AT_ONCE) as threads:
            if len(plain) > FEW and not plain[0].startswith("http"):
                folders = sorted({name.rpartition("/")[0] for name in plain})
                there = {shard.url: shard for some in threads.map(_beneath, folders) for shard in some}
                return found | {name: [there[name]] for name in plain if name in there}
            looked = threads.map(_perhaps, plain)
            return found | {name: [shard] for name, shard in zip(plain, looked, strict=True) if shard}
    except FileNotFoundError as error:
        raise Refusal(f"{pattern} matches nothing ({words(error)}); name what there is") from error


def _matching(name: str) -> list[Shard]:
    found = tried(lambda: filesystem(name).glob(name, detail=True), name, looked_up=True)
    there = [info for info in found.values() if info["type"] == "file"]
    silent = [str(info["name"]) for info in there if info.get("size") is None]  # as a web server's folder is
    with ThreadPoolExecutor(AT_ONCE) as threads:
        looked = filter(None, threads.map(_perhaps, silent))
        return [*(_shard(name, info) for info in there if info.get("size") is not None), *looked]


def _beneath(folder: str) -> list[Shard]:
    found = tried(lambda: filesystem(folder).ls(folder, detail=True, refresh=True), folder, looked_up=True)
    return [_shard(folder, info) for info in found if info["type"] == "file"]


def _perhaps(name: str) -> Shard | None:
    try:
        return tried(lambda: _looked_up(name), name, looked_up=True)
    except FileNotFoundError:
        return None


def _looked_up(name: str) -> Shard:
    system = filesystem(name)
    system.invalidate_cache()
    return _shard(name, system.info(name))


def _shard(near: str, info: dict[str, Any]) -> Shard:
    """By what a library says of an object, under the scheme of an address near it."""
    name, scheme = str(info["name"]), near.partition("://")[0]
    url = name if is_address(name) else f"{scheme}://{name.lstrip('/')}"
    if info.get("size") is None:
        raise Refusal(f"{url}: the server does not say how long it is; fetch the files, and give their folder")
    lfs = info.get("lfs") or {}
    tags = [lfs.get("sha256"), *(info.get(key) for key in TAGS)]
    return Shard(url, int(info["size"]), next((str(tag).strip('"') for tag in tags if tag), ""))
