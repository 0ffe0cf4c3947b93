"""Who is slow, or comes too often, keeps nobody else out."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from explore import browser
from explore.opened import places_of
from sheets.fakes import Fake

from latelier.explore import guard
from latelier.explore.app import build_app
from latelier.explore.connections import patient

IMAGE = (1, 8, 6)
HEAD, PEER = 0.5, 6


@contextmanager
def serving(token: str = "") -> Iterator[tuple[str, int]]:
    """A server of such connections, at an address."""
    app = build_app(*places_of(Fake(IMAGE)), token=token)
    with browser.serving(app, http=patient(HEAD, PEER)) as base:
        at = urlsplit(base)
        yield str(at.hostname), int(at.port or 0)


def ended(one: socket.socket, seconds: float, trickle: bytes = b"") -> bool:
    """Whether the other side ends it within that time, while bytes trickle in."""
    until = time.monotonic() + seconds
    one.settimeout(0.1)
    while time.monotonic() < until:
        with suppress(TimeoutError):
            if trickle:
                try:
                    one.sendall(trickle)
                except OSError:
                    return True
            try:
                if one.recv(1 << 16) == b"":
                    return True
            except ConnectionError:
                return True
    return False


def site(at: tuple[str, int]) -> bytes:
    with socket.create_connection(at, 10) as one:
        one.sendall(b"GET /api/site HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        return b"".join(iter(lambda: one.recv(1 << 16), b""))


@pytest.mark.parametrize("trickle", [b"", b"x"], ids=["nothing", "a byte at a time"])
def test_a_head_that_does_not_come_ends_its_connection(trickle: bytes) -> None:
    with serving() as at, socket.create_connection(at) as one:
        one.sendall(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ")
        assert ended(one, 20 * HEAD, trickle)
        assert site(at).startswith(b"HTTP/1.1 200")


def test_one_address_has_so_many_connections() -> None:
    with serving() as at:
        held = [socket.create_connection(at) for _ in range(PEER)]
        time.sleep(0.2)
        with socket.create_connection(at) as more:
            assert ended(more, HEAD / 2 + 0.2)
        for one in held:
            one.close()
        time.sleep(0.2)
        assert site(at).startswith(b"HTTP/1.1 200")


def test_who_has_no_token_is_not_read_on() -> None:
    with serving("secret") as at, socket.create_connection(at) as one:
        one.sendall(b"POST /api/upload HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000000\r\n\r\n")
        one.settimeout(10)
        assert one.recv(1 << 16).startswith(b"HTTP/1.1 403")
        assert ended(one, 2, b"x")


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "REST", 0.3)
    with serving() as at, socket.create_connection(at) as one:
        one.sendall(b"POST /api/upload HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\nx")
        one.settimeout(10)
        assert one.recv(1 << 16).startswith(b"HTTP/1.1 408")


def test_a_trickle_of_a_body_is_not_waited_for_either() -> None:
    now = 0.0

    async def receive() -> dict[str, Any]:
        nonlocal now
        now += 40
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read() -> None:
        loop = asyncio.get_running_loop()
        loop.time = lambda clock=loop.time: clock() + now  # type: ignore[method-assign, misc]
        counted = guard._measured(receive)  # type: ignore[arg-type]
        for _ in range(10):
            await counted()

    with pytest.raises(guard.TooSlowError):
        asyncio.run(read())
