"""Addresses of object stores and web servers: what is no path, and holds nothing that may be a key. Whatever is given
is kept in a run or said in lines, which others see."""

import logging
import re
from pathlib import Path

from latelier.errors import Refusal

ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
KEYS = "leave it out: keys come from the environment or from the store's own files, as docs/shards.md says"


def is_address(given: str | Path) -> bool:
    """Whether that is no path, but begins with a scheme, as ``s3://`` does."""
    return isinstance(given, str) and ADDRESS.match(given) is not None


def scheme_of(address: str) -> str:
    """What stands before ``://``, in lower case."""
    return address.partition("://")[0].lower()


def hushed(scheme: str) -> None:
    """Keeps Google's library from writing a traceback for each failed attempt: what stays is refused in one line."""
    if scheme in ("gs", "gcs"):
        logging.getLogger("gcsfs").setLevel(logging.CRITICAL)


def check_no_secret(address: str, option: str = "") -> None:
    """Raises Refusal for an address with a name, a password or anything behind ``?`` or ``#``, which is not repeated.
    ``option`` is what it was given to."""
    said = f"{option} " if option else ""
    place, *more = re.split("[?#]", address.partition("://")[2], maxsplit=1)
    host = place.partition("/")[0]
    if "@" in host or re.search(r":(?!\d*$)", host.rpartition("]")[2]):  # of a password with a slash no @ is there
        shown = f"{said}{scheme_of(address)}://..."
        raise Refusal(f"{shown}: the address holds a name or a password, which would be shown with the run; {KEYS}")
    if more:
        shown = f"{said}{scheme_of(address)}://{place}"
        raise Refusal(f"{shown}: what follows ? or # may be a key, which would be shown with the run; {KEYS}")
