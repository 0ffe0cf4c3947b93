"""The server: pages and images by GET, what panels do by POST, one sentence for everything that goes wrong."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse as Utf8Response
from starlette.responses import Response
from starlette.routing import Route

from latelier import __version__
from latelier.errors import Refusal
from latelier.explore.codes import WaitingError
from latelier.explore.guard import BODY, LOCAL, Guard, TooLongError
from latelier.explore.opened_run import QUICK, OpenedRun, Unknown
from latelier.explore.panels import actions_of, find, possible, tables_of
from latelier.explore.requests import Question
from latelier.explore.uploads import Uploads
from latelier.explore.worker import OvertakenError, Worker
from latelier.nets.eval_mode import evaluating
from latelier.sheets.sheet import png

TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]
LONGEST = 1 << 20  # bytes of a question


class JSONResponse(Utf8Response):
    """In ASCII: names of files may hold what UTF-8 cannot say."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


class Explorer:
    """The runs of one page, the worker that answers for them, and the files of the page."""

    def __init__(self, opened_runs: Sequence[OpenedRun], uploads: Uploads):
        self.opened_runs = {opened.name: opened for opened in opened_runs}
        self.uploads, self.worker = uploads, Worker()
        self._files = dict(_shipped())
        for opened in opened_runs:
            opened.between = self.worker.between
            if "look" in possible(opened) and find("look").searches(opened):
                self.worker.between(opened.codes.slices())

    async def page(self, request: Request) -> Response:
        """Files by a name that is among those shipped: nothing is looked up on the disk."""
        name = request.path_params.get("name") or "index.html"
        if name not in self._files:
            raise Unknown(f"this page has no {name[:60]}")
        content, mark = self._files[name]
        headers = {"etag": mark, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == mark:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=TYPES[name.rpartition(".")[2]], headers=headers)

    async def site(self, request: Request) -> Response:
        """What there is: runs, their panels, their images."""
        shown = {opened.name: possible(opened, len(self.opened_runs)) for opened in self.opened_runs.values()}
        runs = [
            {
                "id": opened.name,
                "model": opened.run.card.model,
                "title": opened.run.name,
                "image": opened.model.image,
                "source": opened.shown.source,
                "count": len(opened.shown),
                "version": opened.shown.fingerprint[:8],
                "seen": opened.run.seen,
                "folder": str(opened.run.folder),
                "panels": shown[opened.name],
                "remark": opened.codes.remark,
            }
            for opened in self.opened_runs.values()
        ]
        panels = {
            name: {"title": find(name).TITLE, "line": find(name).LINE} for names in shown.values() for name in names
        }
        return JSONResponse({"version": __version__, "runs": runs, "panels": panels})

    async def picture(self, request: Request) -> Response:
        """An image as the model sees it."""
        pixels = self._opened(request).pixels(request.path_params["picture"])
        return Response(png(pixels, QUICK), media_type="image/png", headers={"cache-control": "private, max-age=3600"})

    async def upload(self, request: Request) -> Response:
        """Keeps an image; answers its id."""
        content = await request.body()
        picture = await asyncio.get_running_loop().run_in_executor(None, self.uploads.add, content)
        return JSONResponse({"picture": picture})

    async def act(self, request: Request) -> Response:
        """What a panel does, by the worker."""
        opened, panel, action = self._opened(request), request.path_params["panel"], request.path_params["action"]
        if panel not in possible(opened, len(self.opened_runs)) or action not in actions_of(panel):
            raise Unknown(f"{opened.name} has no {panel[:30]}/{action[:30]}")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise HTTPException(415, "a question is JSON")
        body = await request.body()
        if len(body) > LONGEST:
            raise TooLongError
        try:
            question = Question(json.loads(body))
        except (ValueError, RecursionError) as error:
            raise error if isinstance(error, Refusal) else Refusal("a question is JSON, and this is none") from error
        key = request.headers.get("x-client", "")[:32], opened.name, panel, action
        answer = self.worker.ask(key, partial(_done, opened, actions_of(panel)[action], question))
        return JSONResponse(await asyncio.wrap_future(answer))

    async def table(self, request: Request) -> Response:
        """Many numbers, as bytes in little-endian order; their type and shape are in a header."""
        opened, panel, name = self._opened(request), request.path_params["panel"], request.path_params["table"]
        if panel not in possible(opened, len(self.opened_runs)) or name not in tables_of(panel):
            raise Unknown(f"{opened.name} has no {panel[:30]}/{name[:30]}")
        question = Question(dict(request.query_params))
        key = request.headers.get("x-client", "")[:32], opened.name, panel, name, request.url.query
        answer = self.worker.ask(key, partial(_done, opened, tables_of(panel)[name], question))
        found: np.ndarray = await asyncio.wrap_future(answer)
        found = np.ascontiguousarray(found, found.dtype.newbyteorder("<"))
        headers = {"x-table": f"{found.dtype.name} {' '.join(map(str, found.shape))}"}
        return Response(found.tobytes(), media_type="application/octet-stream", headers=headers)

    def _opened(self, request: Request) -> OpenedRun:
        name = request.path_params["run"]
        if name not in self.opened_runs:
            raise Unknown(f'no run "{name[:60]}" is open here; it has {", ".join(self.opened_runs)}')
        return self.opened_runs[name]


def build_app(
    opened_runs: Sequence[OpenedRun], uploads: Uploads, hosts: tuple[str, ...] = LOCAL, token: str = ""
) -> Starlette:
    """The whole server; its thread ends with it."""
    explorer = Explorer(opened_runs, uploads)

    @asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        yield
        explorer.worker.close()

    routes = [
        Route("/", _safe(explorer.page)),
        Route("/static/{name:path}", _safe(explorer.page)),
        Route("/api/site", _safe(explorer.site)),
        Route("/api/upload", _safe(explorer.upload), methods=["POST"]),
        Route("/api/{run}/picture/{picture}.png", _safe(explorer.picture)),
        Route("/api/{run}/{panel}/{action}", _safe(explorer.act), methods=["POST"]),
        Route("/api/{run}/{panel}/{table}.bin", _safe(explorer.table)),
    ]
    app = Starlette(
        routes=routes,
        lifespan=living,
        middleware=[Middleware(Guard, hosts=hosts, token=token)],
        exception_handlers={HTTPException: _sentence},  # of the router
    )
    app.state.explorer = explorer
    return app


def _done(opened: OpenedRun, action: Callable[[OpenedRun, Question], T], question: Question) -> T:
    with evaluating(opened.model):
        return action(opened, question)


def _safe(endpoint: Endpoint) -> Endpoint:
    """The endpoint, whose errors are answers: none of them ends the server."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:
            return await _sentence(request, error)

    return answered


async def _sentence(request: Request, error: Exception) -> Response:
    """An error as a status and one sentence."""
    if isinstance(error, WaitingError):
        return JSONResponse({"waiting": error.share}, 202)
    if isinstance(error, OvertakenError):
        return JSONResponse({"overtaken": True}, 202)
    if isinstance(error, TooLongError):
        return JSONResponse({"error": f"this file is longer than {BODY >> 20} MB: make it smaller"}, 413)
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail}, error.status_code)
    if isinstance(error, Refusal | Unknown):
        return JSONResponse({"error": str(error)}, 400 if isinstance(error, Refusal) else 404)
    traceback.print_exception(error)
    return JSONResponse({"error": f"this failed here ({type(error).__name__}); the terminal says more"}, 500)


def _shipped() -> list[tuple[str, tuple[bytes, str]]]:
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
