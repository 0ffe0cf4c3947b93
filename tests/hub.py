"""A model hub on this machine: as much of the Hugging Face Hub as its own library asks for to list and read files."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha1
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from listening import listening

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serving(root: Path) -> Iterator[tuple[str, list[str]]]:
    """``root``/datasets/OWNER/NAME/... and ``root``/models/OWNER/NAME/... at ``main``. Yields the address that
    HF_ENDPOINT takes, and what it is asked for."""
    asked = list[str]()
    with listening(partial(_Hub, root, asked)) as address:
        yield address, asked


class _Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, root: Path, asked: list[str], *arguments: Any):
        self.root, self.asked = root, asked
        super().__init__(*arguments)

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = unquote(urlsplit(self.path).path).strip("/")
        self.asked.append(f"{self.command} {path}")
        parts = path.split("/")
        if parts[0] == "api":
            found = self._told(parts[1:], body)
            if found is None:
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            else:
                self._send(200, json.dumps(found).encode())
            return
        kind, parts = ("datasets", parts[1:]) if parts[0] == "datasets" else ("models", parts)
        file = self.root.joinpath(kind, *parts[:2], *parts[4:])
        if parts[2:3] != ["resolve"] or not file.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        content, headers = file.read_bytes(), {"ETag": f'"{_sum(file)}"', "X-Repo-Commit": COMMIT}
        if span := self.headers.get("Range"):
            first, last = span.removeprefix("bytes=").split("-")
            stop = min(int(last or len(content)), len(content) - 1) + 1
            headers["Content-Range"] = f"bytes {first}-{stop - 1}/{len(content)}"
            self._send(206, content[int(first) : stop], headers)
        else:
            self._send(200, content, headers)

    do_GET = do_HEAD = do_POST = answer

    def _told(self, parts: list[str], body: bytes) -> Any:
        """KIND/OWNER/NAME, .../revision/main, .../paths-info/main of the paths in a body, or .../tree/main/FOLDER."""
        folder, what = self.root.joinpath(*parts[:3]), parts[3] if len(parts) > 3 else "revision"
        if len(parts) < 3 or not folder.is_dir():
            return None
        every, inside = sorted(folder.rglob("*")), folder.joinpath(*parts[5:])
        if what == "revision":
            names = [path.relative_to(folder).as_posix() for path in every if path.is_file()]
            return {"id": "/".join(parts[1:3]), "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
        if what == "paths-info":
            asked = json.loads(body)["paths"]
            return [_entry(folder, path) for path in every if path.relative_to(folder).as_posix() in asked]
        deep = "recursive=true" in self.path.lower()
        return [_entry(folder, path) for path in every if path.parent == inside or (deep and inside in path.parents)]

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def _entry(folder: Path, path: Path) -> dict[str, Any]:
    name = path.relative_to(folder).as_posix()
    if path.is_dir():
        return {"type": "directory", "path": name, "oid": sha1(name.encode()).hexdigest(), "size": 0}
    return {"type": "file", "path": name, "oid": _sum(path), "size": path.stat().st_size}


def _sum(path: Path) -> str:
    return sha1(path.read_bytes()).hexdigest()
