"""The files of the page, which are read once: no request leads to the disk."""

from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def shipped() -> list[tuple[str, tuple[bytes, str]]]:
    """Every file of the page: name -> content and mark."""
    found = list[tuple[str, tuple[bytes, str]]]()
    folders: list[tuple[str, Traversable]] = [("", files("latelier.explore") / "static")]
    while folders:
        above, folder = folders.pop()
        for entry in folder.iterdir():
            if entry.is_dir():
                folders.append((f"{above}{entry.name}/", entry))
            elif entry.name.rpartition(".")[2] in TYPES:
                content = entry.read_bytes()
                found.append((f"{above}{entry.name}", (content, f'"{sha256(content).hexdigest()[:16]}"')))
    return found
