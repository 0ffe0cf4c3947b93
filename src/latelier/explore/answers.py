"""Answers as JSON: at once, or of long work in lines that say how far it is, the last of which is the answer. What goes
wrong is a status and one sentence."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse as Utf8Response
from starlette.responses import Response, StreamingResponse

from latelier.errors import Refusal
from latelier.explore.codes import WaitingError
from latelier.explore.guard import BODY, TooLongError, TooSlowError
from latelier.explore.opened_run import Unknown
from latelier.explore.worker import OvertakenError, PendingAnswer

LINES = "application/x-ndjson"
OFTEN = 0.2  # seconds between two lines


class JSONResponse(Utf8Response):
    """In ASCII: names of files may hold what UTF-8 cannot say."""

    def render(self, content: Any) -> bytes:
        return written(content)


def written(content: Any) -> bytes:
    """As JSON on one line."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


async def answered(pending: PendingAnswer) -> Response:
    """What the worker answers. Long work is left when the connection ends. Raises what the work does before its first
    slice ends."""
    future = asyncio.wrap_future(pending.future)
    future.add_done_callback(lambda over: over.cancelled() or over.exception())  # of what was left nobody asks
    while pending.share is None:
        await asyncio.wait([future], timeout=OFTEN)
        if future.done():
            return JSONResponse(future.result())
    return StreamingResponse(_lines(pending, future), media_type=LINES)


async def _lines(pending: PendingAnswer, future: "asyncio.Future[Any]") -> AsyncIterator[bytes]:
    """``{"share": 0.1}`` and so on, then ``{"status": 200, "answer": ...}`` or a status and what ``error_answer``
    says."""
    try:
        while not future.done():
            yield written({"share": pending.share}) + b"\n"
            await asyncio.wait([future], timeout=OFTEN)
        yield _last(future) + b"\n"
    finally:
        pending.leave()


def _last(future: "asyncio.Future[Any]") -> bytes:
    try:
        return written({"status": 200, "answer": future.result()})
    except Exception as error:
        status, said = error_answer(error)
        return written({"status": status, **said})


def error_answer(error: Exception) -> tuple[int, dict[str, Any]]:
    """The status of an error, and what is said of it."""
    if isinstance(error, WaitingError):
        return 202, {"waiting": error.share}
    if isinstance(error, OvertakenError):
        return 202, {"overtaken": True}
    if isinstance(error, TooLongError):
        return 413, {"error": f"this file is longer than {BODY >> 20} MB: make it smaller"}
    if isinstance(error, TooSlowError):
        return 408, {"error": "this file did not come whole in time: send it again, or a smaller one"}
    if isinstance(error, HTTPException):
        return error.status_code, {"error": error.detail}
    if isinstance(error, Refusal | Unknown):
        return 400 if isinstance(error, Refusal) else 404, {"error": str(error)}
    traceback.print_exception(error)
    return 500, {"error": f"this failed here ({type(error).__name__}); the terminal says more"}
