"""Connections that would keep others out: the server has room for a number of them."""

import asyncio
from collections import Counter
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD = 10.0  # seconds in which a request's head must come, and that a connection may rest
PEER = 32  # connections of one address; a browser has six


def patient(head: float = HEAD, peer: int = PEER) -> type[asyncio.Protocol]:
    """uvicorn's protocol, but with a bound on the connections of one address, and an end for those on which no request
    comes, byte by byte or not at all."""
    open_ones = Counter[str]()
    base: Any = AutoHTTPProtocol

    class Patient(base):  # type: ignore[misc]
        address, looking = "", None

        def connection_made(self, transport: asyncio.Transport) -> None:
            address = str((transport.get_extra_info("peername") or ("",))[0])
            if open_ones[address] >= peer:
                transport.abort()
                return
            self.address = address
            open_ones[address] += 1
            super().connection_made(transport)
            self.looking = self.loop.call_later(head, self.look, self.cycle)

        def look(self, before: Any) -> None:
            """Ends a connection that has had no request since ``before``, the last one then, was answered."""
            if self.cycle is before and (before is None or before.response_complete):
                self.transport.close()
                return
            self.looking = self.loop.call_later(head, self.look, self.cycle)

        def connection_lost(self, exc: Exception | None) -> None:
            if self.looking is None:  # it was not let in
                return
            self.looking.cancel()
            open_ones[self.address] -= 1
            super().connection_lost(exc)

    return Patient
