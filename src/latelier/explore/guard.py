"""What every request passes: whose page it comes from, how long it is, and what its answer may do in a browser."""

import asyncio
import secrets
from html import escape
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY = 10 << 20  # bytes of a request
REST, WHOLE = 15.0, 120.0  # seconds between two parts of a body, and for all of it
LOCAL = ("127.0.0.1", "localhost", "[::1]")
COOKIE = "latelier"  # and the port: browsers give a cookie to every port of a host
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>latelier</title>
<h1>latelier</h1><p>{}</p></html>
"""
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class TooLongError(Exception):
    """A body is longer than ``BODY``."""


class TooSlowError(Exception):
    """A body does not come."""


class Guard:
    """Lets in requests to a trusted Host, from pages of that host, of bounded length; with a token only those that
    bring it, once in the address and then in a cookie."""

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] = LOCAL, token: str = ""):
        self._app, self._hosts, self._token = app, hosts, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # the server's own start and end; there is nothing else to connect to
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        answer = self._refused(scope, headers) or self._greeted(scope, headers)
        if answer is not None:
            return await answer(scope, receive, _covered(send))
        await self._app(scope, _measured(receive), _covered(send))

    def _refused(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        host = headers.get("host", "")
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if _name(host) not in self._hosts:
            return _error(
                403, "this explorer is not known by that host name; open the address that it printed", headers
            )
        foreign = any(origin != f"{scope['scheme']}://{host}" for origin in origins)
        across = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if foreign or (across and headers.get("sec-fetch-mode") != "navigate"):
            return _error(403, "this request comes from another page, whose requests are not answered", headers)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > BODY:
            return _too_long()
        return None

    def _greeted(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        """None for a guest with the token, a cookie for one who brings it in the address."""
        name = f"{COOKIE}-{(scope.get('server') or ('', 0))[1]}"
        if not self._token or secrets.compare_digest(_cookie(name, headers.get("cookie", "")), self._token):
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            wrong = "The token in this address is not this explorer's." if given else "This explorer asks for a token."
            return _error(403, f"{wrong} Open the whole address that it printed when it was started last", headers)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(name, self._token, httponly=True, samesite="strict")
        return answer


def _name(host: str) -> str:
    """A Host without its port."""
    head, colon, port = host.rpartition(":")
    return (head if colon and port.isdigit() else host).lower()


def _cookie(name: str, text: str) -> str:
    """Its value, or "". (Python's own parser gives up at the first cookie of another program that it does not like.)"""
    known = dict(part.strip().partition("=")[::2] for part in text.split(";"))
    value = known.get(name, "")
    return value if value.isascii() else ""


def _measured(receive: Receive) -> Receive:
    """Raises TooLongError once more than ``BODY`` bytes have come, whatever their header said, and TooSlowError where
    they do not come."""
    total, whole, begun = 0, False, asyncio.get_running_loop().time()

    async def counted() -> Message:
        nonlocal total, whole
        left = begun + WHOLE - asyncio.get_running_loop().time()
        try:
            message = await (receive() if whole else asyncio.wait_for(receive(), min(REST, max(0.0, left))))
        except TimeoutError:
            raise TooSlowError from None
        whole = not message.get("more_body", False)
        total += len(message.get("body", b""))
        if total > BODY:
            raise TooLongError
        return message

    return counted


def _covered(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name for name, _ in message["headers"]}
            more = HEADERS if b"cache-control" in own else {**HEADERS, "cache-control": "no-store"}
            message["headers"] = [*message["headers"], *((k.encode(), v.encode()) for k, v in more.items())]
        await send(message)

    return with_headers


def _error(status: int, sentence: str, headers: dict[str, str]) -> Response:
    """A page for who opens an address, JSON for all others. The connection ends: no more of the request is read."""
    close = {"connection": "close"}
    if "text/html" in headers.get("accept", ""):
        said = escape(f"{sentence[0].upper()}{sentence[1:]}.")
        return HTMLResponse(PAGE.format(said), status, close)
    return JSONResponse({"error": sentence}, status, close)


def _too_long() -> Response:
    return _error(413, f"this file is longer than {BODY >> 20} MB, which is the most: make it smaller", {})
