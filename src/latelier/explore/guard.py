"""What every request passes: whose page it comes from, how long it is, and what its answer may do in a browser."""

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY = 10 << 20  # bytes of a request
LOCAL = ("127.0.0.1", "localhost", "[::1]")
COOKIE = "latelier"
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
            return _error(403, "this explorer is not known by that host name; open the address that it printed")
        foreign = any(origin != f"{scope['scheme']}://{host}" for origin in origins)
        across = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if foreign or (across and headers.get("sec-fetch-mode") != "navigate"):
            return _error(403, "this request comes from another page, whose requests are not answered")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > BODY:
            return _too_long()
        return None

    def _greeted(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        """None for a guest with the token, a cookie for one who brings it in the address."""
        if not self._token or secrets.compare_digest(_cookie(headers.get("cookie", "")), self._token):
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return _error(403, "this explorer asks for a token: open the whole address that it printed at its start")
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
        return answer


def _name(host: str) -> str:
    """A Host without its port."""
    head, colon, port = host.rpartition(":")
    return (head if colon and port.isdigit() else host).lower()


def _cookie(text: str) -> str:
    try:
        value = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return ""
    return value.value if value is not None and value.value.isascii() else ""


def _measured(receive: Receive) -> Receive:
    """Raises TooLongError once more than ``BODY`` bytes have come, whatever their header said."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
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


def _error(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)


def _too_long() -> Response:
    return _error(413, f"this file is longer than {BODY >> 20} MB, which is the most: make it smaller")
